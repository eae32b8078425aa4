"""`lowlight restore`: from files to files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from explorer.cli import main
from explorer.cli.outputs import plan_outputs
from explorer.errors import OutputError
from explorer.photo.files.dng import write_dng

PROJECT = Path(__file__).resolve().parents[1]
HEIGHT, WIDTH = 64, 96


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    """A dark picture with a smooth ramp, so that depth can be told from the number of levels."""
    ramp = np.linspace(0.01, 0.2, WIDTH)[None, :, None] * np.linspace(0.5, 1, HEIGHT)[:, None, None]
    pixels = np.round(ramp * np.array([1.0, 0.9, 0.7]) * 65535).astype(np.uint16)
    path = tmp_path / "dark.tif"
    tifffile.imwrite(path, pixels, photometric="rgb")
    return path


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A dark RAW file: a ramp of light with noise."""
    light = np.linspace(80, 700, WIDTH)[None, :].repeat(HEIGHT, 0)
    noise = np.random.default_rng(1).normal(0, 4, light.shape)
    path = tmp_path / "night.dng"
    return write_dng(path, np.round(light + noise).astype(np.uint16), black=64, white=4095, iso=6400)


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def report(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, list[dict[str, object]]]:
    capsys.readouterr()
    assert run("restore", *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_a_raw_file_in_a_subprocess(night: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "explorer", "restore", "night.dng", "-m", "gamma", "-o", "out.png"]
    done = subprocess.run(
        command, cwd=night.parent, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("night.dng -> out.png: gamma, ratio ")
    assert "\x1b" not in done.stdout
    with Image.open(night.with_name("out.png")) as picture:
        assert (picture.size, picture.mode) == ((WIDTH, HEIGHT), "RGB")
        values = np.asarray(picture)
    assert values[:, -20:].mean() > values[:, :20].mean() + 20
    assert sorted(path.name for path in night.parent.glob("[!.]*")) == ["night.dng", "out.png"]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_sixteen_bits_are_sixteen_bits(
    suffix: str, dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"out{suffix}"
    report(capsys, dark, "-m", "gamma", "-o", out, "--bits", "16")
    if suffix == ".png":
        assert out.read_bytes()[24:26] == bytes([16, 2])  # IHDR: bit depth, colour type RGB
        values = _read_png16(out)
    else:
        values = tifffile.imread(out)
    assert (values.shape, values.dtype) == ((HEIGHT, WIDTH, 3), np.uint16)
    assert len(np.unique(values)) > 1000
    assert np.count_nonzero(values % 257) > values.size / 2  # not 8-bit values spread out


def _read_png16(path: Path) -> np.ndarray:
    import imagecodecs

    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".jpg", "JPEG"), (".jpeg", "JPEG"), (".webp", "WEBP")])
