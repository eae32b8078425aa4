"""The networks as published by their authors (torch, eager, nothing folded), for comparison with the engine.

The Lamba & Mitra networks have weight normalisation on every convolution (g * v / ||v||, recomputed in every run); the
other published codes call the layers one after the other.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from explorer.models import RestorationNet


def as_published(net: RestorationNet) -> RestorationNet:
    """Returns a copy of a network in its published form, which computes the same up to rounding."""
    plain = copy.deepcopy(net).eval()
    if type(net).__module__.endswith(".lamba"):
        for module in list(plain.modules()):
            if isinstance(module, nn.Conv2d):
                weight_norm(module)
    return plain


def multiplications(net: RestorationNet, x: torch.Tensor) -> int:
    """Counts the multiply-accumulate operations of all convolutions for one input, by hooks while it runs."""
    total = 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        # A transposed convolution scatters every input sample, a plain one gathers for every output sample.
        samples = (inputs[0] if isinstance(module, nn.ConvTranspose2d) else output).numel()
        total += samples * module.weight[0].numel()

    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    handles = [m.register_forward_hook(count) for m in convolutions]
    try:
        with torch.inference_mode():
            net(x)
    finally:
        for handle in handles:
            handle.remove()
    return total
