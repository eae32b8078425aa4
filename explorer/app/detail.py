"""Restores a window of a photo at full resolution, next to its input, without the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.app import model_picker
from explorer.app.holding import bytes_to_restore
from explorer.app.open_photo import SHARPEST, Choice, OpenPhoto
from explorer.app.session import Session
from explorer.app.sessions import room
from explorer.photo import amplify
from explorer.photo.values import FloatArray
from explorer.photo.windows import Box, rendering_of
from explorer.sidecar import Finish, finished
from explorer.views.pictures import within
from explorer.windows import Windows, windows


@dataclass(frozen=True)
class Detail:
    """A window of the photo at the screen's sharpness; all pictures h x w x 3 sRGB in [0, 1]."""

    box: Box
    as_taken: FloatArray
    amplified: FloatArray
    restored: FloatArray


LARGEST = 1e5
"""Largest number of screen pixels that a page may claim for a photo."""


@dataclass(frozen=True)
class Look:
    """The part of a photo that a page shows."""

    window: tuple[float, float, float, float]
    """Left, top, right and bottom, as shares of the picture from 0 to 1."""
    need: float
    """Screen pixels along the longest side of the whole photo."""
    side: int
    """Longest side, in pixels, of a picture of the window."""

    @classmethod
    def said(cls, shown: Mapping[str, Any]) -> Look:
        """A page's request, limited to valid values whatever it contains."""
        given = shown.get("window")
        shares = [*given, 1.0, 1.0, 1.0, 1.0][:4] if isinstance(given, list | tuple) else [0.0, 0.0, 1.0, 1.0]
        left, top, right, bottom = (_number(share, 1.0) for share in shares)
        need, side = (_number(shown.get(name), LARGEST) for name in ("need", "side"))
        return cls((left, top, right, bottom), need, int(side))

    @property
    def enlarged(self) -> bool:
        """True if less than the whole photo is visible, larger than a preview can be."""
        left, top, right, bottom = self.window
        return self.need > SHARPEST and (right - left) * (bottom - top) < 0.999

    def box(self, size: tuple[int, int]) -> Box:
        """The pixels within the window, for a photo of this width and height."""
        left, top, right, bottom = self.window
        (first, last), (upper, lower) = _run(left, right, size[0]), _run(top, bottom, size[1])
        return first, upper, last, lower


def _number(given: object, most: float) -> float:
    """A number from 0 up, whatever the page sends."""
    number = float(given) if isinstance(given, int | float) else 0.0
    return min(max(number, 0.0), most) if math.isfinite(number) else 0.0


LARGEST_DETAIL = 4096
"""Longest side of a `Detail`'s pictures in pixels, whatever the page requests."""
LARGEST_WINDOW = 4_000_000
"""Largest window, in pixels, that is computed by itself; a larger one would take too long."""


def detail(session: Session, look: Look, finish: Finish) -> Detail | None:
    """Restores a window of the last preview at full resolution.

    The window is cut from the whole photo if that was restored; otherwise only the window is computed. None if the
    window is too large for that, if the model needs the whole picture, or if there is no preview.
    """
    opened = session.open
    box = look.box(opened.size) if opened else None
    found = _restored(opened, box) if opened and box else None
    if found is None or opened is None or box is None:
        return None
    image, ratio = found
    most = max(1, min(look.side, LARGEST_DETAIL))
    taken = within(rendering_of(opened.whole, box), most)
    return Detail(box, taken, amplify(taken, ratio), within(finished(image, finish), most))


def _restored(opened: OpenPhoto, box: Box) -> tuple[FloatArray, float] | None:
    """The last choice's result within a box, and its ratio."""
    left, top, right, bottom = box
    full, latest = opened.work.full, opened.work.latest
    if full is not None and (latest is None or full[0] == latest[0]):
        return full[1].image[top:bottom, left:right], full[1].ratio
    if latest is None:
        return None
    ratio = latest[1].restoration.ratio
    choice = latest[0]
    if opened.why_left(choice.ratio) is not None:
        return (rendering_of(opened.whole, box), ratio) if _fits(box) else None
    if choice.strength == 0:
        return (rendering_of(opened.whole, box, ratio), ratio) if _fits(box) else None
    image = window_of(opened, choice, ratio, box)
    return None if image is None else (image, ratio)


def window_of(opened: OpenPhoto, choice: Choice, ratio: float, box: Box) -> FloatArray | None:
    """A model's result within a box of the photo, without the rest. None if the box is too large, or if the model needs
    the whole picture."""
    looking = _windows(opened, choice, ratio) if _fits(box) else None
    if looking is None:
        return None
    with room(bytes_to_restore((box[2] - box[0], box[3] - box[1]))):
        return looking.restored(box, strength=choice.strength)


def _fits(box: Box) -> bool:
    return (box[2] - box[0]) * (box[3] - box[1]) <= LARGEST_WINDOW


MOST_WINDOWS = 16
"""Number of choices whose prepared windows are kept."""


def _windows(opened: OpenPhoto, choice: Choice, ratio: float) -> Windows | None:
    """Prepares windows of a model's result, once per model and ratio."""
    kept, key = opened.work.windows, Choice(choice.model, ratio)
    if key not in kept:
        found = windows(opened.whole, model_picker.load(choice.model), ratio)
        opened.work.windows = {**dict(list(kept.items())[1 - MOST_WINDOWS :]), key: found}
        return found
    return kept[key]


def _run(first: float, last: float, count: int) -> tuple[int, int]:
    """Returns the range of pixels between two fractions of a length."""
    start = min(max(0, math.floor(first * count)), count - 1)
    return start, min(count, max(start + 1, math.ceil(last * count)))
