"""Measures the memory that a network needs for a picture, on a small one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from explorer.models.traits import Traits

if TYPE_CHECKING:
    from explorer.models import RestorationNet

_LEAST = 5 << 28
"""Bytes for one run of a network next to a picture of `_LARGE` pixels and its result, to stay below 4 GiB in all."""
_MOST = 10 << 28
_LARGE = 60_000_000
_EACH = 36
"""Bytes that become free per pixel fewer: the photo, its planes, the result and its encoding."""

_COUNTED: WeakKeyDictionary[RestorationNet, dict[int, float]] = WeakKeyDictionary()
"""Measurements of networks, by channels, because every restoration asks several times."""


def budget_for(pixels: int) -> int:
    """Returns the bytes that one run of a network may use next to a photo; EXPLORER_TILE_BYTES overrides it.

    The smaller the photo, the larger are the tiles, and the less is computed twice at their margins. The budget depends
    on nothing else, so that a photo is always cut in the same way.

    Args:
        pixels: number of pixels of the photo.
    """
    try:
        return max(1 << 24, int(os.environ["EXPLORER_TILE_BYTES"]))
    except (KeyError, ValueError):
        return min(_MOST, _LEAST + max(0, _LARGE - pixels) * _EACH)


def bytes_per_sample(net: RestorationNet | Traits, channels: int) -> float:
    """Returns the memory for running a network, in bytes per sample of one input plane: its activations, and twice the
    input and the result, which are cut and joined.

    Counts the activations that are alive at once in torch; OpenVINO needs fewer if it knows the shape.
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
