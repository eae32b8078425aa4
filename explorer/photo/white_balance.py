"""White balance: which gains make a neutral surface neutral."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer.errors import WhiteBalanceError
from explorer.messages import say
from explorer.photo.cfa import PERIODS, TILES, Cfa, color_map
from explorer.photo.numbers import finite_number, shown
from explorer.photo.types import FloatArray, Gains, RawPhoto, RgbPhoto, WhiteBalance, WhiteBalanceChoice

AnyPhoto = TypeVar("AnyPhoto", RawPhoto, RgbPhoto)

_SATURATED = 0.95
"""Share of the white level from which a sample is taken as clipped (some sensors end a little below it)."""
_LARGEST_GAIN = 16.0
"""Red or blue against green; lamps and cameras in use lie between 1/2 and 5."""


def usable_gains(values: Sequence[float] | NDArray[np.floating] | None) -> Gains | None:
    """Red, green, blue gains normalised to green 1, or None where they are absent or nonsense.

    Args:
        values: at least three numbers. Zeros, negative numbers, NaN and gains beyond 16:1 are nonsense.
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
    """Mean red, green and blue (3 x h x w) and the brightest sample (h x w) of each whole tile."""
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
    """Gains that make the mean colour of a mosaic neutral (Buchsbaum, J. Franklin Institute 310, 1980).

    Means are taken over whole tiles of the colour-filter array. Tiles with a sample near saturation are left out,
    and so are those whose mean does not stand out of the noise, which is measured on the values below the black level.

    Raises:
        WhiteBalanceError: too little light, or everything saturated.
    """
    period = PERIODS[cfa]
    means, brightest = _tile_means(mosaic, cfa)
    negative = mosaic[mosaic < 0]
    # Read noise is symmetric about the black level, so its lower half alone tells its size.
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
    from explorer.photo.develop import srgb_to_linear

    brightest = image.max(axis=2)
    chosen = (brightest < 0.99) & (brightest > 2 / 255)
    if not chosen.any():
        raise WhiteBalanceError(
            "The picture is all black or all white, so its mean colour says nothing; give the gains."
        )
    means = srgb_to_linear(image[chosen]).mean(axis=0, dtype=np.float64)
    return _gains_of_means(means, "error.low_channel", what=say("error.the_picture"))


