"""Maps the tensor names of published checkpoints to ours, strictly.

A `Layout` lists every module in a published file: those that become one of our modules, those that are intentionally
ignored, and those that are stored twice. A tensor without an entry, or an entry without a tensor, is an error: nothing
is silently skipped or left at its random initial value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.errors import WeightsError

if TYPE_CHECKING:  # the catalogue is also read without tensors, and torch takes seconds to import
    import torch

Tensors = dict[str, "torch.Tensor"]

_NORM_PARTS = {
    # Suffixes of a weight-normalised tensor: (gain, direction), before and since torch.nn.utils.parametrizations.
    ".weight_g": (".weight_g", ".weight_v"),
    ".weight_v": (".weight_g", ".weight_v"),
    ".parametrizations.weight.original0": (
        ".parametrizations.weight.original0",
        ".parametrizations.weight.original1",
    ),
    ".parametrizations.weight.original1": (
        ".parametrizations.weight.original0",
        ".parametrizations.weight.original1",
    ),
}


@dataclass(frozen=True)
class Layout:
    """Names of the modules in a published file."""

    modules: Mapping[str, str]
    """Their module name -> ours, e.g. "conv2x.0" -> "scale2", for every module with its own tensors, which keep their
    names (weight, bias). A container, such as a Sequential, has none: name its members; see `renumbered`."""
    ignored: tuple[str, ...] = ()
    """Modules that are not used in the forward pass, ignored with everything below them."""
    repeated: Mapping[str, str] = field(default_factory=dict)
    """Modules stored twice: the copy's name -> the original's. Their tensors must be equal."""


def renumbered(theirs: str, ours: str, numbers: Iterable[int]) -> dict[str, str]:
    """Maps the modules of a list or a sequence, keeping their numbers under another name."""
    return {f"{theirs}.{i}": f"{ours}.{i}" for i in numbers}


def fold_weight_norm(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Replaces each weight-normalised pair by the tensor that it represents.

    w = g * v / ||v||, the norm over all axes but the first (Salimans and Kingma, "Weight Normalization", 2016). Both
    the names `weight_g`/`weight_v` and `parametrizations.weight.original0`/`original1` are accepted.

    Raises:
        WeightsError: one of a pair is missing, or their shapes do not match.
    """
    import torch

    folded: Tensors = {}
    for name, tensor in tensors.items():
        suffix = next((s for s in _NORM_PARTS if name.endswith(s)), None)
        if suffix is None:
            folded[name] = tensor
            continue
        module = name[: -len(suffix)]
        gain_name, direction_name = (module + part for part in _NORM_PARTS[suffix])
        absent = [n for n in (gain_name, direction_name) if n not in tensors]
        if absent:
            raise WeightsError(f"The checkpoint holds {name!r} but not {absent[0]!r}; it is incomplete.")
        if f"{module}.weight" in tensors:
            raise WeightsError(
                f"The checkpoint holds both {name!r} and '{module}.weight'; only one of them can be right."
            )
        gain, direction = tensors[gain_name], tensors[direction_name]
        expected = (direction.shape[0], *[1] * (direction.ndim - 1)) if direction.ndim else ()
        if direction.ndim < 2 or gain.shape != expected:
            raise WeightsError(
                f"{gain_name!r} has the shape {_shape(gain)}, which does not belong to {direction_name!r} of "
                f"{_shape(direction)}; the checkpoint is not of this layout."
            )
        axes = tuple(range(1, direction.ndim))
        # In double precision, so that folding does not add to the rounding of the stored numbers.
        wide = direction.double()
        weight = gain.double() * wide / torch.linalg.vector_norm(wide, dim=axes, keepdim=True)
        folded[f"{module}.weight"] = weight.to(direction.dtype)
    return folded


def rename(tensors: Mapping[str, torch.Tensor], layout: Layout) -> Tensors:
    """Renames a published state dict to our names, with weight norm folded.

    Raises:
        WeightsError: a tensor that is not in the layout, a module without tensors, or a second copy that differs.
    """
    folded = fold_weight_norm(tensors)
    renamed: Tensors = {}
    unknown: list[str] = []
    for name, tensor in folded.items():
        module, _, leaf = name.rpartition(".")
        if module in layout.modules:
            renamed[f"{layout.modules[module]}.{leaf}"] = tensor
        elif module in layout.repeated:
            original = f"{layout.repeated[module]}.{leaf}"
            if original not in folded or not folded[original].equal(tensor):
                raise WeightsError(f"{name!r} and {original!r} must be copies of one tensor, but they differ.")
        elif not any(module == prefix or module.startswith(prefix + ".") for prefix in layout.ignored):
            unknown.append(name)
    present = {name.rpartition(".")[0] for name in folded}
    missing = [module for module in layout.modules if module not in present]
    if unknown or missing:
        raise WeightsError(_mismatch(missing, unknown))
    return renamed


def fits(tensors: Mapping[str, torch.Tensor], layout: Layout) -> bool:
    """True if the names of a state dict match a layout; shapes are ignored."""
    try:
        rename(tensors, layout)
    except WeightsError:
        return False
    return True


def check_tensors(
    tensors: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], source: str = "The checkpoint"
) -> None:
    """Compares names and shapes with those of a network's state dict.

    Args:
        source: what the message says of the tensors.

    Raises:
        WeightsError: the message lists the first few tensors that are missing, unexpected, or of another shape.
    """
    missing = [name for name in expected if name not in tensors]
    unknown = [name for name in tensors if name not in expected]
    if missing or unknown:
        raise WeightsError(_mismatch(missing, unknown, source))
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise WeightsError(
                f"{source} has another shape of {name!r} ({_shape(tensor)}) than the network needs "
                f"({_shape(expected[name])}); check the name of the model and its options."
            )


def check_finite(tensors: Mapping[str, torch.Tensor]) -> None:
    """Raises WeightsError if a tensor of a checkpoint contains numbers that are not finite."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise WeightsError(
                f"{name!r} contains numbers that are not finite, so the checkpoint is damaged; download it again."
            )


def _mismatch(missing: list[str], unknown: list[str], source: str = "The checkpoint") -> str:
    parts = []
    if missing:
        parts.append(f"lacks {first_few(missing)}")
    if unknown:
        parts.append(f"holds {first_few(unknown)}, which this model does not have")
    return f"{source} {' and '.join(parts)}; check that the file belongs to the model that was named."


def first_few(names: Sequence[str]) -> str:
    """The first three names as a part of a sentence, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(str(n) for n in tensor.shape) or "scalar"
