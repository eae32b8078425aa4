"""How much memory a network needs for a picture, counted on a small one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch

    from explorer.models import RestorationNet

BUDGET = 5 << 28
"""Bytes that one tile may take unless told otherwise: with a picture of 60 megapixels and its result in memory, the
process stays below 4 GiB."""

_COUNTED: WeakKeyDictionary[RestorationNet, dict[int, float]] = WeakKeyDictionary()
"""What was counted of a network before, by channels: every restoration asks several times."""


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
