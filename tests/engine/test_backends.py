"""Backends agree with the reference, and their compiled networks are cached on disk."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from explorer.engine import backends, graphs
from explorer.errors import ExplorerError
from explorer.models import architecture
from explorer.weights.config import WeightsConfig
from explorer.weights.store import LoadedModel, classical_model, load_weights, write_weights

# Not importorskip: importing OpenVINO here would load its telemetry before the engine can keep it out.
if importlib.util.find_spec("openvino") is None:
    pytest.skip("OpenVINO is not installed", allow_module_level=True)


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    torch.manual_seed(0)
    config = WeightsConfig(name="retinexnet.test", architecture="retinexnet", domain="rgb", options={"width": 8})
    net = architecture("retinexnet").create(width=8)
    write_weights(tmp_path / "retinexnet.test", net, config, "# test\n")
    return load_weights(tmp_path / "retinexnet.test")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "graphs"
    monkeypatch.setattr(graphs, "graph_folder", lambda: folder)
    monkeypatch.setattr(backends, "_GRAPHS", {})
    monkeypatch.setattr(backends, "_COMPILED", {})
    return folder


def test_openvino_agrees_with_torch_at_several_sizes(model: LoadedModel) -> None:
    reference, fast = backends.torch_backend(model), backends.openvino_backend(model, "float32")
    assert (reference.name, fast.name, fast.precision) == ("torch", "openvino", "float32")
    for height, width in ((64, 64), (48, 120), (200, 16)):
        x = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
        expected, given = reference.run(x), fast.run(x)
        assert expected.keys() == given.keys()
        for name in expected:
            assert torch.allclose(expected[name], given[name], atol=1e-4), name
    assert fast.clock[0] > 0


def test_large_pictures_are_compiled_for_their_shape(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """And give what the reference gives; the graph itself stays free for the next shape."""
    monkeypatch.setattr(backends, "_LARGE", 96 * 96)
    reference, fast = backends.torch_backend(model), backends.openvino_backend(model, "float32", image_only=True)
    for height, width in ((96, 96), (48, 64), (104, 96), (96, 96)):
        x = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
        assert torch.allclose(reference.run(x)["image"], fast.run(x)["image"], atol=1e-4)
    assert [shape for _, shape in backends._COMPILED] == [(1, 3, 96, 96), None, (1, 3, 104, 96)]


@pytest.mark.parametrize("large", [True, False])
def test_results_are_the_callers_own(model: LoadedModel, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They lie as pictures do, and the next run leaves them as they are."""
    monkeypatch.setattr(backends, "_LARGE", 1 if large else 1 << 30)
    run = backends.openvino_backend(model, "float32").run
    first = run(torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1)))
    kept = {name: each.clone() for name, each in first.items()}
    run(torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(2)))
    for name, each in first.items():
        assert torch.equal(each, kept[name]) and each.is_contiguous(memory_format=torch.channels_last)


def test_graph_is_converted_once_and_read_from_the_cache(
    model: LoadedModel, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    first = backends.openvino_backend(model, "float32").run(x)["image"].clone()
    assert [p.name for p in cache.glob("*/*.xml")] == ["graph.xml"]
    assert not list(cache.glob(".*"))
    backends._GRAPHS.clear()
    backends._COMPILED.clear()
    monkeypatch.setattr(torch.jit, "trace", lambda *_, **__: pytest.fail("converted again"))
    assert torch.equal(backends.openvino_backend(model, "float32").run(x)["image"], first)


def test_damaged_graph_is_made_anew(model: LoadedModel, cache: Path) -> None:
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    first = backends.openvino_backend(model, "float32").run(x)["image"].clone()
    backends._GRAPHS.clear()
    backends._COMPILED.clear()
    next(cache.glob("*/graph.xml")).write_text("<net")
    assert torch.equal(backends.openvino_backend(model, "float32").run(x)["image"], first)


def test_unwritable_cache_is_done_without(model: LoadedModel, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    x = torch.rand(1, 3, 32, 32)
    assert backends.openvino_backend(model, "float32").run(x)["image"].shape == (1, 3, 32, 32)


def test_choice(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLORER_BACKEND", raising=False)
    assert backends.choose_backend(model, "torch").name == "torch"
    assert backends.choose_backend(classical_model("gamma")).name == "torch"
    assert backends.choose_backend(model).name == backends.available_backends()[0]
    monkeypatch.setenv("EXPLORER_BACKEND", "torch")
    assert backends.choose_backend(model).name == "torch"
    with pytest.raises(ExplorerError, match="choose one of"):
        backends.choose_backend(model, "tpu")


def test_a_registered_backend_is_asked_first(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_OFFERS", [])
    own = backends.Backend("torch", "elsewhere", "float32", lambda x: {"image": x})
    asked = []

    def offer(given: LoadedModel, wanted: str) -> backends.Backend | None:
        asked.append((given.name, wanted))
        return own if given is model else None

    backends.register_backend(offer)
    assert backends.choose_backend(model) is own
    assert backends.choose_backend(classical_model("gamma"), "torch").device == "cpu"
    assert asked == [(model.name, "auto"), ("gamma", "torch")]


def test_no_telemetry_is_loaded(model: LoadedModel) -> None:
    import sys

    backends.openvino_backend(model, "float32")
    assert sys.modules.get("openvino_telemetry") is None
