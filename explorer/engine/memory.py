"""How much memory a network needs for a picture, counted on a small one."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch

    from explorer.models import RestorationNet

_LEAST = 5 << 28
"""Bytes that one run of a network gets beside a picture of `_LARGE` pixels and its result, so that the process stays
below 4 GiB."""
_MOST = 10 << 28
_LARGE = 60_000_000
_EACH = 36
"""Bytes that a pixel fewer leaves: the photo, its planes, the result and its encoding."""

_COUNTED: WeakKeyDictionary[RestorationNet, dict[int, float]] = WeakKeyDictionary()
"""What was counted of a network before, by channels: every restoration asks several times."""


def budget_for(pixels: int) -> int:
    """Bytes that one run of a network may take beside a photo; EXPLORER_TILE_BYTES sets another bound.

    The more the photo leaves of 4 GiB, the larger are the tiles, and the less is computed twice at their margins. It
    depends on nothing else, so that a photo is cut in the same way every time.

    Args:
        pixels: of the photo.
    """
    try:
        return max(1 << 24, int(os.environ["EXPLORER_TILE_BYTES"]))
    except (KeyError, ValueError):
        return min(_MOST, _LEAST + max(0, _LARGE - pixels) * _EACH)


def bytes_per_sample(net: RestorationNet, channels: int) -> float:
    """Memory that running a network takes, in bytes for each sample of one input plane: its activations, and input and
    result twice, as they are cut out and put together.

    Of the activations, the larger of two counts: what is alive at once in torch, and the sum of what the layers give.
    OpenVINO frees maps as torch does, but copies some of them into other orders.
    """
    counted = _COUNTED.setdefault(net, {})
    if channels not in counted:
        counted[channels] = _count(net, channels)
    return counted[channels]


def _count(net: RestorationNet, channels: int) -> float:
    import torch

    from explorer.engine.alive import Peak

    total = 0
    mine = threading.get_ident()

    def add(_module: torch.nn.Module, _inputs: object, output: object) -> None:
        nonlocal total
        if isinstance(output, torch.Tensor) and threading.get_ident() == mine:
            total += output.numel() * output.element_size()

    side = net.size.padded(max(64, net.size.minimum))
    leaves = [m for m in net.modules() if not list(m.children())]
    handles = [m.register_forward_hook(add) for m in leaves]
    try:
        with torch.inference_mode(), Peak() as memory:
            result = net.decompose(torch.zeros(1, channels, side, side))["image"]
    finally:
        for handle in handles:
            handle.remove()
    ends = 8.0 * (channels + result.numel() / side**2)
    return max(total, memory.peak) / side**2 + ends
