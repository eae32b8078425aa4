"""Lets an automatic ratio follow the light from frame to frame, slowly, so that brightness does not pump."""

from __future__ import annotations

import math

FOLLOW_SECONDS = 2.0
"""Seconds in which the ratio covers two thirds of a change."""


def followed(ratio: float, wanted: float, seconds: float) -> float:
    """Returns the next ratio of a clip or a camera.

    The change is measured in stops, so that brightening and darkening behave alike.

    Args:
        ratio: of the frame before.
        wanted: the new frame's own suggestion.
        seconds: between the two frames.
    """
    share = 1 - math.exp(-seconds / FOLLOW_SECONDS)
    return float(ratio * (wanted / ratio) ** share)
