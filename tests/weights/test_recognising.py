"""Checkpoints without a name, recognised by their tensors, however they were saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from explorer.cli import main
from explorer.models import create_model
from explorer.weights.catalogue import CATALOGUE
from explorer.weights.recognising import recognised
from explorer.weights.store import load_weights
from explorer.weights.unwrapping import state_dicts

State = dict[str, torch.Tensor]
WEIGHTS = 6


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data directory, empty and away from the real one."""
    folder = tmp_path / "data" / "weights"
    for module in ("store", "importing", "recognising"):
        monkeypatch.setattr(f"explorer.weights.{module}.imported_folder", lambda: folder)
    return folder


def ours(architecture: str = "zero_dce", seed: int = 1, **options: Any) -> State:
    torch.manual_seed(seed)
    return dict(create_model(architecture, **options).state_dict())


def published(state: State, name: str = "zero_dce", file: int = 0) -> State:
    """The same tensors under the names of a published file."""
    back = {our: their for their, our in CATALOGUE[name].files[file].layout.modules.items()}
    found = {}
    for key, value in state.items():
        module, _, leaf = key.rpartition(".")
        if module in back:
            found[f"{back[module]}.{leaf}"] = value
    return found


def before(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


OTHER = {"main.0.weight": torch.zeros(4, 3, 3, 3), "main.0.bias": torch.zeros(4)}
WRAPPINGS: dict[str, Callable[[State], Any]] = {
    "plain": lambda s: s,
    "parallel": lambda s: before("module.", s),
    "compiled": lambda s: before("_orig_mod.", s),
    "both": lambda s: {"state_dict": before("module._orig_mod.", s), "epoch": 3},
    "compiled within": lambda s: {n.replace(".", "._orig_mod.", 1): v for n, v in s.items()},
    "params": lambda s: {"params": s},
    "averaged first": lambda s: {"params": {n: v * 0 for n, v in s.items()}, "params_ema": s},
    "average after": lambda s: {"model": {n: v * 0 for n, v in s.items()}, "model_ema": {"module": s}},
    "nested": lambda s: {"checkpoint": {"net": {"state_dict": before("module.", s)}}, "args": {"lr": 0.1}},
    "lightning": lambda s: {"state_dict": before("model.", s) | before("loss.vgg.", OTHER), "global_step": 7},
    "adversarial": lambda s: {"generator": s, "discriminator": OTHER, "optimizer": {"state": {0: {"step": 1}}}},
    "adversarial in one": lambda s: before("netG.", s) | before("netD.", OTHER),
    "own prefix": lambda s: before("enhancer.", s),
    "half": lambda s: {n: v.half().float().half() for n, v in s.items()},
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("names", ["published", "ours"])
def test_wrappings(wrap: Callable[[State], Any], names: str, tmp_path: Path) -> None:
    state = ours()
    path = tmp_path / "x.pth"
    torch.save(wrap(published(state) if names == "published" else state), path)
    known, tensors = recognised([state_dicts(path, path.read_bytes())], "x")
    assert known.architecture == "zero_dce" and tensors.keys() == state.keys()
    assert all(torch.allclose(value.float(), state[name], atol=1e-3) for name, value in tensors.items())


def test_the_folder_that_is_written(tmp_path: Path, data_folder: Path) -> None:
    state = ours()
    path = tmp_path / "My Net-G (2).pth"
    torch.save(before("module.", {name: value.half() for name, value in published(state).items()}), path)
    assert main(["weights", "import", str(path), "-q"]) == 0
    model = load_weights(data_folder / "zero_dce.my_net_g_2")
    assert (model.config.architecture, model.config.input) == ("zero_dce", CATALOGUE["zero_dce"].input)
    for name, value in model.net.state_dict().items():
        assert torch.allclose(value, state[name], atol=1e-3) and value.dtype == torch.float32


def test_safetensors(tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_file(before("module.", ours("sid_unet")), tmp_path / "a.safetensors")
    assert main(["import", str(tmp_path / "a.safetensors")]) == 0
    said = capsys.readouterr().out
    assert "sid_unet" in said and "-m sid_unet.a" in said
    assert load_weights(data_folder / "sid_unet.a").config.domain == "packed"
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:-8])
    assert main(["import", str(tmp_path / "b.safetensors")]) == WEIGHTS


@pytest.mark.parametrize("name", [e.name for e in CATALOGUE.values() if sum(f.used for f in e.files) == 1])
def test_every_published_layout(name: str, tmp_path: Path, data_folder: Path) -> None:
    entry = CATALOGUE[name]
    state = ours(entry.architecture, **entry.options)
    position = [file.used for file in entry.files].index(True)
    named = before("module.", published(state, entry.name, position))
    layout = entry.files[position].layout
    for copy, original in layout.repeated.items():
        named |= {f"module.{copy}.{n.rpartition('.')[2]}": v for n, v in named.items() if f".{original}." in n}
    torch.save(named, tmp_path / "x.pth")
    assert main(["weights", "import", str(tmp_path / "x.pth"), "-o", str(tmp_path / "out"), "-q"]) == 0
    model = load_weights(tmp_path / "out")
    assert model.config.architecture == entry.architecture
    for name, value in model.net.state_dict().items():
        assert torch.equal(value, state[name])


def test_two_halves(tmp_path: Path, data_folder: Path) -> None:
    entry = CATALOGUE["retinexnet_port"]
    state = ours(entry.architecture, **entry.options)
    for k in range(2):
        torch.save({"net": before("module.", published(state, entry.name, k))}, tmp_path / f"{k}.pth")
    assert main(["import", str(tmp_path / "1.pth"), str(tmp_path / "0.pth"), "-o", str(tmp_path / "out"), "-q"]) == 0
    for name, value in load_weights(tmp_path / "out").net.state_dict().items():
        assert torch.equal(value, state[name])


def test_a_named_import_unwraps_too(tmp_path: Path, data_folder: Path) -> None:
    state = ours()
    torch.save({"params_ema": before("module.", published(state))}, tmp_path / "x.pth")
    assert main(["import", "zero_dce", str(tmp_path / "x.pth"), "--allow-unknown-sha256", "-q"]) == 0
    assert torch.equal(
        load_weights(data_folder / "zero_dce").net.state_dict()["convs.0.weight"], state["convs.0.weight"]
    )


def test_what_is_missing_and_what_is_left_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = published(ours())
    lacking = {name: value for name, value in state.items() if name != "e_conv7.bias"}
    cases: dict[str, tuple[Any, list[str]]] = {
        "lacking": (before("module.", lacking), ["zero_dce", "lacks 'e_conv7.bias'"]),
        "more": (state | {"head.scale": torch.zeros(3)}, ["zero_dce", "holds besides 'head.scale'"]),
        "shape": (state | {"e_conv1.weight": torch.zeros(32, 4, 3, 3)}, ["zero_dce", "another shape 'e_conv1.weight'"]),
        "strange": ({"qkv.w": torch.zeros(3)}, ["'qkv.w'"]),
        "none": ({"epoch": 3}, ["state dict"]),
        "not finite": (state | {"e_conv1.bias": torch.full((32,), float("nan"))}, ["not finite"]),
    }
    for name, (content, words) in cases.items():
        path = tmp_path / f"{name}.pth"
        torch.save(content, path)
        assert main(["weights", "import", str(path)]) == WEIGHTS
        (line,) = capsys.readouterr().err.splitlines()
        assert all(word in line for word in words), line
    assert main(["weights", "import", str(tmp_path / "absent.pth")]) != 0


def test_files_of_one_name_stay_apart(tmp_path: Path, data_folder: Path) -> None:
    for seed in (1, 2, 1):
        torch.save(published(ours(seed=seed)), tmp_path / "net.pth")
        assert main(["weights", "import", str(tmp_path / "net.pth"), "-q"]) == 0
    names = sorted(path.name for path in data_folder.iterdir())
    assert len(names) == 2 and names[0] == "zero_dce.net" and names[1].startswith("zero_dce.net_")


@pytest.mark.parametrize(("architecture", "named"), [("zero_dce", True), ("lynx_rgb", False)])
def test_the_card_names_a_paper_if_there_is_one(
    tmp_path: Path, data_folder: Path, architecture: str, named: bool
) -> None:
    torch.save(ours(architecture), tmp_path / "net.pth")
    assert main(["weights", "import", str(tmp_path / "net.pth"), "-q"]) == 0
    (card,) = data_folder.rglob("README.md")
    assert ("- Paper: " in card.read_text()) == named


def test_a_folder_is_not_replaced_over_its_own_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    torch.save(published(ours()), tmp_path / "net.pth")
    assert main(["weights", "import", str(tmp_path / "net.pth"), "-o", str(folder), "-q"]) == 0
    (tmp_path / "net.pth").rename(folder / "net.pth")
    (tmp_path / "link").symlink_to(folder)
    for arguments in (["weights", "import"], ["import", "zero_dce", "--allow-unknown-sha256"]):
        for name in (folder, tmp_path / "link"):
            assert main([*arguments, str(name / "net.pth"), "-o", str(folder)]) == WEIGHTS
            assert "would replace" in capsys.readouterr().err
    assert (folder / "net.pth").is_file()


def test_a_published_file_is_known_by_its_digest(shared: Path, data_folder: Path) -> None:
    (file,) = (shared / "checkpoints" / "sci").rglob("medium.pt")
    assert main(["weights", "import", str(file), "-q"]) == 0
    assert [path.name for path in data_folder.iterdir()] == ["sci_medium"]


def test_published_checkpoints_saved_anew(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other bytes, the same tensors: by name and shape."""
    (file,) = (shared / "checkpoints" / "zero_dce").rglob("*.pth")
    torch.save(
        {"model": before("module.", torch.load(file, map_location="cpu", weights_only=True))}, tmp_path / "again.pth"
    )
    assert main(["weights", "import", str(tmp_path / "again.pth")]) == 0
    assert "zero_dce" in capsys.readouterr().out
