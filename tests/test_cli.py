"""The commands other than `restore`, and how the program starts and ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.cli import main
from explorer.photo.files.dng import write_dng

PROJECT = Path(__file__).resolve().parents[1]


def python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, **options)  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def dng(tmp_path: Path) -> Path:
    mosaic = np.random.default_rng(7).integers(64, 600, (64, 96)).astype(np.uint16)
    return write_dng(
        tmp_path / "night.dng",
        mosaic,
        phase="GBRG",
        black=64,
        white=4095,
        as_shot_neutral=(0.5, 1.0, 0.625),
        iso=3200,
        exposure_seconds=0.04,
        aperture=2.8,
        camera="Test Camera",
    )


def test_help_is_quick_and_names_commands_and_exit_codes() -> None:
    script = (
        "import sys; from explorer.cli import main; code = main(['--help']);"
        "print([m for m in ('torch', 'gradio', 'rawpy', 'numpy') if m in sys.modules], code)"
    )
    done = python("-c", script)
    assert done.stdout.splitlines()[-1] == "[] 0"
    for word in ("restore", "models", "info", "app", "weights", "Exit codes", "130", "some of several photos"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["restore", "models", "info", "app", "import"])
def test_help_of_commands(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert "Usage: lowlight " + command in capsys.readouterr().out


def test_without_arguments_it_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Usage: lowlight" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("lowlight ")


def test_models_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    known = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert known["gamma"]["domain"] == "rgb"
    assert known["gamma"]["weights"] is None
    for model in known.values():
        assert model["summary"] and model["domain"] in ("bayer", "packed", "xtrans", "rgb")


def test_models_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    from explorer import list_models

    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "DOMAIN", "WHAT", "IT", "IS", "PARAMETERS", "LICENCE", "WHERE"]
    assert [line.split()[0] for line in lines[1:]] == [model.name for model in list_models()]
    for line, model in zip(lines[1:], list_models(), strict=True):
        assert model.summary in line


def test_info_as_json(dng: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(dng), "--json"]) == 0
    panel = json.loads(capsys.readouterr().out)
    assert panel["file"] == str(dng)
    assert "GBRG" in json.dumps(panel) and "3200" in json.dumps(panel)

    assert main(["info", str(dng), str(dng), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [panel, panel]


def test_info_as_text(dng: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(dng)]) == 0
    text = capsys.readouterr().out
    for word in ("night.dng", "GBRG", "3200", "Camera", "4095"):
        assert word in text
    assert "\x1b" not in text
    labels = [line.split("  ")[0] for line in text.splitlines()]
    assert "File" in labels and "Name" not in labels, "the file's name once"
    assert all(line.split("  ", 1)[1].strip() for line in text.splitlines()), "no label without a value"


def test_a_closed_pipe_is_quiet(dng: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "explorer", "info", str(dng)]
    done = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_app_starts_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, object]] = []

    def launch(**options: object) -> str:
        started.append(options)
        raise OSError("the app would wait until it is stopped")

    monkeypatch.setattr("explorer.app.launch", launch)
    assert main(["app", "--host", "0.0.0.0", "--port", "8123", "--share"]) == 1
    assert started == [{"host": "0.0.0.0", "port": 8123, "share": True, "block": False, "quiet": False}]


def test_an_address_that_is_not_this_machines_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", "--host", "192.0.2.1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: The app cannot listen on 192.0.2.1")
    assert error.count("\n") == 1


@pytest.mark.parametrize("output", ["", " ", "a" * 300 + ".png"])
def test_an_output_that_is_no_name(
    dng: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert main(["restore", str(dng), "-m", "gamma", "-o", output]) == 7
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(folder.iterdir())
