"""The layers of a network, found by running it once on a small input: nothing is written down by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from explorer.inspect.hooks import hooked
from explorer.weights.store import LoadedModel

SAMPLES_PER_PLANE = {"bayer": 1, "rgb": 1, "packed": 2, "xtrans": 3}
"""Pixels of the picture along one side of one sample of the input tensor, by domain."""

_REACH = "_lowlight_reach"


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
    """Place in the order in which modules finish; -1 for modules that do not run, or give no tensor."""
    inputs: int | None
    """Channels of its input; None where it has no weights."""
    outputs: int | None
    """Channels of its output; None where its output is not one tensor."""
    kernel: tuple[int, ...] | None
    reduction: float | None
    """Pixels of the picture along one side of one sample of its output: 8 means an eighth of the size."""
    receptive_field: float | None
    """Pixels of the picture, along one side, that one value of its output depends on; infinite where it is all."""
    parameters: int
    """Of the module and everything in it."""
    leaf: bool
    """True where it holds no other module."""


def layers(model: LoadedModel) -> list[Layer]:
    """Every module of a network but the network itself, in the order of `named_modules()`.

    The receptive field follows the arithmetic of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
    Neural Networks", Distill 2019, along the operations that really run: it is an upper bound, as weights may be 0.

    Returns:
        The layers; empty for classical methods.
    """
    net = model.net
    named = [(name, module) for name, module in net.named_modules() if name]
    if not named:
        return []
    seen: dict[str, tuple[int, torch.Tensor, tuple[float, float]]] = {}

    def note(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and output.dim() == 4:
                seen[name] = (len(seen), output.detach(), getattr(output, _REACH, (math.nan, math.nan)))

        return hook

    side = net.size.padded(max(64, net.size.minimum))
    with model.lock, hooked((module, note(name)) for name, module in named), torch.inference_mode(), _Reach() as reach:
        start = torch.zeros(1, net.input_channels, side, side)
        reach.mark(start, (1.0, 1.0))
        net.decompose(start)
    scale = SAMPLES_PER_PLANE[model.architecture.domain]
    return [_layer(name, module, seen.get(name), scale) for name, module in named]


def _layer(
    name: str, module: nn.Module, run: tuple[int, torch.Tensor, tuple[float, float]] | None, scale: int
) -> Layer:
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
    )


class _Reach(TorchFunctionMode):
    """Carries (receptive field, distance between samples), in input samples, along every tensor that is computed."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        sources = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor) and hasattr(t, _REACH)]
        if sources:
            reached = self._after(getattr(func, "__name__", ""), sources, args, kwargs, result)
            for each in tree_leaves(result):
                if isinstance(each, torch.Tensor):
                    self.mark(each, reached)
        return result

    @staticmethod
    def mark(tensor: torch.Tensor, reach: tuple[float, float]) -> None:
        setattr(tensor, _REACH, reach)

    @staticmethod
    def _after(name: str, sources: list[torch.Tensor], args: tuple, kwargs: dict, result: Any) -> tuple[float, float]:
        field = max(getattr(t, _REACH)[0] for t in sources)
        jump = max(getattr(t, _REACH)[1] for t in sources)
        first = sources[0]
        if name == "conv2d":
            kernel, stride, dilation = (
                args[1].shape[-1],
                _one(_at(args, kwargs, 3, "stride", 1)),
                _one(_at(args, kwargs, 5, "dilation", 1)),
            )
            return field + (kernel - 1) * dilation * jump, jump * stride
        if name == "conv_transpose2d":
            kernel, stride = args[1].shape[-1], _one(_at(args, kwargs, 3, "stride", 1))
            return field + (math.ceil(kernel / stride) - 1) * jump, jump / stride
        if "pool2d" in name and "adaptive" not in name:
            kernel = _one(_at(args, kwargs, 1, "kernel_size", 2))
            stride = _one(_at(args, kwargs, 2, "stride", None) or kernel)
            return field + (kernel - 1) * jump, jump * stride
        if name in ("pixel_shuffle", "pixel_unshuffle"):
            factor = int(_at(args, kwargs, 1, "upscale_factor", kwargs.get("downscale_factor", 1)))
            if name == "pixel_shuffle":
                return field, jump / factor
            return field + (factor - 1) * jump, jump * factor
        if name == "interpolate":
            support = {"bicubic": 4, "bilinear": 2}.get(kwargs.get("mode", "nearest"), 1)
            return field + (support - 1) * jump, jump * first.shape[-1] / result.shape[-1]
        whole = isinstance(result, torch.Tensor) and first.dim() == 4 and first.shape[-1] > 1
        if whole and (result.dim() < 3 or result.shape[-1] == 1):
            return math.inf, jump
        return field, jump


def _at(args: tuple, kwargs: dict, place: int, name: str, default: Any) -> Any:
    return args[place] if len(args) > place else kwargs.get(name, default)


def _one(value: int | Iterable[int]) -> int:
    return value if isinstance(value, int) else next(iter(value))
