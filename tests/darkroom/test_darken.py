"""Making photos dark: the noise of every camera against its published figures, and the files opened by LibRaw."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import rawpy
from PIL import Image
from scipy import stats

import explorer
from explorer.cli import main
from explorer.darkroom import CAMERAS, SensorNoise, darken, save_noise
from explorer.darkroom.darkening import PHASES, filters
from explorer.darkroom.noise import expose, tukey_deviation
from explorer.errors import DataError, ExplorerError
from explorer.photo.types import RgbPhoto

SIDE = 400


def at_high_gain(key: str) -> SensorNoise:
    camera = CAMERAS[key]
    return camera.at(gain=4.0) if camera.iso is None else camera.at(iso=3200)


def test_a_gain_may_be_a_whole_number() -> None:
    exposures = [darken(photograph(), CAMERAS["imx686"].at(gain=gain), ratio=10).counts for gain in (4, 4.0)]
    assert np.array_equal(*exposures)


def test_a_file_of_the_users_own_camera_goes_where_a_camera_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, photo = tmp_path / "mine.json", tmp_path / "in.png"
    own.write_bytes(save_noise(CAMERAS["canon_5d4"].at(iso=800)))
    Image.fromarray((photograph().image * 255).astype(np.uint8)).save(photo)
    by_key = darken(explorer.open_photo(photo), "canon_5d4", iso=800, ratio=10).counts
    assert np.array_equal(darken(explorer.open_photo(photo), str(own), ratio=10).counts, by_key)
    with pytest.raises(DataError, match="only one sensitivity"):
        darken(explorer.open_photo(photo), str(own), iso=800)
    assert main(["sweep", str(photo), "-m", "identity", "--camera", str(own), "--ratios", "10", "--json"]) == 0
    points = json.loads(capsys.readouterr().out)
    assert [point["iso"] for point in points] == [800]


def frames(noise: SensorNoise, light: float, phase: str = "RGGB") -> tuple[np.ndarray, np.ndarray]:
    _, planes = filters(SIDE, SIDE, phase)
    counts = expose(np.full((SIDE, SIDE), light, np.float32), planes, noise, seed=3)
    return counts.astype(np.float64) - noise.black, planes


@pytest.mark.parametrize("key", sorted(CAMERAS))
def test_noise_has_the_published_variance_rows_and_bias(key: str) -> None:
    noise = at_high_gain(key)
    read = noise.read**2 * float(stats.tukeylambda.var(noise.shape)) if abs(noise.shape) > 1e-6 else 0.0
    dark, planes = frames(noise, 0.0)
    within = dark - dark.mean(axis=1, keepdims=True)
    assert within.var() == pytest.approx(read + 1 / 12 + np.var(noise.bias) * 0.75, rel=0.06)
    rows = dark[:, ::2].mean(axis=1), dark[:, 1::2].mean(axis=1)  # what both colours of a row share
    shared = np.mean([np.cov(rows[0][k::2], rows[1][k::2])[0, 1] for k in (0, 1)])
    assert shared == pytest.approx(noise.row**2, rel=0.4, abs=read / SIDE)
    error = 4 * math.sqrt(noise.row**2 / (SIDE / 2) + read / (SIDE**2 / 4))
    for place, bias in enumerate(noise.bias):
        assert dark[planes == place].mean() == pytest.approx(bias, abs=error)
    lit, _ = frames(noise, 0.3)
    mean = 0.3 * noise.full_scale
    assert lit.mean() == pytest.approx(mean, rel=0.01)
    grown = (lit - lit.mean(axis=1, keepdims=True)).var() - within.var()
    assert grown / mean == pytest.approx(noise.gain, rel=0.03)


def test_the_gain_follows_the_iso_and_the_second_gain_of_the_sony_begins_at_2000() -> None:
    """PMN's own figures by ISO: K, Tukey lambda, scale of the read noise, rows."""
    for iso, gain, read, row in ((400, 0.383, 1.18, 0.362), (1600, 1.53, 3.23, 0.989), (2000, 1.91, 1.44, 0.331),
                                 (6400, 6.12, 3.45, 0.722)):  # fmt: skip
        noise = CAMERAS["sony_a7s2"].at(iso=iso)
        assert noise.gain == pytest.approx(gain, rel=0.01)
        assert noise.read == pytest.approx(read, rel=0.03)
        assert noise.row == pytest.approx(row, rel=0.08)


