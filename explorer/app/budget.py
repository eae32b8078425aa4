"""Chooses preview sizes that a model can restore while the visitor still looks at the slider."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.photo.types import RgbPhoto
    from explorer.weights.store import LoadedModel

BUDGET = 0.7
"""Seconds that a preview's network may take. Writing and sending the pictures comes on top."""
SIDES = (640, 560, 480, 400, 320)
"""Longest sides of previews in pixels. The largest that fits the budget is used, or else the last."""
_PROBE = 192
"""Side of the picture on which a network's speed is measured, in pixels."""
_RUNS = 3


@dataclass
class _Speed:
    """Seconds per pixel of one model on this machine."""

    network: float = math.inf
    """The network's fastest run, because other work on the machine hardly affects it."""
    probed: bool = False
    """True if the network was measured; False if only its work was timed, where the first run counts too."""
    whole: float | None = None
    """Seconds that a visitor last waited for a whole photo, everything included."""


_SPEEDS: defaultdict[tuple[str, str], _Speed] = defaultdict(_Speed)
"""By the model's name and its weights' checksum, because a classical method is loaded again each time."""
_LOCK = threading.Lock()


def _key(model: LoadedModel) -> tuple[str, str]:
    return model.name, model.identity.sha256


def seconds_per_pixel(model: LoadedModel) -> float:
    """Seconds per pixel that the model's network takes on this machine: the best of three runs on a small picture,
    measured once per model and process, or a faster preview.

    Classical methods count as 0, because all of them are fast at preview size.
    """
    if not model.architecture.needs_weights:
        return 0.0
    with _LOCK:
        speed = _SPEEDS[_key(model)]
        if not speed.probed:
            speed.network, speed.probed = min(speed.network, _measured(model)), True
        return speed.network


def took(model: LoadedModel, seconds: float, pixels: int, whole: bool) -> None:
    """Records the time of a restoration: the network's for a preview, everything for a whole photo."""
    with _LOCK:
        speed, each = _SPEEDS[_key(model)], seconds / pixels
        if whole:
            speed.whole = each
        else:
            speed.network = min(speed.network, each)


def seconds_for(model: LoadedModel, pixels: int) -> float | None:
    """Seconds that restoring so many pixels takes here, as far as it is known."""
    speed = _SPEEDS.get(_key(model), _Speed())  # without the lock, which a measurement may hold
    each = speed.network if speed.whole is None else speed.whole
    return each * pixels if math.isfinite(each) else None


def _measured(model: LoadedModel) -> float:
    import explorer

    photo = probe(_PROBE)
    return min(explorer.restore(photo, model, 4.0).seconds for _ in range(_RUNS)) / _PROBE**2


def probe(side: int) -> RgbPhoto:
    """A dark square to measure a model's speed on; `side` in pixels."""
    import numpy as np

    from explorer.photo.types import RgbPhoto

    return RgbPhoto(np.linspace(0.02, 0.2, side * side * 3, dtype=np.float32).reshape(side, side, 3), 8)


def preview_side(model: LoadedModel, size: tuple[int, int], most: int) -> int:
    """The longest side, in pixels, of a preview that the model can restore within `BUDGET`.

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
