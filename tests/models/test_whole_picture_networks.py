"""Networks that look at the whole picture: shapes, batches, numbers of parameters, graphs, pictures too large for them.

Their tensors are generated from their names, so that every run tests the same network; agreement with the authors' own
code is in test_parity_published.py.
"""

from __future__ import annotations

import importlib.util
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import explorer
from explorer.engine import backends, graphs
from explorer.engine.tiles import run_tiled
from explorer.errors import ModelNotFoundError
from explorer.models import RestorationNet, architecture, create_model, darkir, hvi_cidnet, retinexformer
from explorer.photo import RgbPhoto
from explorer.weights import LoadedModel, WeightsConfig, WeightsIdentity

COUNTS = {
    "lyt_net": 44_923, "lyt_net_torch": 44_923, "cpga": 25_394, "hvi_cidnet": 1_904_609, "retinexformer": 1_605_701,
    "darkir": 3_321_638, "fourllie": 119_446,
}  # fmt: skip
"""Parameters as published; of HVI-CIDNet without the block that its graph never uses."""
NARROW: dict[str, dict[str, Any]] = {"retinexformer": {"width": 8}, "darkir": {"width": 8}}


def filled(name: str, **options: Any) -> RestorationNet:
    """A network whose tensors follow from their names."""
    net = create_model(name, **options)
    for key, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            value = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(tuple(tensor.shape))
            if tensor.ndim > 1:
                value = value / math.sqrt(math.prod(tensor.shape[1:]))
            elif key.endswith(("weight", "running_var", "density_k")):
                value = 0.5 + 0.02 * value
            else:
                value = 0.05 * value
            tensor.copy_(torch.from_numpy(np.asarray(value, np.float32)))
    if name == "cpga":  # a gamma and a transmission that are not clamped away
        for bias in ("gamma.3.bias", "scattering.transmission.bias"):
            net.state_dict()[bias].fill_(0.6)
    return net


def loaded(name: str, net: RestorationNet) -> LoadedModel:
    config = WeightsConfig(name=name, architecture=name, domain="rgb")
    return LoadedModel(name, architecture(name), net, config, WeightsIdentity(name, "local", ""))


def dark(height: int, width: int) -> np.ndarray:
    """A dark picture of soft shapes with noise, 3 x H x W."""
    y, x = np.mgrid[:height, :width].astype(np.float32) / 20
    light = 0.08 + 0.05 * np.sin(x) * np.cos(y)
    noise = np.random.default_rng(0).normal(0, 0.01, (3, height, width))
    return np.clip(np.stack([light, 0.9 * light, 0.7 * light]) + noise, 0, 1).astype(np.float32)


@pytest.mark.parametrize("name", COUNTS)
def test_numbers_of_parameters(name: str) -> None:
    assert sum(p.numel() for p in create_model(name).parameters()) == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_any_size_gives_maps_of_that_size(name: str) -> None:
    net = filled(name, **NARROW.get(name, {}))
    described = {each.name: each.table for each in net.architecture.intermediates}
    for height, width in ((1, 1), (3, 31), (37, 50)):
        planes = dark(height, width)
        with torch.inference_mode():
            maps = run_tiled(net.forward_intermediates, net, planes, 1 << 28)
        assert maps.keys() == {"image", *described}
        assert maps["image"].shape == (height, width, 3)
        for key, value in maps.items():
            assert np.isfinite(value).all(), key
            assert described.get(key) or value.shape[:2] == (height, width), key


@pytest.mark.parametrize("name", COUNTS)
def test_pictures_of_a_batch_do_not_see_each_other(name: str) -> None:
    net = filled(name, **NARROW.get(name, {}))
    x = torch.from_numpy(np.stack([dark(32, 40), 0.5 * dark(32, 40)[:, ::-1]]))
    with torch.inference_mode():
        both, alone = net(x)[1:], net(x[1:])
    assert torch.allclose(both, alone, atol=1e-3 if name == "fourllie" else 1e-4)


@pytest.mark.parametrize("name", COUNTS)
def test_every_pixel_sees_the_whole_picture(name: str) -> None:
    """So it must not be cut: light in one corner changes the other."""
    net = filled(name, **NARROW.get(name, {}))
    assert net.halo is None
    x = torch.from_numpy(dark(64, 64))[None]
    lit = x.clone()
    lit[..., :16, :16] = 0.9
    with torch.inference_mode():
        assert (net(lit) - net(x))[..., -4:, -4:].abs().max() > 1e-6


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
@pytest.mark.parametrize("name", ["lyt_net", "lyt_net_torch", "cpga"])
def test_openvino_computes_the_same(name: str) -> None:
    net = filled(name)
    engine = backends.choose_backend(loaded(name, net), "openvino:float32")
    assert engine.name == "openvino"
    x = torch.from_numpy(dark(40, 72))[None]
    with torch.inference_mode():
        expected = net.forward_intermediates(x)
    given = engine.run(x)
    assert given.keys() == expected.keys()
    for key, value in expected.items():
        assert torch.allclose(given[key], value, atol=2e-5), key


