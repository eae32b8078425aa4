"""A photo brought to the darkness of other pictures: for networks that were trained on one and know no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.messages import say
from explorer.photo.light.brightness import light_map
from explorer.photo.light.curves import display_of, linear_of
from explorer.photo.types import Photo, RawPhoto

_LARGEST = 300.0
"""Gain: darker pictures stay darker, as they do under the largest ratio."""


def in_range(photo: Photo, low: float, mean: float, high: float) -> Photo:
    """The photo, if its mean linear light lies from `low` to `high`; else with its light multiplied so that its mean is
    `mean`. Brighter pictures become darker.

    Args:
        low, mean, high: above 0 and below 1. What is clipped on the way, or asks for a gain above 300, falls short.
    """
    light = float(light_map(photo).mean())
    if low <= light <= high or light <= 0:
        return photo
    gain = np.float32(min(_LARGEST, mean / light))
    notes = (*photo.notes, say("note.to_darkness", gain=f"{gain:.3g}"))
    if isinstance(photo, RawPhoto):
        return replace(photo, mosaic=photo.mosaic * gain, notes=notes)
    image = display_of(np.clip(linear_of(photo.image) * gain, 0, 1)).astype(np.float32)
    return replace(photo, image=image, notes=notes)
