"""The classical methods: their results, and inputs that might break them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from explorer.models import create_model
from explorer.models.classical_retinex import refine_illumination
from explorer.models.denoise import denoised, noise_level

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
        results = net.forward_intermediates(x)
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
    results = create_model(name).forward_intermediates(x)
    illumination = results["illumination"]
    assert illumination.shape == (1, channels, 60, 80)
    assert illumination.min() > 0 and illumination.max() <= 1
    assert torch.allclose(results["reflectance"] * illumination, x, atol=1e-6)
    # An illumination is smoother than the picture that it explains.
    assert illumination.diff(dim=-1).abs().mean() < x.diff(dim=-1).abs().mean()


def test_lime_image_is_reflectance_times_enhanced_illumination() -> None:
    x = dark_scene()
    results = create_model("lime", gamma=0.7).forward_intermediates(x)
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


def coloured_noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, shape).astype(np.float32)


@pytest.mark.parametrize("name", ["nlm", "bilateral"])
def test_denoisers_are_models_that_lower_noise_and_keep_brightness(name: str) -> None:
    clean = np.moveaxis(dark_scene(100, 120).numpy()[0] * 4, 0, 2)
    noisy = clean + coloured_noise(clean.shape)
    x = torch.from_numpy(np.moveaxis(noisy, 2, 0))[None]
    image = np.moveaxis(create_model(name)(x)[0].numpy(), 0, 2)
    assert np.square(image - clean).mean() < 0.3 * np.square(noisy - clean).mean()
    assert image.mean() == pytest.approx(clean.mean(), abs=0.01)
    # The edges of the square stay where they are.
    assert abs(image[16:39, 46:49].mean() - image[16:39, 52:55].mean()) > 0.7 * abs(
        clean[16:39, 46:49].mean() - clean[16:39, 52:55].mean()
    )


def test_non_local_means_is_scikit_images() -> None:
    from skimage.restoration import denoise_nl_means

    picture = np.clip(0.5 + coloured_noise((60, 70, 3)), 0, 1)
    sigma = 2.2 * noise_level(picture)
    expected = denoise_nl_means(
        picture, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True, channel_axis=-1
    )
    assert np.abs(denoised(picture, "nlm") - expected).max() < 1e-6


@pytest.mark.parametrize("method", ["nlm", "bilateral"])
def test_tiles_of_a_denoiser_leave_no_seam(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = np.mgrid[0:90, 0:110]
    picture = np.clip(0.4 + 0.3 * np.sin(x / 9 + y / 14)[..., None] + coloured_noise((90, 110, 3)), 0, 1)
    picture = picture.astype(np.float32)
    monkeypatch.setattr("explorer.models.denoise._TILE", 1000)
    whole = denoised(picture, method)  # type: ignore[arg-type]
    monkeypatch.setattr("explorer.models.denoise._TILE", 32)
    tiled = denoised(picture, method)  # type: ignore[arg-type]
    assert np.abs(whole - picture).max() > 0.05
    # The bilateral filter looks its weights up in a table that spans the tile's own values.
    assert np.abs(tiled - whole).max() < (1e-4 if method == "nlm" else 5e-3)


@pytest.mark.parametrize("name", ["nlm", "bilateral"])
def test_a_fitted_denoiser_treats_a_tile_as_in_its_picture(name: str) -> None:
    """A tile is darker and cleaner than the rest; by itself it would be denoised less."""
    rng = np.random.default_rng(1)
    picture = np.full((3, 64, 128), 0.5, dtype=np.float32)
    picture[:, :, :64] += rng.normal(0, 0.002, (3, 64, 64)).astype(np.float32)
    picture[:, :, 64:] += rng.normal(0, 0.08, (3, 64, 64)).astype(np.float32)
    net = create_model(name)
    assert net.halo is None and net.fitted(picture) is not net
    fitted = net.fitted(picture)
    assert fitted.halo is not None and net.halo is None
    x = torch.from_numpy(picture)[None]
    left, halo = 40, fitted.halo
    tile = x[..., : left + halo]
    assert torch.allclose(fitted(tile)[..., :left], fitted(x)[..., :left], atol=5e-3)
    assert torch.equal(net(tile), tile)  # below the noise floor by itself
    assert not torch.equal(fitted(tile)[..., :left], tile[..., :left])


def test_only_methods_that_leave_the_brightness_are_amplified_by_themselves() -> None:
    from explorer.models import architectures
    from explorer.weights.store import classical_model

    rules = {
        name: classical_model(name).config.input.ratio_rule
        for name, descriptor in architectures().items()
        if not descriptor.needs_weights
    }
    assert {name for name, rule in rules.items() if rule == "learned"} == {"identity", "nlm", "bilateral"}
    assert {rules[name] for name in BRIGHTENING} == {"none"}


def test_restoring_a_large_photo_with_a_denoiser_is_cut_into_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not computed on a reduced picture, as methods that need the whole one are: that would bring the noise back."""
    from explorer.photo import RgbPhoto
    from explorer.restorer import load_model, restore

    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:700, 0:900]
    clean = (0.4 + 0.2 * np.sin(x / 40 + y / 60))[..., None].repeat(3, 2)
    photo = RgbPhoto(np.clip(clean + rng.normal(0, 0.05, clean.shape), 0, 1).astype(np.float32), bits=8)
    whole = restore(photo, "nlm", 1)
    monkeypatch.setenv("EXPLORER_TILE_BYTES", str(1 << 24))  # room for 350,000 pixels
    seen: list[float] = []
    tiled = restore(photo, load_model("nlm"), 1, progress=seen.append)
    assert len(seen) > 2 and not tiled.notes
    assert np.abs(tiled.image - whole.image).max() < 1e-3
    assert np.square(whole.image - clean).mean() < 0.15 * np.square(photo.image - clean).mean()