@pytest.mark.parametrize("shape", [-0.24, -0.05, 0.0, 0.0005, 0.14])
def test_the_deviation_of_the_tukey_lambda_distribution_is_scipys(shape: float) -> None:
    wanted = math.pi / math.sqrt(3) if shape == 0 else math.sqrt(float(stats.tukeylambda.var(shape)))
    assert tukey_deviation(shape) == pytest.approx(wanted, rel=2e-3)


def photograph(height: int = 96, width: int = 128) -> RgbPhoto:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    image = np.stack([0.2 + 0.7 * x, 0.2 + 0.6 * y, 0.8 - 0.5 * x], axis=2).astype(np.float32)
    return RgbPhoto(image, 8, name="ramp")


@pytest.mark.parametrize("phase", PHASES)
def test_libraw_opens_the_raw_file_and_the_light_is_the_photos(tmp_path: Path, phase: str) -> None:
    exposure = darken(photograph(), CAMERAS["nikon_d850"].at(iso=100), ratio=4, seed=1, phase=phase)
    path = exposure.save(tmp_path / "dark.dng")
    with rawpy.imread(str(path)) as raw:
        assert np.array_equal(raw.raw_image_visible, exposure.counts)
        assert raw.white_level == 16383 and set(raw.black_level_per_channel) <= {400}
        if phase != "X-Trans":
            assert "".join("RGBG"[n] for n in raw.raw_pattern.ravel()) == phase
    photo = explorer.open_photo(path)
    assert photo.camera == "Simulated Nikon D850" and photo.exposure.iso == 100
    shown = explorer.restore(photo, "identity", 4).image
    inner = slice(4, -4), slice(4, -4)
    assert np.abs((shown - exposure.reference)[inner]).mean() < 0.02


@pytest.mark.parametrize(("height", "width"), [(97, 129), (96, 129), (35, 40)])
def test_odd_sides_keep_every_pixel(tmp_path: Path, height: int, width: int) -> None:
    exposure = darken(photograph(height, width), "canon_5d4", iso=400, ratio=10)
    assert explorer.open_photo(exposure.save(tmp_path / "dark.dng")).size == (width, height)


def test_the_jpeg_is_the_developed_exposure_at_8_bits(tmp_path: Path) -> None:
    exposure = darken(photograph(), "sony_a7s2", iso=100, ratio=20)
    path = exposure.save(tmp_path / "dark.jpg")
    with Image.open(path) as picture:
        assert picture.size == (128, 96) and picture.mode == "RGB"
        seen = np.asarray(picture, np.float64) / 255
    linear = np.where(seen <= 0.04045, seen / 12.92, ((seen + 0.055) / 1.055) ** 2.4)
    wanted = exposure.reference.astype(np.float64)
    wanted = np.where(wanted <= 0.04045, wanted / 12.92, ((wanted + 0.055) / 1.055) ** 2.4) / 20
    assert linear.mean() == pytest.approx(wanted.mean(), rel=0.05)


def test_the_report_is_physics() -> None:
    light = darken(photograph(), "sony_a7s2", iso=6400, ratio=100).light
    electrons = 0.18 * (16383 - 512) / 6.12 / 100
    assert light.grey_electrons == pytest.approx(electrons, rel=1e-6)
    assert light.saturation_electrons == pytest.approx(15871 / 6.12, rel=1e-6)
    noise = CAMERAS["sony_a7s2"].at(iso=6400)
    samples = noise.gain * np.random.default_rng(0).poisson(electrons, 200_000)
    deviation = math.sqrt(samples.var() + noise.read_deviation**2 + noise.row**2)
    assert light.snr == pytest.approx(samples.mean() / deviation, rel=0.02)
    grey = RgbPhoto(np.full((32, 32, 3), 0.5, np.float32), 8)
    # Half sRGB is 0.214 of the light: 34 counts in green at a ratio of 100, less than one at 300 and 10 bits.
    assert darken(grey, "sony_a7s2", iso=6400, ratio=100).light.below_one_count == 0
    assert darken(grey, CAMERAS["imx686"].at(gain=1.0), ratio=300).light.below_one_count == 1


