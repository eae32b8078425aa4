"""Black and white level: a sensor's counts to linear light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.photo.bands import in_bands, rows_of_band
from explorer.photo.types import FloatArray


def tile_levels(colors: NDArray[np.uint8], black: tuple[float, ...]) -> NDArray[np.float64]:
    """The black level under each place of the tile; `colors` says which of the levels belongs to a place."""
    return np.array(black, dtype=np.float64)[colors] if len(black) > 1 else np.full(colors.shape, float(black[0]))


def normalized_mosaic(samples: NDArray[np.uint16], levels: NDArray[np.float64], white: float) -> FloatArray:
    """(samples - black) / (white - black) by the place in the tile.

    Args:
        samples: H x W sensor counts.
        levels: period x period, from `tile_levels`.
        white: sensor counts at saturation.
    """
    height, width = samples.shape
    period = levels.shape[0]
    mosaic = np.empty((height, width), dtype=np.float32)
    # One row of the tile at a time, so that the innermost loop runs along whole rows of memory.
    tiled = np.tile(levels, (1, -(-width // period)))[:, :width]
    lines, gains = tiled.astype(np.float32), (1 / (white - tiled)).astype(np.float32)
    uniform = len(np.unique(levels)) == 1

    def work(top: int, bottom: int) -> None:
        band = mosaic[top:bottom]
        np.copyto(band, samples[top:bottom])  # a cast alone is several times as fast as a subtraction that casts
        if uniform:
            band -= lines[0, 0]
            band *= gains[0, 0]
            return
        for dy in range(period):
            band[dy::period] -= lines[dy]
            band[dy::period] *= gains[dy]

    in_bands(height, rows_of_band(width, period), work)
    return mosaic
