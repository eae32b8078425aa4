"""Camera RAW of many kinds: black levels in cells and masked pixels, the DNG's own corrections, linear and monochrome
files, truncated ones, and what their containers say."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import rawpy
import raws
from raws import CELLS, SCENE, assert_is_the_scene, opened

import explorer
from explorer.errors import PhotoError
from explorer.photo import RawPhoto, load_rendering, model_input, open_mosaic, open_photo, srgb_to_linear
from explorer.photo.files.containers import is_truncated, metadata_of_raw
from explorer.photo.light.cfa import XTRANS_TILE
from explorer.photo.light.reduce import reduced

RNG = np.random.default_rng(23)


# Black levels


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 4), (1, 3), (6, 6), (8, 8)])
@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
def test_black_levels_in_any_cell(cfa: str, shape: tuple[int, int]) -> None:
    levels = RNG.integers(150, 400, shape).astype(float)
    black = raws.spread(levels, 96, 128)
    samples = raws.counts(raws.sampled(raws.camera(SCENE), CELLS[cfa]), black)
    photo = opened(raws.dng(samples, CELLS[cfa], tags=raws.black_tags(levels)))
    assert_is_the_scene(photo)
    assert min(levels.flat) <= min(photo.black_level) <= max(photo.black_level) <= max(levels.flat)


@pytest.mark.parametrize(("top", "left"), [(5, 9), (4, 9), (5, 8), (4, 8), (1, 1)])
@pytest.mark.parametrize("shape", [(2, 2), (3, 5)])
def test_black_levels_begin_at_the_active_area_and_grow_by_row_and_column(
    shape: tuple[int, int], top: int, left: int
) -> None:
    """A DNG's cell begins at the active area, which may lie at odd places; DeltaV and DeltaH are added to it."""
    levels = RNG.integers(150, 400, shape).astype(float)
    rows, columns = RNG.integers(-60, 60, 95).astype(float), RNG.integers(-60, 60, 127).astype(float)
    black = raws.spread(levels, 95, 127) + rows[:, None] + columns
    light = raws.scene(95, 127)
    samples = np.full((102, 140), 3000, np.uint16)
    samples[top : top + 95, left : left + 127] = raws.counts(raws.sampled(raws.camera(light), raws.RGGB), black)
    tags = {**raws.black_tags(levels), 50715: (10, columns.tolist()), 50716: (10, rows.tolist()),
            50829: (4, [top, left, top + 95, left + 127])}  # fmt: skip
    photo = opened(raws.dng(samples, tags=tags))
    assert photo.size == (127, 95)
    assert_is_the_scene(photo, light, 0.012)


def levels_of(kind: str) -> tuple[dict[int, tuple[int, object]], np.ndarray]:
    """Tags of black levels for 60 x 96 samples, and what they come to sample by sample."""
    rng = np.random.default_rng(3)
    shape = {"1 x 1": (1, 1), "2 x 2": (2, 2), "3 x 5": (3, 5), "6 x 6": (6, 6)}.get(kind, (2, 2))
    cell = rng.integers(100, 900, shape).astype(float)
    tags, black = raws.black_tags(cell), raws.spread(cell, 60, 96)
    if kind == "rows and columns":
        rows, columns = rng.integers(-80, 80, 60).astype(float), rng.integers(-80, 80, 96).astype(float)
        tags |= {50715: (10, columns.tolist()), 50716: (10, rows.tolist())}
        black = black + rows[:, None] + columns
    return tags, black


@pytest.mark.parametrize("kind", ["1 x 1", "2 x 2", "3 x 5", "6 x 6", "rows and columns"])
@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
def test_samples_have_their_own_black_level_and_one_divisor(cfa: str, kind: str) -> None:
    """DNG specification, chapter 5: what is left above the black level is divided by the white level less the highest
    black level of the plane."""
    tags, black = levels_of(kind)
    samples = RNG.integers(50, 4096, (60, 96)).astype(np.uint16)
    photo = opened(raws.dng(samples, CELLS[cfa], tags=tags))
    np.testing.assert_allclose(photo.mosaic, (samples - black) / (4095 - black.max()), atol=2e-6)


