"""Settings of a picture: their contents, what they refuse, and that they reproduce the picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import explorer
from explorer.choices import BLACK_CHOICES
from explorer.cli import main
from explorer.encode import quantise
from explorer.errors import RatioError, SettingsError
from explorer.photo import write_dng
from explorer.sidecar import (
    LIMITS,
    Finish,
    RestoreSettings,
    as_json,
    check_finish,
    finished,
    read_settings,
    restore_with,
    write_settings,
)

FULL = RestoreSettings("clahe", 7.5, "daylight", "", "torch", "night.dng", Finish(0.5, 0.2, -0.3, 0.1, -0.1), "masked")


def ramp() -> np.ndarray:
    grey = np.linspace(0, 1, 64, dtype=np.float32)
    return np.repeat(grey[None, :, None], 3, axis=2).repeat(4, axis=0)


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    path = tmp_path / "night.png"
    Image.fromarray(np.random.default_rng(5).integers(0, 40, (48, 64, 3), np.uint8)).save(path)
    return path


def test_settings_survive_their_file(tmp_path: Path) -> None:
    write_settings(tmp_path / "a.json", FULL)
    assert read_settings(tmp_path / "a.json") == FULL


def test_no_finishing_gives_the_very_same_array() -> None:
    assert finished(image := ramp(), Finish()) is image


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("sign", [-1, 1])
def test_finishing_keeps_order_and_range(name: str, sign: int) -> None:
    image = ramp()
    result = finished(image, check_finish({name: sign * LIMITS[name]}))
    assert result.dtype == np.float32
    assert result.min() >= 0
    assert result.max() <= 1
    assert np.all(np.diff(result[0], axis=0) >= -1e-6), "a darker value must not become the brighter one"
    assert np.abs(result - image).max() > 0.02
    if name in ("contrast", "shadows"):
        assert np.allclose(result[0, [0, -1]], image[0, [0, -1]], atol=1e-6)


def test_one_stop_doubles_linear_light() -> None:
    from explorer.photo import srgb_to_linear

    image = ramp()[:, :30]
    brighter = finished(image, Finish(exposure=1.0))
    assert np.allclose(srgb_to_linear(brighter), np.minimum(1, 2 * srgb_to_linear(image)), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema 1"),
        ({"unknown": 1}, "do not have"),
        ({"model": ""}, "names no model"),
        ({"model": 3}, "must be text"),
        ({"white_balance": "sunny"}, "white_balance"),
        ({"white_balance": [1, 1]}, "white_balance"),
        ({"finish": {"sharpness": 1}}, "known ones are"),
        ({"finish": {"exposure": 99}}, "-4 to 4"),
        ({"finish": {"exposure": True}}, "-4 to 4"),
        ({"finish": []}, "finish"),
        ({"black_level": "stated"}, "black_level must be one of auto, file, masked"),
        ({"black_level": ["file"]}, "black_level"),
    ],
)
def test_a_wrong_file_is_one_clear_sentence(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**json.loads(as_json(FULL)), **change}))
    with pytest.raises(SettingsError, match=message):
        read_settings(path)


def test_files_that_are_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(path)
    path.write_text("{")
    with pytest.raises(SettingsError, match="not JSON"):
        read_settings(path)
    path.write_text(" " * 100_000)
    with pytest.raises(SettingsError, match="too large"):
        read_settings(path)
    path.write_text(json.dumps({**json.loads(as_json(FULL)), "ratio": 0.5}))
    with pytest.raises(RatioError):
        read_settings(path)


def test_settings_of_before_the_black_level_could_be_chosen(tmp_path: Path) -> None:
    old = json.loads(as_json(FULL))
    del old["black_level"]
    (tmp_path / "a.json").write_text(json.dumps(old))
    assert read_settings(tmp_path / "a.json").black_level == "auto"


@pytest.fixture
def masked(tmp_path: Path) -> Path:
    """A dark scene whose masked margin lies eight counts below the level that the file states."""
    rng = np.random.default_rng(1)
    counts = rng.normal(2048, 6, (24 + 120, 40 + 200))
    counts[24:, 40:] += 40
    tags = [(50714, "I", 1, 2056, True), (50717, "I", 1, 15000, True), (50829, "I", 4, (24, 40, 144, 240), True),
            (50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "T1", True), (33421, "H", 2, (2, 2), True),
            (33422, "B", 4, (0, 1, 1, 2), True)]  # fmt: skip
    tifffile.imwrite(tmp_path / "dark.dng", np.round(counts).astype(np.uint16), photometric=32803, extratags=tags)
    return tmp_path / "dark.dng"


def test_the_black_level_is_a_setting_everywhere(masked: Path, tmp_path: Path) -> None:
    """Settings, command line, archive and app make of one choice the same picture, and of two choices two."""
    from explorer.app import opening, workspace
    from explorer.app.session import Session

    pictures = {}
    for choice in BLACK_CHOICES:
        photo = explorer.open_photo(masked, black_level=choice)
        expected = quantise(explorer.restore(photo, "gamma", 20.0).image, 8)
        write_settings(tmp_path / "a.json", RestoreSettings("gamma", 20.0, backend="torch", black_level=choice))
        by_settings, by_option, folder = tmp_path / "s.png", tmp_path / "o.png", tmp_path / choice
        assert main(["restore", str(masked), "--settings", str(tmp_path / "a.json"), "-o", str(by_settings)]) == 0
        options = ["-m", "gamma", "--ratio", "20", "--black-level", choice]
        assert main(["restore", str(masked), *options, "-o", str(by_option)]) == 0
        assert main(["batch", str(masked), str(folder), *options, "--workers", "0", "--quiet"]) == 0
        session = Session("", tmp_path)
        opening.open_file(session, masked)
        opening.set_black_level(session, choice)
        written = workspace.settings_of(session, workspace.full(session, "gamma", 20.0), Finish())
        assert written.black_level == choice and session.require_open().black_level == choice
        in_app = quantise(workspace.full(session, "gamma", 20.0).image, 8)
        for found in (
            in_app,
            *(np.asarray(Image.open(each)) for each in (by_settings, by_option, folder / "dark.png")),
        ):
            np.testing.assert_array_equal(found, expected)
        pictures[choice] = expected
        for each in (by_settings, by_option):
            each.unlink()
    np.testing.assert_array_equal(pictures["auto"], pictures["masked"])
    assert np.abs(pictures["auto"].astype(int) - pictures["file"]).mean() > 2


def test_the_black_level_is_left_out_beside_settings(masked: Path, tmp_path: Path) -> None:
    write_settings(tmp_path / "a.json", RestoreSettings("gamma", 20.0))
    arguments = ["restore", str(masked), "--settings", str(tmp_path / "a.json"), "-o", str(tmp_path / "o.png")]
    assert main([*arguments, "--black-level", "file"]) == 2


def test_other_weights_are_refused(dark: Path) -> None:
    settings = RestoreSettings("clahe", 2.0, weights_sha256="ab" * 32)
    with pytest.raises(SettingsError, match="other weights"):
        restore_with(explorer.open_photo(dark), settings)


def test_the_command_makes_the_same_picture(dark: Path, tmp_path: Path) -> None:
    settings = RestoreSettings("clahe", 3.0, finish=Finish(exposure=0.5, warmth=0.4))
    write_settings(tmp_path / "a.json", settings)
    out = tmp_path / "out.png"
    arguments = ["restore", str(dark), "--settings", str(tmp_path / "a.json"), "-o", str(out), "--bits", "16"]
    assert main(arguments) == 0
    expected = restore_with(explorer.open_photo(dark), settings)
    expected.save(tmp_path / "expected.png", bits=16)
    assert out.read_bytes() == (tmp_path / "expected.png").read_bytes()


def test_the_command_wants_a_model_or_settings_and_not_both(
    dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_settings(tmp_path / "a.json", RestoreSettings("clahe", 3.0))
    out = ["-o", str(tmp_path / "out.png")]
    assert main(["restore", str(dark), *out]) == 2
    assert "--settings" in capsys.readouterr().err
    assert main(["restore", str(dark), *out, "--settings", str(tmp_path / "a.json"), "-m", "gamma"]) == 2
    assert main(["restore", str(dark), *out, "--settings", str(tmp_path / "none.json")]) == 4
    assert not (tmp_path / "out.png").exists()


def test_a_dng_leaves_the_steps_after_the_network_out_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its samples and in its preview, at every strength."""
    night = write_dng(tmp_path / "night.dng", np.full((64, 64), 900, np.uint16))
    for strength in (0.0, 100.0):
        for name, finish in (("plain", Finish()), ("finished", Finish(exposure=1.0, warmth=0.5))):
            write_settings(tmp_path / "a.json", RestoreSettings("gamma", 2.0, strength=strength, finish=finish))
            out = str(tmp_path / f"{name}.dng")
            assert main(["restore", str(night), "--settings", str(tmp_path / "a.json"), "-o", out]) == 0
            assert ("does not hold the steps after the network" in capsys.readouterr().out) is (name == "finished")
        assert (tmp_path / "plain.dng").read_bytes() == (tmp_path / "finished.dng").read_bytes()