def test_the_same_seed_gives_the_same_file() -> None:
    one, same, other = (darken(photograph(), "crvd", iso=1600, ratio=30, seed=seed).counts for seed in (5, 5, 6))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_the_command_line_and_a_camera_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray((photograph().image * 255).round().astype(np.uint8)).save(tmp_path / "in.png")
    truth = CAMERAS["canon_5d4"].at(iso=6400)
    _, planes = filters(256, 320, "GBRG")
    flat = np.linspace(0.15, 0.6, 320, dtype=np.float32)[None].repeat(256, axis=0)
    files = []
    for k in range(4):
        counts = expose(flat * (k // 2), planes, truth, seed=k)
        files.append(tmp_path / f"{k}.dng")
        explorer.photo.write_dng(files[-1], counts, phase="GBRG", black=truth.black, white=16383, iso=6400)
    own, plot = tmp_path / "own.json", tmp_path / "transfer.html"
    assert main(["noise", *map(str, files), "-o", str(own), "--plot", str(plot), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gain"] == pytest.approx(truth.gain, rel=0.02)
    assert found["read_deviation"] == pytest.approx(truth.read_deviation, rel=0.02)
    assert found["row"] == pytest.approx(truth.row, rel=0.25)
    assert found["shape"] == pytest.approx(truth.shape, abs=0.04)
    assert found["bias"] == pytest.approx(truth.bias, abs=0.5)
    assert b"counts per electron" in plot.read_bytes()
    assert main(["noise", str(files[1]), str(files[3]), "--json"]) == 0  # one of each
    assert json.loads(capsys.readouterr().out)["gain"] == pytest.approx(truth.gain, rel=0.05)

    out = tmp_path / "dark.dng"
    words = ["darken", str(tmp_path / "in.png"), "-o", str(out), "--camera", str(own), "--ratio", "30", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["light"]["grey_electrons"] == pytest.approx(
        0.18 * 15871 / truth.gain / 30, rel=0.02
    )
    assert explorer.open_photo(out).size == (128, 96)


@pytest.mark.parametrize(
    "words",
    [
        ["--camera", "holga", "--iso", "100"],
        ["--camera", "sony_a7s2"],
        ["--camera", "sony_a7s2", "--iso", "1"],
        ["--camera", "imx686", "--iso", "100"],
        ["--camera", "nowhere.json"],
        ["--iso", "nan"],
        ["--iso", "100", "--ratio", "0.5"],
        ["--iso", "100", "--phase", "RGBW"],
        ["--iso", "100", "--gain", "2"],
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    Image.fromarray(np.full((16, 16, 3), 128, np.uint8)).save(tmp_path / "in.png")
    assert main(["darken", str(tmp_path / "in.png"), "-o", str(tmp_path / "out.dng"), *words]) != 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("error: ") and "Unexpected" not in said
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.png"]


@pytest.mark.parametrize("name", ["in.png", "out.png", "nowhere/out.dng"])
def test_outputs_are_refused_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), 128, np.uint8)).save(buffer, "png")
    (tmp_path / "in.png").write_bytes(buffer.getvalue())
    assert main(["darken", str(tmp_path / "in.png"), "-o", str(tmp_path / name), "--iso", "100"]) == 7
    assert (tmp_path / "in.png").read_bytes() == buffer.getvalue()


def test_frames_that_tell_nothing_are_refused(tmp_path: Path) -> None:
    dark = darken(photograph(), "canon_5d4", iso=400, ratio=300).photo
    with pytest.raises(DataError, match="flat frame"):
        explorer.darkroom.calibrate([dark])
    with pytest.raises(DataError, match="not a RAW file"):
        explorer.darkroom.calibrate([photograph()])
    with pytest.raises(ExplorerError, match="differ in ISO"):
        explorer.darkroom.calibrate([dark, darken(photograph(), "canon_5d4", iso=800, ratio=2).photo])


def test_a_damaged_camera_file_is_named(tmp_path: Path) -> None:
    from explorer.darkroom import read_noise, save_noise

    good = json.loads(save_noise(CAMERAS["crvd"].at(iso=1600)))
    path = tmp_path / "camera.json"
    for change in ({"gain": "x"}, {"bias": [1]}, {"schema": 9}, {"gain": -1}, {"white": 1}, {"xyz_to_camera": [[1]]}):
        path.write_text(json.dumps(good | change))
        with pytest.raises(DataError, match=r"camera\.json"):
            read_noise(path)
    path.write_text(json.dumps(good))
    assert read_noise(path).gain == pytest.approx(3.72)


def test_importing_the_darkroom_needs_no_torch(project: Path) -> None:
    import subprocess
    import sys

    code = "import sys, explorer; explorer.darkroom.darken; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=project).returncode == 0