def test_planes_of_a_linear_file_have_a_divisor_each() -> None:
    black = np.array([200.0, 640.0, 280.0])
    samples = RNG.integers(50, 4096, (60, 96, 3)).astype(np.uint16)
    photo = opened(raws.dng(samples, None, tags={50714: (5, black.tolist())}))
    np.testing.assert_allclose(photo.mosaic, (samples - black) / (4095 - black), atol=2e-6)


def test_a_mosaic_without_a_header_has_one_divisor() -> None:
    samples = RNG.integers(50, 4096, (60, 96)).astype(np.uint16)
    photo = open_mosaic(samples, phase="RGGB", black=(200, 300, 250, 310), white=4095)
    black = raws.spread(np.array([[200, 300], [310, 250]]), 60, 96)
    np.testing.assert_allclose(photo.mosaic, (samples - black) / (4095 - 310), atol=2e-6)


def test_black_levels_of_a_fujifilm_file() -> None:
    levels = RNG.integers(150, 1200, (6, 6)).astype(float)
    data = raws.raf(raws.camera(SCENE), levels, XTRANS_TILE)
    from explorer.photo.files.containers import fuji_black_level

    found = fuji_black_level(data)
    assert found is not None
    np.testing.assert_array_equal(found.cell, levels)
    assert fuji_black_level(data[:200]) is None


def masked_file(stated: float, true: float, margin: str) -> bytes:
    """A scene at a hundredth of its light, with 24 rows and 40 columns around it that hold what `margin` says."""
    rng = np.random.default_rng(1)
    whole = rng.normal(true, 6, (24 + 200, 40 + 300))
    light = raws.scene(200, 300) / 100
    whole[24:, 40:] += raws.sampled(raws.camera(light), raws.RGGB) * (15000 - true)
    if margin == "lit":
        whole[:24] += 8
        whole[:, :40] += 8
    elif margin == "zero":
        whole[:24], whole[:, :40] = 0, 0
    more = {50829: (4, [24, 40, 224, 340]), 50717: (4, 15000), **raws.black_tags(np.array([[stated]]))}
    return raws.dng(np.round(whole).clip(0, 65535).astype(np.uint16), tags=more)


def test_masked_pixels_are_used_where_they_clearly_differ() -> None:
    photo = opened(masked_file(2056, 2048, "masked"))
    assert photo.black_level == pytest.approx((2048,) * len(photo.black_level), abs=0.5)
    assert any("masked pixels average 2048" in note for note in photo.notes)
    grey = photo.mosaic[120:190, 170:290].reshape(35, 2, 60, 2).mean((0, 2)) / raws.NEUTRAL[raws.RGGB]
    np.testing.assert_allclose(grey, 0.002, atol=5e-5)
    kept = opened(masked_file(2056, 2048, "masked"), black_level="file")
    assert (kept.black_level, kept.notes) == ((2056,), ())
    near = opened(masked_file(2049, 2048, "masked"))
    assert (near.black_level, near.notes) == ((2049,), ())
    forced = opened(masked_file(2049, 2048, "masked"), black_level="masked")
    assert forced.black_level == pytest.approx((2048,) * len(forced.black_level), abs=0.5)


@pytest.mark.parametrize("margin", ["lit", "zero"])
def test_margins_that_are_not_masked_are_not_taken_for_black(margin: str) -> None:
    photo = opened(masked_file(2048, 2048, margin))
    assert (photo.black_level, photo.notes) == ((2048,), ())
    assert any(
        "no masked pixels" in note for note in opened(masked_file(2048, 2048, margin), black_level="masked").notes
    )


