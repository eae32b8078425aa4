"""Makes a smaller photo for a quick preview."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.light.cfa import PERIODS
from explorer.photo.light.curves import linear_of, linear_to_srgb
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.types import Photo, RawPhoto
from explorer.photo.validation import shown
from explorer.photo.values import FloatArray

_LARGEST_EXCESS = 1.4
"""Largest ratio of a reduced mosaic's side to the requested one, since the factor is an integer."""


def reduced(photo: Photo, max_side: int) -> Photo:
    """Reduces a photo to a longest side of about `max_side` pixels; returns the same object if it is not larger.

    Mosaics are reduced by about the nearest integer factor, so that their longest side is at most 1.4 times `max_side`
    (one that is too narrow to keep a whole tile stays as it is). Each colour-filter cell gets the means of the
    same-coloured samples of the cells that it covers, so that the result is again a mosaic of the whole picture, with
    less noise than the full one. Pictures are averaged over areas in linear light, and their longest side is at most
    `max_side`.

    Args:
        photo: the photo, which is not changed.
        max_side: pixels, at least 1.

    Raises:
        PhotoError: `max_side` is not an integer of at least 1.
    """
    if isinstance(max_side, bool) or not isinstance(max_side, int | np.integer) or max_side < 1:
        raise PhotoError(
            f"A photo cannot be reduced to a longest side of {shown(max_side)} pixels; "
            "give a whole number of at least 1."
        )
    width, height = photo.size
    if max(width, height) <= max_side:
        return photo
    if isinstance(photo, RawPhoto):
        times = max(width, height) / int(max_side)
        factor = round(times)
        # Rounding makes a mosaic more than 1.4 times as long as requested only for factors from 1.4 to 1.5.
        factor += times > _LARGEST_EXCESS * factor
        return photo if factor == 1 else _reduced_raw(photo, factor)
    scale = max_side / max(width, height)
    return replace(
        photo, image=_reduced_picture(photo.image, max(1, round(width * scale)), max(1, round(height * scale))),
        as_opened=None,
    )  # fmt: skip


def means(image: NDArray[Any], side: int) -> FloatArray:
    """Averages squares of pixels, as few as make a picture of at most `side` pixels.

    Args:
        image: H x W x 3. Rows and columns at its end that do not fill a square are left out.
        side: pixels, at most a few thousand.

    Returns:
        A new array, h x w x 3 float32.
    """
    step = max(1, -(-max(image.shape[:2]) // side))
    return square_means(image, min(step, *image.shape[:2]))


def square_means(image: NDArray[Any], step: int) -> FloatArray:
    """Averages squares of `step` pixels.

    Args:
        image: H x W, or H x W x C. Rows and columns at its end that do not fill a square are left out.

    Returns:
        A new array, h x w or h x w x C, float32.
    """
    height, width = (length // step for length in image.shape[:2])
    planes = image[: height * step, : width * step].reshape(height * step, width * step, -1)
    small = np.zeros((height, width, planes.shape[2]), dtype=np.float32)

    def average(top: int, bottom: int) -> None:
        band = planes[top * step : bottom * step]
        sums: Any = sum(band[each::step].astype(np.float32) for each in range(step))
        for channel, each in np.ndindex(planes.shape[2], step):
            small[top:bottom, :, channel] += sums[:, each::step, channel]
        small[top:bottom] /= np.float32(step * step)

    in_bands(height, rows_of_band(planes.shape[2] * planes.shape[1], 1), average)
    return small.reshape(height, width, *image.shape[2:])


def half_side(photo: Photo) -> int:
    """Returns the longest side of a photo at half its width and height, for `reduced`: four samples of a colour become
    one, and nothing is demosaicked at full size, so a first preview is quick."""
    return -(-max(photo.size) // 2)


def _reduced_picture(image: FloatArray, width: int, height: int) -> FloatArray:
    """Averages a picture over areas in linear light: each band of rows horizontally, then the results vertically.

    So the linear light of the whole picture, as large as the photo, is never in memory at once.
    """
    from PIL import Image

    narrow = np.empty((3, len(image), width), dtype=np.float32)

    def across(top: int, bottom: int) -> None:
        light = np.ascontiguousarray(np.moveaxis(linear_of(image[top:bottom]), 2, 0))
        for plane, out in zip(light, narrow, strict=True):
            band = Image.fromarray(plane).resize((width, bottom - top), Image.Resampling.BOX)
            out[top:bottom] = np.asarray(band)

    in_bands(len(image), rows_of_band(3 * image.shape[1], 1), across)
    planes = [np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BOX)) for each in narrow]
    return linear_to_srgb(np.clip(np.stack(planes, axis=2), 0, 1).astype(np.float32))


def _reduced_raw(raw: RawPhoto, factor: int) -> RawPhoto:
    cell = PERIODS[raw.cfa]
    # Whole cells inside the picture, without the inset that only completes it.
    top, left = (-(-n // cell) * cell for n in raw.inset[:2])
    inside = raw.mosaic[top : raw.mosaic.shape[0] - raw.inset[2], left : raw.mosaic.shape[1] - raw.inset[3]]
    tiles = [n // cell for n in inside.shape[:2]]
    if min(tiles) < factor:
        return raw
    # Runs of tiles whose lengths differ by at most one. Runs of `factor` would leave some over at the end, which would
    # shift positions in the small picture against the photo.
    height, width = ((2 * n + factor - 1) // (2 * factor) for n in tiles)
    rows, columns = (np.arange(count) * n // count for count, n in zip((height, width), tiles, strict=True))
    colors = inside.shape[2:]
    cells = inside[: tiles[0] * cell, : tiles[1] * cell].reshape(tiles[0], cell, tiles[1], cell, *colors)
    sums = np.add.reduceat(np.add.reduceat(cells, rows, axis=0), columns, axis=2)
    counts = np.outer(np.diff(rows, append=tiles[0]), np.diff(columns, append=tiles[1]))
    means = sums / counts.reshape(height, 1, width, 1, *(1 for _ in colors))
    mosaic = means.reshape(height * cell, width * cell, *colors)
    return replace(raw, mosaic=np.ascontiguousarray(mosaic, dtype=np.float32), inset=(0, 0, 0, 0))
