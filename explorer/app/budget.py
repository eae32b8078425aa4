"""How large a preview may be so that a model answers while the visitor still looks at the slider."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from explorer.weights.store import LoadedModel

BUDGET = 0.7
"""Seconds that a preview's network may take; the pictures' files and the way to the browser come on top."""
SIDES = (640, 560, 480, 400, 320)
"""Longest sides of previews in pixels, the largest that fits the budget is taken; never below the last one."""
_PROBE = 192
"""Side of the picture that a network's speed is measured on, in pixels."""
_RUNS = 3

_SPEED: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
"""By network, or what stands for it until it is loaded."""
_LOCK = threading.Lock()


def seconds_per_pixel(model: LoadedModel) -> float:
    """Seconds per pixel that the model takes on this machine: the best of three runs on a small picture, so
    that other work of the machine counts little. Measured once for each network of the process; a preview that is
    quicker corrects it (`observe`).

    Classical methods count as 0: all of them are quick at preview size.
    """
    if not model.architecture.needs_weights:
        return 0.0
    with _LOCK:
        if model.traits not in _SPEED:
            _SPEED[model.traits] = _measured(model)
        return _SPEED[model.traits]


def observe(model: LoadedModel, seconds: float, pixels: int) -> None:
    """Takes note of a preview: what was measured while the machine was busy must not make previews small forever."""
    with _LOCK:
        if model.traits in _SPEED:
            _SPEED[model.traits] = min(_SPEED[model.traits], seconds / pixels)


_TAKEN: dict[tuple[str, str], float] = {}
"""Seconds for a pixel: what a visitor waited for the last whole photo, before that what the network of the quickest
preview took."""
_WHOLE: set[tuple[str, str]] = set()
"""Models of which it is a whole photo's."""


def _known(model: LoadedModel) -> tuple[str, str]:
    """What tells a model from others; a classical method is loaded anew each time."""
    return model.name, model.identity.sha256


def took(model: LoadedModel, seconds: float, pixels: int, whole: bool) -> None:
    """Takes note of a restoration: of a whole photo with all that belongs to it."""
    with _LOCK:
        key, each = _known(model), seconds / pixels
        before = _TAKEN.get(key)
        if whole:
            _WHOLE.add(key)
        elif key in _WHOLE or (before is not None and before < each):
            return  # other work of the machine counts little in the quickest
        _TAKEN[key] = each


def seconds_for(model: LoadedModel, pixels: int) -> float | None:
    """What restoring so many pixels takes here, as far as it is known."""
    each = _TAKEN.get(_known(model))
    return None if each is None else each * pixels


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
