"""Demosaicking: interpolates the two missing colours of each pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.photo.light.cfa import PERIODS, Cfa, color_map, scale_channels
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.types import RawPhoto
from explorer.photo.values import FloatArray

_CONTEXT = 6
"""Rows around a band of an X-Trans mosaic: its filters reach three rows, and the tile has six."""
_MIDDLE, _BEFORE, _AFTER = slice(1, -1), slice(None, -2), slice(2, None)
"""Slices of a band's cells inside their border of one cell, and of the cells before and after them."""


def _reflected(first: int, stop: int, length: int) -> NDArray[np.intp]:
    """Positions first to stop of an axis that is mirrored at both ends without repeating its first and last sample,
    which preserves each colour's position in the cell."""
    if length == 1:
        return np.zeros(stop - first, dtype=np.intp)
    places = np.abs(np.arange(first, stop)) % (2 * length - 2)
    return np.minimum(places, 2 * length - 2 - places)


def _cells(
    mosaic: FloatArray, top: int, bottom: int, factors: tuple[float, float, float], level: float
) -> list[FloatArray]:
    """Returns rows top to bottom as planes R, G (red's row), G (blue's row), B, balanced, with a border of one cell."""
    height, width = mosaic.shape
    inside = top >= 2 and bottom + 2 <= height
    rows = mosaic[top - 2 : bottom + 2] if inside else mosaic[_reflected(top - 2, bottom + 2, height)]
    columns = _reflected(-2, width + 2, width)
    planes = []
    for dy, dx, color in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        plane = np.empty(((bottom - top) // 2 + 2, width // 2 + 2), dtype=np.float32)
        factor = np.float32(factors[color])
        np.multiply(rows[dy::2, dx::2], factor, out=plane[:, 1:-1])
        np.multiply(rows[dy::2, columns[dx]], factor, out=plane[:, 0])
        np.multiply(rows[dy::2, columns[width + 2 + dx]], factor, out=plane[:, -1])
        if level < np.inf:
            np.minimum(plane, np.float32(level), out=plane)
        planes.append(plane)
    return planes


def _at(plane: FloatArray, rows: slice = _MIDDLE, columns: slice = _MIDDLE) -> FloatArray:
    return plane[rows, columns]


def _upright(plane: FloatArray) -> FloatArray:
    return _at(plane, _BEFORE) + _at(plane, _AFTER)


def _sideways(plane: FloatArray) -> FloatArray:
    return _at(plane, _MIDDLE, _BEFORE) + _at(plane, _MIDDLE, _AFTER)


def _at_red_or_blue(
    own: FloatArray, beside: FloatArray, above: FloatArray, opposite: FloatArray, near: slice
) -> tuple[FloatArray, FloatArray]:
    """Interpolates where red or blue is known: green from its four neighbours, the opposite colour from the diagonals.

    Args:
        own: the plane of the known colour.
        beside: green of the same row.
        above: green of the same column.
        opposite: the other colour.
        near: direction, along both axes, of the next cell that also contains neighbours of these pixels.
    """
    f = np.float32
    cross = _upright(own) + _sideways(own)
    known = _at(own)
    green = _at(beside) + _at(beside, _MIDDLE, near)
    green += _at(above)
    green += _at(above, near, _MIDDLE)
    green *= f(0.25)
    green += f(0.5) * known
    green -= f(0.125) * cross
    across = _at(opposite) + _at(opposite, near, _MIDDLE)
    across += _at(opposite, _MIDDLE, near)
    across += _at(opposite, near, near)
    across *= f(0.25)
    across += f(0.75) * known
    across -= f(0.1875) * cross
    return green, across


def _at_green(
    own: FloatArray, other: FloatArray, in_row: FloatArray, in_column: FloatArray, near_rows: slice, near_columns: slice
) -> tuple[FloatArray, FloatArray]:
    """Interpolates where green is known: one colour from two samples in the row, the other from two in the column.

    Args:
        own: the plane of this green.
        other: the other green, on the diagonals.
        in_row: the colour found along the row.
        in_column: the colour found along the column.
        near_rows: direction of the next row of cells that also contains neighbours of these pixels.
        near_columns: the same for columns.
    """
    f = np.float32
    vertical, horizontal = _upright(own), _sideways(own)
    base = _at(other) + _at(other, near_rows)
    base += _at(other, _MIDDLE, near_columns)
    base += _at(other, near_rows, near_columns)
    base *= f(-0.125)
    base += f(0.625) * _at(own)
    row = _at(in_row) + _at(in_row, _MIDDLE, near_columns)
    row *= f(0.5)
    row += base
    row -= f(0.125) * horizontal
    row += f(0.0625) * vertical
    column = _at(in_column) + _at(in_column, near_rows, _MIDDLE)
    column *= f(0.5)
    column += base
    column -= f(0.125) * vertical
    column += f(0.0625) * horizontal
    return row, column


def _bayer_band(
    mosaic: FloatArray, top: int, bottom: int, factors: tuple[float, float, float], level: float
) -> FloatArray:
    """Rows top to bottom, colour by colour: 3 x rows x W.

    Malvar, He & Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images", ICASSP
    2004: bilinear interpolation with a correction by the gradient of the colour that is known.
    """
    red, green1, green2, blue = _cells(mosaic, top, bottom, factors, level)
    band = np.empty((3, bottom - top, mosaic.shape[1]), dtype=np.float32)
    reds, greens, blues = band
    at_red, at_green1 = (slice(0, None, 2), slice(0, None, 2)), (slice(0, None, 2), slice(1, None, 2))
    at_green2, at_blue = (slice(1, None, 2), slice(0, None, 2)), (slice(1, None, 2), slice(1, None, 2))
    reds[at_red], greens[at_green1], greens[at_green2], blues[at_blue] = map(_at, (red, green1, green2, blue))
    # Red has green1 next to it and green2 above and below; for blue it is the other way round.
    greens[at_red], blues[at_red] = _at_red_or_blue(red, green1, green2, blue, _BEFORE)
    greens[at_blue], reds[at_blue] = _at_red_or_blue(blue, green2, green1, red, _AFTER)
    reds[at_green1], blues[at_green1] = _at_green(green1, green2, red, blue, _BEFORE, _AFTER)
    blues[at_green2], reds[at_green2] = _at_green(green2, green1, blue, red, _AFTER, _BEFORE)
    return band


def _normalized_convolution(samples: FloatArray, known: FloatArray, taps: tuple[float, ...]) -> FloatArray:
    """Averages the known samples around each pixel with weights (Knutsson & Westin, CVPR 1993)."""
    from scipy.ndimage import convolve1d

    def blurred(array: FloatArray) -> FloatArray:
        rows = convolve1d(array, taps, axis=0, mode="mirror")
        return convolve1d(rows, taps, axis=1, mode="mirror", output=rows)

    return blurred(samples * known) / blurred(known)


def demosaic_xtrans(mosaic: FloatArray) -> FloatArray:
    """Demosaicks by normalised convolution: green first, then red and blue as differences to it.

    Args:
        mosaic: H x W, canonical X-Trans tile, sides multiples of 6.

    Returns:
        H x W x 3 float32.
    """
    height, width = mosaic.shape
    colors = color_map(height, width, "xtrans")
    samples = np.asarray(mosaic, dtype=np.float32)
    known = (colors == 1).astype(np.float32)
    # Every pixel of the tile has a green one next to it, and a red and a blue one at most two steps away.
    green = np.where(colors == 1, samples, _normalized_convolution(samples, known, (1.0, 2.0, 1.0)))
    image = np.empty((height, width, 3), dtype=np.float32)
    image[..., 1] = green
    difference = samples - green
    for color in (0, 2):
        known = (colors == color).astype(np.float32)
        estimate = green + _normalized_convolution(difference, known, (1.0, 2.0, 3.0, 2.0, 1.0))
        image[..., color] = np.where(colors == color, samples, estimate)
    return image


def _xtrans_band(
    mosaic: FloatArray, top: int, bottom: int, factors: tuple[float, float, float], level: float
) -> FloatArray:
    first, stop = max(0, top - _CONTEXT), min(mosaic.shape[0], bottom + _CONTEXT)
    balanced = scale_channels(mosaic[first:stop], factors, "xtrans")
    if level < np.inf:
        np.minimum(balanced, np.float32(level), out=balanced)
    return np.moveaxis(demosaic_xtrans(balanced)[top - first : bottom - first], 2, 0)


def _plain_band(
    image: FloatArray, top: int, bottom: int, factors: tuple[float, float, float], level: float
) -> FloatArray:
    """Returns rows of a picture that already has all its colours."""
    band = np.moveaxis(image[top:bottom], 2, 0) * np.asarray(factors, dtype=np.float32)[:, None, None]
    return np.minimum(band, np.float32(level), out=band)


def each_band(
    mosaic: FloatArray,
    cfa: Cfa,
    finish: Callable[[int, int, FloatArray], None],
    factors: tuple[float, float, float] = (1.0, 1.0, 1.0),
    level: float = np.inf,
) -> None:
    """Balances, clips and demosaicks a canonical mosaic band by band, on all cores.

    Args:
        mosaic: H x W, or H x W x 3 without a colour-filter array.
        cfa: its colour-filter array.
        finish: called with the first row, the row after the last, and the band, 3 x rows x W, which it may change.
        factors: multiply red, green and blue samples beforehand.
        level: samples are clipped to this level, after the factors.
    """
    height, width = mosaic.shape[:2]
    one = {"bayer": _bayer_band, "xtrans": _xtrans_band, "none": _plain_band}[cfa]
    rows = rows_of_band(width, PERIODS[cfa])
    in_bands(height, rows, lambda top, bottom: finish(top, bottom, one(mosaic, top, bottom, factors, level)))


def each_developed_band(
    raw: RawPhoto, ratio: float, finish: Callable[[slice, Any, FloatArray], None], white: float | None = None
) -> None:
    """`each_band` of an amplified, white-balanced photo.

    Args:
        finish: called with the rows of the picture that a band holds, the index that cuts them out of the band, without
            the inset, and the band itself, 3 x rows x W, which it may change.
        white: clip the colours where the first of them saturates, and at this level; None clips nothing. Without the
            common ceiling, saturated highlights turn magenta, because green, which has the smallest gain, falls behind.
    """
    red, green, blue = (float(gain * ratio) for gain in raw.white_balance.gains)
    level = np.inf if white is None else float(np.float32(min(red, green, blue, white)))
    (above, before), (height, width) = raw.inset[:2], raw.sensor_size

    def cut(top: int, bottom: int, band: FloatArray) -> None:
        first, stop = max(top - above, 0), min(bottom - above, height)
        if first < stop:
            if white is not None:
                np.minimum(band, np.float32(level), out=band)
            inside = slice(first + above - top, stop + above - top), slice(before, before + width)
            finish(slice(first, stop), (slice(None), *inside), band)

    each_band(raw.mosaic, raw.cfa, cut, (red, green, blue), level)


def demosaic(mosaic: FloatArray, cfa: Cfa) -> FloatArray:
    """Demosaicks an H x W canonical mosaic to H x W x 3, by the method for its colour-filter array."""
    image = np.empty((*mosaic.shape[:2], 3), dtype=np.float32)

    def keep(top: int, bottom: int, band: FloatArray) -> None:
        image[top:bottom] = np.moveaxis(band, 0, 2)

    each_band(mosaic, cfa, keep)
    return image
