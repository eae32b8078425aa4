"""Every bad input of the command line: one clear sentence, its exit code, no traceback, nothing left behind."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from explorer.cli import main
from explorer.photo.files.dng import write_dng

PROJECT = Path(__file__).resolve().parents[1]

PHOTO, RATIO, MODEL, WEIGHTS, OUTPUT = 3, 4, 5, 6, 7
"""Exit codes, as `lowlight --help` documents them."""


@dataclass(frozen=True)
class Outcome:
    """What a command line left."""

    code: int
    out: str
    err: str


def one_sentence(outcome: Outcome, code: int, *words: str) -> None:
    """Asserts one line on the standard error, with the words in it, the exit code, and no traceback."""
    assert outcome.code == code, outcome.err
    lines = outcome.err.splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("error: ")
    assert lines[0].endswith((".", ")"))
    assert "Traceback" not in outcome.err + outcome.out
    assert "Unexpected" not in outcome.err
    for word in words:
        assert word.lower() in lines[0].lower()
    assert outcome.out == ""


def in_subprocess(arguments: Sequence[str], folder: Path) -> Outcome:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "explorer", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a command line in this process; what libraries write to the descriptors themselves is caught too."""

    def run(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return run


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is very large, with almost no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 64)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def dng_bytes(folder: Path) -> bytes:
    mosaic = np.random.default_rng(5).integers(64, 900, (64, 96)).astype(np.uint16)
    return write_dng(folder / "whole.dng", mosaic, black=64, white=4095).read_bytes()


def bad_photo(kind: str, folder: Path) -> Path:
    """Writes one of the files that are no photographs."""
    if kind == "truncated DNG":
        whole = dng_bytes(folder)
        path = folder / "truncated.dng"
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty file":
        path = folder / "empty.dng"
        path.touch()
    elif kind == "text named .dng":
        path = folder / "notes.dng"
        path.write_text("Shot at night, no tripod.\n" * 50)
    elif kind == "huge PNG header":
        path = folder / "huge.png"
        path.write_bytes(png_header(50_000, 50_000))
    elif kind == "NaN in a TIFF":
        path = folder / "nan.tif"
        picture = np.full((32, 32, 3), 0.2, np.float32)
        picture[3, 4, 1] = np.nan
        tifffile.imwrite(path, picture, photometric="rgb")
    elif kind == "missing file":
        path = folder / "nowhere.jpg"
    elif kind == "folder":
        path = folder / "night"
        path.mkdir()
    else:
        raise AssertionError(kind)
    return path


BAD_PHOTOS = (
    "truncated DNG",
    "empty file",
    "text named .dng",
    "huge PNG header",
    "NaN in a TIFF",
    "missing file",
    "folder",
)


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    """A small dark picture."""
    pixels = np.random.default_rng(3).integers(0, 40, (40, 56, 3)).astype(np.uint8)
    path = tmp_path / "dark.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("kind", BAD_PHOTOS)
def test_restore_of_a_bad_photo(kind: str, tmp_path: Path) -> None:
    photo = bad_photo(kind, tmp_path)
    before = sorted(tmp_path.iterdir())
    outcome = in_subprocess(["restore", photo.name, "-m", "gamma", "-o", "out.png"], tmp_path)
    one_sentence(outcome, PHOTO, photo.name)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", BAD_PHOTOS)
def test_info_of_a_bad_photo(kind: str, tmp_path: Path, here: Callable[..., Outcome]) -> None:
    photo = bad_photo(kind, tmp_path)
    one_sentence(here("info", photo, "--json"), PHOTO, photo.name)


@pytest.mark.parametrize("name", ["canon_d30_candlelight.crw", "canon_550d_dark_colorchart.dng"])
def test_truncated_real_raw(name: str, shared: Path, tmp_path: Path, here: Callable[..., Outcome]) -> None:
    whole = (shared / "data" / "raw" / name).read_bytes()
    for share in (0.02, 0.5, 0.9):
        photo = tmp_path / name
        photo.write_bytes(whole[: int(len(whole) * share)])
        outcome = here("restore", photo, "-m", "gamma", "-o", tmp_path / "out.png")
        one_sentence(outcome, PHOTO, name)
        assert list(tmp_path.iterdir()) == [photo]


