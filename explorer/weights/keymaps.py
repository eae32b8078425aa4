"""From the tensor names of published checkpoints to ours, strictly.

A `Layout` names every module that a published file holds: those that become a module of ours, those that are ignored
on purpose, and those that are stored a second time. A tensor that no entry names, or an entry without a tensor, is an
error: nothing is ever skipped or left at its random initial value without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.errors import WeightsError

if TYPE_CHECKING:  # the catalogue is read where no tensor is: torch takes seconds to import
    import torch

Tensors = dict[str, "torch.Tensor"]

_NORM_PARTS = {
    # The suffixes of a weight-normalised tensor: (gain, direction), before and since torch.nn.utils.parametrizations.
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
    """How one published file names its modules."""

    modules: Mapping[str, str]
    """Their module's name to ours, e.g. "conv2x.0" to "scale2"; the tensors within keep their names (weight, bias)."""
    ignored: tuple[str, ...] = ()
    """Modules that no forward pass reads, ignored with everything below them."""
    repeated: Mapping[str, str] = field(default_factory=dict)
    """Modules stored a second time: the copy's name to the original's. Their tensors must be equal."""


def fold_weight_norm(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Replaces each weight-normalised pair by the one tensor that it stands for.

    w = g * v / ||v||, the norm over all axes but the first (Salimans and Kingma, "Weight Normalization", 2016). Both
    the names `weight_g`/`weight_v` and `parametrizations.weight.original0`/`original1` are taken.

    Raises:
        WeightsError: one of a pair is missing, or their shapes do not belong together.
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
            raise WeightsError(f"The checkpoint holds both {name!r} and '{module}.weight'; only one of them can count.")
        gain, direction = tensors[gain_name], tensors[direction_name]
        expected = (direction.shape[0], *[1] * (direction.ndim - 1)) if direction.ndim else ()
        if direction.ndim < 2 or gain.shape != expected:
            raise WeightsError(
                f"{gain_name!r} has the shape {_shape(gain)}, which does not belong to {direction_name!r} of "
                f"{_shape(direction)}; the checkpoint is not of this layout."
            )
        axes = tuple(range(1, direction.ndim))
        # In double precision, so that folding adds nothing to the rounding of the stored numbers.
        wide = direction.double()
        weight = gain.double() * wide / torch.linalg.vector_norm(wide, dim=axes, keepdim=True)
        folded[f"{module}.weight"] = weight.to(direction.dtype)
    return folded


def rename(tensors: Mapping[str, torch.Tensor], layout: Layout) -> Tensors:
    """A published state dict under our names, weight norm folded.

    Raises:
        WeightsError: a tensor that the layout does not name, a module without tensors, or a second copy that differs.
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
    """Whether the names of a state dict are those of a layout; shapes are not looked at."""
    try:
        rename(tensors, layout)
    except WeightsError:
        return False
    return True


def check_tensors(tensors: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> None:
    """Compares names and shapes with those of a network's state dict.

    Raises:
        WeightsError: names the first few that are missing, not expected, or of another shape.
    """
    missing = [name for name in expected if name not in tensors]
    unknown = [name for name in tensors if name not in expected]
    if missing or unknown:
        raise WeightsError(_mismatch(missing, unknown))
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise WeightsError(
                f"{name!r} has the shape {_shape(tensor)} in the checkpoint, but the network needs "
                f"{_shape(expected[name])}; check the name of the model and its options."
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise WeightsError(f"{name!r} holds numbers that are not finite; the checkpoint is damaged.")


def _mismatch(missing: list[str], unknown: list[str]) -> str:
    parts = []
    if missing:
        parts.append(f"lacks {_first_few(missing)}")
    if unknown:
        parts.append(f"holds {_first_few(unknown)}, which this model does not have")
    return f"The checkpoint {' and '.join(parts)}; check that the file belongs to the model that was named."


def _first_few(names: list[str], count: int = 3) -> str:
    shown = ", ".join(repr(name) for name in names[:count])
    return f"{shown} and {len(names) - count} more" if len(names) > count else shown


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(str(n) for n in tensor.shape) or "scalar"


def _dense(theirs: str, ours: str, layers: int) -> dict[str, str]:
    """A residual dense block: the first layer's conv is stored as `conv.0`, the others' as `conv.1`."""
    modules = {f"{theirs}.dense_layers.{i}.conv.{min(i, 1)}": f"{ours}.dense.{i}" for i in range(layers)}
    return modules | {f"{theirs}.conv_1x1.0": f"{ours}.fuse"}


def _chain(ours: str, stem: str, blocks: Iterable[tuple[str, int]], fuse: str, conv: str) -> dict[str, str]:
    """A coarse scale: its stem, its dense blocks with their layers, their fusion, and the conv after upsampling."""
    modules = {f"{stem}.{i}.0": f"{ours}.chain.stem.{i}" for i in range(2)}
    for i, (block, layers) in enumerate(blocks):
        modules |= _dense(block, f"{ours}.chain.blocks.{i}", layers)
    return modules | {f"{fuse}.0": f"{ours}.chain.fuse", f"{conv}.0": f"{ours}.conv"}


_LAMBA_SHARED = {
    "resblock8x.conv1.0": "residual8.conv1",
    "resblock8x.conv2.0": "residual8.conv2",
    "conv32_8_cat.0.0": "join1",
    "conv32_8_cat.1.0": "join2",
    "conv2x.0": "scale2",
    "conv_2_8_32.0": "tail",
}

LAMBA_M0 = Layout(
    _LAMBA_SHARED | _chain("scale32", "conv32x", [("RDB1", 4), ("RDB2", 5), ("RDB3", 5)], "rdball", "conv_rdb8x")
)

LAMBA_M1 = Layout(
    _LAMBA_SHARED
    | _chain("scale8", "conv64x", [("RDB1", 4), ("RDB2", 5)], "rdball3", "conv_rdb8x0")
    | _chain("scale32", "conv32x", [("RDB3", 5), ("RDB4", 5)], "rdball1", "conv_rdb8x1")
    | _chain("scale16", "conv16x", [("RDB5", 5), ("RDB6", 5)], "rdball2", "conv_rdb8x2")
    | {"conv_rdb8x4.0": "fuse"},
    ignored=("conv_rdb8x3",),
)

LAMBA_M2 = Layout(
    _LAMBA_SHARED
    | _chain("scale32", "conv32x", [("RDB1", 5), ("RDB2", 5)], "rdball2", "conv_rdb8x1")
    | _chain("scale16", "conv16x", [("RDB3", 5), ("RDB4", 5)], "rdball3", "conv_rdb8x2")
    | _chain("scale8", "conv4x", [("RDB5", 5), ("RDB6", 5)], "rdball4", "conv_rdb8x3")
    | _dense("RDB7", "refine32", 5)
    | _dense("RDB8", "refine16", 5)
    | _dense("RDB9", "refine8", 5)
    | {"conv_rdb8x4.0": "fuse_refined", "conv_rdb8x5.0": "fuse_direct", "conv_rdb8x6.0": "fuse"},
    ignored=("conv64x", "rdball1", "conv_rdb8x0"),
)

SID_UNET = Layout(
    {f"conv{level + 1}_{i}": f"down.{level}.conv{i}" for level in range(5) for i in (1, 2)}
    | {f"upv{level + 6}": f"up.{level}" for level in range(4)}
    | {f"conv{level + 6}_{i}": f"merge.{level}.conv{i}" for level in range(4) for i in (1, 2)}
    | {"conv10_1": "last"}
)

RETINEXNET_DECOM = Layout(
    {"conv0": "decom.first", "conv6": "decom.last"} | {f"conv{i + 1}": f"decom.body.{i}" for i in range(5)}
)
RETINEXNET_RELIGHT = Layout(
    {f"conv{i}": f"relight.down.{i}" for i in range(4)}
    | {f"deconv{i + 1}": f"relight.up.{i}" for i in range(3)}
    | {"convO": "relight.fusion", "convF": "relight.last"}
)
RETINEXNET_PORT_DECOM = Layout(
    {"net1_conv0": "decom.first", "net1_recon": "decom.last"}
    # The ReLUs between the convolutions take the odd numbers.
    | {f"net1_convs.{2 * i}": f"decom.body.{i}" for i in range(5)}
)
RETINEXNET_PORT_RELIGHT = Layout(
    {"net2_conv0_1": "relight.down.0"}
    | {f"net2_conv1_{i}": f"relight.down.{i}" for i in (1, 2, 3)}
    | {f"net2_deconv1_{i + 1}": f"relight.up.{i}" for i in range(3)}
    | {"net2_fusion": "relight.fusion", "net2_output": "relight.last"}
)

ZERO_DCE = Layout({f"e_conv{i + 1}": f"convs.{i}" for i in range(7)})

SCI = Layout(
    {
        "enhance.in_conv.0": "first",
        "enhance.conv.0": "block",
        "enhance.conv.1": "norm",
        "enhance.out_conv.0": "last",
    },
    # The self-calibrating network serves training alone.
    ignored=("calibrate",),
    repeated={"enhance.blocks.0.0": "enhance.conv.0", "enhance.blocks.0.1": "enhance.conv.1"},
)
