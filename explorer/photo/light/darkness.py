"""Matches a photo's darkness to that of training pictures, for networks trained on a single darkness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.messages import say
from explorer.photo.light.brightness import light_map
from explorer.photo.light.curves import display_of, linear_of
from explorer.photo.types import Photo, RawPhoto

_LARGEST = 300.0
"""Largest gain; darker pictures stay darker, as they do with the largest ratio."""


def in_range(photo: Photo, low: float, mean: float, high: float) -> Photo:
    """Returns the photo unchanged if its mean linear light is between `low` and `high`, otherwise with its light scaled
    to the mean `mean`. Brighter pictures become darker.

    Args:
        low, mean, high: above 0 and below 1. The mean is not reached if light is clipped or a gain above 300 is needed.
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