@pytest.mark.parametrize("ratio", ["0", "-1", "1e9", "abc", "nan", "inf", "", "0.5"])
def test_bad_ratio(ratio: str, dark: Path, here: Callable[..., Outcome]) -> None:
    outcome = here("restore", dark, "-m", "gamma", "--ratio", ratio, "-o", dark.with_name("out.png"))
    one_sentence(outcome, RATIO, "ratio", "1", "300")
    assert list(dark.parent.iterdir()) == [dark]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--strength", "37%", "'--strength': it is not a number"),
        ("--strength", "1,5", "'--strength': it is not a number"),
        ("--bits", "12", "'--bits': '12' is not one of '8', '16'"),
    ],
)
def test_values_are_refused_in_plain_words(
    option: str, value: str, said: str, dark: Path, here: Callable[..., Outcome]
) -> None:
    outcome = here("restore", dark, "-m", "gamma", option, value, "-o", dark.parent / "out.png")
    one_sentence(outcome, 2, f"Invalid value for {said} (see")


def test_bad_ratio_in_a_subprocess(dark: Path) -> None:
    outcome = in_subprocess(["restore", dark.name, "-m", "gamma", "--ratio", "-1", "-o", "out.png"], dark.parent)
    one_sentence(outcome, RATIO, "-1")


@pytest.mark.parametrize("balance", ["moonlight", "1,2", "1,0,1", "1,-1,1", "nan,1,1", "1e99999,1,1", "a,b,c"])
def test_bad_white_balance(balance: str, dark: Path, here: Callable[..., Outcome]) -> None:
    outcome = here("restore", dark, "-m", "gamma", "--white-balance", balance, "-o", dark.with_name("out.png"))
    one_sentence(outcome, RATIO)
    assert list(dark.parent.iterdir()) == [dark]


@pytest.mark.parametrize("point", ["3", "a,b", "5,6,7", "100000,3", "-5,3", "inf,0"])
def test_bad_neutral_point(point: str, dark: Path, here: Callable[..., Outcome]) -> None:
    outcome = here("restore", dark, "-m", "gamma", "--neutral-point", point, "-o", dark.with_name("out.png"))
    one_sentence(outcome, RATIO)
    assert list(dark.parent.iterdir()) == [dark]


def test_white_balance_and_neutral_point(dark: Path, here: Callable[..., Outcome]) -> None:
    options = ("--white-balance", "daylight", "--neutral-point", "3,3")
    one_sentence(here("restore", dark, "-m", "gamma", *options, "-o", dark.with_name("out.png")), RATIO, "together")


def test_unknown_model_names_the_nearest_or_lists_the_known(dark: Path, here: Callable[..., Outcome]) -> None:
    known = [model["name"] for model in json.loads(here("models", "--json").out)]
    outcome = here("restore", dark, "-m", "unheard-of", "-o", dark.with_name("out.png"))
    one_sentence(outcome, MODEL, "unheard-of", *known)
    for typed, meant in (("gama", "gamma"), ("lime.", "lime")):
        outcome = here("restore", dark, "-m", typed, "-o", dark.with_name("out.png"))
        one_sentence(outcome, MODEL, f"'{typed}'", f"did you mean {meant}?", "lowlight models")
        assert "clahe" not in outcome.err
    outcome = here("restore", dark, "-m", "sci.lo", "-o", dark.with_name("out.png"))
    one_sentence(outcome, MODEL, "did you mean sci.lol?", "lowlight weights pull hf:org/repo/sci.lo")
    assert list(dark.parent.iterdir()) == [dark]


def test_missing_output_folder(dark: Path) -> None:
    for out in ("nowhere/out.png", "nowhere/at/all/"):
        outcome = in_subprocess(["restore", dark.name, "-m", "gamma", "-o", out], dark.parent)
        one_sentence(outcome, OUTPUT, "nowhere", "does not exist")
    assert list(dark.parent.iterdir()) == [dark]


