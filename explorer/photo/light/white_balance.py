"""White balance: gains that make a neutral surface neutral."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import WhiteBalanceError
from explorer.messages import say
from explorer.photo.light.cfa import PERIODS, TILES, Cfa, color_map
from explorer.photo.light.curves import linear_to_srgb, srgb_to_linear
from explorer.photo.validation import finite_number, shown
from explorer.photo.values import FloatArray, Gains, WhiteBalance, WhiteBalanceChoice

AS_RENDERED = WhiteBalance((1.0, 1.0, 1.0), say("source.as_rendered"))
"""White balance of a developed picture as opened."""
_SATURATED = 0.95
"""Fraction of the white level from which a sample counts as clipped (some sensors end a little below it)."""
_WHITE = 0.99
"""The same for a developed picture."""
_LARGEST_GAIN = 16.0
"""Largest ratio of the red or blue gain to green, or of green to it; lamps and cameras in use lie between 1/2 and 5."""


def usable_gains(values: Sequence[float] | NDArray[np.floating] | None) -> Gains | None:
    """Normalises red, green and blue gains to green 1; None if they are absent or implausible.

    Args:
        values: at least three numbers. Zeros, negative numbers, NaN and gains beyond 16:1 are implausible.
    """
    if values is None:
        return None
    array = np.asarray(values, dtype=np.float64).ravel()[:3]
    if array.size < 3 or not np.isfinite(array).all() or (array <= 0).any():
        return None
    red, blue = float(array[0] / array[1]), float(array[2] / array[1])
    if not all(1 / _LARGEST_GAIN <= gain <= _LARGEST_GAIN for gain in (red, blue)):
        return None
    return red, 1.0, blue


def _gains_of_means(means: NDArray[np.floating], code: str, **fields: object) -> Gains:
    gains = usable_gains(1 / means) if (means > 0).all() else None
    if gains is None:
        raise WhiteBalanceError(code=code, **fields)
    return gains


def _tile_means(mosaic: FloatArray, cfa: Cfa) -> tuple[FloatArray, FloatArray]:
    """Returns mean red, green and blue (3 x h x w) and the brightest sample (h x w) of each whole tile."""
    if cfa == "none":
        return np.moveaxis(mosaic, 2, 0), mosaic.max(axis=2)
    tile = TILES[cfa]
    period = tile.shape[0]
    sums = np.zeros((3, mosaic.shape[0] // period, mosaic.shape[1] // period), dtype=np.float32)
    brightest = np.full(sums.shape[1:], -np.inf, dtype=np.float32)
    for dy in range(period):
        for dx in range(period):
            samples = mosaic[dy::period, dx::period]
            sums[tile[dy, dx]] += samples
            np.maximum(brightest, samples, out=brightest)
    sums /= np.bincount(tile.ravel(), minlength=3).astype(np.float32)[:, None, None]
    return sums, brightest


def grey_world(mosaic: FloatArray, cfa: Cfa) -> Gains:
    """Computes gains that make the mean colour of a mosaic neutral (Buchsbaum, J. Franklin Institute 310, 1980).

    Averages over whole tiles of the colour-filter array. Skips tiles with a sample near saturation, and tiles whose
    mean does not exceed the noise, which is measured on the values below the black level.

    Raises:
        WhiteBalanceError: too little light, or everything saturated.
    """
    period = PERIODS[cfa]
    means, brightest = _tile_means(mosaic, cfa)
    negative = mosaic[mosaic < 0]
    # Read noise is symmetric about the black level, so its lower half is enough to measure it.
    noise = float(np.sqrt(np.mean(np.square(negative, dtype=np.float64)))) if negative.size else 0.0
    unclipped = brightest < _SATURATED
    lit = unclipped & (means.mean(axis=0) > 2 * noise / period)
    chosen = lit if lit.sum() >= 0.01 * lit.size else unclipped
    if not chosen.any():
        raise WhiteBalanceError(code="error.saturated")
    return _gains_of_means(
        means[:, chosen].mean(axis=1, dtype=np.float64), "error.low_channel", what=say("error.the_picture")
    )


def _grey_world_rgb(image: FloatArray) -> Gains:
    brightest = image.max(axis=2)
    chosen = (brightest < _WHITE) & (brightest > 2 / 255)
    if not chosen.any():
        raise WhiteBalanceError(
            "The picture is all black or all white, so its mean colour is meaningless; give the gains."
        )
    means = srgb_to_linear(image[chosen]).mean(axis=0, dtype=np.float64)
    return _gains_of_means(means, "error.low_channel", what=say("error.the_picture"))


def given_gains(choice: Any) -> Gains:
    """Normalises red, green and blue gains, any sequence of three numbers, to green 1.

    Raises:
        WhiteBalanceError: not three positive numbers, or gains beyond 16:1.
    """
    try:
        values = [] if isinstance(choice, str | bytes) else [float(value) for value in choice]
    except (TypeError, ValueError, OverflowError):
        values = []
    gains = usable_gains(values) if len(values) == 3 else None
    if gains is None:
        raise WhiteBalanceError(
            f"The white balance {shown(choice)} cannot be used; give as_shot, daylight, grey_world or three positive "
            "gains (red, green, blue)."
        )
    return gains


def raw_balance(
    choice: WhiteBalanceChoice, mosaic: FloatArray, cfa: Cfa, as_shot: Gains | None, daylight: Gains | None, name: str
) -> WhiteBalance:
    """Computes a RAW photo's white balance; arguments as in `RawPhoto`, raises as `RawPhoto.with_white_balance`."""
    if not isinstance(choice, str):  # an array would be compared to the names element by element
        return WhiteBalance(given_gains(choice), "given gains")
    if choice == "as_shot":
        if as_shot is None:
            raise WhiteBalanceError(code="error.no_as_shot", photo=name)
        return WhiteBalance(as_shot, "as shot")
    if choice == "daylight":
        if daylight is None:
            raise WhiteBalanceError(code="error.no_daylight", photo=name)
        return WhiteBalance(daylight, "daylight")
    if choice == "grey_world":
        return WhiteBalance(grey_world(mosaic, cfa), "grey world")
    return WhiteBalance(given_gains(choice), "given gains")