def given_gains(choice: Any) -> Gains:
    """Red, green, blue gains normalised to green 1, from any sequence of three numbers.

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


def _raw_balance(photo: RawPhoto, choice: WhiteBalanceChoice) -> WhiteBalance:
    if choice == "as_shot":
        if photo.as_shot is None:
            raise WhiteBalanceError(code="error.no_as_shot", photo=photo.name)
        return WhiteBalance(photo.as_shot, "as shot")
    if choice == "daylight":
        if photo.daylight is None:
            raise WhiteBalanceError(code="error.no_daylight", photo=photo.name)
        return WhiteBalance(photo.daylight, "daylight")
    if choice == "grey_world":
        return WhiteBalance(grey_world(photo.mosaic, photo.cfa), "grey world")
    return WhiteBalance(given_gains(choice), "given gains")


def _rgb_balance(photo: RgbPhoto, choice: WhiteBalanceChoice) -> WhiteBalance:
    if choice == "as_shot":
        return WhiteBalance((1.0, 1.0, 1.0), say("source.as_rendered"))
    if choice == "daylight":
        raise WhiteBalanceError(
            f"{photo.name} is a developed picture, whose daylight gains are not known; choose as_shot or grey_world."
        )
    if choice == "grey_world":
        image = photo.image if photo.as_opened is None else photo.as_opened
        return WhiteBalance(_grey_world_rgb(image), "grey world")
    return WhiteBalance(given_gains(choice), "given gains")


def _with_balance(photo: AnyPhoto, balance: WhiteBalance) -> AnyPhoto:
    if isinstance(photo, RawPhoto):
        return photo if photo.monochrome else replace(photo, white_balance=balance)
    from explorer.photo.develop import linear_to_srgb, srgb_to_linear

    opened = photo.image if photo.as_opened is None else photo.as_opened
    if balance.gains == (1.0, 1.0, 1.0):
        return replace(photo, image=opened, white_balance=balance, as_opened=None)
    linear = srgb_to_linear(opened) * np.asarray(balance.gains, dtype=np.float32)
    image = linear_to_srgb(np.clip(linear, 0, 1, out=linear))
    return replace(photo, image=image, white_balance=balance, as_opened=opened)


def with_white_balance(photo: AnyPhoto, choice: WhiteBalanceChoice) -> AnyPhoto:
    """A new photo with another white balance.

    Args:
        photo: not changed.
        choice: "as_shot" (for a developed picture: as it was opened), "daylight" (RAW only), "grey_world", or red,
            green and blue gains, normalised to green 1. They act in linear light, for a developed picture too. A photo
            of a monochrome sensor has none and stays as it is.

    Raises:
        WhiteBalanceError: gains that are not known, not positive or beyond 16:1, or a picture without usable light.
    """
    if isinstance(photo, RawPhoto) and photo.monochrome:
        return photo
    if not isinstance(choice, str):  # an array would be compared with the names element by element
        return _with_balance(photo, WhiteBalance(given_gains(choice), "given gains"))
    if isinstance(photo, RawPhoto):
        return _with_balance(photo, _raw_balance(photo, choice))
    return _with_balance(photo, _rgb_balance(photo, choice))


def _to_sensor(x: float, y: float, photo: RawPhoto) -> tuple[float, float]:
    """A point of the upright picture as (row, column) of the mosaic."""
    height, width = photo.sensor_size
    row, column = {0: (y, x), 90: (x, width - 1 - y), 180: (height - 1 - y, width - 1 - x), 270: (height - 1 - x, y)}[
        photo.rotation
    ]
    return photo.inset[0] + row, photo.inset[1] + (width - 1 - column if photo.mirrored else column)


def _window(center: float, size: int, length: int, period: int) -> tuple[int, int]:
    """First and last + 1 of a run of whole tiles around a centre, inside the picture."""
    first = max(0, round(center - size / 2)) // period * period
    last = min(length, -(-(first + max(size, period)) // period) * period)
    return min(first, max(0, last - period)), last


def with_neutral_point(photo: AnyPhoto, x: float, y: float, size: int = 16) -> AnyPhoto:
    """A new photo whose white balance makes a patch neutral.

    Args:
        photo: not changed.
        x: column of the patch's centre in the upright picture, in pixels from the left.
        y: row, in pixels from the top.
        size: side of the patch in pixels; it is cut at the picture's border and rounded to whole colour-filter tiles.

    Raises:
        WhiteBalanceError: not numbers, the point lies outside the picture, the size is below 1, or the patch is clipped
            or holds no light.
    """
    width, height = photo.size
    column_given, row_given, side = finite_number(x), finite_number(y), finite_number(size)
    if column_given is None or row_given is None:
        raise WhiteBalanceError(
            f"The neutral point ({shown(x)}, {shown(y)}) cannot be used; give its column and row as numbers of pixels."
        )
    x, y = column_given, row_given
    if not (0 <= x < width and 0 <= y < height):
        raise WhiteBalanceError(code="error.point_outside", x=f"{x:g}", y=f"{y:g}", width=width, height=height)
    if side is None or side < 1:
        raise WhiteBalanceError(
            f"A neutral patch cannot have a side of {shown(size)} pixels; give a number of at least 1."
        )
    size = round(side)
    where = {"x": f"{x:g}", "y": f"{y:g}"}
    if isinstance(photo, RawPhoto):
        row, column = _to_sensor(x, y, photo)
        period = PERIODS[photo.cfa]
        top, bottom = _window(row, size, photo.mosaic.shape[0], period)
        left, right = _window(column, size, photo.mosaic.shape[1], period)
        samples = photo.mosaic[top:bottom, left:right]
        if photo.cfa == "none":
            channels = list(samples.reshape(-1, 3).T)
        else:
            colors = color_map(samples.shape[0], samples.shape[1], photo.cfa)
            channels = [samples[colors == color] for color in range(3)]
        clipped = _SATURATED
    else:
        from explorer.photo.develop import srgb_to_linear

        opened = photo.image if photo.as_opened is None else photo.as_opened
        top, bottom = _window(y, size, height, 1)
        left, right = _window(x, size, width, 1)
        channels = list(srgb_to_linear(opened[top:bottom, left:right]).reshape(-1, 3).T)
        clipped = 0.99
    if any((channel >= clipped).mean() > 0.05 for channel in channels):
        raise WhiteBalanceError(code="error.patch_clipped", **where)
    means = np.array([channel.mean(dtype=np.float64) for channel in channels])
    errors = np.array([channel.std() / math.sqrt(channel.size) for channel in channels])
    if (means <= 2 * errors * (len(channels[0]) > 1)).any():
        raise WhiteBalanceError(code="error.patch_dark", **where)
    return _with_balance(
        photo,
        WhiteBalance(_gains_of_means(means, "error.patch_low_channel", **where), say("source.neutral_point", **where)),
    )