def test_the_suffix_decides_the_format(suffix: str, kind: str, dark: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    assert run("restore", dark, "-m", "gamma", "-o", out, "--quiet") == 0
    with Image.open(out) as picture:
        assert (picture.format, picture.size) == (kind, (WIDTH, HEIGHT))


def test_ratio_brightens_and_is_reported(dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    means = []
    for ratio in ("1", "4"):
        out = tmp_path / f"x{ratio}.png"
        (result,) = report(capsys, dark, "-m", "gamma", "-o", out, "--ratio", ratio)["restored"]
        assert result["ratio"] == float(ratio)
        with Image.open(out) as picture:
            means.append(np.asarray(picture).mean())
    assert means[1] > means[0] + 10


def test_report(night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.tif"
    whole = report(capsys, night, "-m", "gamma", "-o", out)
    assert whole["failed"] == []
    (result,) = whole["restored"]
    assert (result["input"], result["output"]) == (str(night), str(out))
    assert (result["model"], result["width"], result["height"], result["bits"]) == ("gamma", WIDTH, HEIGHT, 8)
    assert isinstance(result["seconds"], float) and result["seconds"] > 0
    assert result["ratio_source"]


def test_intermediates(dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from explorer import load_model, open_photo, restore

    folder = tmp_path / "parts"  # made, as a new folder of results is
    model = load_model("lime")
    expected = restore(open_photo(dark), model, 1.0).intermediates
    assert set(expected) >= {"reflectance", "illumination"}
    options = ("--ratio", "1", "--intermediates", folder)
    (result,) = report(capsys, dark, "-m", "lime", "-o", tmp_path / "out.png", *options)["restored"]
    written = result["intermediates"]
    assert isinstance(written, dict)
    assert set(written) == set(expected)
    for name, values in expected.items():
        floats = np.load(folder / f"out.{name}.npy")
        np.testing.assert_array_equal(floats, values)
        picture = _read_png16(folder / f"out.{name}.png").reshape(values.shape)
        assert picture.dtype == np.uint16
        shown = np.clip(values, 0, 1)
        assert np.abs(picture / 65535 - shown).max() < 1 / 65535
    names = {f"out.{name}.{suffix}" for name in expected for suffix in ("npy", "png")}
    assert {path.name for path in folder.iterdir()} == names


def test_settings_keep_intermediates_and_backend(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the file does not say of the command line is not passed over in silence."""
    from explorer import load_model
    from explorer.sidecar import RestoreSettings, write_settings

    parts, model = tmp_path / "parts", "retinexnet.joint_decom_only"
    parts.mkdir()
    sha256 = load_model(model).identity.sha256
    for name, backend in (("a", "auto"), ("b", "openvino")):
        write_settings(tmp_path / f"{name}.json", RestoreSettings(model, 1.0, weights_sha256=sha256, backend=backend))
    options = ("-o", tmp_path / "out.png", "--intermediates", parts, "--backend", "torch")
    for name in ("a", "b"):
        (result,) = report(capsys, dark, "--settings", tmp_path / f"{name}.json", *options)["restored"]
        assert result["backend"] == "torch"
        assert isinstance(result["intermediates"], dict)
        assert {"reflectance", "illumination"} <= set(result["intermediates"])
    assert np.load(parts / "out.reflectance.npy").shape == (HEIGHT, WIDTH, 3)


def test_the_place_is_carried_on_when_asked(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[272] = "Acme X1"
    exif.get_ifd(34853).update({1: "N", 2: (48.0, 12.0, 30.0)})
    photo = tmp_path / "street.jpg"
    Image.new("RGB", (40, 30), (20, 18, 9)).save(photo, exif=exif)
    for option, places in (((), 0), (("--keep-gps",), 2)):
        out = tmp_path / "out.jpg"
        assert run("restore", photo, "-m", "gamma", "-o", out, "--quiet", *option) == 0
        with Image.open(out) as picture:
            assert picture.getexif()[272] == "Acme X1"
            assert len(picture.getexif().get_ifd(34853)) == places


def test_several_photographs(dark: Path, night: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results"
    results.mkdir()
    assert run("restore", dark, night, "-m", "gamma", "-o", results) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if " -> " in line] == [
        f"{photo} -> {results / photo.stem}.png" for photo in (dark, night)
    ]
    assert sorted(path.name for path in results.glob("[!.]*")) == ["dark.png", "night.png"]


def test_white_balance(night: Path, tmp_path: Path) -> None:
    def channels(*options: str) -> np.ndarray:
        out = tmp_path / "balanced.png"
        assert run("restore", night, "-m", "gamma", "-o", out, "--quiet", "--ratio", "1", *options) == 0
        with Image.open(out) as picture:
            return np.asarray(picture)[8:-8, 8:-8].reshape(-1, 3).mean(0)

    neutral = channels("--white-balance", "1,1,1")
    red = channels("--white-balance", "3,1,1")
    assert red[0] - red[2] > neutral[0] - neutral[2] + 10
    for options in (("--white-balance", "as_shot"), ("--white-balance", "grey_world"), ("--neutral-point", "40,30")):
        assert np.ptp(channels(*options)) < 12  # the scene is grey


def test_quiet_and_overwriting(dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"old")
    assert run("restore", dark, "-m", "gamma", "-o", out, "--no-overwrite") == 7
    assert out.read_bytes() == b"old"
    capsys.readouterr()
    assert run("restore", dark, "-m", "gamma", "-o", out, "-q") == 7
    said = capsys.readouterr().err
    assert "already exists" in said and "--overwrite" in said and len(said.splitlines()) == 1
    assert out.read_bytes() == b"old"
    assert run("restore", dark, "-m", "gamma", "-o", out, "-q", "--overwrite") == 0
    assert capsys.readouterr() == ("", "")
    assert out.read_bytes()[1:4] == b"PNG"
    assert run("restore", dark, "-m", "clahe", "-o", out, "-q") == 0  # a result of an earlier run
    assert run("restore", dark, "-m", "gamma", "-o", out, "-q", "--no-overwrite") == 7
    assert run("restore", dark, "-m", "gamma", "-o", out, "--overwrite", "--no-overwrite") == 2


def test_a_folder_of_results_keeps_what_else_lies_in_it(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, parts = tmp_path / "results", tmp_path / "parts"
    results.mkdir()
    parts.mkdir()
    (results / "dark.png").write_bytes(b"somebody's")
    (parts / "dark.illumination.npy").write_bytes(b"somebody's")
    assert run("restore", dark, "-m", "lime", "-o", results) == 7
    (results / "dark.png").unlink()
    assert run("restore", dark, "-m", "lime", "-o", results, "--intermediates", parts) == 7
    assert (parts / "dark.illumination.npy").read_bytes() == b"somebody's" and not (results / "dark.png").exists()
    for _ in range(2):
        assert run("restore", dark, "-m", "lime", "-o", results, "--intermediates", parts, "--overwrite") == 0
    assert run("restore", dark, "-m", "lime", "-o", results, "--intermediates", parts) == 0
    capsys.readouterr()


def test_a_result_with_a_name_of_its_own_is_no_photograph(dark: Path, tmp_path: Path) -> None:
    """For later runs over the folder, by either command."""
    folder, results = tmp_path / "photos", tmp_path / "results"
    folder.mkdir()
    results.mkdir()
    photo = folder / dark.name
    shutil.copy(dark, photo)
    assert run("restore", photo, "-m", "gamma", "-o", folder / "brighter.png") == 0
    assert run("restore", folder, "-m", "gamma", "-o", results) == 0
    assert [path.name for path in results.glob("[!.]*")] == ["dark.png"]
    assert run("batch", folder, tmp_path / "archive", "-m", "gamma", "--workers", "0", "-q") == 0
    assert [path.name for path in (tmp_path / "archive").glob("*.png")] == ["dark.png"]


def test_an_archive_keeps_what_else_lies_in_its_place(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, archive = tmp_path / "photos", tmp_path / "archive"
    for each in (folder, archive):
        each.mkdir()
    shutil.copy(dark, folder / "a.tif")
    shutil.copy(dark, folder / "b.tif")
    (archive / "b.png").write_bytes(b"somebody's")
    command = ["batch", folder, archive, "-m", "gamma", "--workers", "0", "-q"]
    for _ in range(2):
        assert run(*command) == 7
        assert "b.png' already exists" in capsys.readouterr().err
        assert (archive / "b.png").read_bytes() == b"somebody's" and not (archive / "a.png").exists()
    assert run(*command, "--overwrite") == 0
    assert (archive / "b.png").read_bytes()[1:4] == b"PNG"
    assert run(*command, "--ratio", "3") == 0  # its own results


def test_real_photographs(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = shared / "data" / "raw" / "canon_d30_candlelight.crw"
    picture = min((shared / "data" / "dark").iterdir(), key=lambda path: path.stat().st_size)
    whole = report(capsys, raw, picture, "-m", "gamma", "-o", tmp_path)
    assert [item["input"] for item in whole["restored"]] == [str(raw), str(picture)]
    for item in whole["restored"]:
        with Image.open(str(item["output"])) as shown:
            assert np.asarray(shown).std() > 5


def test_plan_of_outputs(tmp_path: Path) -> None:
    one, same_stem = Path("a/x.dng"), Path("a/x.jpg")
    folder = f"{tmp_path}/"
    assert plan_outputs([one, Path("b/y.dng")], folder, 16) == [tmp_path / "x.png", tmp_path / "y.png"]
    assert plan_outputs([one], str(tmp_path), 8) == [tmp_path / "x.png"]
    assert plan_outputs([one, same_stem], folder, 8) == [tmp_path / "x.dng.png", tmp_path / "x.jpg.png"]
    with pytest.raises(OutputError, match="Two photos"):
        plan_outputs([one, Path("b/x.dng")], folder, 8)
