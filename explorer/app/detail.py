"""A window of a restored photo at full resolution, beside what it was made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import explorer
from explorer.app.session import Session
from explorer.photo import amplify, develop, upright
from explorer.photo.types import FloatArray, RgbPhoto
from explorer.settings import Finish, finished

if TYPE_CHECKING:
    from explorer.restoration import Restoration


@dataclass(frozen=True)
class Detail:
    """A window of the photo at full resolution; all pictures h x w x 3 sRGB in [0, 1]."""

    box: tuple[int, int, int, int]
    """Left, top, right and bottom in the upright photo, in pixels."""
    as_taken: FloatArray
    amplified: FloatArray
    restored: FloatArray


LARGEST_DETAIL = 2048
"""Longest side of a `Detail` in pixels, whatever is asked for."""


def detail(session: Session, window: tuple[float, float, float, float], finish: Finish) -> Detail | None:
    """What a window shows at full resolution; None where the photo was not restored in full since it last changed.

    Args:
        window: left, top, right and bottom as shares of the picture, 0 to 1.
    """
    restoration = cast("Restoration | None", session.full.get("restoration"))
    photo = session.photo if restoration is not None else None
    if photo is None or restoration is None:
        return None
    height, width = restoration.image.shape[:2]
    left, top = (
        min(max(0, int(share * side)), side - 1) for share, side in zip(window[:2], (width, height), strict=True)
    )
    right = min(width, left + LARGEST_DETAIL, max(left + 1, round(window[2] * width)))
    bottom = min(height, top + LARGEST_DETAIL, max(top + 1, round(window[3] * height)))
    box = left, top, right, bottom
    taken = rendering_of(photo, box)
    restored = finished(restoration.image[top:bottom, left:right], finish)
    return Detail(box, taken, amplify(taken, restoration.ratio), restored)


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