def picture_balance(choice: WhiteBalanceChoice, opened: FloatArray, name: str) -> WhiteBalance:
    """Computes the white balance of a developed picture as opened; raises as `RgbPhoto.with_white_balance`."""
    if not isinstance(choice, str):
        return WhiteBalance(given_gains(choice), "given gains")
    if choice == "as_shot":
        return AS_RENDERED
    if choice == "daylight":
        raise WhiteBalanceError(
            f"{name} is a developed picture, whose daylight gains are not known; choose as_shot or grey_world."
        )
    if choice == "grey_world":
        return WhiteBalance(_grey_world_rgb(opened), "grey world")
    return WhiteBalance(given_gains(choice), "given gains")


def with_gains(opened: FloatArray, gains: Gains) -> FloatArray:
    """Applies gains to a developed picture in linear light, clipped at white; gains of 1 return the picture itself."""
    if gains == AS_RENDERED.gains:
        return opened
    linear = srgb_to_linear(opened) * np.asarray(gains, dtype=np.float32)
    return linear_to_srgb(np.clip(linear, 0, 1, out=linear))


def _window(center: float, size: int, length: int, period: int) -> tuple[int, int]:
    """First and last + 1 of a range of whole tiles around a centre, inside the picture."""
    first = max(0, round(center - size / 2)) // period * period
    last = min(length, -(-(first + max(size, period)) // period) * period)
    return min(first, max(0, last - period)), last


def checked_patch(x: float, y: float, side: float, size: tuple[int, int]) -> tuple[float, float, int]:
    """Checks the centre and the side of a patch in a picture of this size (width, height).

    Raises:
        WhiteBalanceError: not numbers, the centre lies outside the picture, or the side is below 1.
    """
    width, height = size
    column, row, whole = finite_number(x), finite_number(y), finite_number(side)
    if column is None or row is None:
        raise WhiteBalanceError(
            f"The neutral point ({shown(x)}, {shown(y)}) cannot be used; give its column and row as numbers of pixels."
        )
    if not (0 <= column < width and 0 <= row < height):
        raise WhiteBalanceError(code="error.point_outside", x=f"{column:g}", y=f"{row:g}", width=width, height=height)
    if whole is None or whole < 1:
        raise WhiteBalanceError(
            f"A neutral patch cannot have a side of {shown(side)} pixels; give a number of at least 1."
        )
    return column, row, round(whole)


def raw_patch_balance(
    mosaic: FloatArray, cfa: Cfa, row: float, column: float, size: int, where: tuple[float, float]
) -> WhiteBalance:
    """Computes the white balance that makes a patch of a mosaic neutral.

    Args:
        row, column: of the patch's centre in the mosaic.
        where: x and y as the user gave them.

    Raises:
        WhiteBalanceError: the patch is clipped or has no light.
    """
    top, bottom = _window(row, size, mosaic.shape[0], PERIODS[cfa])
    left, right = _window(column, size, mosaic.shape[1], PERIODS[cfa])
    samples = mosaic[top:bottom, left:right]
    if cfa == "none":
        return _patch_balance(list(samples.reshape(-1, 3).T), _SATURATED, where)
    colors = color_map(samples.shape[0], samples.shape[1], cfa)
    return _patch_balance([samples[colors == color] for color in range(3)], _SATURATED, where)


def picture_patch_balance(opened: FloatArray, x: float, y: float, size: int) -> WhiteBalance:
    """Computes the white balance that makes a patch of a developed picture neutral; raises as `raw_patch_balance`."""
    top, bottom = _window(y, size, opened.shape[0], 1)
    left, right = _window(x, size, opened.shape[1], 1)
    channels = srgb_to_linear(opened[top:bottom, left:right]).reshape(-1, 3).T
    return _patch_balance(list(channels), _WHITE, (x, y))


def _patch_balance(channels: list[FloatArray], clipped: float, where: tuple[float, float]) -> WhiteBalance:
    place = {"x": f"{where[0]:g}", "y": f"{where[1]:g}"}
    if any((channel >= clipped).mean() > 0.05 for channel in channels):
        raise WhiteBalanceError(code="error.patch_clipped", **place)
    means = np.array([channel.mean(dtype=np.float64) for channel in channels])
    errors = np.array([channel.std() / math.sqrt(channel.size) for channel in channels])
    if (means <= 2 * errors * (len(channels[0]) > 1)).any():
        raise WhiteBalanceError(code="error.patch_dark", **place)
    gains = _gains_of_means(means, "error.patch_low_channel", **place)
    return WhiteBalance(gains, say("source.neutral_point", **place))
