"""RAW files: phases, black levels, white balance, colour matrix, exposure."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import OutputError, PhotoError
from explorer.photo import RawPhoto, describe, develop, load_rendering, open_mosaic, open_photo, write_dng
from explorer.photo.light.cameras import BROOKS_XYZ_TO_CAMERA, NOMINAL_CAMERA_TO_SRGB, NOMINAL_GAINS, srgb_to_camera
from explorer.photo.light.cfa import BAYER_PHASES, XTRANS_TILE, bayer_shift, mosaic_from_rgb, pack_bayer, xtrans_shift

RNG = np.random.default_rng(2)
MATRIX = BROOKS_XYZ_TO_CAMERA[0]


def raw_photo(source: Path | bytes, name: str | None = None) -> RawPhoto:
    photo = open_photo(source, name=name)
    assert isinstance(photo, RawPhoto)
    return photo


def counts(height: int = 60, width: int = 72) -> np.ndarray:
    return RNG.integers(300, 12000, (height, width)).astype(np.uint16)


@pytest.mark.parametrize("phase", BAYER_PHASES)
def test_dng_round_trip_of_every_phase(tmp_path: Path, phase: str) -> None:
    samples, black, white = counts(), (500.0, 510.0, 520.0, 530.0), 15000
    path = write_dng(
        tmp_path / "a.dng", samples, phase=phase, black=black, white=white, color_matrix=MATRIX,
        as_shot_neutral=(0.5, 1.0, 0.625), iso=1600, exposure_seconds=1 / 30, aperture=2.8, camera="Acme X1",
    )  # fmt: skip
    photo = raw_photo(path)
    dy, dx = bayer_shift(phase)
    assert photo.inset == (dy, dx, dy, dx)
    assert photo.size == (72, 60)
    visible = photo.mosaic[dy : dy + 60, dx : dx + 72]
    for place, level in (((0, 0), 500), ((0, 1), 510), ((1, 1), 520), ((1, 0), 530)):
        cell = (slice((place[0] + dy) % 2, None, 2), slice((place[1] + dx) % 2, None, 2))
        expected = (samples[cell].astype(np.float64) - level) / (white - max(black))
        np.testing.assert_allclose(visible[cell], expected, atol=1e-6)
    assert photo.phase == phase
    assert photo.black_level == black
    assert photo.white_level == white
    assert photo.bits == 14
    assert photo.white_balance.source == "as shot"
    np.testing.assert_allclose(photo.white_balance.gains, (2.0, 1.0, 1.6), rtol=1e-5)
    assert photo.camera == "Acme X1"
    assert photo.exposure.iso == 1600
    assert photo.exposure.seconds == pytest.approx(1 / 30)
    assert photo.exposure.aperture == pytest.approx(2.8)
    assert photo.exif is not None
    assert b"Acme X1" in photo.exif
    assert not photo.mosaic.flags.writeable


def test_values_below_the_black_level_stay_negative(tmp_path: Path) -> None:
    photo = raw_photo(write_dng(tmp_path / "a.dng", np.full((32, 32), 400, np.uint16), black=512, white=4512))
    np.testing.assert_allclose(photo.mosaic, -112 / 4000, atol=1e-6)


def test_matrix_of_the_file(tmp_path: Path) -> None:
    photo = raw_photo(write_dng(tmp_path / "a.dng", counts(), color_matrix=MATRIX))
    np.testing.assert_allclose(photo.camera_to_srgb @ srgb_to_camera(MATRIX), np.eye(3), atol=2e-3)
    np.testing.assert_allclose(photo.camera_to_srgb.sum(axis=1), 1, atol=1e-5)
    assert "file" in photo.matrix_source


@pytest.mark.parametrize("matrix", [None, np.zeros((3, 3)), np.ones((3, 3))])
def test_fallback_matrix_is_stated(tmp_path: Path, matrix: np.ndarray | None) -> None:
    photo = raw_photo(write_dng(tmp_path / "a.dng", counts(), color_matrix=matrix))
    np.testing.assert_array_equal(photo.camera_to_srgb, NOMINAL_CAMERA_TO_SRGB)
    assert "nominal camera" in photo.matrix_source
    assert any("nominal camera" in note for note in photo.notes)


@pytest.mark.parametrize("neutral", [None, (1e-4, 1.0, 1.0), (1.0, 1.0, 90.0)])
def test_fallback_white_balance_is_stated(tmp_path: Path, neutral: tuple[float, ...] | None) -> None:
    photo = raw_photo(write_dng(tmp_path / "a.dng", counts(), color_matrix=MATRIX, as_shot_neutral=neutral))
    assert photo.as_shot is None
    assert photo.white_balance.source.startswith("daylight")
    assert all(0.3 < gain < 4 for gain in photo.white_balance.gains)
    assert any("white balance" in note for note in photo.notes)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation(tmp_path: Path, rotation: int) -> None:
    samples = np.full((40, 60), 600, np.uint16)
    samples[:20, :30] = 12000
    photo = raw_photo(write_dng(tmp_path / "a.dng", samples, black=512, white=16000, rotation=rotation))
    assert photo.rotation == rotation
    shown = load_rendering(photo)
    assert shown.shape == ((60, 40, 3) if rotation in (90, 270) else (40, 60, 3))
    assert photo.size == (shown.shape[1], shown.shape[0])
    rows, columns = shown.shape[0] // 2, shown.shape[1] // 2
    quarters = [shown[:rows, :columns], shown[:rows, columns:], shown[rows:, columns:], shown[rows:, :columns]]
    # Counter-clockwise, the upper left quarter wanders to lower left, lower right, upper right.
    bright = {0: 0, 90: 3, 180: 2, 270: 1}[rotation]
    assert int(np.argmax([quarter.mean() for quarter in quarters])) == bright


def test_active_area_and_odd_sizes(tmp_path: Path) -> None:
    samples = counts(61, 75)
    photo = raw_photo(write_dng(tmp_path / "a.dng", samples, black=0, white=16383, active_area=(4, 6, 57, 73)))
    assert photo.mosaic.shape == (54, 68)
    assert photo.size == (67, 53)
    np.testing.assert_allclose(photo.mosaic[:53, :67], samples[4:57, 6:73] / np.float32(16383), atol=1e-6)
    np.testing.assert_array_equal(photo.mosaic[53], photo.mosaic[51])
    np.testing.assert_array_equal(photo.mosaic[:, 67], photo.mosaic[:, 65])


def test_odd_margins_keep_colours_in_place(tmp_path: Path) -> None:
    color = np.empty((60, 70, 3), np.float32)
    color[:] = (1000, 4000, 9000)
    whole = mosaic_from_rgb(color, "bayer").astype(np.uint16)
    photo = raw_photo(write_dng(tmp_path / "a.dng", whole, phase="BGGR", white=10000, active_area=(1, 1, 59, 69)))
    for plane, level in zip(pack_bayer(photo.mosaic), (1000, 4000, 9000, 4000), strict=True):
        np.testing.assert_allclose(plane, level / 10000, atol=1e-6)


def test_xtrans_dng_is_brought_to_the_canonical_tile(tmp_path: Path) -> None:
    samples = counts(66, 78)
    path = write_dng(tmp_path / "a.dng", samples, phase="X-Trans", black=1024, white=16383)
    photo = raw_photo(path)
    assert (photo.cfa, photo.phase) == ("xtrans", "X-Trans")
    np.testing.assert_allclose(photo.mosaic, (samples.astype(np.float64) - 1024) / (16383 - 1024), atol=1e-6)


@pytest.mark.parametrize("shift", [(0, 0), (1, 2), (2, 0), (0, 5), (5, 4)])
def test_xtrans_phases(tmp_path: Path, shift: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    rolled = np.roll(XTRANS_TILE, (-shift[0], -shift[1]), axis=(0, 1))
    found = xtrans_shift(rolled)
    assert found is not None
    np.testing.assert_array_equal(np.roll(rolled, (-found[0], -found[1]), axis=(0, 1)), XTRANS_TILE)
    monkeypatch.setattr("explorer.photo.files.dng.XTRANS_TILE", rolled)
    colors = np.tile(rolled, (10, 12))
    samples = np.array([1000, 4000, 9000], np.uint16)[colors]
    photo = raw_photo(write_dng(tmp_path / "a.dng", samples, phase="X-Trans", white=10000))
    assert photo.size == (72, 60)
    canonical = np.tile(XTRANS_TILE, (photo.mosaic.shape[0] // 6, photo.mosaic.shape[1] // 6))
    np.testing.assert_allclose(photo.mosaic, np.array([0.1, 0.4, 0.9])[canonical], atol=1e-6)


def test_a_pattern_that_is_not_xtrans() -> None:
    assert xtrans_shift(np.zeros((6, 6), np.uint8)) is None


def test_write_dng_leaves_nothing_half_done(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder"):
        write_dng(tmp_path / "absent" / "a.dng", counts())
    with pytest.raises(PhotoError, match="phase"):
        write_dng(tmp_path / "a.dng", counts(), phase="RGBW")
    with pytest.raises(PhotoError, match="uint16"):
        write_dng(tmp_path / "a.dng", counts().astype(np.float32))
    assert list(tmp_path.iterdir()) == []
    write_dng(tmp_path / "a.dng", counts(), iso=100)
    assert [path.name for path in tmp_path.iterdir()] == ["a.dng"]


@pytest.mark.parametrize("phase", BAYER_PHASES)
def test_open_mosaic(phase: str) -> None:
    samples = counts()
    photo = open_mosaic(samples, phase=phase, black=500, white=16383, gains=(4.0, 2.0, 3.0), xyz_to_camera=MATRIX)
    dy, dx = bayer_shift(phase)
    np.testing.assert_allclose(photo.mosaic[dy, dx], (samples[0, 0] - 500.0) / (16383 - 500), rtol=1e-5, atol=1e-6)
    assert photo.white_balance.gains == (2.0, 1.0, 1.5)
    assert open_mosaic(samples).white_balance.gains == NOMINAL_GAINS


@pytest.mark.parametrize(
    ("samples", "options"),
    [
        (np.zeros((8, 8, 3), np.uint16), {}),
        (np.zeros((8, 8), np.float32), {}),
        (np.zeros((1, 8), np.uint16), {}),
        (np.zeros((6, 5), np.uint16), {"phase": "X-Trans"}),
        (np.zeros((8, 8), np.uint16), {"phase": "RGBW"}),
        (np.zeros((8, 8), np.uint16), {"black": 600, "white": 500}),
        (np.zeros((8, 8), np.uint16), {"black": float("nan")}),
        (np.zeros((8, 8), np.uint16), {"black": (1, 2, 3)}),
    ],
)
def test_open_mosaic_refuses(samples: np.ndarray, options: dict) -> None:
    with pytest.raises(PhotoError):
        open_mosaic(samples, **options)


def test_headerless_names() -> None:
    samples = counts(512 // 8, 768 // 8)
    photo = raw_photo(samples.astype("<u2").tobytes(), "r_96x64_grbg_b250_w14000.raw")
    assert (photo.phase, photo.black_level, photo.white_level) == ("GRBG", (250.0,), 14000.0)
    guessed = raw_photo(samples.astype("<u2").tobytes(), "r_96x64_rggb.raw")
    assert guessed.black_level[0] == pytest.approx(np.percentile(samples, 0.1))
    assert guessed.white_level == 16383
    assert sum("level" in note for note in guessed.notes) == 2


def test_rose_in_four_phases(shared: Path) -> None:
    photos = {
        phase: raw_photo(shared / "data" / "raw" / f"rose_768x512_{phase}.raw")
        for phase in ("rggb", "bggr", "grbg", "gbrg")
    }
    source = pack_bayer(photos["rggb"].mosaic)
    shown = develop(photos["rggb"])
    for phase, photo in photos.items():
        planes = pack_bayer(photo.mosaic)
        # Cells were completed by a row or column before them, so that red begins them.
        (dy, dx, _, _), (rows, columns) = photo.inset, source.shape[1:]
        for index, sources in ((0, (0,)), (1, (1, 3)), (2, (2,)), (3, (1, 3))):
            found = [
                np.abs(planes[index][y : y + rows, x : x + columns] - source[other]).max()
                for other in sources for y in {0, dy} for x in {0, dx}
            ]  # fmt: skip
            assert min(found) < 1e-6, (phase, index)
        picture = develop(photo)
        height, width = min(picture.shape[0], 508), min(picture.shape[1], 764)
        assert (
            np.abs(picture[4:height, 4:width].mean(axis=(0, 1)) - shown[4:height, 4:width].mean(axis=(0, 1))).max()
            < 2e-3
        )


def test_candlelight(shared: Path) -> None:
    photo = raw_photo(shared / "data" / "raw" / "canon_d30_candlelight.crw")
    assert photo.camera == "Canon EOS D30"
    assert photo.as_shot is None
    assert photo.white_balance.source.startswith("daylight")
    assert photo.exposure.iso == 100
    assert photo.exposure.seconds == pytest.approx(4.967, abs=1e-3)
    assert photo.black_level == (127.0, 128.0, 128.0, 128.0)
    assert (photo.bits, photo.phase, photo.mosaic.shape) == (12, "RGGB", (1448, 2176))
    shown = develop(photo, 8.0)
    assert (shown.min(axis=2) > 0.97).sum() > 1000
    magenta = (shown[..., 0] > 0.9) & (shown[..., 2] > 0.9) & (shown[..., 1] < 0.7)
    assert magenta.mean() < 1e-4


def test_color_chart(shared: Path) -> None:
    photo = raw_photo(shared / "data" / "raw" / "canon_550d_dark_colorchart.dng")
    assert photo.camera == "Canon EOS Kiss X4"
    assert (photo.exposure.iso, photo.exposure.seconds, photo.exposure.aperture) == (None, None, None)
    assert photo.black_level == pytest.approx((2047.3, 2047.3, 2050.4, 2050.2), abs=0.3)
    assert photo.mosaic.shape == (1156, 1734)
    assert photo.daylight is not None
    table = describe(photo)
    assert json.loads(json.dumps(table)) == table


def test_reading_does_not_keep_the_files_memory(shared: Path) -> None:
    data = (shared / "data" / "raw" / "canon_d30_candlelight.crw").read_bytes()
    first, second = raw_photo(data), raw_photo(io.BytesIO(data).getvalue())
    np.testing.assert_array_equal(first.mosaic, second.mosaic)
