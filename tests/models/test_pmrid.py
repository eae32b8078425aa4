"""PMRID: the authors' network, the noise of a mosaic, and the conversion of planes to a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer
from explorer.darkroom import DarkExposure, camera_named, darken
from explorer.darkroom.planes import noise_of_mosaic
from explorer.darkroom.sensors import noise_of_file
from explorer.engine.tiles import run_tiled
from explorer.models import architecture, create_model
from explorer.models.pmrid import Noise, Pmrid, noise_of
from explorer.photo import Photo, RgbPhoto
from explorer.photo.light.develop import unprocess
from explorer.restoration import Restoration
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
        whole = run_tiled(net.forward_intermediates, net, planes, 1 << 34)["image"]
        fed: list[int] = []

        def run(x: torch.Tensor) -> dict[str, torch.Tensor]:
            fed.append(x.shape[-1])
            return net.forward_intermediates(x)

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
            removed = net.fitted(planes).forward_intermediates(x)["removed"]
        left = (torch.nn.functional.pixel_shuffle(x, 2) - removed).numpy()
        truth = np.repeat(np.repeat(light, 2, 0), 2, 1)
        before, after = np.mean((planes - light) ** 2), np.mean((left - truth) ** 2)
        assert after < before / 15, (level, k, before / after)


def exposure(ratio: float, iso: float | None = 800.0, camera: str = "canon_700d", size: int = 384) -> DarkExposure:
    """A soft light in the dark, as a measured camera writes it."""
    light = np.clip(scene(size, size, texture=0.0)[..., None] * np.array([1.0, 0.9, 0.8]), 0, 1).astype(np.float32)
    return darken(RgbPhoto(light, bits=16), camera_named(camera).at(iso=iso), ratio=ratio)


def test_the_noise_of_a_measured_camera_is_known_by_its_iso() -> None:
    """Against the noise itself: flat grey, exposed by the darkroom many times over."""
    ratio, iso = 20.0, 1600.0
    grey = RgbPhoto(np.full((512, 512, 3), 0.5, np.float32), bits=16)
    raw = darken(grey, camera_named("canon_70d").at(iso=iso), ratio=ratio).photo
    known = noise_of_mosaic(raw, (1.0, 1.0, 1.0))
    assert known is not None
    planes = np.stack([raw.mosaic[y::2, x::2] for y, x in ((0, 0), (0, 1), (1, 0), (1, 1))])
    for plane, k, s in zip(planes, *known, strict=True):
        # Neighbours in a row share its row noise, so the variance over the whole plane is taken.
        assert plane.var() == pytest.approx(k * plane.mean() + s, rel=0.05)
    gained = noise_of_mosaic(raw, (2.0, 1.0, 3.0))
    assert gained is not None
    assert np.allclose(gained[0] / known[0], [2, 1, 1, 3]) and np.allclose(gained[1] / known[1], [4, 1, 1, 9])


@pytest.mark.parametrize(
    ("camera", "iso", "expected"),
    [
        ("Canon EOS 700D", 800.0, True),
        ("Canon EOS REBEL T5i", 800.0, True),
        ("NIKON D850", 100.0, True),
        ("SONY ILCE-7SM2", 6400.0, True),
        ("Canon EOS 700D", None, False),
        ("Canon EOS 700D", 1e6, False),
        ("Canon EOS 7000D", 800.0, False),
        (None, 800.0, False),
    ],
)
def test_only_cameras_of_the_table_are_known(camera: str | None, iso: float | None, expected: bool) -> None:
    assert (noise_of_file(camera, iso) is not None) is expected


def test_two_calibrations_of_one_camera_meet_at_their_iso() -> None:
    found = noise_of_file("SONY ILCE-7SM2", 2000.0)
    assert found is not None and found.gain == pytest.approx(1.91, rel=0.03) and found.source.startswith("PMN")


def told(photo: Photo, ratio: float = 20.0, **options: int) -> tuple[Restoration, list[Noise]]:
    """A restoration, and the noise that the network was told."""
    heard: list[Noise] = []

    class Listening(Pmrid):
        def knowing(self, noise: Noise) -> Pmrid:
            heard.append(noise)
            return super().knowing(noise)

    net = architecture("pmrid").complete(Listening().eval())
    net.load_state_dict(idle().state_dict())
    return explorer.restore(photo, loaded(net), ratio, **options), heard  # type: ignore[arg-type]


def test_the_network_is_told_the_noise_of_the_file_and_else_finds_it() -> None:
    raw = exposure(20.0).photo
    result, heard = told(raw)
    known = noise_of_mosaic(raw, tuple(20.0 * gain for gain in raw.white_balance.gains))  # type: ignore[arg-type]
    assert known is not None and np.allclose(heard[0].k, known[0]) and np.allclose(heard[0].s, known[1])
    assert any("700D at ISO 800" in note for note in result.notes)
    for other in (
        replace(raw, camera="Nobody's camera"),
        replace(raw, exposure=replace(raw.exposure, iso=None)),
        RgbPhoto(exposure(20.0).reference, bits=16),
    ):
        result, heard = told(other)
        # Found in the mosaic itself: one read noise for the sensor, which lies on the grid that is searched.
        assert len(heard) == 1 and not any("ISO" in note for note in result.notes)
        assert any(np.isclose(heard[0].s[0] / heard[0].k[0] ** 2, np.geomspace(0.05, 400.0, 121)))
    result, heard = told(raw, max_side=96)  # averaging has taken noise away
    assert not any("ISO" in note for note in result.notes)
