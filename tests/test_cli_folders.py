"""`lowlight restore DIR -o DIR`: overlapped, in order, and going on where a killed run left off."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main
from explorer.cli.folders import JOURNAL, Step, overlapped, photographs_of, remove_leftovers
from explorer.errors import PhotoError


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("b", "a", "c"):
        Image.fromarray(rng.integers(0, 30, (40, 60, 3)).astype(np.uint8)).save(folder / f"{name}.png")
    (folder / "notes.txt").write_text("not a photograph")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def restore(photographs: Path, results: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, list]:
    capsys.readouterr()
    assert main(["restore", str(photographs), "-m", "gamma", "-o", str(results), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_folder_stands_for_its_photographs(
    photographs: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = restore(photographs, results, capsys)
    assert [Path(item["output"]).name for item in done["restored"]] == ["a.png", "b.png", "c.png"]
    assert {path.name for path in results.iterdir()} == {"a.png", "b.png", "c.png", JOURNAL}


def test_what_is_done_is_left_out_until_something_changes(
    photographs: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restore(photographs, results, capsys)
    again = restore(photographs, results, capsys)
    assert (len(again["restored"]), len(again["skipped"])) == (0, 3)
    (results / "a.png").write_bytes(b"cut short")  # a result that is not as it was written
    Image.new("RGB", (40, 30)).save(photographs / "b.png")  # a photograph that changed
    third = restore(photographs, results, capsys)
    assert [Path(item["output"]).name for item in third["restored"]] == ["a.png", "b.png"]
    assert len(restore(photographs, results, capsys, "--ratio", "2")["restored"]) == 3


def test_a_journal_that_a_kill_cut_short_is_read_as_far_as_it_goes(
    photographs: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restore(photographs, results, capsys)
    journal = results / JOURNAL
    journal.write_text(journal.read_text()[:-20])
    (results / "c.png").unlink()
    done = restore(photographs, results, capsys)
    assert [Path(item["output"]).name for item in done["restored"]] == ["c.png"]


def test_old_leftovers_go_and_young_ones_stay(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".ab12.partial.png", ".cd34.partial.png", "kept.png"))
    for path in (old, young, other):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 3600,) * 2)
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {young.name, other.name}


def test_an_empty_folder_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="holds no photographs"):
        photographs_of([tmp_path])


def test_stages_overlap_and_results_come_in_order() -> None:
    second_read, first_written = Event(), Event()

    def read(index: int) -> int:
        if index == 1:
            second_read.set()
        if index == 3:
            raise ValueError("unreadable")
        return index

    def make(index: int, item: int) -> int:
        if index == 0:
            assert second_read.wait(10)  # read while the first is made
        if index == 1:
            first_written.set()
        if index == 2:
            raise ValueError("unmade")
        return item * 10

    def write(index: int, made: int) -> int:
        if index == 0:
            assert first_written.wait(10)  # written while the second is made
        if index == 4:
            raise OSError("disk full")
        return made + 1

    steps: list[Step[int]] = list(overlapped(6, read, make, write))
    assert [step.index for step in steps] == list(range(6))
    assert [step.written for step in steps] == [1, 11, None, None, None, 51]
    assert [str(step.error) for step in steps if step.error] == ["unmade", "unreadable", "disk full"]
