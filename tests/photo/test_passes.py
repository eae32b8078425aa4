"""Fused passes over large arrays give the same as separate steps, without needless copies."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from explorer.encode import quantise
from explorer.photo import Limits, RawPhoto, RgbPhoto, open_mosaic, open_photo, parallel, write_dng
from explorer.photo.files.metadata import metadata_of_tiff_block
from explorer.photo.files.raw import read_dng_on_disk
from explorer.photo.light.cfa import pack_bayer, pack_xtrans, scale_channels
from explorer.photo.light.curves import display_of, linear_of
from explorer.photo.light.levels import BlackLevel, normalized_mosaic, tile_levels
from explorer.photo.light.scene import picture_and_scene, unfinished_and_scene
from explorer.photo.model_input import model_input

COLORS = np.array([[0, 1], [3, 2]], np.uint8)


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_BAND_SAMPLES", 1000)


def samples(height: int, width: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (height, width)).astype(np.uint16)


@pytest.mark.parametrize("black", [(512.0,), (512.0, 509.5, 515.0, 513.0)])
def test_levels(black: tuple[float, ...]) -> None:
    given = samples(62, 70)
    whole = np.tile(tile_levels(COLORS, black), (31, 35))
    expected = given.astype(np.float32) - whole.astype(np.float32)
    expected = expected * np.float32(1 / (16000.0 - max(black)))
    level = BlackLevel(tile_levels(COLORS, black))
    assert np.array_equal(normalized_mosaic(given, level, 16000.0), expected)
    assert normalized_mosaic(given[1:61, 2:68][1:], level, 16000.0).shape == (59, 66)


@pytest.mark.parametrize("clip", [None, (0.0, 1.0)])
@pytest.mark.parametrize("order", ["sid", "s2d"])
def test_packing_multiplies_and_limits_on_its_way(order: str, clip: tuple[float, float] | None) -> None:
    factors = (7.3, 3.1, 5.9)
    for cfa, pack in (("bayer", lambda m, **k: pack_bayer(m, order, **k)), ("xtrans", pack_xtrans)):
        mosaic = np.random.default_rng(1).normal(0.1, 0.2, (60, 72)).astype(np.float32)
        scaled = scale_channels(mosaic, factors, cfa)
        limited = scaled if clip is None else np.clip(scaled, *clip)
        assert np.array_equal(scale_channels(mosaic, factors, cfa, clip), limited)
        assert np.array_equal(pack(mosaic, factors=factors, clip=clip), pack(limited))


def test_input_of_a_packed_network_is_that_of_its_parts() -> None:
    raw = open_mosaic(samples(60, 72), black=(500.0, 510.0, 505.0, 507.0), white=16000.0, gains=(2.0, 1.0, 1.7))
    red, green, blue = (gain * 9.0 for gain in raw.white_balance.gains)
    expected = np.clip(scale_channels(raw.mosaic, (red, green, blue), "bayer"), 0, 1)
    assert np.array_equal(model_input(raw, "packed", 9.0, clip=(0, 1)).planes, pack_bayer(expected))
    assert np.array_equal(model_input(raw, "bayer", 9.0, clip=(0, 1)).planes[0], expected)


@pytest.mark.parametrize(("bits", "kind", "top"), [(8, np.uint8, 255), (16, np.uint16, 65535)])
def test_samples_of_a_file(bits: int, kind: type, top: int) -> None:
    image = np.random.default_rng(2).uniform(-0.1, 1.1, (50, 60, 3)).astype(np.float32)
    expected = (np.clip(image, 0, 1) * np.float32(top) + np.float32(0.5)).astype(kind)
    assert np.array_equal(quantise(image, bits), expected)
    assert np.array_equal(quantise(image[..., 0], bits), expected[..., 0])


def test_a_dng_that_is_read_from_the_disk_is_the_one_that_is_read_from_memory(tmp_path: Path) -> None:
    path = write_dng(
        tmp_path / "night.dng", samples(80, 90), black=(500, 510, 505, 507), white=60000, iso=3200,
        exposure_seconds=0.25, camera="Acme X1", rotation=90, phase="GBRG",
    )  # fmt: skip
    direct = read_dng_on_disk(path, path.name, Limits())
    assert direct is not None
    for other in (open_photo(path), open_photo(path.read_bytes(), name=path.name)):
        assert isinstance(other, RawPhoto)
        for field in fields(RawPhoto):
            assert np.array_equal(getattr(direct, field.name), getattr(other, field.name)), field.name


def test_other_files_are_not_taken_for_a_dng(tmp_path: Path) -> None:
    whole = write_dng(tmp_path / "whole.dng", samples(80, 90)).read_bytes()
    cut = tmp_path / "cut.dng"
    cut.write_bytes(whole[:-100])
    picture = tmp_path / "picture.tif"
    tifffile.imwrite(picture, samples(16, 16))
    damaged = tmp_path / "damaged.dng"
    damaged.write_bytes(whole[:8] + b"\xff" * 2000)
    for path in (cut, picture, damaged, tmp_path, tmp_path / "absent.dng"):
        assert read_dng_on_disk(path, path.name, Limits()) is None, path.name


def test_tags_are_read_without_a_copy_of_the_file() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples(1500, 2000), extratags=[(272, 2, 0, "Acme X1", True)], metadata=None)
    data = buffer.getvalue()
    metadata_of_tiff_block(data)  # Pillow's plugins are loaded
    tracemalloc.start()
    try:
        found = metadata_of_tiff_block(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.camera == "Acme X1"
    assert peak < len(data) / 10


def curved(light: np.ndarray) -> np.ndarray:
    """The sRGB transfer curve (IEC 61966-2-1), as its formula says, in double precision."""
    exact = np.asarray(light, np.float64)
    return np.where(light <= 0.0031308, exact * 12.92, 1.055 * np.maximum(exact, 1e-9) ** (1 / 2.4) - 0.055)


def uncurved(display: np.ndarray) -> np.ndarray:
    exact = np.asarray(display, np.float64)
    return np.where(exact <= 0.04045, exact / 12.92, ((exact + 0.055) / 1.055) ** 2.4)


def codes_of(image: np.ndarray) -> np.ndarray:
    return (image * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


@pytest.mark.parametrize("cropped", [False, True])
@pytest.mark.parametrize(("rotation", "mirrored"), [(0, False), (90, False), (180, True), (270, True), (0, True)])
@pytest.mark.parametrize("color", ["camera", "srgb"])
def test_what_follows_a_network_is_limits_matrix_curve_and_turning(
    color: str, rotation: int, mirrored: bool, cropped: bool
) -> None:
    matrix = np.array([[1.6, -0.4, -0.2], [-0.2, 1.5, -0.3], [0.0, -0.5, 1.5]], np.float32)
    wide = np.random.default_rng(7).normal(0.4, 0.35, (61, 83, 3)).astype(np.float32)
    wide[::5, ::3] /= 40  # much in the straight part of the curve
    given = wide[1:-2, 3:-1] if cropped else wide
    expected = limited = np.clip(given, 0, 1)
    if color == "camera":
        expected = curved(np.clip(uncurved(limited) @ matrix.T, 0, 1))
    turned = np.rot90(expected[:, ::-1] if mirrored else expected, rotation // 90)
    raw = open_mosaic(samples(*given.shape[:2]), black=500.0, white=16000.0, gains=(2.0, 1.0, 1.7))
    raw = replace(raw, rotation=rotation, mirrored=mirrored)
    unfinished, scene = unfinished_and_scene(raw, given.copy() if not cropped else given, color, matrix, True)
    before = [unfinished.quantised(bits) for bits in (8, 16)]
    image = unfinished.finished()
    assert image.flags.c_contiguous
    assert not image.flags.writeable
    np.testing.assert_allclose(image, turned, rtol=0, atol=0 if color == "srgb" else 3e-6)
    assert scene is not None
    assert np.array_equal(scene.codes, codes_of(limited))
    assert scene.color == color
    for early, bits, top in zip(before, (8, 16), (255, 65535), strict=True):
        rounded = (image * np.float32(top) + np.float32(0.5)).astype(np.uint16)
        for each in (early, unfinished.quantised(bits), quantise(image, bits)):
            assert each.dtype.itemsize * 8 == bits
            assert np.array_equal(each, rounded)


@pytest.mark.parametrize(
    ("formula", "ours", "joint"), [(curved, display_of, 0.0031308), (uncurved, linear_of, 0.04045)]
)
def test_line_and_power_of_the_curve_are_told_apart(formula: Any, ours: Any, joint: float) -> None:
    """The choice without branches gives what the formula says, at the joint and everywhere else."""
    bits = np.float32(joint).view(np.int32)
    near = np.arange(bits - 100_000, bits + 100_000, dtype=np.int32).view(np.float32)
    everywhere = np.arange(0, np.float32(4).view(np.int32), 997, dtype=np.int32).view(np.float32)
    for values in (near, everywhere):
        expected, found = formula(values), ours(values)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=3e-8)
        inside = values <= 1
        assert np.abs(expected - found)[inside].max() * 65535 < 0.02  # of a code of 16 bits
    assert np.array_equal(ours(np.float32([-1, 0, np.inf])), np.float32([0, 0, np.inf]))
    assert np.isnan(ours(np.float32([np.nan]))).all()


def test_a_developed_picture_is_finished_in_its_own_memory() -> None:
    given = np.random.default_rng(8).normal(0.5, 0.4, (50, 70, 3)).astype(np.float32)
    expected = np.clip(given, 0, 1)
    photo = RgbPhoto(expected, bits=8)
    image, scene = picture_and_scene(photo, given, "srgb", np.eye(3, dtype=np.float32), True)
    assert scene is None
    assert np.shares_memory(image, given)
    assert np.array_equal(image, expected)


def test_a_monochrome_photo_ends_as_its_luminance() -> None:
    given = np.random.default_rng(9).uniform(0, 1, (40, 60, 3)).astype(np.float32)
    raw = replace(open_mosaic(samples(40, 60), black=500.0, white=16000.0), cfa="none", monochrome=True, rotation=90)
    grey = curved(uncurved(given) @ np.array([0.2126729, 0.7151522, 0.0721750], np.float32))
    image, scene = picture_and_scene(raw, given, "srgb", np.eye(3, dtype=np.float32), True)
    np.testing.assert_allclose(image, np.rot90(np.repeat(grey[..., None], 3, axis=2)), atol=1e-6)
    assert scene is not None
    assert scene.color == "srgb"
    assert np.array_equal(scene.codes, codes_of(np.rot90(image, -1)))
