"""A torch mode that tracks receptive fields while a network runs.

In a separate file, because a mode is a subclass of torch's, so that importing it imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

REACH = "_lowlight_reach"
"""Attribute of a tensor that holds its (receptive field, distance between samples)."""
SOURCES = "_lowlight_sources"
"""Attribute of a tensor that holds the names of the layers it was computed from."""


class Reach(TorchFunctionMode):
    """Carries (receptive field, distance between samples), in input samples, and the layers that it comes from, along
    every tensor that is computed."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        sources = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor) and hasattr(t, REACH)]
        if sources:
            reached = self._after(getattr(func, "__name__", ""), sources, args, kwargs, result)
            layers = frozenset[str]().union(*(getattr(each, SOURCES, ()) for each in sources))
            for each in tree_leaves(result):
                if isinstance(each, torch.Tensor):
                    self.mark(each, reached)
                    setattr(each, SOURCES, layers)
        return result

    @staticmethod
    def mark(tensor: torch.Tensor, reach: tuple[float, float]) -> None:
        setattr(tensor, REACH, reach)

    @staticmethod
    def _after(name: str, sources: list[torch.Tensor], args: tuple, kwargs: dict, result: Any) -> tuple[float, float]:
        field = max(getattr(t, REACH)[0] for t in sources)
        jump = max(getattr(t, REACH)[1] for t in sources)
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
