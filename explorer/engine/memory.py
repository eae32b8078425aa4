"""How much memory a network needs for a picture, counted on a small one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from explorer.models.traits import Traits

if TYPE_CHECKING:
    from explorer.models import RestorationNet

_LEAST = 5 << 28
"""Bytes that one run of a network gets next to a picture of `_LARGE` pixels and its result, so that the process stays
below 4 GiB."""
_MOST = 10 << 28
_LARGE = 60_000_000
_EACH = 36
"""Bytes that a pixel fewer leaves: the photo, its planes, the result and its encoding."""

_COUNTED: WeakKeyDictionary[RestorationNet, dict[int, float]] = WeakKeyDictionary()
"""Counts of a network, by channels: every restoration asks several times."""


def budget_for(pixels: int) -> int:
    """Bytes that one run of a network may take next to a photo; EXPLORER_TILE_BYTES sets another bound.

    The more the photo leaves of 4 GiB, the larger are the tiles, and the less is computed twice at their margins. It
    depends on nothing else, so that a photo is cut in the same way every time.

    Args:
        pixels: of the photo.
    """
    try:
        return max(1 << 24, int(os.environ["EXPLORER_TILE_BYTES"]))
    except (KeyError, ValueError):
        return min(_MOST, _LEAST + max(0, _LARGE - pixels) * _EACH)


def bytes_per_sample(net: RestorationNet | Traits, channels: int) -> float:
    """Memory that running a network takes, in bytes for each sample of one input plane: its activations, and input and
    result twice, as they are cut out and put together.

    Of the activations, those count that are alive at once in torch; OpenVINO needs fewer, where it knows the shape.
    """
    if isinstance(net, Traits):
        return net.sample_bytes
    counted = _COUNTED.setdefault(net, {})
    if channels not in counted:
        counted[channels] = _count(net, channels)
    return counted[channels]


def _count(net: RestorationNet, channels: int) -> float:
    import torch

    from explorer.engine.alive import Peak

    side = net.size.padded(max(64, net.size.minimum))
    with torch.inference_mode(), Peak() as memory:
        result = net.forward_intermediates(torch.zeros(1, channels, side, side))["image"]
    ends = 8.0 * (channels + result.numel() / side**2)
    return memory.peak / side**2 + ends