def test_areas_that_the_file_calls_masked_are_believed() -> None:
    areas = {50830: (4, [0, 0, 24, 340, 24, 0, 224, 40])}
    photo = opened(dark_frame(areas))
    assert photo.black_level == pytest.approx((2048,) * len(photo.black_level), abs=0.5)
    assert opened(dark_frame({})).black_level == (2056,)


def dark_frame(tags: dict[int, tuple[int, object]]) -> bytes:
    """A frame without light, whose picture alone does not tell what is masked."""
    rng = np.random.default_rng(1)
    whole = np.round(rng.normal(2048, 6, (224, 340))).astype(np.uint16)
    more = {50829: (4, [24, 40, 224, 340]), 50717: (4, 15000), **raws.black_tags(np.array([[2056.0]])), **tags}
    return raws.dng(whole, tags=more)


def test_the_dark_chart(shared: Path) -> None:
    photo = open_photo(shared / "data" / "raw" / "canon_550d_dark_colorchart.dng")
    assert isinstance(photo, RawPhoto)
    assert photo.black_level == pytest.approx((2047.4, 2047.4, 2050.3, 2050.3), abs=0.3)
    kept = open_photo(shared / "data" / "raw" / "canon_550d_dark_colorchart.dng", black_level="file", isolated=True)
    assert isinstance(kept, RawPhoto)
    assert kept.black_level == (2056,)
    with pytest.raises(PhotoError, match="give one of auto, file, masked"):
        open_photo(shared / "data" / "raw" / "canon_550d_dark_colorchart.dng", black_level="stated")  # type: ignore


# Without a mosaic


def linear_file(orientation: int = 1, black: tuple[float, float, float] = (200.0, 240.0, 280.0)) -> bytes:
    samples = np.dstack([raws.counts(raws.camera(SCENE)[..., index], each) for index, each in enumerate(black)])
    return raws.dng(samples, None, tags={50714: (5, list(black)), 274: (3, orientation)})


@pytest.mark.parametrize("isolated", [False, True])
def test_linear_dng(isolated: bool) -> None:
    photo = open_photo(linear_file(), name="a.dng", isolated=isolated)
    assert isinstance(photo, RawPhoto)
    assert (photo.cfa, photo.size, photo.black_level) == ("none", (128, 96), (200, 240, 280))
    assert_is_the_scene(photo)
    assert any("all colours at every pixel" in note for note in photo.notes)
    assert "all colours" in str(explorer.photo.describe(photo)["Sensor pattern"])
    noisy = raws.counts(raws.camera(SCENE) * 0 - 0.01, 200)
    assert opened(raws.dng(noisy, None, tags={50714: (5, [200.0] * 3)})).mosaic.max() < 0  # below black stays below


def test_a_reduced_camera_file_agrees_with_libraw(shared: Path) -> None:
    path = shared / "data" / "raw" / "not_bayer_canon_6d.dng"
    photo = open_photo(path)
    assert isinstance(photo, RawPhoto)
    assert (photo.cfa, photo.size) == ("none", (1224, 816))
    with rawpy.imread(str(path)) as raw:
        expected = raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16, gamma=(1, 1)) / 65535
    assert np.abs(srgb_to_linear(load_rendering(photo)) - expected).mean() < 0.02


