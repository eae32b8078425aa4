"""Files of published networks for dark pictures, made like those of their authors: read, distinguished, refused."""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from explorer.errors import WeightsError
from explorer.models import create_model
from explorer.weights import CATALOGUE, import_published
from explorer.weights.importing import import_recognised
from explorer.weights.keymaps import Layout

OURS = ("flight_lol", "mobileie_lolv1", "iat_lol_v1", "flol_lolv2real", "pairlie", "psenet_afifi")


def theirs(net: torch.nn.Module, layout: Layout) -> dict[str, torch.Tensor]:
    """A network's tensors under published names."""
    back = {ours: their for their, ours in layout.modules.items()}
    named = [(*name.rpartition(".")[::2], tensor) for name, tensor in net.state_dict().items()]
    return {f"{back[module]}.{leaf}": tensor.clone() for module, leaf, tensor in named if module in back}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(content: object, name: str = "checkpoint.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> type:
    """A class under the name of Lightning's callback, which tells when it is made."""
    made: list[Any] = []

    class ModelCheckpoint:
        def __setstate__(self, state: object) -> None:
            made.append(state)

    name = "pytorch_lightning.callbacks.model_checkpoint"
    for part in ("pytorch_lightning", "pytorch_lightning.callbacks", name):
        monkeypatch.setitem(sys.modules, part, ModuleType(part))
    ModelCheckpoint.__module__, ModelCheckpoint.__qualname__ = name, "ModelCheckpoint"
    monkeypatch.setattr(sys.modules[name], "ModelCheckpoint", ModelCheckpoint, raising=False)
    ModelCheckpoint.made = made  # type: ignore[attr-defined]
    return ModelCheckpoint


def refused(name: str, file: Path, *words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        import_published(name, file, allow_unknown=True)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and message.count(". ") == 0
    assert all(word in message for word in words), message


@pytest.mark.parametrize("name", OURS)
def test_every_tensor_finds_its_place(name: str, saved: Callable[..., Path]) -> None:
    entry = CATALOGUE[name]
    torch.manual_seed(1)
    net = create_model(entry.architecture, **entry.options)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor))
    state = theirs(net, entry.files[0].layout)
    assert len(state) == len(net.state_dict())
    given = import_published(name, saved({"state_dict": state}), allow_unknown=True).net.state_dict()
    assert all(torch.equal(given[key], value) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", OURS)
def test_a_truncated_file_is_refused(name: str, saved: Callable[..., Path]) -> None:
    entry = CATALOGUE[name]
    file = saved(theirs(create_model(entry.architecture, **entry.options), entry.files[0].layout))
    file.write_bytes(file.read_bytes()[:-500])
    refused(name, file, "not a complete PyTorch checkpoint")


@pytest.mark.parametrize("name", ["mobileie_lolv1", "flol_lolv2real", "pairlie"])
def test_another_width_than_the_name_says(name: str, saved: Callable[..., Path], tmp_path: Path) -> None:
    entry = CATALOGUE[name]
    narrow = theirs(create_model(entry.architecture, width=8), entry.files[0].layout)
    refused(name, saved(narrow), "another shape", "than the network needs")
    with pytest.raises(WeightsError, match="fits no network that is known; against the nearest one.*another shape"):
        import_recognised([tmp_path / "checkpoint.pth"], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pth"]


def test_another_network_under_a_known_name(saved: Callable[..., Path]) -> None:
    entry = CATALOGUE["pairlie"]
    file = saved(theirs(create_model("pairlie"), entry.files[0].layout))
    refused("mobileie_lolv1", file, "lacks 'head'", "which this model does not have")
    with pytest.raises(WeightsError, match="has the sha256 .* was published with"):
        import_published("pairlie", file)


def uretinex(saved: Callable[..., Path], *, wide: int = 32) -> list[Path]:
    """Three files as the authors' training writes them: parts side by side, options, copies of other parts."""
    net = create_model("uretinex", width=wide)
    files = {file.role: theirs(net, file.layout) for file in CATALOGUE["uretinex"].files if file.used}
    parts: dict[str, dict[str, torch.Tensor]] = {"model_R": {}, "model_L": {}}
    for name, tensor in files["unfolding"].items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    options = argparse.Namespace(lr=1e-4, folder="logs", gpu=True)
    moments = {"state": {0: {"step": 3, "exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 1e-4}]}
    return [
        saved({"epoch": 9, "state_dict": {"model_R": files["init_low"]}, "optimizer": moments}, "init_low.pth"),
        saved({"state_dict": parts, "opts": options}, "unfolding.pth"),
        saved({"state_dict": {**parts, "model_A": files["L_adjust"]}, "opts": options}, "L_adjust.pth"),
    ]


def test_parts_that_stand_side_by_side_are_one_network(saved: Callable[..., Path]) -> None:
    files = uretinex(saved)
    one = import_published("uretinex", *files, allow_unknown=True)
    assert one.identity == import_published("uretinex", *reversed(files), allow_unknown=True).identity
    assert one.config.input.ratio_rule == "fixed" and one.config.input.ratio == 5.0
    stored = torch.load(files[2], weights_only=False)["state_dict"]["model_A"]
    assert torch.equal(one.net.state_dict()["adjust.6.weight"], stored["conv4.weight"])


def test_all_parts_must_be_there(saved: Callable[..., Path]) -> None:
    files = uretinex(saved)
    with pytest.raises(WeightsError, match="takes 3 files, but 2 were given; give init_low.*L_adjust"):
        import_published("uretinex", *files[:2], allow_unknown=True)
    with pytest.raises(WeightsError, match="second unfolding file"):
        import_published("uretinex", files[0], files[1], files[1], allow_unknown=True)


def test_names_of_harmless_classes_are_read_without_their_code(saved: Callable[..., Path], lightning: Any) -> None:
    state = theirs(create_model("psenet"), CATALOGUE["psenet_afifi"].files[0].layout)
    callback = lightning()
    callback.best = 1.0
    content = {
        "state_dict": {f"model.{name}": tensor for name, tensor in state.items()},
        "callbacks": {lightning: {"best_model_score": torch.tensor(1.0)}, "kept": callback},
        "hyper_parameters": {"args": argparse.Namespace(lr=1e-3)},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}}],
    }
    file = saved(content)
    assert b"ModelCheckpoint" in file.read_bytes() and b"Namespace" in file.read_bytes()
    model = import_published("psenet_afifi", file, allow_unknown=True)
    assert torch.equal(model.net.state_dict()["first.widen.bias"], state["first_conv.conv.0.bias"])
    assert lightning.made == []


class _Elsewhere:
    """A class of a package that no checkpoint needs."""


class _Called:
    """Asks for a harmless class to be called, with a folder to be made."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return argparse.ArgumentParser, (str(self.trace),)


def test_other_classes_are_refused(saved: Callable[..., Path], tmp_path: Path) -> None:
    for content in ({"opts": _Elsewhere()}, {"opts": _Called(tmp_path / "made")}, {"opts": pickle.Pickler}):
        refused("psenet_afifi", saved({"state_dict": {}, **content}), "objects or code")
    assert not (tmp_path / "made").exists()