class Pair(torch.nn.Module):
    """A block that takes two maps, fed with the halves of one."""

    def __init__(self, block: torch.nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(*x.chunk(2, 1))


BLOCKS: dict[str, tuple[Callable[[], torch.nn.Module], int]] = {
    "hvi": (hvi_cidnet.HVI, 3),
    "cross": (lambda: Pair(hvi_cidnet.CrossBlock(8, 2, True)), 16),
    "up": (lambda: Pair(hvi_cidnet.Up(8, 8)), 16),
    "guided": (lambda: Pair(retinexformer.Block(8, 2)), 16),
    "encoder": (lambda: darkir.EncoderBlock(8), 8),
    "decoder": (lambda: darkir.DecoderBlock(8), 8),
}


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
@pytest.mark.parametrize("name", BLOCKS)
def test_openvino_computes_the_same_blocks(name: str) -> None:
    """Of the networks whose whole conversion takes long."""
    make, channels = BLOCKS[name]
    torch.manual_seed(0)
    block = make().eval()
    for each in block.parameters():
        torch.nn.init.normal_(each, 0.1, 0.2)
    graph = graphs.converted(block, torch.rand(1, channels, 16, 16))
    compiled = graphs.core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    x = torch.rand(1, channels, 24, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(torch.from_numpy(compiled([x.numpy()])[0]), block(x), atol=2e-5, rtol=1e-5)


def test_precise_networks_compute_in_float32_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(backends, "available_backends", lambda: ["openvino", "torch"])
    monkeypatch.setattr(backends, "_precision", lambda: "bfloat16")
    monkeypatch.setattr(backends, "openvino_backend", lambda model, precision, **_: seen.append(precision))
    for name in ("lyt_net", "hvi_cidnet", "darkir", "retinexformer", "cpga"):
        backends.choose_backend(loaded(name, create_model(name, **NARROW.get(name, {}))), "auto")
    backends.choose_backend(loaded("lyt_net", create_model("lyt_net")), "openvino:bfloat16")
    assert seen == ["float32"] * 4 + [None, "bfloat16"]


def test_networks_of_the_fourier_transforms_angles_run_on_torch() -> None:
    model = loaded("fourllie", filled("fourllie"))
    assert backends.choose_backend(model, "auto").name in ("torch", "cuda")


def test_hvi_and_back() -> None:
    """Of every hue, light and dark, at the borders of the six sectors too; Smith, "Color Gamut Transform Pairs"."""
    transform = hvi_cidnet.HVI()
    primaries = [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [0.5, 0.5, 0.5], [1, 1, 1]]
    colours = torch.tensor(primaries, dtype=torch.float32)
    colours = torch.cat([colours, 0.1 * colours, torch.rand(500, 3, generator=torch.Generator().manual_seed(0))])
    x = colours.T[None, :, None]
    hvi = transform(x)
    assert torch.equal(hvi[:, 2], x.amax(1))
    assert (transform.back(hvi) - x).abs().max() < 2e-3  # 1e-8 under the square root of the saturation
    turned = torch.atan2(hvi[0, 1, 0, :6], hvi[0, 0, 0, :6]).rad2deg() % 360
    assert torch.allclose(turned, torch.arange(6) * 60.0, atol=1e-3)
    assert (hvi[0, :2, 0, 6:8].abs() < 1e-6).all()  # grey has no colour


def test_pictures_that_do_not_fit_are_reduced_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded("lyt_net", filled("lyt_net"))
    photo = RgbPhoto(np.ascontiguousarray(dark(240, 320).transpose(1, 2, 0)), bits=8)
    whole = explorer.restore(photo, model, backend="torch")
    assert not any("smaller" in note for note in whole.notes)
    monkeypatch.setenv("EXPLORER_TILE_BYTES", str(1 << 24))
    small = explorer.restore(photo, model, backend="torch")
    assert any("times smaller" in note for note in small.notes)
    assert small.image.shape == whole.image.shape
    assert np.abs(small.image - whole.image).mean() < 0.05


def test_wrong_dialects_are_refused() -> None:
    with pytest.raises(ModelNotFoundError, match="dialect"):
        create_model("lyt_net", dialect="jax")
