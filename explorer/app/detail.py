"""A window of a restored photo at full resolution, next to its input, without restoring the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.app import catalogue
from explorer.app.holding import bytes_to_restore
from explorer.app.open_photo import Choice, OpenPhoto
from explorer.app.session import Session
from explorer.app.sessions import room
from explorer.photo import amplify
from explorer.photo.values import FloatArray
from explorer.photo.windows import Box, rendering_of
from explorer.settings import Finish, finished
from explorer.views.pictures import within
from explorer.windows import Windows, windows


@dataclass(frozen=True)
class Detail:
    """A window of the photo as sharp as the screen can show it; all pictures h x w x 3 sRGB in [0, 1]."""

    box: Box
    as_taken: FloatArray
    amplified: FloatArray
    restored: FloatArray


LARGEST_DETAIL = 4096
"""Longest side of a `Detail`'s pictures in pixels, whatever is asked for."""
LARGEST_WINDOW = 4_000_000
"""Pixels of a window that are computed for it; a larger one would make someone wait too long."""


def detail(
    session: Session, window: tuple[float, float, float, float], finish: Finish, side: int = LARGEST_DETAIL
) -> Detail | None:
    """Restores a window of the last preview at full resolution.

    It is cut from the whole photo if that was restored; otherwise only the window is computed. None if it is
    too large for that, where the model looks at the whole picture, or where there is no preview.

    Args:
        window: left, top, right and bottom as shares of the picture, 0 to 1. The box holds all of it.
        side: longest side in pixels that the pictures may have; a larger window is reduced to it.
    """
    opened = session.open
    if opened is None:
        return None
    width, height = opened.size
    (left, right), (top, bottom) = (
        _run(first, last, count)
        for first, last, count in ((window[0], window[2], width), (window[1], window[3], height))
    )
    found = _restored(opened, (left, top, right, bottom))
    if found is None:
        return None
    image, ratio = found
    most = max(1, min(side, LARGEST_DETAIL))
    taken = within(rendering_of(opened.whole, (left, top, right, bottom)), most)
    return Detail((left, top, right, bottom), taken, amplify(taken, ratio), within(finished(image, finish), most))


def _restored(opened: OpenPhoto, box: Box) -> tuple[FloatArray, float] | None:
    """The last choice's result in a box, and its ratio."""
    left, top, right, bottom = box
    full, latest = opened.work.full, opened.work.latest
    if full is not None and (latest is None or full[0] == latest[0]):
        return full[1].image[top:bottom, left:right], full[1].ratio
    if latest is None or (right - left) * (bottom - top) > LARGEST_WINDOW:
        return None
    ratio = latest[1].restoration.ratio
    if opened.why_left(latest[0].ratio) is not None:
        return rendering_of(opened.whole, box), ratio
    if latest[0].strength == 0:
        return rendering_of(opened.whole, box, ratio), ratio
    looking = _windows(opened, latest[0], ratio)
    if looking is None:
        return None
    with room(bytes_to_restore((right - left, bottom - top))):
        return looking.restored(box), ratio


def _windows(opened: OpenPhoto, choice: Choice, ratio: float) -> Windows | None:
    """Prepares windows of a model's result, once per choice of model, ratio and strength."""
    kept = opened.work.windows
    if kept is None or kept[0] != choice:
        kept = opened.work.windows = choice, windows(opened.whole, catalogue.load(choice.model), ratio, choice.strength)
    return kept[1]


def _run(first: float, last: float, count: int) -> tuple[int, int]:
    """The pixels, of so many, that hold what lies between two shares."""
    start = min(max(0, math.floor(first * count)), count - 1)
    return start, min(count, max(start + 1, math.ceil(last * count)))