def test_outputs_that_cannot_be(dark: Path, here: Callable[..., Outcome]) -> None:
    folder = dark.parent
    second = folder / "second.png"
    second.write_bytes(dark.read_bytes())
    there = sorted(folder.iterdir())
    restore = ("restore", dark, "-m", "gamma")
    one_sentence(here(*restore, "-o", folder / "out.gif"), OUTPUT, "out.gif", ".png")
    one_sentence(here(*restore, "-o", folder / "out"), OUTPUT, "out")
    one_sentence(here(*restore, "-o", folder / "out.jpg", "--bits", "16"), OUTPUT, ".jpg", "8 bits")
    one_sentence(here(*restore, "-o", dark), OUTPUT, "replace")
    one_sentence(here(*restore, "-o", second, "--no-overwrite"), OUTPUT, "second.png")
    one_sentence(
        here(*restore, "-o", folder / "x.png", "--intermediates", folder / "no" / "maps"), OUTPUT, "does not exist"
    )
    one_sentence(here(*restore, "-o", folder / "x.png", "--intermediates", dark), OUTPUT, "not a folder")
    one_sentence(here("restore", dark, second, "-m", "gamma", "-o", folder / "out.png"), OUTPUT, "folder")
    one_sentence(here("restore", dark, dark, "-m", "gamma", "-o", f"{folder}/"), OUTPUT, "two photos")
    assert sorted(folder.iterdir()) == there
    assert second.read_bytes() == dark.read_bytes()


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        (("darken", "{photo}", "--iso", "1600", "-o"), ".dng"),
        (("darken", "{photo}", "--iso", "1600", "-o"), ".jpg"),
        (("sweep", "{photo}", "-m", "gamma", "--ratios", "3", "--csv"), ".csv"),
        (("sweep", "{photo}", "-m", "gamma", "--ratios", "3", "--plot"), ".png"),
        (("export-onnx", "zero_dce.lol"), ".onnx"),
        (("replay", "{folder}", "-o"), ".gif"),
    ],
)
def test_names_that_no_file_can_have(
    command: tuple[str, ...], ending: str, dark: Path, here: Callable[..., Outcome]
) -> None:
    folder = dark.parent
    given = [each.format(photo=dark, folder=folder) for each in command]
    for out in (folder / f"{'n' * 300}{ending}", folder / ("n" * 300) / f"a{ending}"):
        one_sentence(here(*given, out), OUTPUT, "too long")
    assert list(folder.iterdir()) == [dark]


@pytest.mark.parametrize(
    "command",
    [
        ("video", "-m", "gamma", "-o", "out.mp4"),
        ("sweep", "-m", "gamma"),
        ("darken", "--iso", "1600", "-o", "out.dng"),
        ("eval", "-m", "gamma", "--synthetic-raw"),
        ("train", "zero_dce.lol", "--data"),
        ("replay", "-o", "out.gif"),
        ("class", "collect"),
    ],
    ids=lambda command: command[0],
)
def test_paths_that_no_input_can_have(command: tuple[str, ...], here: Callable[..., Outcome]) -> None:
    path = f"{'n' * 300}.png"
    one_sentence(here(*command, path), 1, path, "check the path")


def test_a_failed_write_leaves_nothing(
    dark: Path, here: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("explorer.cli.outputs.os.replace", full)
    outcome = here("restore", dark, "-m", "gamma", "-o", dark.with_name("out.png"))
    one_sentence(outcome, OUTPUT, "no space left")
    assert list(dark.parent.iterdir()) == [dark]


@pytest.mark.parametrize(
    "arguments",
    [
        ["restore"],
        ["restore", "x.png", "-o", "y.png"],
        ["restore", "x.png", "-m", "gamma"],
        ["restore", "x.png", "-m", "gamma", "-o", "y.png", "--bits", "12"],
        ["brighten"],
        ["info"],
        ["weights", "import", "zero_dce", "--colour"],
        ["app", "--port", "0"],
        ["models", "--colour"],
    ],
)
def test_wrong_command_line(arguments: list[str], here: Callable[..., Outcome]) -> None:
    one_sentence(here(*arguments), 2, "--help")


def test_one_bad_photo_does_not_stop_the_others(dark: Path, tmp_path: Path, here: Callable[..., Outcome]) -> None:
    empty = bad_photo("empty file", tmp_path)
    results = tmp_path / "results"
    results.mkdir()
    outcome = here("restore", empty, dark, "-m", "gamma", "-o", results, "--json")
    assert outcome.code == 10
    assert outcome.err.startswith("error: ") and len(outcome.err.splitlines()) == 1
    report = json.loads(outcome.out)
    assert [item["output"] for item in report["restored"]] == [str(results / "dark.png")]
    assert [(item["input"], item["exit_code"]) for item in report["failed"]] == [(str(empty), PHOTO)]
    assert [path.name for path in results.glob("[!.]*")] == ["dark.png"]

    assert here("restore", empty, tmp_path / "none.png", "-m", "gamma", "-o", results).code == PHOTO
    assert here("info", empty, dark).code == 10


def test_unexpected_errors_are_a_sentence_too(
    dark: Path, here: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError("list index\nout of range")

    monkeypatch.setattr("explorer.open_photo", broken)
    outcome = here("info", dark)
    assert outcome.code == 1
    assert outcome.err == (
        f"error: {dark}: Unexpected IndexError: list index out of range; run again with --debug to see where it came "
        "from.\n"
    )
    assert "Traceback" in here("info", dark, "--debug").err


def test_interruption(dark: Path, here: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("explorer.open_photo", interrupted)
    outcome = here("restore", dark, "-m", "gamma", "-o", dark.with_name("out.png"))
    assert (outcome.code, outcome.err) == (130, "interrupted\n")
