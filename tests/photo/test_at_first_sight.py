"""Dark or not, black, grey: tested on photos that the test made."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import explorer
from explorer.encode import FORMATS, encode
from explorer.photo import open_mosaic
from explorer.photo.light.at_first_sight import holds_light, is_dark, stays_as_it_is
from explorer.photo.types import RgbPhoto


def scene(light: float, seed: int = 0) -> np.ndarray:
    """H x W x 3 8-bit sRGB of patches whose mean linear light is `light`."""
    patches = np.random.default_rng(seed).uniform(0.1, 1.9, (8, 12, 3)).repeat(20, 0).repeat(20, 1) * light
    return np.rint(255 * np.clip(patches, 0, 1) ** (1 / 2.2)).astype(np.uint8)


@pytest.mark.parametrize(("light", "dark"), [(0.002, True), (0.02, True), (0.35, False), (0.5, False)])
def test_a_dark_photo_is_told_from_another(light: float, dark: bool, tmp_path: Path) -> None:
    Image.fromarray(scene(light)).save(tmp_path / "scene.png")
    photo = explorer.open_photo(tmp_path / "scene.png")
    assert is_dark(photo) is dark
    assert ("not dark" in (stays_as_it_is(photo) or "")) is not dark


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_all_black_picture_holds_no_light(suffix: str, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / f"black{suffix}")
    photo = explorer.open_photo(tmp_path / f"black{suffix}")
    assert not holds_light(photo)
    assert "completely black" in (stays_as_it_is(photo) or "")


@pytest.mark.parametrize(("mean", "noise", "light"), [(0, 0, False), (0, 6, False), (0.4, 6, True), (0, 0.01, False)])
def test_a_raw_photo_holds_light_where_it_rises_above_its_noise(mean: float, noise: float, light: bool) -> None:
    random = np.random.default_rng(5)
    samples = np.rint(512 + mean + random.normal(0, noise, (480, 640))).astype(np.uint16)
    samples[::97, ::89] = 9000  # hot pixels
    assert holds_light(open_mosaic(samples, phase="RGGB", black=512, white=16383)) is light


def test_one_lit_corner_is_light() -> None:
    samples = np.rint(512 + np.random.default_rng(5).normal(0, 6, (480, 640))).astype(np.uint16)
    samples[:32, :32] += 20
    assert holds_light(open_mosaic(samples, phase="RGGB", black=512, white=16383))


def test_a_grey_picture_stays_grey_whatever_the_model() -> None:
    grey = np.repeat(scene(0.02)[..., :1], 3, axis=2).astype(np.float32) / 255
    for model in ("pix2pix.lol", "lynx.raw_synthetic_small", "clahe"):
        image = explorer.restore(RgbPhoto(grey, 8), model, 8.0).image
        assert np.ptp(image, axis=2).max() == 0 and image.std() > 0.01, model
    coloured = explorer.restore(RgbPhoto(scene(0.02).astype(np.float32) / 255, 8), "clahe", 8.0).image
    assert np.ptp(coloured, axis=2).max() > 0.05
    same = explorer.restore(RgbPhoto(grey, 8), "identity", 1.0).image
    assert np.array_equal(same, grey), "what is grey already stays bit for bit"


@pytest.mark.parametrize(
    ("suffix", "bits"), [(suffix, bits) for suffix, all_bits in FORMATS.items() for bits in all_bits]
)
def test_every_picture_states_srgb_and_is_read_back_as_it_was(suffix: str, bits: int, tmp_path: Path) -> None:
    image = scene(0.3).astype(np.float32) / 255
    data = encode(image, suffix, bits)
    assert data == encode(image, suffix, bits)
    if bits == 8 or suffix != ".png":
        import tifffile

        if suffix in (".tif", ".tiff"):
            with tifffile.TiffFile(io.BytesIO(data)) as file:
                profile = file.pages.first.iccprofile
        else:
            profile = Image.open(io.BytesIO(data)).info["icc_profile"]
        stated = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        assert "sRGB" in ImageCms.getProfileDescription(stated)
        probe = Image.fromarray(scene(0.3, 7))
        change = ImageCms.profileToProfile(probe, stated, ImageCms.createProfile("sRGB"))
        assert np.abs(np.asarray(change).astype(int) - np.asarray(probe)).max() <= 1
    (tmp_path / f"saved{suffix}").write_bytes(data)
    again = explorer.open_photo(tmp_path / f"saved{suffix}")
    assert isinstance(again, RgbPhoto) and not again.notes
    assert np.abs(again.image - image).max() < (0.12 if suffix in (".jpg", ".jpeg") else 1e-6)
