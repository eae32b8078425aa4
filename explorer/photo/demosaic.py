"""Demosaicking: the two missing colours of each pixel."""

from __future__ import annotations

import numpy as np

from explorer.photo.cfa import Cfa, color_map
from explorer.photo.types import FloatArray

_Taps = tuple[tuple[int, int, float], ...]
"""(rows down, columns right, weight in eighths)."""

_CROSS_1 = ((-1, 0), (1, 0), (0, -1), (0, 1))
_CROSS_2 = ((-2, 0), (2, 0), (0, -2), (0, 2))
_DIAGONALS = ((-1, -1), (-1, 1), (1, -1), (1, 1))

_GREEN: _Taps = ((0, 0, 4), *((y, x, 2) for y, x in _CROSS_1), *((y, x, -1) for y, x in _CROSS_2))
_ALONG_ROW: _Taps = (
    (0, 0, 5), (0, -1, 4), (0, 1, 4), *((y, x, -1) for y, x in _DIAGONALS),
    (0, -2, -1), (0, 2, -1), (-2, 0, 0.5), (2, 0, 0.5),
)  # fmt: skip
_ALONG_COLUMN: _Taps = tuple((x, y, weight) for y, x, weight in _ALONG_ROW)
_OPPOSITE: _Taps = ((0, 0, 6), *((y, x, 2) for y, x in _DIAGONALS), *((y, x, -1.5) for y, x in _CROSS_2))


def _filtered(padded: FloatArray, top: int, left: int, shape: tuple[int, int], taps: _Taps) -> FloatArray:
    """The weighted sum around every second pixel, beginning at (top, left) of the mosaic inside a border of 2."""
    height, width = shape
    total = np.zeros((height // 2, width // 2), dtype=np.float32)
    for dy, dx, weight in taps:
        y, x = 2 + top + dy, 2 + left + dx
        total += np.float32(weight / 8) * padded[y : y + height : 2, x : x + width : 2][: height // 2, : width // 2]
    return total


def demosaic_bayer(mosaic: FloatArray) -> FloatArray:
    """Malvar, He & Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images",
    ICASSP 2004: bilinear interpolation with a correction by the gradient of the colour that is known.

    Args:
        mosaic: H x W, R G / G B, even sides.

    Returns:
        H x W x 3 float32.
    """
    shape = mosaic.shape
    # Mirroring without the edge keeps every colour in its place of the cell.
    padded = np.pad(mosaic, 2, mode="reflect")
    image = np.empty((*shape, 3), dtype=np.float32)
    red, blue = (0, 0), (1, 1)
    for color, own, other in ((0, red, blue), (2, blue, red)):
        top, left = own
        image[top::2, left::2, color] = mosaic[top::2, left::2]
        image[top::2, left::2, 1] = _filtered(padded, top, left, shape, _GREEN)
        image[other[0] :: 2, other[1] :: 2, color] = _filtered(padded, *other, shape, _OPPOSITE)
        image[top::2, 1 - left :: 2, color] = _filtered(padded, top, 1 - left, shape, _ALONG_ROW)
        image[1 - top :: 2, left::2, color] = _filtered(padded, 1 - top, left, shape, _ALONG_COLUMN)
    image[0::2, 1::2, 1] = mosaic[0::2, 1::2]
    image[1::2, 0::2, 1] = mosaic[1::2, 0::2]
    return image


def _normalized_convolution(samples: FloatArray, known: FloatArray, taps: tuple[float, ...]) -> FloatArray:
    """The weighted mean of the known samples around each pixel (Knutsson & Westin, CVPR 1993)."""
    from scipy.ndimage import convolve1d

    def blurred(array: FloatArray) -> FloatArray:
        rows = convolve1d(array, taps, axis=0, mode="mirror")
        return convolve1d(rows, taps, axis=1, mode="mirror", output=rows)

    return blurred(samples * known) / blurred(known)


def demosaic_xtrans(mosaic: FloatArray) -> FloatArray:
    """Normalised convolution: green first, then red and blue as differences to it.

    Args:
        mosaic: H x W, canonical X-Trans tile, sides multiples of 6.

    Returns:
        H x W x 3 float32.
    """
    height, width = mosaic.shape
    colors = color_map(height, width, "xtrans")
    samples = np.asarray(mosaic, dtype=np.float32)
    known = (colors == 1).astype(np.float32)
    # Every pixel of the tile has a green one beside it, and a red and a blue one at most two steps away.
    green = np.where(colors == 1, samples, _normalized_convolution(samples, known, (1.0, 2.0, 1.0)))
    image = np.empty((height, width, 3), dtype=np.float32)
    image[..., 1] = green
    difference = samples - green
    for color in (0, 2):
        known = (colors == color).astype(np.float32)
        estimate = green + _normalized_convolution(difference, known, (1.0, 2.0, 3.0, 2.0, 1.0))
        image[..., color] = np.where(colors == color, samples, estimate)
    return image


def demosaic(mosaic: FloatArray, cfa: Cfa) -> FloatArray:
    """H x W canonical mosaic -> H x W x 3, by the method for its colour-filter array."""
    return demosaic_bayer(mosaic) if cfa == "bayer" else demosaic_xtrans(mosaic)
