"""Cost of a network: multiplications and memory, counted on a small input and scaled to a picture."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

from explorer.choices import PLANE_STEP
from explorer.inspect.hooks import hooked
from explorer.machine import new_lock
from explorer.weights.store import LoadedModel

if TYPE_CHECKING:  # torch takes seconds to import, and the app starts before it is needed
    from torch import nn

    from explorer.models.base import RestorationNet

_SIDE = 128
_KEPT = 32
_KNOWN: OrderedDict[tuple[str, str, ref[RestorationNet]], tuple[float, float]] = OrderedDict()
_LOCK = new_lock()


@dataclass(frozen=True)
class Cost:
    """Cost of one restoration. Available only for networks, not for classical methods."""

    gmac: float
    """1e9 multiply-accumulates of convolutions and linear layers."""
    peak_bytes: float
    """Peak bytes of activations, float32, without tiles and parameters."""


def cost(model: LoadedModel, width: int, height: int) -> Cost | None:
    """Returns the cost for a picture with a number of pixels; None for classical methods, which have no layers.

    Both figures are proportional to the area, so they are counted once per model on a small input.
    """
    if not model.architecture.needs_weights:
        return None
    key = (model.name, model.identity.sha256, ref(model.net))
    with _LOCK:
        known = _KNOWN.get(key)
    if known is None:
        known = _counted(model)
        with _LOCK:
            _KNOWN[key] = known
            while len(_KNOWN) > _KEPT:
                _KNOWN.popitem(last=False)
    samples = width * height / PLANE_STEP[model.architecture.domain] ** 2
    return Cost(known[0] * samples / 1e9, known[1] * samples)


def _counted(model: LoadedModel) -> tuple[float, float]:
    """Counts multiply-accumulates and peak bytes per sample of one input plane."""
    import torch
    from torch import nn

    from explorer.engine.alive import Peak

    net = model.net
    total = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        if isinstance(module, nn.ConvTranspose2d):
            total += inputs[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features

    side = net.size.padded(max(_SIDE, net.size.minimum))
    start = torch.zeros(1, net.input_channels, side, side)
    with model.lock, hooked((module, count) for module in net.modules()), torch.inference_mode(), Peak() as memory:
        net.forward_intermediates(start)
    return total / side**2, memory.peak / side**2
