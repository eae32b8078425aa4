"""How an automatic ratio follows the light from frame to frame: slowly, so that brightness does not pump."""

from __future__ import annotations

import math

FOLLOW_SECONDS = 2.0
"""Time in which the ratio comes two thirds of the way."""


def followed(ratio: float, wanted: float, seconds: float) -> float:
    """The next ratio of a clip or a camera.

    The way is measured in stops, so that brighter and darker are alike.

    Args:
        ratio: of the frame before.
        wanted: what the new frame asks for by itself.
        seconds: between the two frames.
    """
    share = 1 - math.exp(-seconds / FOLLOW_SECONDS)
    return float(ratio * (wanted / ratio) ** share)
