"""Demosaicking: the two missing colours of each pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from explorer.photo.bands import in_bands, rows_of_band
from explorer.photo.cfa import PERIODS, Cfa, color_map, scale_channels
from explorer.photo.types import FloatArray

_CONTEXT = 6
"""Rows around a band of an X-Trans mosaic: its filters reach three rows, and the tile has six."""


def _reflected(first: int, stop: int, length: int) -> NDArray[np.intp]:
    """Places first to stop of an axis that is mirrored at both ends without repeating its first and last sample, which
    keeps every colour in its place of the cell."""
    if length == 1:
        return np.zeros(stop - first, dtype=np.intp)
    places = np.abs(np.arange(first, stop)) % (2 * length - 2)
    return np.minimum(places, 2 * length - 2 - places)


def _cells(
    mosaic: FloatArray, top: int, bottom: int, factors: tuple[float, float, float], level: float
) -> list[FloatArray]:
    """Rows top to bottom as planes R, G (red's row), G (blue's row), B, balanced, with a border of one cell."""
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


def _bayer_band(
    mosaic: FloatArray, top: int, bottom: int, factors: tuple[float, float, float], level: float
) -> FloatArray:
    """Malvar, He and Cutler on rows top to bottom, colour by colour: 3 x rows x W."""
    red, green1, green2, blue = _cells(mosaic, top, bottom, factors, level)
    band = np.empty((3, bottom - top, mosaic.shape[1]), dtype=np.float32)
    middle, before, after = slice(1, -1), slice(None, -2), slice(2, None)
    f = np.float32

    def at(plane: FloatArray, rows: slice = middle, columns: slice = middle) -> FloatArray:
        return plane[rows, columns]

    def upright(plane: FloatArray) -> FloatArray:
        return at(plane, before) + at(plane, after)

    def sideways(plane: FloatArray) -> FloatArray:
        return at(plane, middle, before) + at(plane, middle, after)

    # Where red or blue is known: green from the four beside it, the opposite colour from the four diagonals.
    for own, beside, above, opposite, near, place in (
        (red, (middle, before), (before, middle), blue, before, (0, 0)),
        (blue, (middle, after), (after, middle), red, after, (1, 1)),
    ):
        # Red's row has green1 beside it and green2 above and below; blue's row the other way round.
        flat, steep = (green1, green2) if place == (0, 0) else (green2, green1)
        cross = upright(own) + sideways(own)
        known = at(own)
        green = at(flat) + at(flat, *beside)
        green += at(steep)
        green += at(steep, *above)
        green *= f(0.25)
        green += f(0.5) * known
        green -= f(0.125) * cross
        across = at(opposite) + at(opposite, near, middle)
        across += at(opposite, middle, near)
        across += at(opposite, near, near)
        across *= f(0.25)
        across += f(0.75) * known
        across -= f(0.1875) * cross
        cell = slice(place[0], None, 2), slice(place[1], None, 2)
        band[0 if place == (0, 0) else 2][cell] = known
        band[1][cell] = green
        band[2 if place == (0, 0) else 0][cell] = across
    # Where green is known: one colour lies along the row, the other along the column.
    for own, other, near_rows, near_columns, along_row, along_column, place in (
        (green1, green2, before, after, (red, after), (blue, before), (0, 1)),
        (green2, green1, after, before, (blue, before), (red, after), (1, 0)),
    ):
        known = at(own)
        vertical, horizontal = upright(own), sideways(own)
        base = at(other) + at(other, near_rows)
        base += at(other, middle, near_columns)
        base += at(other, near_rows, near_columns)
        base *= f(-0.125)
        base += f(0.625) * known
        row = at(along_row[0]) + at(along_row[0], middle, along_row[1])
        row *= f(0.5)
        row += base
        row -= f(0.125) * horizontal
        row += f(0.0625) * vertical
        column = at(along_column[0]) + at(along_column[0], along_column[1], middle)
        column *= f(0.5)
        column += base
        column -= f(0.125) * vertical
        column += f(0.0625) * horizontal
        cell = slice(place[0], None, 2), slice(place[1], None, 2)
        band[0 if place == (0, 1) else 2][cell] = row
        band[1][cell] = known
        band[2 if place == (0, 1) else 0][cell] = column
    return band


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
    """Rows of a picture that has all its colours."""
    band = np.moveaxis(image[top:bottom], 2, 0) * np.asarray(factors, dtype=np.float32)[:, None, None]
    return np.minimum(band, np.float32(level), out=band)


def each_band(
    mosaic: FloatArray,
    cfa: Cfa,
    finish: Callable[[int, int, FloatArray], None],
    factors: tuple[float, float, float] = (1.0, 1.0, 1.0),
    level: float = np.inf,
) -> None:
    """Balances, limits and demosaicks a canonical mosaic band by band, on all cores.

    Args:
        mosaic: H x W, or H x W x 3 without a colour-filter array.
        cfa: its colour-filter array.
        finish: called with the first row, the row after the last and the band, 3 x rows x W, which it may change.
        factors: multiply red, green and blue samples beforehand.
        level: samples above it are brought to it, after the factors.
    """
    height, width = mosaic.shape[:2]
    one = {"bayer": _bayer_band, "xtrans": _xtrans_band, "none": _plain_band}[cfa]
    rows = rows_of_band(width, PERIODS[cfa])
    in_bands(height, rows, lambda top, bottom: finish(top, bottom, one(mosaic, top, bottom, factors, level)))


def demosaic_bayer(mosaic: FloatArray) -> FloatArray:
    """Malvar, He & Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images",
    ICASSP 2004: bilinear interpolation with a correction by the gradient of the colour that is known.

    Args:
        mosaic: H x W, R G / G B, even sides.

    Returns:
        H x W x 3 float32.
    """
    return demosaic(mosaic, "bayer")


def demosaic(mosaic: FloatArray, cfa: Cfa) -> FloatArray:
    """H x W canonical mosaic -> H x W x 3, by the method for its colour-filter array."""
    image = np.empty((*mosaic.shape[:2], 3), dtype=np.float32)

    def keep(top: int, bottom: int, band: FloatArray) -> None:
        image[top:bottom] = np.moveaxis(band, 0, 2)

    each_band(mosaic, cfa, keep)
    return image
