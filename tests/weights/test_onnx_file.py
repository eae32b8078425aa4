"""`lowlight export-onnx`: the file computes the same as the network, states its inputs, and appears completely or not
at all."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.cli import main
from explorer.models import RestorationNet, architecture, create_model
from explorer.weights.config import read_config
from explorer.weights.onnx_file import write_onnx
from explorer.weights.store import load_weights, untrained_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"


def one_of_each() -> list[str]:
    """The smallest weights of every shipped form of every architecture."""
    smallest: dict[tuple[object, ...], tuple[int, str]] = {}
    for folder in WEIGHTS.iterdir():
        config = read_config(folder)
        form = {name: value for name, value in config.options.items() if name not in ("size", "width")}
        key = config.architecture, *form.items()
        smallest[key] = min(smallest.get(key, (sys.maxsize, "")), (config.parameters, folder.name))
    return sorted(name for _, name in smallest.values())


def run(*arguments: str | Path) -> int:
    return main([str(each) for each in arguments])


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one sentence that a command line fails with."""
    capsys.readouterr()
    assert run(*arguments) not in (0, 1)
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and len(err.splitlines()) == 1 and "Unexpected" not in err
    return err


def session_of(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_every_architecture_is_tried() -> None:
    shipped = {read_config(folder).architecture for folder in WEIGHTS.iterdir()}
    assert {name.partition(".")[0] for name in one_of_each()} == shipped and len(shipped) > 10


@pytest.mark.parametrize("name", one_of_each())
def test_the_file_computes_what_the_network_does_and_says_how(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    assert run("export-onnx", name, path, "-q") == 0
    assert [each.name for each in tmp_path.iterdir()] == ["net.onnx"]
    session, model = session_of(path), load_weights(WEIGHTS / name)
    assert session.get_outputs()[0].shape[:2] == [1, 3], "one picture of three channels"
    said, config, net = session.get_modelmeta().custom_metadata_map, model.config, model.net
    least, step = int(said["size.minimum"]), int(said["size.multiple_of"])
    for sides in ((least, least), (least + step, least + 2 * step)):
        x = np.random.default_rng(1).random((1, net.input_channels, *sides), np.float32)
        with torch.inference_mode():
            wanted = net(torch.from_numpy(x)).numpy()
        (image,) = session.run(["image"], {"input": x})
        assert image.shape[2:] == tuple(int(said["output.scale"]) * side for side in sides)
        np.testing.assert_allclose(image, wanted, atol=1e-4)
    onnx.checker.check_model(path, full_check=True)
    assert said["weights_sha256"] == config.sha256 and said["licence"] == config.licence != ""
    assert (said["name"], said["domain"]) == (name, config.domain)
    for key, value in config.input.model_dump(mode="json").items():
        told = said[f"input.{key}"]
        assert (told if isinstance(value, str) else json.loads(told)) == value, key
    assert said["output.color"] == config.output.color


def test_a_picture_is_restored_with_numpy_alone_as_the_documentation_says(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example's picture is `explorer.restore`'s, which shows that the metadata say all there is to know."""
    section = (project / "docs" / "hub.md").read_text().partition("## ONNX")[2]
    (program,) = re.findall(r"```python\n(.*?)```", section, flags=re.S)
    assert "explorer" not in program
    monkeypatch.chdir(tmp_path)
    shutil.copy(project / "explorer" / "examples" / "cat.png", "dark.png")
    (name,) = re.findall(r"lowlight export-onnx (\S+) network.onnx", section)
    assert run("export-onnx", name, "network.onnx") == 0
    exec(compile(program, "hub.md", "exec"), {})
    photo = explorer.open_photo("dark.png")
    ratio = float(re.findall(r"^ratio = (\d+)", program, flags=re.M)[0])
    result = explorer.restore(photo, name, ratio, backend="torch")
    shown = np.asarray(Image.open("restored.png"), np.float32) / 255
    assert shown.shape == result.image.shape
    assert np.abs(shown - result.image).max() < 0.004


class _OfOneSize(RestorationNet):
    """What a trace takes as constant: the picture's width."""

    architecture = architecture("zero_dce")
    size, halo, input_channels = architecture.size, architecture.halo, 3

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"image": x * (1 + float(int(x.shape[-1])) / 1000)}


def test_a_file_that_computes_something_else_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"what was there")
    with pytest.raises(explorer.errors.WeightsError, match=r"up to 0\.0\d+ from the network's"):
        write_onnx(untrained_model(_OfOneSize()), path)
    assert [each.name for each in tmp_path.iterdir()] == ["net.onnx"] and path.read_bytes() == b"what was there"


def test_an_operation_that_onnx_has_not_is_named_in_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A Fourier transform; torch would print the whole graph besides."""
    with pytest.raises(explorer.errors.WeightsError, match="fft_rfft2") as error:
        write_onnx(untrained_model(create_model("fourllie")), tmp_path / "net.onnx")
    assert len(str(error.value).splitlines()) == 1 and not [*tmp_path.iterdir()]
    assert capfd.readouterr() == ("", "")


def test_what_ends_it_is_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.onnx"
    assert "clahe is a method without a network" in error_of(capsys, "export-onnx", "clahe", path)
    assert "end it in .onnx" in error_of(capsys, "export-onnx", "sci.lol", tmp_path / "net.pb")
    assert "does not exist" in error_of(capsys, "export-onnx", "sci.lol", tmp_path / "nowhere" / "net.onnx")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "onnxruntime", None)
        said = error_of(capsys, "export-onnx", "sci.lol", path)
    assert "onnxruntime, which is not installed; run `pip install 'lowlight-explorer[onnx]'`" in said
    path.write_bytes(b"mine")
    assert "already exists" in error_of(capsys, "export-onnx", "sci.lol", path)
    assert path.read_bytes() == b"mine" and len([*tmp_path.iterdir()]) == 1
    assert run("export-onnx", "sci.lol", path, "--overwrite") == 0
    assert session_of(path).get_inputs()[0].shape == [1, 3, "height", "width"]
