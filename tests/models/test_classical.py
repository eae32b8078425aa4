"""The methods without weights: what they compute, and that nothing breaks them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from explorer.models import create_model
from explorer.models.classical import noise_level
from explorer.models.classical_retinex import refine_illumination

BRIGHTENING = ["gamma", "histogram_equalisation", "clahe", "ssr", "msrcr", "lime"]


def dark_scene(height: int = 60, width: int = 80) -> torch.Tensor:
    """A batch of one: a grey ramp with a coloured square, at 1/8 of full brightness."""
    ramp = torch.linspace(0.2, 1, width).expand(3, height, width).clone()
    ramp[:, 15:40, 20:50] = torch.tensor([0.9, 0.5, 0.2])[:, None, None]
    return ramp[None] / 8


def step_scene() -> tuple[np.ndarray, np.ndarray]:
    """A step from 0.2 to 0.6 without and with texture."""
    clean = np.full((40, 60), 0.2, dtype=np.float32)
    clean[:, 30:] = 0.6
    texture = np.random.default_rng(0).normal(0, 0.02, clean.shape).astype(np.float32)
    return clean, clean + texture


def test_identity_returns_its_input_untouched() -> None:
    x = torch.rand(2, 3, 5, 7) * 3 - 1
    assert create_model("identity")(x) is x


def test_gamma_formula() -> None:
    x = torch.rand(2, 3, 9, 7)
    assert torch.allclose(create_model("gamma")(x), x ** (1 / 2.2), atol=1e-6)
    assert torch.allclose(create_model("gamma", gamma=1.0)(x), x, atol=1e-6)
    assert torch.allclose(create_model("gamma", gamma=3.0)(x * 4 - 1), (x * 4 - 1).clamp(0, 1) ** (1 / 3), atol=1e-6)


@pytest.mark.parametrize("name", BRIGHTENING)
def test_brightens_a_dark_picture_and_keeps_hue_order(name: str) -> None:
    x = dark_scene()
    image = create_model(name)(x)
    assert image.dtype == x.dtype
    assert image.mean() > 1.5 * x.mean()
    red, green, blue = image[0, :, 27, 35]
    assert red > green > blue


@pytest.mark.parametrize("name", BRIGHTENING)
@pytest.mark.parametrize("denoise", ["none", "bilateral", "nlm"])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (1, 17), (20, 24)])
def test_flat_pictures_stay_finite(name: str, denoise: str, value: float, size: tuple[int, int]) -> None:
    flat = torch.full((1, 3, *size), value)
    odd = flat.clone()
    odd[..., size[0] // 2, size[1] // 2] = 0.5
    net = create_model(name, denoise=denoise)
    for x in (flat, odd):
        results = net.decompose(x)
        assert all(torch.isfinite(v).all() for v in results.values())
        assert results["image"].shape == x.shape
        assert results["image"].min() >= 0 and results["image"].max() <= 1
    if value == 0.0:
        assert create_model(name)(flat).max() == 0


@pytest.mark.parametrize("name", BRIGHTENING)
def test_batches_are_treated_picture_by_picture(name: str) -> None:
    x = torch.cat([dark_scene(), dark_scene().flip(-1) * 2])
    net = create_model(name)
    assert torch.allclose(net(x)[1:], net(x[1:]), atol=1e-6)


@pytest.mark.parametrize(("name", "channels"), [("ssr", 1), ("msrcr", 3), ("lime", 1)])
def test_reflectance_times_illumination_is_the_picture(name: str, channels: int) -> None:
    x = dark_scene() + 0.05 * torch.rand(1, 3, 60, 80, generator=torch.Generator().manual_seed(0))
    results = create_model(name).decompose(x)
    illumination = results["illumination"]
    assert illumination.shape == (1, channels, 60, 80)
    assert illumination.min() > 0 and illumination.max() <= 1
    assert torch.allclose(results["reflectance"] * illumination, x, atol=1e-6)
    # An illumination is smoother than the picture that it explains.
    assert illumination.diff(dim=-1).abs().mean() < x.diff(dim=-1).abs().mean()


def test_lime_image_is_reflectance_times_enhanced_illumination() -> None:
    x = dark_scene()
    results = create_model("lime", gamma=0.7).decompose(x)
    enhanced = results["illumination_enhanced"]
    assert torch.allclose(enhanced, results["illumination"] ** 0.3, atol=1e-6)
    assert torch.allclose(results["image"], (results["reflectance"] * enhanced).clamp(0, 1), atol=1e-6)


def test_lime_refinement_smooths_texture_and_keeps_the_edge() -> None:
    clean, textured = step_scene()
    refined = refine_illumination(textured)
    assert refined[:, 5:25].std() < 0.3 * textured[:, 5:25].std()
    assert refined[:, 35:55].std() < 0.3 * textured[:, 35:55].std()
    assert np.mean(refined[:, 30]) - np.mean(refined[:, 29]) > 0.25
    # Nothing leaks around from the opposite border.
    assert np.abs(refined[:, [0, -1]] - clean[:, [0, -1]]).max() < 0.05


def test_lime_refinement_follows_its_weight() -> None:
    _, textured = step_scene()
    rough = [np.abs(np.diff(refine_illumination(textured, alpha=a), axis=1)).sum() for a in (0.0005, 0.02, 0.2)]
    assert rough[0] > rough[1] > rough[2]


def test_lime_refinement_is_near_the_minimum() -> None:
    _, textured = step_scene()

    def objective(t: np.ndarray) -> float:
        cost = float(np.sum((t - textured) ** 2))
        for axis in (0, 1):
            slope = np.diff(textured, axis=axis, append=textured.take([-1], axis=axis))
            weight = 1 / (np.abs(gaussian_filter(slope, 2, mode="reflect", truncate=8)) + 1e-3)
            cost += 0.02 * float(np.sum(weight * np.abs(np.diff(t, axis=axis, append=t.take([-1], axis=axis)))))
        return cost

    reached = objective(refine_illumination(textured))
    assert reached < 0.1 * objective(textured)
    assert reached < 1.3 * objective(refine_illumination(textured, iterations=1000, tolerance=0))


def test_histogram_equalisation_spreads_the_luma() -> None:
    ramp = torch.linspace(0.1, 0.2, 512).expand(1, 3, 8, 512)
    image = create_model("histogram_equalisation")(ramp)
    assert torch.allclose(image[0, 0, 0], torch.linspace(0, 1, 512), atol=0.02)


def test_noise_level_is_measured() -> None:
    noise = np.random.default_rng(0).normal(0, 0.03, (120, 120, 3)).astype(np.float32)
    ramp = np.linspace(0.2, 0.8, 120, dtype=np.float32)[None, :, None]
    assert noise_level(ramp + noise) == pytest.approx(0.03, rel=0.05)
    assert noise_level(np.broadcast_to(ramp, (120, 120, 3)).copy()) < 1e-4


@pytest.mark.parametrize("denoise", ["bilateral", "nlm"])
def test_denoisers_lower_noise_and_leave_clean_pictures_alone(denoise: str) -> None:
    clean = dark_scene() * 4
    noisy = clean + 0.04 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    net = create_model("gamma", gamma=1.0, denoise=denoise)
    assert (net(noisy) - clean).square().mean() < 0.5 * (noisy - clean).square().mean()
    assert torch.allclose(net(clean), clean, atol=1e-6)
