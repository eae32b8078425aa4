"""Finds the state dicts in a checkpoint's file, whatever they are wrapped in.

Training scripts save more than a network: optimisers, averages, the discriminator. Wrappers of the network during
training add a prefix to every name. The results are only candidates, whose names and shapes the caller must compare.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from explorer.errors import WeightsError
from explorer.weights.keymaps import Tensors

_WRAPPED = re.compile(r"(?:^|(?<=\.))(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""Prefixes that torch's DataParallel, compile and checkpointing add to names."""
_COUNTERS = re.compile(r"(?:^|\.)(?:n_averaged|total_ops|total_params)$")
"""Entries of weight averaging and operation counters among the tensors."""
_NETWORKS = frozenset([
    "model", "net", "network", "generator", "netg", "net_g", "g", "g_ema", "ema", "ema_model", "module_ema", "params",
    "params_ema", "student", "restorer",
])  # fmt: skip
"""First parts of names under which one of several networks is stored, in lower case."""
_DEEPEST, _MOST = 6, 4096


class _StandIn:
    """Stands in for a class that files name next to their tensors, so that none of its code is run."""


_HARMLESS: list[Any] = [
    argparse.Namespace,  # options, stored with many networks
    (_StandIn, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"),
]
"""Classes that checkpoints may name."""


def state_dicts(path: Path, data: bytes) -> list[Tensors]:
    """Returns a file's possible state dicts, the likeliest first: averaged weights before the last ones, all tensors
    before a part of them.

    Args:
        path: for messages.
        data: content of a PyTorch checkpoint, a safetensors file, or weights of Keras 2 in HDF5.

    Raises:
        WeightsError: the file contains code, is incomplete, or contains no named tensors.
    """
    found: list[Tensors] = []
    for tensors in _named_tensors(_loaded(path, data)):
        found += _stripped(tensors)
    if not found:
        raise WeightsError(f"{path} does not hold a state dict of tensors; get the network's own checkpoint.")
    return found


def _loaded(path: Path, data: bytes) -> Any:
    import torch

    from explorer.weights import keras

    if data.startswith(keras.SIGNATURE):
        return keras.tensors(path, data)
    fits = 8 < int.from_bytes(data[:8], "little") + 8 <= len(data)
    if data[8:9] == b"{" and (fits or path.suffix == ".safetensors"):
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            return load(data)
        except (SafetensorError, ValueError) as error:
            raise WeightsError(f"{path} is not a complete safetensors file ({error}); download it again.") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about storage classes of old releases, which users cannot act on
            with torch.serialization.safe_globals(_HARMLESS):
                return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise almost anything
        reason = str(error).lower()
        # Newer pickle protocols, which PyTorch never writes, are refused at their first instruction.
        foreign = "unsupported operand" in reason and data.startswith(b"\x80")
        if isinstance(error, pickle.UnpicklingError) and ("global" in reason or foreign):
            raise WeightsError(
                f"{path} contains objects or code, not only tensors, so it is refused; get a checkpoint that holds a "
                "state dict."
            ) from error
        raise _no_checkpoint(path, data) from error


def _no_checkpoint(path: Path, data: bytes) -> WeightsError:
    """Makes the error for a file that torch cannot read, as precise as its content allows."""
    with contextlib.suppress(zipfile.BadZipFile, ValueError, NotImplementedError):
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        if any(name.endswith("/constants.pkl") for name in names):
            return WeightsError(f"{path} is a TorchScript program, which contains code; get the network's state dict.")
        if not any(name.endswith("data.pkl") for name in names):
            return WeightsError(f"{path} is an archive of files; unpack it, and import the checkpoint in it.")
    if data[257:262] == b"ustar" or data.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        return WeightsError(f"{path} is an archive of files; unpack it, and import the checkpoint in it.")
    if data.startswith(b"version https://git-lfs"):
        return WeightsError(f"{path} is only a Git LFS pointer; download the file itself.")
    if data.lstrip()[:1] == b"<":
        return WeightsError(f"{path} is a web page, not a checkpoint; download the file itself.")
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*")):
        return WeightsError(f"{path} is a picture, not a checkpoint; give the file of the weights.")
    return WeightsError(f"{path} is not a complete PyTorch checkpoint; download it again.")


def _named_tensors(loaded: Any) -> list[Tensors]:
    """Yields dictionaries of named tensors, at any depth of the loaded object."""
    import torch

    def walk(value: Any, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Tensors]]:
        if isinstance(value, argparse.Namespace):
            value = vars(value)
        elif isinstance(value, list | tuple):
            value = {str(index): each for index, each in enumerate(value) if isinstance(each, dict | list | tuple)}
        if not isinstance(value, dict) or len(way) > _DEEPEST:
            return
        tensors = {k: v.detach() for k, v in value.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
        if tensors:
            yield way, tensors
        elif len(joined := _joined(value)) > 1:
            yield (*way, "joined"), {name: tensor for part in joined for name, tensor in part.items()}
        for key, each in value.items():
            yield from walk(each, (*way, str(key).lower()))

    found: list[tuple[bool, int, int, Tensors]] = []
    for way, tensors in walk(loaded, ()):
        found.append((not any("ema" in part or "average" in part for part in way), len(way), len(found), tensors))
        if len(found) >= _MOST:
            break
    return [each[-1] for each in sorted(found, key=lambda each: each[:3])]


def _joined(value: dict[Any, Any]) -> list[Tensors]:
    """Joins the state dicts in a dictionary, each under its name there: the parts of a network that its authors store
    separately."""
    import torch

    return [
        {f"{key}.{name}": tensor.detach() for name, tensor in part.items()}
        for key, part in value.items()
        if isinstance(key, str) and isinstance(part, dict) and part
        if all(isinstance(n, str) and isinstance(t, torch.Tensor) for n, t in part.items())
    ]


def _stripped(tensors: Tensors) -> list[Tensors]:
    """Yields a state dict without the wrappers' prefixes, then each network in it, if there are several."""
    tensors = {name: tensor for name, tensor in tensors.items() if not _COUNTERS.search(name)}
    clean = {_WRAPPED.sub("", name): tensor for name, tensor in tensors.items()}
    found = [tensors] if len(clean) < len(tensors) else [clean]  # nothing is removed if names would collide
    for state in found:
        parts: dict[str, Tensors] = {}
        for name, tensor in state.items():
            first, dot, rest = name.partition(".")
            parts.setdefault(first if dot else "", {})[rest if dot else name] = tensor
        if len(parts) == 1 and "" not in parts:
            found.append(next(iter(parts.values())))
        elif len(parts) > 1:
            found += [part for first, part in parts.items() if first.lower() in _NETWORKS]
    return found
