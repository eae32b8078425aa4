"""Suggests which models suit an open photo, by its kind, its darkness and its noise."""

from __future__ import annotations

from functools import lru_cache
from html import escape

import numpy as np

from explorer.app import model_picker
from explorer.app.open_photo import OpenPhoto
from explorer.messages import say
from explorer.photo import amplify
from explorer.photo.light.brightness import wanted_gain
from explorer.photo.types import Photo, RawPhoto
from explorer.photo.values import FloatArray
from explorer.photo.windows import rendering_of

VERY_DARK = 6.0
"""From this many missing stops of light, a photo counts as very dark. Results below 20 dB begin at 6.2 stops for
pictures and 7.8 for RAW photos (`benchmarks/advice.py`)."""
NOISY = 0.02
"""From this standard deviation (of 1) of a brightened photo's noise, the photo counts as noisy. Networks lead classical
methods by a decibel from 0.003 for pictures and from 0.025 for RAW photos (`benchmarks/advice.py`)."""
_SIDE = 512
"""Side of the central square in which a photo's noise is measured, in pixels."""


def advice(opened: OpenPhoto) -> str:
    """Short advice as HTML: one sentence each for the photo's kind, darkness and noise. Empty if the photo is not
    dark."""
    best = model_picker.best_for(opened.small)
    if opened.left_alone is not None or best is None:
        return ""
    stops, noise = _measured(opened)
    raw = isinstance(opened.small, RawPhoto)
    said = [
        say("advice.raw" if raw else "advice.picture", model=model_picker.label(best)),
        say("advice.very_dark" if stops >= VERY_DARK else "advice.dark", stops=f"{stops:.1f}"),
        say("advice.noisy" if noise >= NOISY else "advice.clean"),
    ]
    return f'<p class="lx-note">{" ".join(f"<span>{escape(each)}</span>" for each in said)}</p>'


@lru_cache(maxsize=32)
def _measured(opened: OpenPhoto) -> tuple[float, float]:
    return light_and_noise(opened.whole, wanted_gain(opened.small))


def light_and_noise(photo: Photo, stops: float | None = None) -> tuple[float, float]:
    """The stops of light that a photo lacks (measured unless given), and its noise once it has them."""
    stops = wanted_gain(photo) if stops is None else stops
    width, height = photo.size
    left, top = max(0, (width - _SIDE) // 2), max(0, (height - _SIDE) // 2)
    box = left, top, min(width, left + _SIDE), min(height, top + _SIDE)
    return stops, noise_of(amplify(rendering_of(photo, box), min(300.0, max(1.0, 2.0**stops))))


def noise_of(image: FloatArray) -> float:
    """Standard deviation of the noise of an H x W x 3 picture, from the median of second differences between
    neighbours. Edges are rare, so they hardly move the median. Black and white pixels have no noise and do not
    count."""
    grey = image.mean(axis=2)
    if min(grey.shape) < 3:
        return 0.0
    seconds = grey[:, 2:] - 2 * grey[:, 1:-1] + grey[:, :-2]
    inside = (grey[:, 1:-1] > 0.02) & (grey[:, 1:-1] < 0.98)
    # A second difference of independent samples has six times their variance; three channels were averaged.
    return float(1.4826 * np.median(np.abs(seconds[inside])) / np.sqrt(6) * np.sqrt(3)) if inside.any() else 0.0
