"""Fused passes over large arrays give, bit for bit, what one step after the other gives, without needless copies."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import tifffile

from explorer.encode import quantise
from explorer.photo import Limits, RawPhoto, bands, open_mosaic, open_photo, write_dng
from explorer.photo.files.metadata import metadata_of_tiff_block
from explorer.photo.files.raw import read_dng_on_disk
from explorer.photo.light.cfa import pack_bayer, pack_xtrans, scale_channels
from explorer.photo.light.levels import BlackLevel, normalized_mosaic, tile_levels
from explorer.photo.model_input import model_input

COLORS = np.array([[0, 1], [3, 2]], np.uint8)


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "_BAND_SAMPLES", 1000)


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
