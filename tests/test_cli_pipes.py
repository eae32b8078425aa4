"""Photos from pipes, which can be read only once, and results into one."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.cli import main
from explorer.errors import PhotoError
from explorer.photo import Limits, write_dng

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(params=["picture.png", "night.dng"])
def photograph(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Larger than a pipe holds, so that it cannot come in one piece."""
    path = tmp_path / request.param
    samples = np.random.default_rng(0).integers(64, 900, (240, 320)).astype(np.uint16)
    if path.suffix == ".dng":
        return write_dng(path, samples, black=64, white=4095)
    Image.fromarray(np.repeat(samples[:, :, None] // 16, 3, 2).astype(np.uint8)).save(path)
    return path


@contextmanager
def through_pipe(path: Path, data: bytes) -> Iterator[Path]:
    """A named pipe that gives the bytes to its first reader and then nothing more."""
    os.mkfifo(path)

    def feed() -> None:
        with open(path, "wb") as pipe, suppress(BrokenPipeError):
            pipe.write(data)

    feeder = Thread(target=feed, daemon=True)
    feeder.start()
    yield path
    feeder.join(20)
    assert not feeder.is_alive()


@pytest.fixture
def result(photograph: Path, tmp_path: Path) -> bytes:
    """What `restore` makes of the file itself."""
    out = tmp_path / "expected.png"
    assert main(["restore", str(photograph), "-m", "gamma", "-o", str(out), "--quiet"]) == 0
    return out.read_bytes()


def test_a_named_pipe(photograph: Path, result: bytes, tmp_path: Path) -> None:
    for isolated in (False, True):
        with through_pipe(tmp_path / f"pipe{isolated}", photograph.read_bytes()) as pipe:
            photo = explorer.open_photo(pipe, isolated=isolated)
        assert photo.name == f"pipe{isolated}"
    out = tmp_path / "out.png"
    with through_pipe(tmp_path / "pipe", photograph.read_bytes()) as pipe:
        assert main(["restore", str(pipe), "-m", "gamma", "-o", str(out), "--quiet"]) == 0
    assert out.read_bytes() == result


def test_a_pipe_in_an_archive(photograph: Path, result: bytes, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "names.txt").write_text("pipe\n")
    with through_pipe(tmp_path / "pipe", photograph.read_bytes()):
        command = ["batch", str(tmp_path / "names.txt"), str(tmp_path / "out"), "-m", "gamma", "--workers", "0"]
        assert main(command) == 0
    assert (tmp_path / "out" / "pipe.png").read_bytes() == result


def lowlight(*arguments: str, stdin: Path | None = None, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with open(stdin or os.devnull, "rb") as given:
        return subprocess.run(
            [sys.executable, "-m", "explorer", *arguments], stdin=given, cwd=cwd, env=environment, capture_output=True,
            timeout=120, check=False,
        )  # fmt: skip


def test_standard_input_and_output(photograph: Path, result: bytes, tmp_path: Path) -> None:
    done = lowlight("restore", "-", "-m", "gamma", "-o", "-", stdin=photograph, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == result
    (tmp_path / "results").mkdir()
    done = lowlight("restore", "-", "-m", "gamma", "-o", "results", stdin=photograph, cwd=tmp_path)
    assert (tmp_path / "results" / "stdin.png").read_bytes() == result
    assert done.stdout.startswith(b"- -> results/stdin.png: gamma")


class _Bytes(io.TextIOWrapper):
    """A standard input."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))


def test_what_cannot_be(
    photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(code: int, *arguments: str) -> str:
        assert main(["restore", *arguments, "-m", "gamma"]) == code
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        return error

    monkeypatch.setattr(sys, "stdin", None)
    assert "Standard input" in fails(3, "-", "-o", str(tmp_path / "x.png"))
    monkeypatch.setattr(sys, "stdin", _Bytes(b""))
    assert "stdin is empty" in fails(3, "-", "-o", str(tmp_path / "x.png"))
    assert "standard output" in fails(7, str(photograph), str(photograph), "-o", "-")
    assert "--json" in fails(2, str(photograph), "-o", "-", "--json")
    assert list(tmp_path.glob("x*")) == []


def test_information(photograph: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", _Bytes(photograph.read_bytes()))
    assert main(["info", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "-"


def test_an_endless_one(tmp_path: Path) -> None:
    """It is refused once it is longer than a photograph may be."""
    with through_pipe(tmp_path / "pipe", b"\0" * (4 << 20)) as pipe, pytest.raises(PhotoError, match="limit of 1 MiB"):
        explorer.open_photo(pipe, limits=Limits(max_bytes=1 << 20))
    with pytest.raises(PhotoError, match="limit of 1 MiB"):
        explorer.open_photo("/dev/zero", limits=Limits(max_bytes=1 << 20))


def test_pipes_in_a_folder_are_left_out(photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody may ever write into them."""
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe.png")
    photograph.rename(folder / photograph.name)
    (tmp_path / "out").mkdir()
    assert main(["restore", str(folder), "-m", "gamma", "-o", str(tmp_path / "out")]) == 0
    assert "neither a file nor a folder" in capsys.readouterr().err
