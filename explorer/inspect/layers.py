"""The layers of a network, found by running it once on a small input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.choices import PLANE_STEP
from explorer.inspect.hooks import hooked
from explorer.weights.store import LoadedModel

if TYPE_CHECKING:  # torch takes seconds to import, and the app starts before it is needed
    import torch
    from torch import nn


@dataclass(frozen=True)
class Layer:
    """One module of a network."""

    name: str
    """As in `net.named_modules()`, e.g. "decom.body.2"."""
    kind: str
    """The module's class, e.g. "Conv2d"."""
    depth: int
    """Nesting below the network, 0 for its own children."""
    order: int
    """Position in the order in which modules finish; -1 for modules that do not run or do not return a tensor."""
    inputs: int | None
    """Channels of its input; None if it has no weights."""
    outputs: int | None
    """Channels of its output; None if its output is not one tensor."""
    kernel: tuple[int, ...] | None
    reduction: float | None
    """Pixels of the picture per sample of its output, along one side: 8 means an eighth of the size."""
    receptive_field: float | None
    """Pixels of the picture, along one side, that one output value depends on; infinite if it depends on all."""
    parameters: int
    """Parameters of the module and everything in it."""
    leaf: bool
    """True if it contains no other module."""
    sources: tuple[str, ...] = ()
    """The innermost layers whose outputs it is computed from, without layers in between, in alphabetical order."""


def layers(model: LoadedModel) -> list[Layer]:
    """Lists every module of a network except the network itself, in the order of `named_modules()`.

    The receptive field follows the arithmetic of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
    Neural Networks", Distill 2019, along the operations that actually run. It is an upper bound, because weights may be
    0.

    Returns:
        The layers; empty for classical methods.
    """
    import torch

    from explorer.inspect.reach import REACH, SOURCES, Reach

    net = model.net
    named = [(name, module) for name, module in net.named_modules() if name]
    if not named:
        return []
    seen: dict[str, tuple[int, torch.Tensor, tuple[float, float]]] = {}
    sources: dict[str, set[str]] = {name: set() for name, _ in named}

    def note(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and output.dim() == 4:
                seen[name] = (len(seen), output.detach(), getattr(output, REACH, (math.nan, math.nan)))
            if not list(module.children()):
                sources[name].update(*(getattr(each, SOURCES, ()) for each in inputs))
                if isinstance(output, torch.Tensor):
                    setattr(output, SOURCES, frozenset([name]))

        return hook

    side = net.size.padded(max(64, net.size.minimum))
    with model.lock, hooked((module, note(name)) for name, module in named), torch.inference_mode(), Reach() as reach:
        start = torch.zeros(1, net.input_channels, side, side)
        reach.mark(start, (1.0, 1.0))
        net.forward_intermediates(start)
    scale = PLANE_STEP[model.architecture.domain]
    return [_layer(name, module, seen.get(name), scale, tuple(sorted(sources[name]))) for name, module in named]


def _layer(
    name: str,
    module: nn.Module,
    run: tuple[int, torch.Tensor, tuple[float, float]] | None,
    scale: int,
    sources: tuple[str, ...],
) -> Layer:
    import torch

    weight = getattr(module, "weight", None)
    shape = tuple(weight.shape) if isinstance(weight, torch.Tensor) else ()
    inputs = getattr(module, "in_channels", getattr(module, "num_features", None))
    field, jump = run[2] if run else (math.nan, math.nan)
    return Layer(
        name=name,
        kind=type(module).__name__,
        depth=name.count("."),
        order=run[0] if run else -1,
        inputs=inputs if isinstance(inputs, int) else None,
        outputs=run[1].shape[1] if run else None,
        kernel=shape[2:] if len(shape) == 4 else None,
        reduction=None if math.isnan(jump) else jump * scale,
        receptive_field=None if math.isnan(field) else field * scale,
        parameters=sum(p.numel() for p in module.parameters()),
        leaf=not list(module.children()),
        sources=sources,
    )
