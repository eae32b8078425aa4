"""Accuracy: for every folder of weights, the fast backends agree with torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.engine import backends, graphs
from explorer.weights.store import LoadedModel, load_weights

FOLDERS = sorted(path.parent.name for path in (Path(__file__).parents[2] / "weights").glob("*/config.json"))


@pytest.fixture
def model(
    request: pytest.FixtureRequest, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> LoadedModel:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    monkeypatch.setattr(graphs, "graph_folder", lambda: tmp_path / "graphs")
    return load_weights(project / "weights" / request.param, "embedded")


def dark(model: LoadedModel) -> torch.Tensor:
    """A dark, noisy ramp, amplified as a photograph would be."""
    rng = np.random.default_rng(3)
    height, width = (model.net.size.padded(side) for side in (192, 224))
    light = np.linspace(0.02, 0.7, width)[None, None, None] * np.linspace(1, 0.6, height)[None, None, :, None]
    planes = light + rng.normal(0, 0.03, (1, model.net.input_channels, height, width))
    return torch.from_numpy(np.clip(planes, 0, 1).astype(np.float32))


@pytest.mark.parametrize("model", FOLDERS, indirect=True)
def test_openvino_in_float32(model: LoadedModel) -> None:
    x = dark(model)
    expected = backends.torch_backend(model).run(x)
    given = backends.openvino_backend(model, "float32").run(x)
    assert expected.keys() == given.keys()
    for name, value in expected.items():
        assert float((value - given[name]).abs().max()) < 1e-4, name
    alone = backends.openvino_backend(model, "float32", image_only=True).run(x)
    assert list(alone) == ["image"]
    assert float((expected["image"] - alone["image"]).abs().max()) < 1e-4


def fidelity(expected: torch.Tensor, given: torch.Tensor) -> float:
    """PSNR in dB for pictures in [0, 1]."""
    error = (expected.clamp(0, 1) - given.clamp(0, 1)).double().square().mean()
    return float(-10 * torch.log10(error + 1e-20))


@pytest.mark.parametrize("model", FOLDERS, indirect=True)
def test_openvino_in_bfloat16(model: LoadedModel) -> None:
    if backends._precision() != "bfloat16":
        pytest.skip("this processor has no bfloat16 arithmetic, and OpenVINO would compute in float32 instead")
    x = dark(model)
    expected = backends.torch_backend(model).run(x)["image"]
    assert fidelity(expected, backends.openvino_backend(model, "bfloat16").run(x)["image"]) >= 50


@pytest.mark.parametrize("model", FOLDERS, indirect=True)
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_cuda(model: LoadedModel, precision: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    x = dark(model)
    expected = backends.torch_backend(model).run(x)["image"]
    engine = backends.cuda_backend(model, precision)
    for _ in range(3):  # eager, captured, replayed
        assert fidelity(expected, engine.run(x)["image"]) >= 50
