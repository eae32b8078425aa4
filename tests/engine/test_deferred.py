"""A network whose graph is on the disk is not loaded: the graph runs without it, and without torch."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer import loading
from explorer.cli import main
from explorer.engine import backends, graphs
from explorer.errors import WeightsError
from explorer.models import architecture
from explorer.photo import RgbPhoto, write_dng
from explorer.restorer import load_model, must_convert, restore
from explorer.weights.config import WeightsConfig
from explorer.weights.deferred import DeferredModel
from explorer.weights.store import MODEL_FILE, write_weights

# Not importorskip: importing OpenVINO here would load its telemetry before the engine can keep it out.
if importlib.util.find_spec("openvino") is None:
    pytest.skip("OpenVINO is not installed", allow_module_level=True)


def as_a_new_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_GRAPHS", {})
    monkeypatch.setattr(backends, "_COMPILED", {})
    monkeypatch.setattr(loading, "_CACHE", loading._ModelCache(2))


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights with options of its own; graphs are kept beside it."""
    monkeypatch.setattr(graphs, "graph_folder", lambda: tmp_path / "graphs")
    as_a_new_process_does(monkeypatch)
    torch.manual_seed(0)
    config = WeightsConfig(name="retinexnet.test", architecture="retinexnet", domain="rgb", options={"width": 8})
    write_weights(tmp_path / config.name, architecture("retinexnet").create(width=8), config, "# test\n")
    return tmp_path / config.name


PHOTO = RgbPhoto(np.random.default_rng(4).random((50, 70, 3), dtype=np.float32), bits=8)


def restored(weights: Path) -> dict[str, np.ndarray]:
    found = restore(PHOTO, load_model("retinexnet.test", weights), backend="openvino:float32")
    return {"image": found.image, **found.intermediates}


def test_the_second_process_runs_the_graph_alone_and_gives_the_same(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_model = load_model("retinexnet.test", weights)
    assert not isinstance(first_model, DeferredModel)
    first = restored(weights)
    as_a_new_process_does(monkeypatch)
    model = load_model("retinexnet.test", weights)
    assert isinstance(model, DeferredModel)
    second = restored(weights)
    assert "net" not in model.__dict__
    assert second.keys() == first.keys()
    assert all(np.array_equal(second[name], first[name]) for name in first)
    assert (model.config, model.identity, model.architecture) == (
        first_model.config, first_model.identity, first_model.architecture
    )  # fmt: skip


def test_the_network_is_there_for_who_asks(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_model("retinexnet.test", weights)
    expected = restored(weights)["image"]
    as_a_new_process_does(monkeypatch)
    model = load_model("retinexnet.test", weights)
    assert isinstance(model, DeferredModel)
    assert [*model.net.state_dict()] == [*first.net.state_dict()]
    assert model.net is model.net
    by_torch = restore(PHOTO, model, backend="torch").image
    np.testing.assert_allclose(by_torch, expected, atol=1e-4)
    for name in ("size", "halo", "input_channels", "needs_tile_position", "takes_ratio", "needs_float32", "exports"):
        assert getattr(model.traits, name) == getattr(first.net, name), name


@pytest.mark.parametrize("harm", ["graph.xml", "graph.bin", "network.json"])
def test_a_damaged_graph_is_made_anew(harm: str, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = restored(weights)["image"]
    (kept,) = (weights.parent / "graphs").glob(f"*/{harm}")
    kept.write_bytes(b"{}" if harm == "network.json" else b"")
    as_a_new_process_does(monkeypatch)
    assert np.array_equal(restored(weights)["image"], first)


def test_other_weights_and_other_options_are_other_networks(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restored(weights)
    path = weights / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "options": {"width": 16}}))
    as_a_new_process_does(monkeypatch)
    with pytest.raises(WeightsError, match="asks for"):
        load_model("retinexnet.test", weights)
    path.write_text(json.dumps(config))
    data = bytearray((weights / MODEL_FILE).read_bytes())
    data[-1] ^= 1
    (weights / MODEL_FILE).write_bytes(data)
    with pytest.raises(WeightsError, match="sha256"):
        load_model("retinexnet.test", weights)


@pytest.mark.parametrize("quiet", [False, True])
def test_the_command_line_says_once_that_a_network_is_converted(
    quiet: bool, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (40, 30), (9, 5, 3)).save(tmp_path / "night.png")
    given = ["-m", "retinexnet.test", "--weights", str(weights), "--backend", "openvino", *(["-q"] if quiet else [])]
    heard = []
    for name in ("first.png", "second.png"):
        assert main(["restore", str(tmp_path / "night.png"), *given, "-o", str(tmp_path / name)]) == 0
        heard.append(capsys.readouterr().err)
        as_a_new_process_does(monkeypatch)
    said = "Preparing retinexnet.test for this processor: a few seconds, only this once.\n"
    assert heard == ["" if quiet else said, ""]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_says_once_that_a_network_is_converted(
    workers: int, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (40, 30), (9, 5, 3)).save(tmp_path / f"{name}.png")
    given = ["-m", "retinexnet.test", "--weights", str(weights), "--backend", "openvino", "--workers", str(workers)]
    assert main(["batch", str(tmp_path), str(tmp_path / "out"), *given]) == 0
    assert capsys.readouterr().err.count("Preparing retinexnet.test for this processor") == 1


def test_whether_a_network_is_to_be_converted_is_known_before(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model("retinexnet.test", weights)
    assert must_convert(model, "openvino")
    assert not must_convert(model, "torch") and not must_convert(load_model("gamma"), "openvino")
    monkeypatch.setenv("EXPLORER_BACKEND", "torch")
    assert not must_convert(model)
    restored(weights)
    assert not must_convert(model, "openvino")
    as_a_new_process_does(monkeypatch)
    assert not must_convert(load_model("retinexnet.test", weights), "openvino")


@pytest.mark.skipif(backends._driver_there(), reason="where there may be a GPU, torch is asked for it")
def test_the_command_line_restores_without_torch(tmp_path: Path, project: Path) -> None:
    samples = np.random.default_rng(1).integers(500, 700, (64, 96)).astype(np.uint16)
    photo = write_dng(tmp_path / "night.dng", samples, black=500, white=16383)
    slow = ("torch", "safetensors", "scipy", "skimage", "gradio", "matplotlib", "huggingface_hub")
    program = (
        "import sys\nfrom explorer.cli import main\n"
        "code = main(['restore', *sys.argv[1:], '-m', 'lamba_m0.raw_synthetic', '-q'])\n"
        f"print(code, [name for name in {slow} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(project), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    said, files = [], [tmp_path / "first.png", tmp_path / "second.png"]
    for file in files:
        command = [sys.executable, "-c", program, str(photo), "-o", str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=True)
        said.append(done.stdout.strip())
    assert "torch" in said[0]
    assert said[1] == "0 []"
    assert files[0].read_bytes() == files[1].read_bytes()
