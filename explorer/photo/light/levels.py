"""Black and white levels: convert a sensor's counts to linear light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.values import FloatArray

_REPEAT, _LEVEL, _DELTA_H, _DELTA_V = 50713, 50714, 50715, 50716
_LARGEST_CELL = 64
"""Most rows and columns of a cell of black levels; cameras have up to 6."""


@dataclass(frozen=True, eq=False)
class BlackLevel:
    """Sensor counts without light, starting at the first visible pixel."""

    cell: NDArray[np.float64]
    """h x w, repeated over the sensor; h x w x 3 if every pixel has three colours."""
    rows: NDArray[np.float64] | None = None
    """Offset of each visible row; None for none."""
    columns: NDArray[np.float64] | None = None

    def plane(self, index: int) -> BlackLevel:
        """Returns the level of one of three colours."""
        return BlackLevel(self.cell[..., index], self.rows, self.columns)

    def limits(self) -> tuple[float, float]:
        """Returns the lowest and the highest level of the sensor."""
        height, width = self.cell.shape[:2]
        rows = np.zeros(height) if self.rows is None else self.rows
        columns = np.zeros(width) if self.columns is None else self.columns
        found = []
        for y in range(min(height, len(rows))):
            for x in range(min(width, len(columns))):
                here, row, column = self.cell[y, x], rows[y::height], columns[x::width]
                found += [here.min() + row.min() + column.min(), here.max() + row.max() + column.max()]
        return float(min(found)), float(max(found))

    def of_places(self, places: NDArray[np.integer], count: int) -> tuple[float, ...]:
        """Returns the mean level of each colour; one number if it is the same for all.

        Args:
            places: period x period, the index of the colour at each position.
            count: number of colours.
        """
        more = sum(0.0 if deltas is None else float(deltas.mean()) for deltas in (self.rows, self.columns))
        sides = [int(np.lcm(a, b)) for a, b in zip(self.cell.shape, places.shape, strict=True)]
        cell, colors = (np.tile(each, [n // m for n, m in zip(sides, each.shape, strict=True)])
                        for each in (self.cell, places))  # fmt: skip
        means = [round(float(cell[colors == color].mean()) + more, 3) for color in range(count)]
        return (means[0],) if len(set(means)) == 1 else tuple(means)


def tile_levels(colors: NDArray[np.uint8], black: tuple[float, ...]) -> NDArray[np.float64]:
    """Returns the black level at each position of the tile; `colors` selects the level of each position."""
    return np.array(black, dtype=np.float64)[colors] if len(black) > 1 else np.full(colors.shape, float(black[0]))


def dng_black_level(tags: Mapping[int, Any], height: int, width: int, samples: int) -> BlackLevel | None:
    """Reads a DNG's black level (DNG specification 1.7, BlackLevel and the tags after it); None if it is unusable.

    Args:
        tags: of the raw picture's directory, numbers as floats.
        height, width: of the active area.
        samples: 1, or 3 if every pixel has three colours.
    """
    given = np.asarray(tags.get(_LEVEL, ()), dtype=np.float64).ravel()
    rows, columns = (int(n) for n in np.ravel(tags.get(_REPEAT, (1, 1)))[:2])
    if not (0 < rows <= _LARGEST_CELL and 0 < columns <= _LARGEST_CELL) or not np.isfinite(given).all():
        return None
    if given.size == rows * columns:
        cell = given.reshape(rows, columns, 1).repeat(samples, axis=2)
    elif given.size == rows * columns * samples:
        cell = given.reshape(rows, columns, samples)
    else:
        return None
    return BlackLevel(
        cell[..., 0] if samples == 1 else cell, _deltas(tags.get(_DELTA_V), height), _deltas(tags.get(_DELTA_H), width)
    )


def _deltas(given: Any, length: int) -> NDArray[np.float64] | None:
    deltas = np.asarray(() if given is None else given, dtype=np.float64).ravel()
    return deltas if deltas.size == length and np.isfinite(deltas).all() and deltas.any() else None


def normalized_mosaic(samples: NDArray[np.uint16], black: BlackLevel, white: float) -> FloatArray:
    """Converts counts to linear light, 1 at saturation: (samples - black) / (white - the highest black).

    The black level of each sample's position is subtracted, then all samples have the same divisor (DNG specification
    1.7, chapter 5, "Mapping Raw Values to Linear Reference Values"): with separate divisors, colours would differ by
    the black levels of their filters.

    Args:
        samples: H x W sensor counts.
        black: its cell is repeated over the samples.
        white: sensor counts at saturation.
    """
    height, width = samples.shape
    rows, columns, period = black.rows, black.columns, black.cell.shape[0]
    mosaic = np.empty((height, width), dtype=np.float32)
    # One row of the cell at a time, so that the innermost loop runs over whole rows of memory.
    lines = np.tile(black.cell, (1, -(-width // black.cell.shape[1])))[:, :width].astype(np.float32)
    gain = np.float32(1 / (white - black.limits()[1]))
    uniform = len(np.unique(black.cell)) == 1

    def work(top: int, bottom: int) -> None:
        band = mosaic[top:bottom]
        np.copyto(band, samples[top:bottom])  # a separate cast is several times as fast as a subtraction that casts
        if rows is not None:
            band -= rows[top:bottom, None].astype(np.float32)
        if columns is not None:
            band -= columns.astype(np.float32)
        if uniform:
            band -= lines[0, 0]
        else:
            for dy in range(period):
                band[dy::period] -= lines[dy]
        band *= gain

    in_bands(height, rows_of_band(width, period), work)
    return mosaic


def normalized(samples: NDArray[np.uint16], black: BlackLevel, white: float) -> FloatArray:
    """Converts H x W or H x W x 3 counts to linear light as `normalized_mosaic`; three planes have three divisors."""
    if samples.ndim == 2:
        return normalized_mosaic(samples, black, white)
    image = np.empty(samples.shape, dtype=np.float32)
    for index in range(samples.shape[2]):
        image[..., index] = normalized_mosaic(samples[..., index], black.plane(index), white)
    return image
