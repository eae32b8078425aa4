"""PMRID: the authors' network, the noise of a mosaic, and the way from planes to a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.engine.tiles import run_tiled
from explorer.models import architecture, create_model
from explorer.models.pmrid import Noise, Pmrid, noise_of
from explorer.photo import RgbPhoto
from explorer.photo.light.develop import unprocess
from explorer.weights import CATALOGUE, LoadedModel, WeightsConfig, WeightsIdentity, import_published


def idle() -> Pmrid:
    """A network that takes nothing away."""
    net = create_model("pmrid")
    assert isinstance(net, Pmrid)
    torch.nn.init.zeros_(net.last.weight)
    torch.nn.init.zeros_(net.last.bias)
    return net


def scene(height: int, width: int, texture: float = 0.05) -> np.ndarray:
    """Light of H x W: soft, with a textured part."""
    y, x = np.mgrid[:height, :width] / 100
    stripes = texture * (np.sin(40 * x) > 0.5) * (y > 0.6 * height / 100)
    return np.clip(0.16 + 0.13 * np.sin(2 * x) * np.cos(y) + stripes, 0, 1)


def noisy(light: np.ndarray, k: float, s: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (k * rng.poisson(light / k) + rng.normal(0, np.sqrt(s), light.shape)).astype(np.float32)


def test_the_network_is_the_authors(shared: Path) -> None:
    parity, file = shared / "parity_more" / "pmrid.npz", shared / "checkpoints_more" / "pmrid" / "torch_pretrained.ckp"
    if not (parity.is_file() and file.is_file()):
        pytest.skip("needs PMRID's checkpoint and parity file among the shared test data")
    net = import_published("pmrid", file).net
    assert isinstance(net, Pmrid) and sum(p.numel() for p in net.parameters()) == 1_031_908
    with np.load(parity) as stored, torch.inference_mode():
        given, expected = torch.from_numpy(stored["input"]), torch.from_numpy(stored["output"])
        assert (net.denoised(given) - expected).abs().max() <= 1e-5


@pytest.mark.parametrize(("k", "s"), [(0.001, 1e-5), (0.01, 1e-4), (0.05, 1e-3), (0.2, 0.02)])
def test_the_noise_of_a_mosaic_is_found_in_it(k: float, s: float) -> None:
    gains = (2.0, 1.0, 1.0, 1.6)
    planes = np.stack([gain * noisy(scene(400, 600), k, s, seed) for seed, gain in enumerate(gains)])
    found = noise_of(planes)
    level = 0.15
    for gain, found_k, found_s in zip(gains, found.k, found.s, strict=True):
        expected = gain * k * level * gain + gain**2 * s
        assert found_k * level * gain + found_s == pytest.approx(expected, rel=0.2)
        assert found_k == pytest.approx(gain * k, rel=0.25)


@pytest.mark.parametrize(
    "planes",
    [
        np.zeros((4, 64, 64), np.float32),
        np.ones((4, 3, 5), np.float32),
        np.tile(np.linspace(0, 1, 200, dtype=np.float32), (4, 64, 1)),
        np.random.default_rng(0).normal(0, 0.1, (4, 64, 64)).astype(np.float32),
        np.clip(np.random.default_rng(0).normal(1, 1, (4, 80, 80)), None, 1).astype(np.float32),
    ],
    ids=["black", "tiny", "without noise", "noise only", "clipped"],
)
def test_noise_is_that_of_a_possible_sensor(planes: np.ndarray) -> None:
    k, s = noise_of(planes)
    assert np.isfinite(k).all() and np.isfinite(s).all() and (k > 0).all() and (s > 0).all()
    assert np.allclose(s / k**2, s[0] / k[0] ** 2) and k[1] == k[2]  # one sensor, both greens alike
    net = idle().fitted(planes)
    step = np.zeros((4, 16, 16), np.float32)
    with torch.inference_mode():
        assert torch.isfinite(net(torch.from_numpy(step)[None])).all()


def test_every_camera_looks_alike_to_the_network() -> None:
    """Amplification and white balance cancel out: what reaches the network is the same."""
    net = idle()
    x = noisy(scene(32, 32), 0.01, 1e-4)
    planes = np.stack([x] * 4)
    one = net.knowing(Noise(np.full(4, 0.01), np.full(4, 1e-4)))
    gains = np.array([20.0, 10.0, 10.0, 17.0])
    other = net.knowing(Noise(0.01 * gains, 1e-4 * gains**2))
    scaled = planes * gains[:, None, None].astype(np.float32)
    for fitted, given in ((one, planes), (other, scaled)):
        fed = torch.from_numpy(given)[None] * fitted.gain + fitted.offset
        assert torch.allclose(fed, torch.from_numpy(planes)[None] * one.gain + one.offset, rtol=1e-4, atol=1e-5)
    assert net.gain.eq(1).all()  # the network that others use is as it was


def loaded(net: Pmrid) -> LoadedModel:
    entry = CATALOGUE["pmrid"]
    config = WeightsConfig(name="pmrid", architecture="pmrid", domain="packed", input=entry.input, output=entry.output)
    return LoadedModel("pmrid", architecture("pmrid"), net, config, WeightsIdentity("pmrid", "local", ""))


@pytest.mark.parametrize("size", [(96, 128), (61, 47)])
def test_what_is_not_touched_comes_out_as_developed(size: tuple[int, int]) -> None:
    """Through the same development as any RAW photo, at any ratio and size."""
    light = scene(*size)[..., None] * np.array([0.9, 1.0, 0.7])
    raw = unprocess(RgbPhoto((0.5 * light).astype(np.float32), bits=16))
    expected = explorer.restore(raw, "identity", 3.0).image
    result = explorer.restore(raw, loaded(idle()), 3.0)
    assert result.image.shape == expected.shape and result.backend == "torch"
    assert np.abs(result.image - expected).max() < 2e-3
    assert np.abs(result.intermediates["removed"]).max() < 1e-5


def test_tiles_give_the_whole_picture() -> None:
    torch.manual_seed(0)
    net = create_model("pmrid")
    planes = np.random.default_rng(0).random((4, 96, 1424), np.float32)
    assert isinstance(net, Pmrid)
    with torch.inference_mode():
        whole = run_tiled(net.decompose, net, planes, 1 << 34)["image"]
        fed: list[int] = []

        def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
            fed.append(x.shape[-1])
            return net.decompose(x)

        tiled = run_tiled(run, net, planes, 1 << 24)["image"]
    assert len(fed) > 1 and max(fed) < 1424
    assert np.abs(whole - tiled).max() < 1e-5


def test_it_sees_no_further_than_its_halo() -> None:
    net = create_model("pmrid").double()  # what comes from far away is small
    assert isinstance(net, Pmrid)
    for each in net.parameters():
        torch.nn.init.constant_(each, 0.01 if each.ndim > 1 else 0.5)  # nothing is switched off
    x = torch.rand(1, 4, 16, 1120, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    net.denoised(x)[..., 560:576].sum().backward()
    assert x.grad is not None and net.halo is not None
    seen = x.grad[0].abs().sum((0, 1)).nonzero().flatten()
    reach = max(560 - int(seen.min()), int(seen.max()) - 575)
    assert net.halo - 32 < reach < net.halo  # the demosaicking sees one sample more


def test_it_cleans_the_mosaic_of_another_camera(shared: Path) -> None:
    file = shared / "checkpoints_more" / "pmrid" / "torch_pretrained.ckp"
    if not file.is_file():
        pytest.skip("needs PMRID's checkpoint among the shared test data")
    net = import_published("pmrid", file).net
    for level, k, s in ((0.05, 2e-4, 1e-6), (0.05, 1e-3, 3e-6), (0.3, 2e-3, 1e-5)):
        light = level * scene(192, 256, texture=0.0)
        planes = np.stack([noisy(light, k, s, seed) for seed in range(4)])
        x = torch.from_numpy(planes)[None]
        with torch.inference_mode():
            removed = net.fitted(planes).decompose(x)["removed"]
        left = (torch.nn.functional.pixel_shuffle(x, 2) - removed).numpy()
        truth = np.repeat(np.repeat(light, 2, 0), 2, 1)
        before, after = np.mean((planes - light) ** 2), np.mean((left - truth) ** 2)
        assert after < before / 15, (level, k, before / after)
