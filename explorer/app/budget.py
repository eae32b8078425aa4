"""How large a preview may be so that a model answers while the visitor still looks at the slider."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.weights.store import LoadedModel

BUDGET = 0.7
"""Seconds that a preview's network may take; the pictures' files and the way to the browser come on top."""
SIDES = (640, 560, 480, 400, 320)
"""Longest sides of previews in pixels, the largest that fits the budget is taken; never below the last one."""
_PROBE = 192
"""Side of the picture that a network's speed is measured on, in pixels."""
_RUNS = 3


@dataclass
class _Speed:
    """Seconds per pixel of one model on this machine."""

    network: float = math.inf
    """The quickest that its network was: other work of the machine counts little in that."""
    probed: bool = False
    """Whether the network was measured, or only seen at work, where its first run counts."""
    whole: float | None = None
    """What a visitor waited for the last whole photo, with all that belongs to it."""


_SPEEDS: defaultdict[tuple[str, str], _Speed] = defaultdict(_Speed)
"""By the model's name and its weights' checksum: a classical method is loaded anew each time."""
_LOCK = threading.Lock()


def _key(model: LoadedModel) -> tuple[str, str]:
    return model.name, model.identity.sha256


def seconds_per_pixel(model: LoadedModel) -> float:
    """Seconds per pixel that the model's network takes on this machine: the best of three runs on a small picture,
    measured once for each model of the process, or a quicker preview.

    Classical methods count as 0: all of them are quick at preview size.
    """
    if not model.architecture.needs_weights:
        return 0.0
    with _LOCK:
        speed = _SPEEDS[_key(model)]
        if not speed.probed:
            speed.network, speed.probed = min(speed.network, _measured(model)), True
        return speed.network


def took(model: LoadedModel, seconds: float, pixels: int, whole: bool) -> None:
    """Takes note of a restoration: of the network's time for a preview, or of all that a whole photo took."""
    with _LOCK:
        speed, each = _SPEEDS[_key(model)], seconds / pixels
        if whole:
            speed.whole = each
        else:
            speed.network = min(speed.network, each)


def seconds_for(model: LoadedModel, pixels: int) -> float | None:
    """What restoring so many pixels takes here, as far as it is known."""
    speed = _SPEEDS.get(_key(model), _Speed())  # without the lock, which a measurement may hold
    each = speed.network if speed.whole is None else speed.whole
    return each * pixels if math.isfinite(each) else None


def _measured(model: LoadedModel) -> float:
    import numpy as np

    import explorer
    from explorer.photo.types import RgbPhoto

    ramp = np.linspace(0.02, 0.2, _PROBE * _PROBE * 3, dtype=np.float32).reshape(_PROBE, _PROBE, 3)
    photo = RgbPhoto(ramp, 8)
    return min(explorer.restore(photo, model, 4.0).seconds for _ in range(_RUNS)) / _PROBE**2


def preview_side(model: LoadedModel, size: tuple[int, int], most: int) -> int:
    """The longest side of a preview that the model restores within `BUDGET`, in pixels.

    Args:
        size: width and height of the photo at the largest preview size.
        most: the largest preview size.
    """
    pixels = size[0] * size[1]
    allowed = [side for side in SIDES if side <= most]
    for side in allowed:
        if seconds_per_pixel(model) * pixels * (side / most) ** 2 <= BUDGET:
            return side
    return allowed[-1]