def test_linear_dng_in_every_domain_and_balance() -> None:
    data = linear_file(orientation=5, black=(256.0, 256.0, 256.0))
    photo = opened(data)
    with rawpy.imread(io.BytesIO(data)) as raw:
        expected = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, output_bps=16, gamma=(1, 1), output_color=rawpy.ColorSpace.sRGB
        )
    assert load_rendering(photo).shape == expected.shape
    np.testing.assert_allclose(srgb_to_linear(load_rendering(photo)), expected / 65535, atol=0.02)
    for domain, factor in (("bayer", 1), ("packed", 2), ("xtrans", 3)):
        given = model_input(photo, domain, 1.0)  # type: ignore[arg-type]
        assert given.planes.shape[1] >= 96 // factor
        assert any("sampled as a" in note for note in given.notes)
    bayer = model_input(photo, "bayer", 1.0, white_balance="none").planes[0]
    np.testing.assert_allclose(bayer[10::2, 10::2][:10, :10], photo.mosaic[10::2, 10::2, 0][:10, :10], atol=1e-6)
    np.testing.assert_allclose(bayer[11::2, 11::2][:10, :10], photo.mosaic[11::2, 11::2, 2][:10, :10], atol=1e-6)
    grey = photo.with_neutral_point(72, 96, 8)
    np.testing.assert_allclose(grey.white_balance.gains, 1 / raws.NEUTRAL * raws.NEUTRAL[1], rtol=0.01)
    assert photo.with_white_balance("grey_world").white_balance.gains[0] > 1
    assert reduced(photo, 32).size == (24, 32)
    assert 1 <= explorer.suggest_ratio(photo).ratio <= explorer.suggest_ratio(photo, "percentile").ratio * 300


@pytest.mark.parametrize("model", ["identity", "clahe", "lamba_m0.raw_synthetic", "retinexnet.joint"])
def test_monochrome_stays_grey(model: str) -> None:
    grey = raws.scene(96, 128)[..., 1]
    photo = opened(raws.dng(raws.counts(grey, 256), None, tags=raws.black_tags(np.array([[256.0]]))))
    assert (photo.monochrome, photo.size) == (True, (128, 96))
    np.testing.assert_allclose(srgb_to_linear(load_rendering(photo)), np.repeat(grey[..., None], 3, 2), atol=2e-3)
    assert photo.with_white_balance((2.0, 1.0, 3.0)).white_balance.gains == (1, 1, 1)
    result = explorer.restore(photo, model, 1.0, backend="torch").image
    assert np.ptp(result, axis=2).max() < 1e-6
    if model == "identity":
        np.testing.assert_allclose(srgb_to_linear(result)[..., 0], grey, atol=2e-3)
    else:
        assert result[:40, 80:].mean() != pytest.approx(result[:40, :40].mean(), abs=1e-3)


# Truncated files, and what containers say


