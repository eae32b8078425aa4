"""Streams that are closed, broken or full, and names that could control a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main
from explorer.cli.terminal import printable

PROJECT = Path(__file__).resolve().parents[1]
FORGED = "a\nerror: forged \x1b[2J\x1b]0;title\x07\x9b31m\u202egnp.png"
ESCAPED = r"a\nerror: forged \x1b[2J\x1b]0;title\x07\x9b31m\u202egnp.png"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(3):
        samples = np.random.default_rng(k).integers(0, 40, (20, 30, 3)).astype(np.uint8)
        Image.fromarray(samples).save(folder / f"p{k}.png")
    (tmp_path / "out").mkdir()
    return folder


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command line of bash, in which `lowlight` is the program."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    whole = f'set -o pipefail; lowlight() {{ "{sys.executable}" -m explorer "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", whole], env=environment, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str, photos: Path, tmp_path: Path) -> None:
    done = shell(f"lowlight restore in/p0.png -m gamma -o out/x.png {closed}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(tmp_path / "out" / "x.png") as result:
        assert result.size == (30, 20)
    done = shell(f"lowlight restore in/none.png -m gamma -o out/y.png {closed}", tmp_path)
    assert done.returncode == 3 and ("2>&-" in closed or "does not exist" in done.stderr)


def test_readers_that_go_away(photos: Path, tmp_path: Path) -> None:
    """Results are written, whoever reads the report; what is nothing but a report ends."""
    done = shell("lowlight restore in -m gamma -o out | true", tmp_path)
    assert (done.returncode, done.stderr) == (141, "")
    assert sorted(path.name for path in (tmp_path / "out").glob("p*.png")) == ["p0.png", "p1.png", "p2.png"]
    done = shell("lowlight restore in/p0.png in/none.png -m gamma -o out | true", tmp_path)
    assert done.returncode == 10  # what failed counts more


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_the_report(photos: Path, tmp_path: Path) -> None:
    done = shell("lowlight restore in/p0.png -m gamma -o out/x.png > /dev/full", tmp_path)
    assert done.returncode == 7 and done.stderr.startswith("error: Standard output cannot be written")
    assert len(done.stderr.splitlines()) == 1 and (tmp_path / "out" / "x.png").is_file()


def test_a_program_without_streams(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pythonw has none."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(["restore", str(photos / "p0.png"), "-m", "gamma", "-o", str(tmp_path / "x.png")]) == 0
    assert main(["models"]) == 0
    assert main(["restore", str(photos / "p0.png"), "-m", "none", "-o", str(tmp_path / "x.png")]) == 5
    assert main(["restore", str(photos / "p0.png"), "-m", "gamma", "-o", "-"]) == 7
    assert (tmp_path / "x.png").is_file()


def test_control_characters_are_escaped() -> None:
    assert printable(FORGED) == ESCAPED
    assert printable("n\u00e4chtlich \u591c \U0001f303.dng") == "n\u00e4chtlich \u591c \U0001f303.dng"
    assert printable("\udcff\r\t") == r"\udcff\r\t"


def check_terminal(text: str) -> None:
    """No character of a name acted upon the terminal or began a line."""
    assert not set(text) & set("\x1b\x07\x9b\u202e\r")
    assert not [line for line in text.splitlines() if line.startswith("error: forged")]


def test_names_in_every_command(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    (photos / "p0.png").rename(photos / FORGED)
    (photos / f"{FORGED[:-4]}.dng").write_bytes(b"damaged")
    (photos / "notes\x1b[2J.txt").write_text("")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    for code, *arguments in (
        (10, "restore", photos, "-m", "gamma", "-o", tmp_path / "out"),
        (0, "info", photos / FORGED),
        (3, "info", photos / f"{FORGED[:-4]}.dng"),
        (10, "batch", photos, tmp_path / "archive", "-m", "gamma", "--workers", "0"),
        (7, "restore", photos / FORGED, "-m", "gamma", "-o", photos / FORGED),
        (3, "batch", photos / "none\x1b[2J", tmp_path / "archive", "-m", "gamma"),
        (5, "restore", photos / FORGED, "-m", "none\x1b[2J\nerror: forged", "-o", tmp_path / "x.png"),
        (6, "import", "zero_dce", photos / FORGED),
        (2, "restore", photos / FORGED, "-m", "gamma", "-o", tmp_path / "x.png", "--none\x1b[2J"),
        (8, "eval", "-m", "gamma", "--data", photos / "\x1b[2J\nerror: forged", photos),
    ):
        assert main([str(argument) for argument in arguments]) == code, arguments
        out, err = capsys.readouterr()
        check_terminal(out)
        check_terminal(err)
        if arguments[0] in ("restore", "info", "batch") and arguments[1] in (photos, photos / FORGED) and code != 2:
            assert r"\x1b[2J" in out + err
    assert set(before) <= {path.name for path in tmp_path.rglob("*")}


def test_names_that_are_no_utf8(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows like others: done once, kept the second time, restored by both commands to the same."""
    parquet = pytest.importorskip("pyarrow.parquet")
    latin = os.fsdecode(b"\xe9t\xe9.png")
    try:
        (photos / "p0.png").rename(photos / latin)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    bad = os.fsdecode(b"\xff.dng")
    (photos / bad).write_bytes(b"damaged")
    archive = tmp_path / "archive"
    command = ["batch", str(photos), str(archive), "-m", "gamma", "--workers", "0"]
    assert main(command) == 10
    assert r"\udcff.dng" in capsys.readouterr().err
    rows = {Path(row["input"]).name: row for row in parquet.read_table(archive / "manifest.parquet").to_pylist()}
    assert set(rows) == {r"\udce9t\udce9.png", r"\udcff.dng", "p1.png", "p2.png"}
    assert rows[r"\udce9t\udce9.png"]["status"] == "restored" and rows[r"\udcff.dng"]["status"] == "failed"
    assert main([*command, "--json"]) == 10
    again = json.loads(capsys.readouterr().out)
    assert (again["restored"], again["kept"], again["photographs"]) == (0, 4, 4)
    assert main(["restore", str(photos), "-m", "gamma", "-o", str(tmp_path / "out"), "-q"]) == 10
    assert (tmp_path / "out" / latin).read_bytes() == (archive / latin).read_bytes()
    names = tmp_path / "names.txt"
    names.write_bytes(b"in/\xe9t\xe9.png\n")
    assert main(["batch", str(names), str(tmp_path / "listed"), "-m", "gamma", "--workers", "1"]) == 0
    assert (tmp_path / "listed" / "in" / latin).read_bytes() == (archive / latin).read_bytes()
    assert main(["batch", str(photos), "memory://latin", "-m", "gamma", "--workers", "0"]) == 10


def in_terminal(columns: int, *arguments: str) -> list[str]:
    """The lines of a command on a terminal, without colours."""
    pid, screen = pty.fork()
    if pid == 0:  # the child
        os.environ |= {"PYTHONPATH": str(PROJECT), "COLUMNS": str(columns), "TERM": "xterm"}
        os.execv(sys.executable, [sys.executable, "-m", "explorer", *arguments])
    shown = b""
    with suppress(OSError):  # the terminal's end
        while part := os.read(screen, 65536):
            shown += part
    assert os.waitpid(pid, 0)[1] == 0, shown
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).split("\r\n")


def test_tables_fit_the_terminal_and_names_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    names = [model["name"] for model in json.loads(capsys.readouterr().out)]
    narrow, wide = in_terminal(80, "models"), in_terminal(200, "models")
    assert [line for line in narrow if line in names] == names
    assert not [line for line in narrow if len(line) > 80 and " /" not in line], "only a path is left whole"
    assert max(map(len, wide)) <= 200 and all(f"│ {name} " in "\n".join(wide) for name in names)
