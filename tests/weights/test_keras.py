"""Weights of Keras 2 in HDF5: their names and axes, and files that are something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from explorer.errors import WeightsError
from explorer.models import create_model
from explorer.weights import CATALOGUE, convert_published, import_published, load_weights
from explorer.weights.importing import import_recognised
from explorer.weights.unwrapping import state_dicts

NAME = "lyt_net_tf_lolv1"


def as_keras(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """A network of ours under Keras's names, in groups of layers, its axes as Keras has them."""
    theirs = {ours: name for name, ours in CATALOGUE[NAME].files[0].layout.modules.items()}
    found = {}
    for key, tensor in state.items():
        module, _, leaf = key.rpartition(".")
        layer, value = theirs[module], tensor.numpy()
        if layer.startswith("layer_normalization"):
            leaf = {"weight": "gamma", "bias": "beta"}[leaf]
        elif layer.startswith("depthwise") and leaf == "weight":
            leaf, value = "depthwise_kernel", value.transpose(2, 3, 0, 1)
        elif leaf == "weight":
            leaf, value = "kernel", value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
        found[f"outer/{layer}/{layer}/{leaf}:0"] = value
    return found


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(tensors: dict[str, np.ndarray], **options: Any) -> Path:
        path = tmp_path / "weights.h5"
        with h5py.File(path, "w") as file:
            for name, value in tensors.items():
                file.create_dataset(name, data=value, **options)
        return path

    return save


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return create_model("lyt_net").state_dict()


def test_names_and_axes_become_torchs(state: dict[str, torch.Tensor], saved: Callable[..., Path]) -> None:
    path = saved(as_keras(state))
    given = import_published(NAME, path, allow_unknown=True).net.state_dict()
    assert given.keys() == state.keys()
    assert all(torch.equal(given[key], value) for key, value in state.items())


def test_it_is_recognised(state: dict[str, torch.Tensor], saved: Callable[..., Path], tmp_path: Path) -> None:
    name, folder, known = import_recognised([saved(as_keras(state))], tmp_path / "out")
    assert known is not None and known.architecture == "lyt_net" and name.startswith("lyt_net.")
    assert load_weights(folder).architecture.name == "lyt_net"


def links(file: h5py.File, path: Path) -> None:
    file["outside"] = h5py.ExternalLink(str(path), "secret")
    file["again"] = h5py.SoftLink("/nowhere")


def test_links_are_not_followed(state: dict[str, torch.Tensor], saved: Callable[..., Path], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.ones(3, np.float32)
    path = saved(as_keras(state))
    with h5py.File(path, "a") as file:
        links(file, tmp_path / "other.h5")
    assert not any("secret" in name or "outside" in name for name in state_dicts(path, path.read_bytes())[0])


def damaged(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "cut short":
        del data[len(data) // 2 :]
    elif how == "signature only":
        del data[8:]
    else:
        data[96:4096] = bytes(range(256)) * 15 + bytes(160)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut short", "signature only", "overwritten"])
def test_damaged_files_are_one_sentence_and_nothing_is_kept(
    how: str, state: dict[str, torch.Tensor], saved: Callable[..., Path], tmp_path: Path
) -> None:
    path = saved(as_keras(state))
    damaged(path, how)
    with pytest.raises(WeightsError) as caught:
        convert_published(NAME, [path], tmp_path / "out", allow_unknown=True)
    said = str(caught.value)
    assert "\n" not in said and said.endswith(".")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"a/b/kernel:0": np.zeros((3, 3), "S4")}, "not a plain tensor"),
        ({"a/conv2d_6/kernel:0": np.zeros((3, 3, 1, 16), np.float32)}, "two tensors"),
        ({"a/conv2d_99/kernel:0": np.zeros((3, 3, 1, 16), np.float32)}, "conv2d_99"),
        ({"outer/conv2d_6/conv2d_6/kernel:0": np.zeros((3, 3, 1, 24), np.float32)}, "24x1x3x3"),
        ({"outer/conv2d_6/conv2d_6/kernel:0": np.full((3, 3, 1, 16), np.nan, np.float32)}, "not finite"),
    ],
    ids=["text", "twice", "unknown layer", "another width", "not a number"],
)
def test_other_contents_are_refused(
    change: dict[str, np.ndarray], words: str, state: dict[str, torch.Tensor], saved: Callable[..., Path]
) -> None:
    path = saved(as_keras(state) | change)
    with pytest.raises(WeightsError, match=words):
        import_published(NAME, path, allow_unknown=True)


def test_what_grows_when_it_is_read_is_refused(saved: Callable[..., Path]) -> None:
    path = saved({"a/b/kernel:0": np.zeros((1000, 1000), np.float32)}, compression="gzip")
    with pytest.raises(WeightsError, match="not a plain tensor"):
        state_dicts(path, path.read_bytes())


def test_another_published_file_under_this_name_is_refused(shared: Path) -> None:
    folder = shared / "checkpoints_more" / "lyt_net_tf"
    if not folder.is_dir():
        pytest.skip("needs LYT-Net's checkpoints among the shared test data")
    with pytest.raises(WeightsError, match="belongs to lyt_net_tf_lolv2_real, not to lyt_net_tf_lolv1"):
        import_published(NAME, folder / "LOL_v2_real_weights.h5")
