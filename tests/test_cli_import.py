"""`lowlight weights import`, and `lowlight import`, its former name."""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.cli import main
from explorer.errors import WeightsError
from explorer.loading import as_model
from explorer.models import architecture, create_model
from explorer.weights.config import read_config
from explorer.weights.unwrapping import state_dicts

WEIGHTS = 6


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data directory, empty and away from the real one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("EXPLORER_WEIGHTS", raising=False)
    return tmp_path / "data" / "lowlight-explorer"


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(3).integers(0, 60, (40, 56, 3)).astype(np.uint8)
    path = tmp_path / "dark.png"
    Image.fromarray(pixels).save(path)
    return path


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def fails(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    """Asserts one sentence and the exit code; gives the sentence."""
    capsys.readouterr()
    assert run(*arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and len(err.splitlines()) == 1
    assert "Traceback" not in err and "Unexpected" not in err
    return err


@pytest.fixture
def unknown_zero_dce(tmp_path: Path) -> Path:
    """A checkpoint in the published layout whose tensors, and so its sha256, are others."""
    from explorer.weights.catalogue import published

    torch.manual_seed(0)
    ours = create_model("zero_dce").state_dict()
    # The layout maps the published names to ours; here it is read backwards.
    modules = {our: theirs for theirs, our in published("zero_dce").files[0].layout.modules.items()}
    theirs = {}
    for name, value in ours.items():
        module, _, tensor = name.rpartition(".")
        theirs[f"{modules[module]}.{tensor}"] = value
    path = tmp_path / "Epoch12.pth"
    torch.save(theirs, path)
    return path


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    from explorer.weights import CATALOGUE

    assert run("weights", "import", "--list") == 0
    listed = capsys.readouterr().out
    assert run("import", "--list") == 0
    assert capsys.readouterr().out == listed  # one list, whichever word asks
    lines = listed.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(CATALOGUE)


def test_a_wrong_sha256_is_refused_and_may_be_allowed(
    unknown_zero_dce: Path, dark: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = fails(capsys, WEIGHTS, "import", "zero_dce", unknown_zero_dce)
    assert "sha256" in message and "--allow-unknown-sha256" in message
    assert not data_folder.exists()

    assert run("import", "zero_dce", unknown_zero_dce, "--allow-unknown-sha256") == 0
    out = capsys.readouterr().out
    assert "Licence: CC BY-NC 4.0" in out
    folder = data_folder / "weights" / "zero_dce"
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "config.json", "README.md"}

    assert run("models", "--json") == 0
    assert "zero_dce" in [model["name"] for model in json.loads(capsys.readouterr().out)]
    parts = dark.with_name("parts")
    parts.mkdir()
    options = ("-m", "zero_dce", "-o", dark.with_name("out.png"), "--intermediates", parts)
    assert run("restore", dark, *options) == 0
    # Eight colour curve maps are eight pictures.
    assert {path.name for path in parts.iterdir()} == {
        "out.curves.npy",
        *(f"out.curves_{index}.png" for index in range(1, 9)),
    }


def test_damaged_folders_of_weights(unknown_zero_dce: Path, dark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = dark.with_name("mine")
    assert run("import", "zero_dce", unknown_zero_dce, "-o", folder, "--allow-unknown-sha256", "-q") == 0
    restore = ("restore", dark, "-o", dark.with_name("out.png"), "-m")
    assert run(*restore, "zero_dce", "--weights", folder) == 0
    dark.with_name("out.png").unlink()

    assert "zero_dce" in fails(capsys, WEIGHTS, *restore, "sci", "--weights", folder)

    def damaged(name: str, content: bytes | None) -> str:
        copy = dark.with_name(f"damaged_{name}_{content is None}")
        shutil.copytree(folder, copy)
        (copy / name).unlink()
        if content is not None:
            (copy / name).write_bytes(content)
        return fails(capsys, WEIGHTS, *restore, "zero_dce", "--weights", copy)

    whole = (folder / "model.safetensors").read_bytes()
    assert "sha256" in damaged("model.safetensors", whole[:-4] + b"\1\2\3\4")
    assert "model.safetensors" in damaged("model.safetensors", None)
    assert "config.json" in damaged("config.json", b"{")
    assert "config.json" in damaged("config.json", None)
    fails(capsys, WEIGHTS, *restore, "zero_dce", "--weights", folder / "nowhere")
    assert not dark.with_name("out.png").exists()


def test_wrong_keys(tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.pth"
    torch.save({"head.weight": torch.zeros(3, 3), "head.bias": torch.zeros(3)}, path)
    fails(capsys, WEIGHTS, "import", "zero_dce", path, "--allow-unknown-sha256")
    assert not data_folder.exists()


class _Code:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("this must never be printed",))


def test_files_that_are_no_checkpoints(
    tmp_path: Path, unknown_zero_dce: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tmp_path / "code.pth"
    torch.save({"weight": _Code()}, code)
    empty = tmp_path / "empty.pth"
    empty.touch()
    text = tmp_path / "text.pth"
    text.write_text("not a checkpoint")
    for path in (code, empty, text, tmp_path / "nowhere.pth", tmp_path):
        fails(capsys, WEIGHTS, "import", "zero_dce", path, "--allow-unknown-sha256")
    fails(capsys, WEIGHTS, "import", "zero_dce", unknown_zero_dce, unknown_zero_dce)
    known = fails(capsys, 5, "import", "zero_dse", unknown_zero_dce)
    assert "zero_dce" in known and "sci_easy" in known
    assert not data_folder.exists()


def wrapped(how: str, state: dict[str, torch.Tensor]) -> object:
    """A network's tensors as training scripts save them."""

    def before(prefix: str) -> dict[str, torch.Tensor]:
        return {prefix + name: tensor for name, tensor in state.items()}

    first, *_ = state
    deep = {name.replace(".", "._checkpoint_wrapped_module.", 1): tensor for name, tensor in state.items()}
    return {
        "Lightning": {"state_dict": before("model."), "epoch": 3, "optimizer_states": [{"state": {0: {"step": 1}}}]},
        "a loss beside it": {"state_dict": {**before("net."), "loss.vgg.0.weight": torch.zeros(8, 3, 3, 3)}},
        "averages": {"params": {name: 0 * each for name, each in state.items()}, "params_ema": state},
        "parallel": {"state_dict": before("module."), "optimizer": {"lr": 1e-4}},
        "compiled": before("_orig_mod.module."),
        "checkpointed": deep,
        "sharded": before("_fsdp_wrapped_module."),
        "SWA": {**before("module."), "n_averaged": torch.tensor(5)},
        "counted": {**state, "total_ops": torch.zeros(1), f"{first.rpartition('.')[0]}.total_params": torch.zeros(1)},
        "a list": [{"lr": 1e-4}, state],
        "a pair": (state, 7),
        "options": {"model": state, "args": argparse.Namespace(lr=1e-4)},
        "deep": {"a": {"b": {"generator": state}}},
        "half": {name: each.half() for name, each in state.items()},
    }[how]


WRAPPED = ("Lightning", "a loss beside it", "averages", "parallel", "compiled", "checkpointed", "sharded", "SWA",
           "counted", "a list", "a pair", "options", "deep", "half")  # fmt: skip


@pytest.mark.parametrize("name", ["zero_dce", "sci"])
@pytest.mark.parametrize("how", WRAPPED)
def test_a_network_is_recognised_however_it_was_saved(how: str, name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = dict(create_model(name).state_dict())
    torch.save(wrapped(how, state), tmp_path / "a.pth")
    candidates = state_dicts(tmp_path / "a.pth", (tmp_path / "a.pth").read_bytes())
    same = [each for each in candidates if each.keys() == state.keys()]
    assert same, [list(each)[:3] for each in candidates]
    for key, tensor in state.items():
        torch.testing.assert_close(same[0][key].float(), tensor.float(), atol=1e-3, rtol=1e-3)


class Small(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pytest.mark.parametrize("what", ["TorchScript", "zip", "tar", "LFS", "web page", "picture", "module", "cut off"])
def test_other_files_are_refused_for_what_they_are(what: str, tmp_path: Path) -> None:
    path, inside = tmp_path / "a.pth", io.BytesIO()
    torch.save(create_model("zero_dce").state_dict(), inside)
    if what == "TorchScript":
        torch.jit.save(torch.jit.script(Small()), path)
    elif what == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("release/weights/model.pth", inside.getvalue())
    elif what == "tar":
        (tmp_path / "model.pth").write_bytes(inside.getvalue())
        with tarfile.open(path, "w") as archive:
            archive.add(tmp_path / "model.pth", "model.pth")
    elif what == "module":
        torch.save(Small(), path)
    else:
        contents = {"LFS": b"version https://git-lfs.github.com/spec/v1\n", "web page": b"\n<!DOCTYPE html><html>"}
        contents["picture"] = b"\x89PNG\r\n\x1a\n" + bytes(40)
        path.write_bytes(contents.get(what, inside.getvalue()[:-300]))
    words = {"TorchScript": "TorchScript program", "zip": "unpack it", "tar": "unpack it", "LFS": "Git LFS",
             "web page": "is a web page", "picture": "is a picture", "module": "contains objects or code",
             "cut off": "not a complete PyTorch"}  # fmt: skip
    with pytest.raises(WeightsError, match=words[what]) as said:
        state_dicts(path, path.read_bytes())
    assert str(said.value).count(";") == 1 and str(said.value).endswith(".")


def test_other_files_are_never_replaced(
    tmp_path: Path, unknown_zero_dce: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("Dear")
    fails(capsys, WEIGHTS, "import", "zero_dce", unknown_zero_dce, "-o", letters, "--allow-unknown-sha256")
    assert [path.name for path in letters.iterdir()] == ["dear.txt"]


def test_a_published_checkpoint(shared: Path, dark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = (shared / "checkpoints" / "sci").rglob("easy.pt")
    assert run("import", "sci_easy", file) == 0
    assert "Licence: MIT" in capsys.readouterr().out
    assert run("restore", dark, "-m", "sci_easy", "-o", dark.with_name("out.png"), "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)["restored"]
    assert len(result["weights"]["sha256"]) == 64


def test_a_folder_or_a_file_of_weights_needs_no_name(
    unknown_zero_dce: Path, dark: Path, tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    assert run("weights", "import", unknown_zero_dce, "-o", folder, "-q") == 0
    made = []
    for turn, given in enumerate((unknown_zero_dce, folder, folder / "model.safetensors")):
        out = dark.with_name(f"out{turn}.png")
        assert run("restore", dark, "--weights", given, "-o", out, "--json") == 0
        (result,) = json.loads(capsys.readouterr().out)["restored"]
        assert result["model"] == "zero_dce.epoch12"
        made.append((out.read_bytes(), result["weights"]["sha256"]))
    assert made[0] == made[1] == made[2] and not data_folder.exists()
    assert "zero_dce" in fails(capsys, WEIGHTS, "restore", dark, "-m", "sci", "--weights", unknown_zero_dce, "-o", out)
    torch.save({"head.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    said = fails(capsys, WEIGHTS, "restore", dark, "--weights", tmp_path / "other.pth", "-o", dark.with_name("x.png"))
    assert "head.weight" in said and not dark.with_name("x.png").exists()
    assert "--weights" in fails(capsys, 2, "restore", dark, "-o", dark.with_name("x.png"))
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(dark, photos)
    command = ("batch", photos, tmp_path / "all", "-m", "zero_dce", "--weights", unknown_zero_dce)
    assert "lowlight weights import" in fails(capsys, WEIGHTS, *command)


def test_what_is_said_of_a_file_of_ones_own(
    tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("explorer.weights.recognising.available_weights", dict)  # of its network there are no weights
    own, file = architecture("lynx_rgb"), tmp_path / "trained.pth"
    torch.save(own.create().state_dict(), file)
    assert run("weights", "import", file) == 0
    out = capsys.readouterr().out
    assert f"{file}: {own.name} -> " in out and "not stated" in out and "--licence" in out and "like" not in out
    assert run("weights", "import", file, "--licence", "CC BY 4.0") == 0
    assert "Licence: CC BY 4.0\n" in capsys.readouterr().out
    config = read_config(data_folder / "weights" / f"{own.name}.trained")
    assert config.licence == "CC BY 4.0"
    assert config.input == as_model(own.create()).config.input, "as the network does in memory"
    assert "its authors'" in fails(capsys, WEIGHTS, "weights", "import", "sci_easy", file, "--licence", "MIT")
