"""Strength: the developed photo at 0, the network's picture at 100, and detail before noise between them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import raws
from PIL import Image

import explorer
from explorer.errors import SettingsError
from explorer.models import create_model
from explorer.photo import RawPhoto, amplify, develop, linear_to_srgb, srgb_to_linear, upright
from explorer.photo.light import strength
from explorer.photo.light.strength import blended

SIZE = 256


def codes_of(image: np.ndarray) -> np.ndarray:
    return np.round(image * 65535).astype(np.uint16)


def photo(kind: str, size: tuple[int, int] = (96, 128)) -> RawPhoto | explorer.RgbPhoto:
    random = np.random.default_rng(7)
    light = raws.scene(*size) * 0.1
    if kind == "png":
        buffer = io.BytesIO()
        Image.fromarray(np.uint8(linear_to_srgb(light.astype(np.float32)) * 255)).save(buffer, "PNG")
        return explorer.open_photo(buffer.getvalue(), name="night.png")
    counts = 256 + raws.sampled(raws.camera(light), raws.RGGB) * 3839 + random.normal(0, 8, light.shape[:2])
    tags = {**raws.black_tags(np.full((2, 2), 256)), 274: (3, 6)}
    return explorer.open_photo(raws.dng(counts.clip(0, 4095).astype(np.uint16), tags=tags), name="night.dng")


@pytest.mark.parametrize("model", ["lynx.raw_synthetic", "clahe"])
@pytest.mark.parametrize("kind", ["dng", "png"])
def test_ends_are_the_developed_photo_and_the_networks_picture(model: str, kind: str) -> None:
    given = photo(kind)
    plain = explorer.restore(given, model, 8)
    assert np.array_equal(explorer.restore(given, model, 8, strength=100).image, plain.image)
    if isinstance(given, RawPhoto):
        developed = upright(develop(given, 8), given.rotation, given.mirrored)
    else:
        developed = amplify(given.image, 8)
    assert np.array_equal(explorer.restore(given, model, 8, strength=0).image, developed)
    # Little strength is nearly the developed photo, and more of it is farther away.
    steps = [np.abs(explorer.restore(given, model, 8, strength=s).image - developed).mean() for s in (0.01, 40, 80)]
    assert steps[0] < 2e-4 and steps[0] < steps[1] < steps[2] < np.abs(plain.image - developed).mean()


def test_detail_comes_back_before_noise() -> None:
    random = np.random.default_rng(11)
    restored = np.full((SIZE, SIZE, 3), linear_to_srgb(np.full(1, 0.2, np.float32))[0], dtype=np.float32)
    noise = random.normal(0, 0.01, restored.shape)
    texture = np.zeros(restored.shape)
    texture[:, SIZE // 2 :] = 0.04 * np.sign(np.sin(np.arange(SIZE // 2) * np.pi / 2 + 0.1))[None, :, None]
    developed = (0.2 + noise + texture).astype(np.float32)
    given = srgb_to_linear(blended(codes_of(restored), developed, 60)) - 0.2
    inner = slice(40, -40)
    left, right = (slice(40, SIZE // 2 - 40), slice(SIZE // 2 + 40, SIZE - 40))
    noise_back = (given[inner, left] * noise[inner, left]).sum() / (noise[inner, left] ** 2).sum()
    detail_back = (given[inner, right] * texture[inner, right]).sum() / (texture[inner, right] ** 2).sum()
    assert 0.1 < noise_back < 0.3  # t squared is 0.16
    assert 0.55 < detail_back < 0.65  # t (2 - t) is 0.64
    # Neither changes how bright the picture is.
    assert given[inner, left].mean() == pytest.approx(0.4 * noise[inner, left].mean(), abs=2e-4)


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(12)
    shape = (600, 40, 3)
    restored = random.random(shape).astype(np.float32)
    developed = srgb_to_linear(np.clip(restored + random.normal(0, 0.05, shape), 0, 1).astype(np.float32))
    monkeypatch.setattr(strength, "_noise", lambda *_: np.full((4, 3, 64), 1e-3, np.float32))
    codes = codes_of(restored)
    in_bands = blended(codes, developed, 50)
    monkeypatch.setattr(strength, "_ROWS", 600)
    assert np.abs(in_bands - blended(codes, developed, 50)).max() < 1e-5


@pytest.mark.parametrize("model", ["pairlie", "uretinex"])
def test_a_model_that_is_told_the_ratio_is_blended_with_the_amplified_photo(model: str) -> None:
    given, net = photo("dng"), create_model(model)
    developed = explorer.restore(given, net, 8, strength=0).image
    assert np.abs(explorer.restore(given, net, 8, strength=0.01).image - developed).mean() < 2e-3


@pytest.mark.parametrize("value", [-1, 100.5, float("nan"), "strong", None, True])
def test_nonsense_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="from 0 to 100"):
        explorer.restore(photo("png"), "clahe", 2, strength=value)  # type: ignore[arg-type]


def test_settings_keep_it(tmp_path: Path) -> None:
    from explorer.sidecar import RestoreSettings, read_settings, restore_with, write_settings

    write_settings(tmp_path / "s.json", RestoreSettings("clahe", 4.0, strength=30))
    settings = read_settings(tmp_path / "s.json")
    given = photo("png")
    assert np.array_equal(restore_with(given, settings).image, explorer.restore(given, "clahe", 4, strength=30).image)
    (tmp_path / "s.json").write_text((tmp_path / "s.json").read_text().replace("30", '"much"'))
    with pytest.raises(SettingsError, match="strength"):
        read_settings(tmp_path / "s.json")


@pytest.mark.parametrize("model", ["lynx.raw_synthetic_small", "gamma"])
@pytest.mark.parametrize("kind", ["dng", "png"])
def test_a_window_is_what_the_whole_shows_there(model: str, kind: str) -> None:
    """Noise is told from detail by fewer pixels: nearly the same, and far nearer than the ends of the scale."""
    from explorer.photo.windows import rendering_of
    from explorer.windows import windows

    given = photo(kind, (400, 500))
    whole, full = (explorer.restore(given, model, 8, strength=s).image for s in (50, 100))
    developed = explorer.restore(given, model, 8, strength=0).image
    width, height = given.size
    left, top, right, bottom = box = (width // 4, height // 4, width * 3 // 4, height * 3 // 4)
    inside = slice(top, bottom), slice(left, right)
    found = windows(given, explorer.load_model(model), 8)
    assert found is not None
    off = np.abs(found.restored(box, strength=50) - whole[inside]).mean()
    assert off < 0.1 * min(np.abs(each - whole)[inside].mean() for each in (full, developed))
    np.testing.assert_allclose(rendering_of(given, box, 8), developed[inside], atol=1e-5)
