"""Reads weights of Keras 2 (`.h5`) in torch's form: names of layers, `weight` and `bias`, torch's order of axes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import WeightsError
from explorer.weights.keymaps import Tensors

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LEAVES = {"kernel": "weight", "depthwise_kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
_MOST = 4096
"""Largest number of tensors that are read from one file."""


def tensors(path: Path, data: bytes) -> Tensors:
    """Returns every tensor of a file by its layer's own name, e.g. "conv2d_6.weight".

    Reads only contiguous, uncompressed data inside the file, as Keras writes it: follows no links to other files, and
    returns no more data than the file contains.

    Args:
        path: for messages.

    Raises:
        WeightsError: the file is damaged, or contains something else.
    """
    import h5py
    import torch

    found: dict[str, NDArray[np.float32]] = {}

    def visit(name: str, each: Any) -> None:
        if not isinstance(each, h5py.Dataset):
            return
        plain = each.chunks is None and not each.external and not each.is_virtual
        if not plain or each.dtype.kind != "f" or each.nbytes > len(data) or len(found) >= _MOST:
            raise WeightsError(f"{path} holds {name!r}, which is not a plain tensor; get the network's own weights.")
        found[name.removesuffix(":0")] = each[()].astype(np.float32)

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            file.visititems(visit)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is not a complete HDF5 file; download it again.") from error
    named: Tensors = {}
    for name, value in found.items():
        layer, _, leaf = name.rpartition("/")
        ours = f"{layer.rpartition('/')[2]}.{_LEAVES.get(leaf, leaf)}"
        if ours in named:
            raise WeightsError(f"{path} holds two tensors called {ours!r}; get the network's own weights.")
        named[ours] = torch.from_numpy(np.ascontiguousarray(_turned(value, leaf)))
    return named


def _turned(value: NDArray[np.float32], leaf: str) -> NDArray[np.float32]:
    """Transposes to torch's order: H x W x in x out to out x in x H x W, in x out to out x in, and depthwise kernels, H
    x W x C x 1, to C x 1 x H x W."""
    if leaf == "depthwise_kernel" and value.ndim == 4:
        return value.transpose(2, 3, 0, 1)
    if leaf == "kernel":
        return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
    return value
