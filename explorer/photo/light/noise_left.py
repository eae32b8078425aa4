"""Measures a picture's remaining noise, for further development (the DNG tag NoiseProfile)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.photo.parallel import in_bands
from explorer.photo.values import Sliceable

_BLOCK = 16
_MOST_BLOCKS = 1 << 13
_GROUPS = 24
_QUIETEST = 0.25
"""Fraction of the blocks of one brightness that is assumed to be free of texture."""


def noise_profile(samples: Sliceable, white: float = 65535) -> list[tuple[float, float]]:
    """Estimates slope and offset of the variance over the mean, for each channel.

    Blocks of 16 x 16 samples are grouped by their means. In the quietest quarter of each group, the second difference
    across the diagonals, (a - b - c + d) / 2, has the variance of white noise and little of the picture's. Networks
    leave smooth noise, which this underestimates.

    Args:
        samples: H x W x C.
        white: the value of 1.

    Returns:
        (S, O): variance = S x + O for x from 0 to 1, neither negative.
    """
    height, width, channels = samples.shape
    rows, columns = height // _BLOCK, width // _BLOCK
    if rows * columns == 0:
        return [(0.0, 0.0)] * channels
    # Whole rows of blocks, because the samples of whole rows are made.
    tops = range(0, rows, max(1, round(rows * columns / _MOST_BLOCKS)))
    found = np.empty((2, channels, len(tops), columns), dtype=np.float32)

    def measure(first: int, stop: int) -> None:
        for row in range(first, stop):
            top = tops[row] * _BLOCK
            strip = samples[slice(top, top + _BLOCK), slice(0, columns * _BLOCK)]
            blocks = strip.reshape(_BLOCK, columns, _BLOCK, channels)
            values = np.ascontiguousarray(blocks.transpose(3, 1, 0, 2), dtype=np.float32)
            values /= np.float32(white)
            across = (values[..., :-1, :-1] - values[..., :-1, 1:] - values[..., 1:, :-1] + values[..., 1:, 1:]) / 2
            found[:, :, row] = values.mean(axis=(2, 3)), np.square(across).mean(axis=(2, 3))

    in_bands(len(tops), 1, measure)
    return [_line(*found[:, channel].reshape(2, -1)) for channel in range(channels)]


def _line(means: NDArray[np.float32], variances: NDArray[np.float32]) -> tuple[float, float]:
    """Fits a line to the quiet blocks of each brightness, by least squares, neither slope nor offset negative."""
    from scipy.optimize import nnls

    order = np.argsort(means)
    points = []
    for group in np.array_split(order, min(_GROUPS, len(order))):
        quiet = np.quantile(variances[group], _QUIETEST)
        points.append((float(means[group].mean()), float(quiet)))
    x, y = np.array(points).T
    scale = float(y.max()) or 1.0
    (slope, offset), _ = nnls(np.stack([x, np.ones_like(x)], axis=1), y / scale)
    return float(slope * scale), float(offset * scale)
