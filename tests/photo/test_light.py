"""Amplification, white balance, development and the input of models."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import RatioError, WhiteBalanceError
from explorer.photo import (
    Exposure,
    RawPhoto,
    RgbPhoto,
    amplify,
    camera_to_display,
    check_ratio,
    dark_bin_ratio,
    describe,
    develop,
    develop_linear,
    linear_to_srgb,
    load_rendering,
    model_input,
    open_mosaic,
    open_photo,
    srgb_to_linear,
    suggest_ratio,
    unprocess,
)
from explorer.photo.light.cameras import BROOKS_XYZ_TO_CAMERA, NOMINAL_CAMERA_TO_SRGB, camera_to_srgb
from explorer.photo.light.cfa import (
    TILES,
    color_map,
    mosaic_from_rgb,
    pack_bayer,
    pack_xtrans,
    scale_channels,
    unpack_xtrans,
)
from explorer.photo.light.demosaic import demosaic
from explorer.photo.light.reduce import reduced

RNG = np.random.default_rng(4)


def smooth(height: int = 96, width: int = 120) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [0.5 + 0.3 * np.sin(x / 17 + phase) * np.cos(y / 19 - phase) for phase in (0.0, 0.6, 1.1)]
    return np.stack(waves, axis=-1).astype(np.float32)


def raw_of(rgb: np.ndarray, cfa: str = "bayer", **options: object) -> RawPhoto:
    """A mosaic of camera RGB in [0, 1]."""
    samples = np.round(mosaic_from_rgb(rgb.astype(np.float32), cfa) * 16000 + 383).astype(np.uint16)
    return open_mosaic(samples, phase="RGGB" if cfa == "bayer" else "X-Trans", black=383, white=16383, **options)


# Ratios


@pytest.mark.parametrize(("value", "ratio"), [(1, 1.0), (300, 300.0), ("8", 8.0), (" 2.5 ", 2.5), (np.float32(7), 7.0)])
def test_check_ratio(value: object, ratio: float) -> None:
    assert check_ratio(value) == ratio


@pytest.mark.parametrize(
    "value", [0, -1, 1e9, "abc", "", None, float("nan"), float("inf"), 0.99, 300.1, True, [2], "1e9"]
)
def test_check_ratio_refuses(value: object) -> None:
    with pytest.raises(RatioError, match="from 1 to 300"):
        check_ratio(value)


def test_transfer_curve() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)
    np.testing.assert_allclose(srgb_to_linear(np.array([0.04045, 0.5])), [0.0031308, 0.2140411], rtol=1e-4)


def test_amplify() -> None:
    image = smooth()
    assert amplify(image, 1.0) is image
    expected = np.minimum(srgb_to_linear(image / 4) * 3, 1)
    np.testing.assert_allclose(srgb_to_linear(amplify(image / 4, 3)), expected, atol=1e-5)
    assert amplify(image, 300).max() == pytest.approx(1.0)


def test_dark_bin_ratio_limits() -> None:
    assert dark_bin_ratio(np.zeros((4, 4), np.float32)) == 300
    assert dark_bin_ratio(np.zeros((0,), np.float32)) == 1
    assert dark_bin_ratio(np.ones((4, 4), np.float32)) == 1
    assert dark_bin_ratio(np.full((4, 4), -0.1, np.float32)) == 300
    assert dark_bin_ratio(np.full((8, 8), 0.002, np.float32)) == pytest.approx(5.0, rel=1e-4)
    assert dark_bin_ratio(np.full((8, 8), 0.002, np.float32), m=8) == pytest.approx(40.0, rel=1e-4)
    with pytest.raises(RatioError):
        dark_bin_ratio(np.zeros(3, np.float32), m=0)


def test_dark_bin_ratio_against_its_definition() -> None:
    x = RNG.gamma(0.7, 0.02, (64, 64)).astype(np.float32) - np.float32(0.004)
    edges = (2 ** np.linspace(0, 8, 128) - 1) / 255
    weights = 10 ** np.linspace(0, 5, 127)
    weights = (weights / weights.max())[::-1]
    weight = light = 0.0
    for value in np.clip(x, 0, 1).ravel().tolist():
        for k in range(127):
            if edges[k] <= value < edges[k + 1]:
                weight += weights[k]
                light += value * weights[k]
    assert dark_bin_ratio(x) == pytest.approx(0.01 * weight / light, rel=1e-5)


def test_dark_bin_ratio_of_the_chart(shared: Path) -> None:
    photo = open_photo(shared / "data" / "raw" / "canon_550d_dark_colorchart.dng", black_level="file")
    assert isinstance(photo, RawPhoto)
    assert dark_bin_ratio(photo.mosaic[:1152, :1728]) == pytest.approx(2.4783, abs=5e-5)


def test_suggestions() -> None:
    dark = RgbPhoto(linear_to_srgb(srgb_to_linear(smooth()) * 0.02), 8)
    suggestion = suggest_ratio(dark)
    assert "learned" in suggestion.source
    suggestion = suggest_ratio(dark, "percentile")
    amplified = srgb_to_linear(amplify(dark.image, suggestion.ratio))
    assert 5 < suggestion.ratio < 100
    assert (amplified.max(axis=2) >= 1).mean() < 0.05
    white, black = (RgbPhoto(np.full((8, 8, 3), level, np.float32), 16) for level in (1, 0))
    assert suggest_ratio(white, "percentile").ratio == 1 and suggest_ratio(black, "percentile").ratio == 300
    coarse = suggest_ratio(RgbPhoto(np.zeros((8, 8, 3), np.float32), 8), "percentile")
    assert coarse.ratio == pytest.approx(0.02 * 12.92 * 255)
    raw = raw_of(smooth() * 0.01)
    assert "dark-bin" in suggest_ratio(raw, "dark_bin").source
    assert suggest_ratio(raw, "dark_bin", m=5).ratio == pytest.approx(5 * dark_bin_ratio(raw.mosaic), rel=1e-6)
    assert suggest_ratio(raw, "percentile").ratio > 5
    assert suggest_ratio(dark, "dark_bin").ratio > 1
    with pytest.raises(RatioError, match="dark_bin"):
        suggest_ratio(raw, "magic")


def test_exposure_pair() -> None:
    short = raw_of(smooth(), exposure=Exposure(seconds=0.1, iso=800, aperture=4.0))
    long = raw_of(smooth(), exposure=Exposure(seconds=2.0, iso=400, aperture=2.0))
    assert suggest_ratio(short, long_exposure=long).ratio == pytest.approx(20 * 0.5 * 4)
    assert suggest_ratio(short, long_exposure=10.0).ratio == pytest.approx(100)
    capped = suggest_ratio(short, long_exposure=60.0)
    assert capped.ratio == 300
    assert "600" in capped.source
    with pytest.raises(RatioError, match="exposure time"):
        suggest_ratio(raw_of(smooth()), long_exposure=long)


# Colour-filter arrays


def test_packing() -> None:
    mosaic = RNG.normal(size=(24, 36)).astype(np.float32)
    corners = {"sid": ((0, 0), (0, 1), (1, 1), (1, 0)), "s2d": ((0, 0), (0, 1), (1, 0), (1, 1))}
    for order in ("sid", "s2d"):
        for plane, (dy, dx) in zip(pack_bayer(mosaic, order), corners[order], strict=True):
            np.testing.assert_array_equal(plane, mosaic[dy::2, dx::2])
    np.testing.assert_array_equal(unpack_xtrans(pack_xtrans(mosaic)), mosaic)
    tile = np.array([[0, 1], [2, 3]])
    assert pack_bayer(tile)[:, 0, 0].tolist() == [0, 1, 3, 2]
    assert pack_bayer(tile, "s2d")[:, 0, 0].tolist() == [0, 1, 2, 3]
    planes = pack_xtrans(color_map(12, 18, "xtrans"))
    assert planes.shape == (9, 4, 6)
    assert [np.unique(plane).tolist() for plane in planes] == [[0], [1], [2], [0], [2], [1], [1], [1], [1]]


@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
def test_demosaic(cfa: str) -> None:
    image = smooth()
    restored = demosaic(mosaic_from_rgb(image, cfa), cfa)
    assert np.abs(restored - image)[6:-6, 6:-6].max() < 0.02
    flat = np.broadcast_to(np.float32([0.2, 0.5, 0.8]), (12, 18, 3))
    np.testing.assert_allclose(demosaic(mosaic_from_rgb(flat, cfa), cfa)[..., 1], 0.5, atol=1e-6)
    samples = mosaic_from_rgb(image, cfa)
    known = np.take_along_axis(restored, color_map(96, 120, cfa)[..., None].astype(int), axis=2)[..., 0]
    np.testing.assert_array_equal(known, samples)


# Development


@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
def test_unprocess_then_develop(cfa: str) -> None:
    photo = RgbPhoto(smooth(), 8)
    raw = unprocess(photo, cfa)
    assert raw.cfa == cfa
    np.testing.assert_allclose(develop(raw)[6:-6, 6:-6], photo.image[6:-6, 6:-6], atol=0.02)
    assert "unprocessed" in raw.notes[-1]


def test_unprocessing_keeps_highlights() -> None:
    image = np.ones((24, 24, 3), np.float32)
    image[:, 12:] = (1.0, 0.95, 0.9)
    shown = develop(unprocess(RgbPhoto(image, 8)))
    np.testing.assert_allclose(shown[4:-4, :8], 1, atol=1e-3)
    np.testing.assert_allclose(shown[4:-4, 16:-4], image[4:-4, 16:-4], atol=0.01)


@pytest.mark.parametrize(
    ("longest", "side"), [(768, 768), (896, 896), (898, 448), (1278, 638), (1600, 800), (2000, 666)]
)
def test_mosaics_are_reduced_by_the_nearest_factor(longest: int, side: int) -> None:
    raw = open_mosaic(np.full((64, longest), 900, np.uint16), black=500)
    assert max(reduced(raw, 640).size) == side <= 1.4 * 640


@pytest.mark.parametrize("photo", [raw_of(smooth()), RgbPhoto(smooth(), 8)])
def test_gains_are_any_three_numbers(photo: RawPhoto | RgbPhoto) -> None:
    for choice in (np.array([2, 1, 1.5]), [2, 1, 1.5], np.array([4, 2, 3])):
        assert photo.with_white_balance(choice).white_balance.gains == (2.0, 1.0, 1.5)


def test_exposure_pair_with_a_numpy_number() -> None:
    short = replace(raw_of(smooth()), exposure=Exposure(seconds=0.5))
    assert suggest_ratio(short, long_exposure=np.float32(5)).ratio == pytest.approx(10)


def test_saturated_highlights_are_neutral() -> None:
    raw = raw_of(np.ones((24, 24, 3)), gains=(2.2, 1.0, 1.7), xyz_to_camera=BROOKS_XYZ_TO_CAMERA[1])
    for ratio in (1.0, 4.0):
        np.testing.assert_allclose(develop(raw, ratio), 1.0, atol=1e-3)
    linear = develop_linear(raw, 4.0)
    np.testing.assert_allclose(linear, 4.0, atol=1e-2)


def test_development_is_the_chain_it_says() -> None:
    flat = np.broadcast_to(np.float32([0.10, 0.20, 0.15]), (24, 24, 3))
    raw = raw_of(flat, gains=(2.0, 1.0, 1.5), xyz_to_camera=BROOKS_XYZ_TO_CAMERA[2])
    balanced = np.array([0.2, 0.2, 0.225])
    expected = camera_to_srgb(BROOKS_XYZ_TO_CAMERA[2]) @ balanced
    np.testing.assert_allclose(develop_linear(raw).mean(axis=(0, 1)), expected, atol=1e-4)
    np.testing.assert_allclose(develop(raw, 2.0).mean(axis=(0, 1)), linear_to_srgb(2 * expected), atol=1e-3)
    camera = linear_to_srgb(np.broadcast_to(balanced, (4, 4, 3)).astype(np.float32))
    np.testing.assert_allclose(camera_to_display(camera, raw.camera_to_srgb)[0, 0], linear_to_srgb(expected), atol=1e-4)


# White balance


def test_grey_world_and_gains() -> None:
    raw = raw_of(smooth() * np.float32([0.2, 0.5, 0.3]))
    balanced = raw.with_white_balance("grey_world")
    means = [
        (balanced.mosaic * g)[color_map(*raw.mosaic.shape, "bayer") == c].mean()
        for c, g in enumerate(balanced.white_balance.gains)
    ]
    np.testing.assert_allclose(means, means[1], rtol=0.02)
    assert raw.with_white_balance((4.0, 2.0, 1.0)).white_balance.gains == (2.0, 1.0, 0.5)
    assert raw.white_balance.gains != balanced.white_balance.gains


def test_grey_world_ignores_lamps_and_noise() -> None:
    scene = np.empty((120, 120, 3), np.float32)
    scene[:] = (0.05, 0.10, 0.08)
    scene[:20] = 1.0
    scene[40:] = 0.0
    raw = raw_of(scene)
    noisy = raw.mosaic + RNG.normal(0, 0.002, raw.mosaic.shape).astype(np.float32)
    from dataclasses import replace

    gains = replace(raw, mosaic=noisy).with_white_balance("grey_world").white_balance.gains
    np.testing.assert_allclose(gains, (2.0, 1.0, 1.25), rtol=0.03)


def test_white_balance_of_the_file() -> None:
    raw = raw_of(smooth(), gains=(2.0, 1.0, 1.5))
    other = raw.with_white_balance((1.0, 1.0, 1.0))
    assert other.with_white_balance("as_shot").white_balance.gains == (2.0, 1.0, 1.5)
    with pytest.raises(WhiteBalanceError, match="daylight"):
        raw.with_white_balance("daylight")
    with pytest.raises(WhiteBalanceError, match="as-shot"):
        raw_of(smooth()).with_white_balance("as_shot")


@pytest.mark.parametrize(
    "choice", ["sunset", (1.0, 1.0), (0.0, 1.0, 1.0), (1.0, float("nan"), 1.0), (-1, 1, 1), (99.0, 1.0, 1.0), None, 3]
)
def test_white_balance_refuses(choice: object) -> None:
    for photo in (raw_of(smooth()), RgbPhoto(smooth(), 8)):
        with pytest.raises(WhiteBalanceError):
            photo.with_white_balance(choice)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
def test_neutral_point(cfa: str, rotation: int) -> None:
    scene = np.full((96, 120, 3), 0.3, np.float32)
    scene[60:84, 24:48] = (0.2, 0.4, 0.1)
    raw = raw_of(scene, cfa, rotation=rotation)
    where = np.rot90(scene[..., 2] < 0.2, rotation // 90)
    y, x = (float(values.mean()) for values in np.nonzero(where))
    balanced = raw.with_neutral_point(x, y)
    np.testing.assert_allclose(balanced.white_balance.gains, (2.0, 1.0, 4.0), rtol=1e-3)
    patch = load_rendering(balanced)[round(y) - 3 : round(y) + 3, round(x) - 3 : round(x) + 3]
    assert np.ptp(patch, axis=2).max() < 0.02


def test_neutral_point_refuses() -> None:
    scene = np.full((48, 48, 3), 0.3, np.float32)
    scene[:24, :24] = 1.0
    scene[24:, 24:] = 0.0
    for photo in (raw_of(scene), RgbPhoto(scene, 8)):
        assert photo.with_neutral_point(36, 10).white_balance.gains == pytest.approx((1, 1, 1), abs=1e-3)
        assert photo.with_neutral_point(47, 0, size=1).white_balance.gains == pytest.approx((1, 1, 1), abs=1e-3)
        for x, y, size, word in ((10, 10, 8, "clipped"), (36, 36, 8, "dark"), (48, 0, 8, "outside"), (-1, 5, 8,
                                 "outside"), (float("nan"), 5, 8, "cannot be"), (36, 10, 0, "side of 0")):  # fmt: skip
            with pytest.raises(WhiteBalanceError, match=word):
                photo.with_neutral_point(x, y, size)


def test_white_balance_of_a_developed_picture() -> None:
    image = smooth() * np.float32([0.9, 0.6, 0.4])
    photo = RgbPhoto(image, 8)
    balanced = photo.with_white_balance("grey_world")
    means = srgb_to_linear(balanced.image).mean(axis=(0, 1))
    np.testing.assert_allclose(means, means[1], rtol=0.02)
    np.testing.assert_array_equal(balanced.with_white_balance("as_shot").image, image)
    np.testing.assert_allclose(balanced.with_white_balance((2, 1, 1)).image, photo.with_white_balance((2, 1, 1)).image)
    with pytest.raises(WhiteBalanceError, match="daylight"):
        photo.with_white_balance("daylight")


# Model input


def test_bayer_input() -> None:
    raw = raw_of(smooth() * 0.1, gains=(2.0, 1.0, 1.5))
    given = model_input(raw, "bayer", 5.0)
    expected = scale_channels(raw.mosaic, (10.0, 5.0, 7.5), "bayer")
    np.testing.assert_allclose(given.planes, expected[None], rtol=1e-5)
    np.testing.assert_allclose(
        model_input(raw, "bayer", 5.0, white_balance="none").planes[0], raw.mosaic * 5, rtol=1e-5
    )
    assert model_input(raw, "bayer", 300, clip=(0, 1)).planes.max() == 1
    assert model_input(raw, "bayer", 300).planes.max() > 1
    packed = model_input(raw, "packed", 5.0)
    np.testing.assert_allclose(packed.planes, pack_bayer(expected), rtol=1e-5)
    np.testing.assert_allclose(model_input(raw, "packed", 5.0, plane_order="s2d").planes[2], packed.planes[3])
    assert given.notes == ()
    np.testing.assert_array_equal(given.camera_to_srgb, raw.camera_to_srgb)


def test_rgb_input() -> None:
    image = smooth()
    given = model_input(RgbPhoto(image, 8), "rgb", 1.0)
    np.testing.assert_array_equal(given.planes, np.moveaxis(image, 2, 0))
    np.testing.assert_array_equal(given.camera_to_srgb, np.eye(3))
    raw = raw_of(image * 0.1, rotation=90)
    from_raw = model_input(raw, "rgb", 3.0)
    np.testing.assert_array_equal(from_raw.planes, np.moveaxis(develop(raw, 3.0), 2, 0))
    assert from_raw.placement.rotation == 90
    assert from_raw.notes


@pytest.mark.parametrize(
    ("domain", "channels", "factor"), [("bayer", 1, 1), ("packed", 4, 2), ("xtrans", 9, 3), ("rgb", 3, 1)]
)
def test_every_photo_into_every_domain(domain: str, channels: int, factor: int) -> None:
    image = smooth(96, 120) * 0.2
    for photo in (RgbPhoto(image, 8), raw_of(image), raw_of(image, "xtrans")):
        given = model_input(photo, domain, 2.0)
        assert given.planes.shape == (channels, 96 // factor, 120 // factor)
        assert given.planes.dtype == np.float32
        assert np.isfinite(given.planes).all()
        native = {"bayer": "bayer", "packed": "bayer", "xtrans": "xtrans"}.get(domain)
        own = native == getattr(photo, "cfa", None)
        assert bool(given.notes) is not own


def test_rgb_photo_into_a_mosaic() -> None:
    photo = RgbPhoto(smooth() * 0.3, 8)
    given = model_input(photo, "bayer", 2.0)
    np.testing.assert_array_equal(given.camera_to_srgb, NOMINAL_CAMERA_TO_SRGB)
    linear = demosaic(given.planes[0], "bayer") @ given.camera_to_srgb.T
    np.testing.assert_allclose(linear[6:-6, 6:-6], 2 * srgb_to_linear(photo.image)[6:-6, 6:-6], atol=0.01)


def test_other_colour_filter_array() -> None:
    image = smooth() * 0.3
    given = model_input(raw_of(image, gains=(2.0, 1.0, 1.5)), "xtrans", 1.0, white_balance="none")
    mosaic = unpack_xtrans(given.planes)
    np.testing.assert_allclose(mosaic[6:-6, 6:-6], mosaic_from_rgb(image, "xtrans")[6:-6, 6:-6], atol=0.01)
    assert TILES["xtrans"].shape == (6, 6)


def test_model_input_refuses() -> None:
    with pytest.raises(RatioError):
        model_input(raw_of(smooth()), "bayer", 0)
    with pytest.raises(ValueError, match="bayer"):
        model_input(raw_of(smooth()), "lab", 1)


# The panel, and the cost of importing


def test_describe() -> None:
    raw = describe(raw_of(smooth() * 0.01, exposure=Exposure(1 / 30, 2.8, 1600, 35), camera="Acme X1", rotation=90))
    assert raw["Camera"] == "Acme X1"
    assert raw["Exposure time"] == "1/30 s"
    assert raw["ISO"] == 1600
    assert raw["Aperture"] == "f/2.8"
    assert raw["Size"] == "96 x 120"
    assert raw["Bits"] == 14
    assert "RGGB" in str(raw["Sensor pattern"])
    assert "how bright photographers make such photos" in str(raw["Suggested ratio from"])
    rgb = describe(RgbPhoto(smooth(), 16))
    assert rgb["Bits"] == 16
    for table in (raw, rgb):
        assert json.loads(json.dumps(table)) == table


def test_import_is_light() -> None:
    code = (
        "import sys, explorer.photo;"
        "print([m for m in ('torch', 'gradio', 'rawpy', 'tifffile', 'skimage', 'scipy', 'PIL') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
@pytest.mark.parametrize(("height", "width"), [(860, 1294), (1294, 860)])
def test_a_smaller_mosaic_shows_the_whole_of_the_large_one(cfa: str, height: int, width: int) -> None:
    """Nothing is cut off: what lies at a share of the small picture lies at the same share of the photo."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    place = np.stack([(x + 0.5) / width, np.full_like(x, 0.5), (y + 0.5) / height], axis=2)
    mosaic = reduced(raw_of(place, cfa), 150).mosaic
    rows, columns = mosaic.shape
    cell = 2 if cfa == "bayer" else 6
    small = (np.arange(columns) // cell + 0.5) * cell / columns, (np.arange(rows) // cell + 0.5) * cell / rows
    red, blue = (mosaic_from_rgb(np.eye(3, dtype=np.float32)[c] + np.zeros((rows, columns, 3), np.float32), cfa) > 0
                 for c in (0, 2))  # fmt: skip
    assert np.abs(mosaic - small[0])[red].max() * width < 0.75 * cell * width / columns
    assert np.abs(mosaic - small[1][:, None])[blue].max() * height < 0.75 * cell * height / rows