WHOLE = {
    "rw2": raws.rw2(raws.camera(raws.scene(120, 160))),
    "orf": raws.orf(raws.camera(SCENE)),
    "mrw": raws.mrw(raws.camera(raws.scene(120, 160))),
    "crw": raws.crw(),
    "cr3": raws.cr3(),
    "x3f": raws.x3f(),
    "raf": raws.raf(raws.camera(SCENE), np.full((6, 6), 1000.0), XTRANS_TILE),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_truncated_files_are_recognised(kind: str) -> None:
    data = WHOLE[kind]
    assert not is_truncated(data)
    for kept in (len(data) - 1, len(data) * 9 // 10, len(data) * 2 // 5):
        assert is_truncated(data[:kept]), kept
        with pytest.raises(PhotoError, match=r"^a\.\w+ is truncated: .*copy the file again"):
            open_photo(data[:kept], name=f"a.{kind}")


@pytest.mark.parametrize("kind", ["rw2", "mrw"])
def test_whole_files_open(kind: str) -> None:
    photo = open_photo(WHOLE[kind], name=f"a.{kind}")
    assert isinstance(photo, RawPhoto)
    assert photo.camera is not None
    assert photo.size == (160, 120)


@pytest.mark.parametrize(
    ("kind", "camera"),
    [("rw2", "Panasonic DMC-LX3"), ("orf", "OLYMPUS CORPORATION E-M5"), ("mrw", "KONICA MINOLTA DYNAX 5D"),
     ("crw", "Canon EOS D30"), ("cr3", "Canon EOS R"), ("x3f", "SIGMA DP2")],
)  # fmt: skip
def test_camera_and_date_of_every_container(kind: str, camera: str) -> None:
    found = metadata_of_raw(WHOLE[kind])
    assert found.camera == camera
    assert found.exif is not None and raws.DATE.encode() in found.exif
    if kind in ("cr3", "x3f"):
        assert found.exposure.seconds == pytest.approx(0.02)
        assert found.exposure.aperture == pytest.approx(2.8)
        assert found.exposure.iso == {"cr3": 6400, "x3f": 400}[kind]
    for cut in range(0, len(WHOLE[kind]), max(1, len(WHOLE[kind]) // 40)):
        metadata_of_raw(WHOLE[kind][:cut])  # damaged tags are no reason to fail


def test_the_result_carries_camera_and_date(tmp_path: Path) -> None:
    photo = open_photo(WHOLE["mrw"], name="a.mrw")
    data = explorer.restore(photo, "identity").save(tmp_path / "a.jpg").read_bytes()
    assert raws.DATE.encode() in data and b"DYNAX 5D" in data


# LibRaw's own lines


def damaged_file(folder: Path) -> Path:
    import imagecodecs

    samples = raws.counts(raws.sampled(raws.camera(raws.scene(240, 320)), raws.RGGB), 256)
    samples += RNG.integers(0, 40, samples.shape).astype(np.uint16)
    data = bytearray(imagecodecs.ljpeg_encode(samples, bitspersample=12))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    height, width = samples.shape
    whole = raws.tiff({
        254: (4, 0), 256: (4, width), 257: (4, height), 258: (3, 12), 259: (3, 7), 262: (3, 32803), 277: (3, 1),
        271: (2, b"Test\0"), 272: (2, b"Test T1\0"), 278: (4, height), 33421: (3, [2, 2]), 33422: (1, [0, 1, 1, 2]),
        50706: (1, [1, 4, 0, 0]), 50708: (2, b"Test T1\0"), 50717: (4, 4095),
    }, bytes(data))  # fmt: skip
    return raws.written(folder, "a.dng", whole)


@pytest.mark.parametrize("threads", [0, 1])
def test_librarys_lines_do_not_reach_the_standard_error(tmp_path: Path, threads: int) -> None:
    """Our sentence comes alone; what others write meanwhile is passed on."""
    path = damaged_file(tmp_path)
    code = f"""
import os, sys, threading
from explorer.errors import PhotoError
from explorer.photo import open_photo
from explorer.photo.files.quiet import allow_in_threads, without_librarys_lines
end = threading.Event()
for _ in range({threads}):
    threading.Thread(target=end.wait, daemon=True).start()
    allow_in_threads()
with without_librarys_lines():
    os.write(2, b"a.dng: data corrupted at 12\\nanother's line\\n")
    try:
        open_photo({str(path)!r})
    except PhotoError as error:
        print(error, file=sys.stderr)
print("after", file=sys.stderr)
end.set()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    lines = run.stderr.strip().splitlines()
    assert lines[0] == "another's line"
    assert lines[1].startswith("a.dng cannot be decoded as a RAW photo")
    assert lines[2:] == ["after"]


@pytest.mark.parametrize("workers", [0, 1])
def test_librarys_lines_do_not_come_out_of_archive_runs(tmp_path: Path, workers: int) -> None:
    source = tmp_path / "in"
    source.mkdir()
    damaged_file(source)
    code = "import sys; from explorer.cli import main; sys.exit(main(sys.argv[1:]))"
    command = ["batch", str(source), str(tmp_path / "out"), "-m", "gamma", "--workers", str(workers), "-q"]
    run = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, timeout=240)
    (line,) = run.stderr.splitlines()
    assert run.returncode != 0 and line.startswith("error: a.dng cannot be decoded as a RAW photo")


def test_the_standard_error_of_a_program_with_threads_is_left_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.photo.files import quiet

    monkeypatch.setattr(quiet, "_in_threads", False)
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        with quiet.without_librarys_lines():
            os.write(2, b"seen at once")
            assert "seen at once" in capfd.readouterr().err
    finally:
        end.set()
        other.join()
