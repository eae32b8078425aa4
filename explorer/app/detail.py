"""A window of a restored photo at full resolution, beside what it was made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import explorer
from explorer.app.session import Session
from explorer.photo import amplify, develop, upright
from explorer.photo.types import RgbPhoto
from explorer.photo.values import FloatArray
from explorer.settings import Finish, finished
from explorer.views.pictures import within

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Detail:
    """A window of the photo as sharp as the screen can show it; all pictures h x w x 3 sRGB in [0, 1]."""

    box: tuple[int, int, int, int]
    """Left, top, right and bottom in the upright photo, in pixels."""
    as_taken: FloatArray
    amplified: FloatArray
    restored: FloatArray


LARGEST_DETAIL = 4096
"""Longest side of a `Detail`'s pictures in pixels, whatever is asked for."""


def detail(
    session: Session, window: tuple[float, float, float, float], finish: Finish, side: int = LARGEST_DETAIL
) -> Detail | None:
    """What a window shows at full resolution; None where the photo was not restored in full since it last changed.

    Args:
        window: left, top, right and bottom as shares of the picture, 0 to 1. The box holds all of it.
        side: longest side in pixels that the pictures may have; a larger window is reduced to it.
    """
    opened = session.open
    if opened is None or opened.work.full is None:
        return None
    photo, (_, restoration) = opened.whole, opened.work.full
    height, width = restoration.image.shape[:2]
    (left, right), (top, bottom) = (
        _run(first, last, count)
        for first, last, count in ((window[0], window[2], width), (window[1], window[3], height))
    )
    box = left, top, right, bottom
    most = max(1, min(side, LARGEST_DETAIL))
    taken = within(rendering_of(photo, box), most)
    restored = within(finished(restoration.image[top:bottom, left:right], finish), most)
    return Detail(box, taken, amplify(taken, restoration.ratio), restored)


def _run(first: float, last: float, count: int) -> tuple[int, int]:
    """The pixels, of so many, that hold what lies between two shares."""
    start = min(max(0, math.floor(first * count)), count - 1)
    return start, min(count, max(start + 1, math.ceil(last * count)))


_MARGIN = 12
"""Samples around a window that demosaicking looks at; whole tiles of both colour-filter arrays."""


def rendering_of(photo: explorer.Photo, box: tuple[int, int, int, int]) -> FloatArray:
    """`load_rendering` of a window alone.

    Args:
        box: left, top, right and bottom in the upright photo, in pixels.
    """
    left, top, right, bottom = box
    if isinstance(photo, RgbPhoto):
        return photo.image[top:bottom, left:right]
    height, width = photo.sensor_size
    rows, columns = {
        0: ((top, bottom), (left, right)),
        90: ((left, right), (width - bottom, width - top)),
        180: ((height - bottom, height - top), (width - right, width - left)),
        270: ((height - right, height - left), (top, bottom)),
    }[photo.rotation]
    if photo.mirrored:
        columns = width - columns[1], width - columns[0]
    (top, bottom), (left, right) = ([n + m for m in run] for n, run in zip(photo.inset, (rows, columns), strict=False))
    first_row, first_column = (max(0, (first - _MARGIN) // 6 * 6) for first in (top, left))
    part = photo.mosaic[first_row : -(-(bottom + _MARGIN) // 6) * 6, first_column : -(-(right + _MARGIN) // 6) * 6]
    picture = develop(replace(photo, mosaic=part.copy(), inset=(0, 0, 0, 0)))
    inside = picture[top - first_row : bottom - first_row, left - first_column : right - first_column]
    return upright(inside, photo.rotation, photo.mirrored)
