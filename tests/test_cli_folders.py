"""`lowlight restore DIR -o DIR`: overlapped, in order, and resuming after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image

from explorer.batch.addresses import Found
from explorer.batch.journal import remove_leftovers
from explorer.batch.listing import Item, list_named
from explorer.batch.overlapped import EndError, Step, overlapped
from explorer.batch.results import JOURNAL
from explorer.batch.resuming import resume
from explorer.cli import main
from explorer.cli.outputs import all_or_nothing
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


def test_a_new_folder_is_made_once_everything_else_is_right(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    assert main(["restore", str(photographs), "-m", "no_such_model", "-o", f"{new}/"]) == 5
    assert main(["restore", str(photographs), "-m", "gamma", "--bits", "16", "--suffix", ".jpg", "-o", f"{new}/"]) == 7
    assert not new.exists()
    capsys.readouterr()
    assert main(["restore", str(photographs), "-m", "gamma", "-o", f"{new}/"]) == 0
    assert {path.name for path in new.iterdir()} == {"a.png", "b.png", "c.png", JOURNAL}


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


def test_one_bad_photo_of_a_resumed_folder_is_some_of_several(photographs: Path, results: Path) -> None:
    command = ["restore", str(photographs), "-m", "gamma", "-o", str(results)]
    (photographs / "d.png").write_bytes(b"no picture")
    assert main(command) == 10
    assert main(command) == 10, "what an earlier run restored counts too"
    for name in ("a", "b", "c"):
        (photographs / f"{name}.png").unlink()
    assert main(command) == 3


def test_a_journal_that_a_kill_cut_short_is_read_as_far_as_it_goes(
    photographs: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restore(photographs, results, capsys)
    journal = results / JOURNAL
    journal.write_text(journal.read_text()[:-20])
    (results / "c.png").unlink()
    done = restore(photographs, results, capsys)
    assert [Path(item["output"]).name for item in done["restored"]] == ["c.png"]


def test_leftovers_go_and_what_may_be_at_work_stays(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with all_or_nothing("all", tmp_path) as stage:
        name = stage(tmp_path / "x.png").name
        (tmp_path / name).write_bytes(b"x")
    mine, dead = tmp_path / name, tmp_path / name.replace(f"-{os.getpid()}-", f"-{child.pid}-")
    assert mine != dead
    old, elsewhere, other = (tmp_path / name for name in (".ab12.partial.png", ".0-1-2.partial.png", "kept.png"))
    for path in (mine, dead, old, elsewhere, other):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 3600,) * 2)
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"x.png", mine.name, elsewhere.name, other.name}


DEADLY = """
import os, signal, sys
call, wanted, after = getattr(os, sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "after"
count = 0

def deadly(*given):
    global count
    count += 1
    if count == wanted and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    result = call(*given)
    if count == wanted:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(os, sys.argv[1], deadly)
from explorer.cli import main
sys.exit(main(sys.argv[4:]))
"""
"""Runs a command line that is killed when it calls a function of the system for the n-th time."""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("call", "count", "when", "left"),
    [
        ("fsync", 3, "before", 2),  # half a file is written
        ("replace", 5, "after", 2),  # the whole one is written, and not in its place
        ("replace", 6, "after", 3),  # it is in its place, and not noted
    ],
)
def test_a_killed_run_goes_on(
    call: str, count: int, when: str, left: int, photographs: Path, tmp_path: Path, project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name in ("d", "e"):
        Image.new("RGB", (50, 40), (9, 7, 5)).save(photographs / f"{name}.png")
    clean, killed = tmp_path / "clean", tmp_path / "killed"
    clean.mkdir()
    killed.mkdir()
    restore(photographs, clean, capsys)
    command = [sys.executable, "-c", DEADLY, call, str(count), when]
    arguments = ["restore", str(photographs), "-m", "gamma", "-o", str(killed)]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, timeout=240, check=False)
    assert done.returncode == -signal.SIGKILL
    there = {path.name: path.stat().st_mtime_ns for path in killed.glob("*.png") if not path.name.startswith(".")}
    assert len(there) == left
    for name in there:  # never half a file in a result's place
        assert (killed / name).read_bytes() == (clean / name).read_bytes()
    if left == 2:
        assert list(killed.glob(".*.partial.*"))  # else nothing is shown to be cleared away
    again = restore(photographs, killed, capsys)
    assert (len(again["restored"]), len(again["skipped"])) == (3, 2)
    assert {path.name for path in killed.iterdir()} == {path.name for path in clean.iterdir()}
    for path in clean.glob("*.png"):
        assert (killed / path.name).read_bytes() == path.read_bytes()
    for item in again["skipped"]:
        name = Path(item["output"]).name
        assert (killed / name).stat().st_mtime_ns == there[name]


def test_intermediates_that_are_gone_are_made_again(
    photographs: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    options = ("--intermediates", str(parts))

    def run() -> list[str]:
        capsys.readouterr()
        assert main(["restore", str(photographs), "-m", "lime", "-o", str(results), "--json", *options]) == 0
        return [Path(item["output"]).name for item in json.loads(capsys.readouterr().out)["restored"]]

    assert run() == ["a.png", "b.png", "c.png"]
    assert run() == []
    (parts / "b.illumination.npy").unlink()
    assert run() == ["b.png"]
    assert (parts / "b.illumination.npy").is_file()


def test_a_photograph_that_changes_while_it_is_restored_is_restored_again(
    photographs: Path, results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.batch.journal import Journal

    begin = Journal.begin

    def meanwhile(self: Journal, item: Item, others: Iterable[Path] = ()) -> None:
        if item.input.endswith("b.png"):
            Image.new("RGB", (30, 20), (9, 9, 9)).save(item.input)
        begin(self, item, others)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "begin", meanwhile)
        restore(photographs, results, capsys)
    done = restore(photographs, results, capsys)
    assert [Path(item["output"]).name for item in done["restored"]] == ["b.png"]
    with Image.open(results / "b.png") as picture:
        assert picture.size == (30, 20)


def test_an_empty_folder_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="contains no photos"):
        list_named([tmp_path])


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

    steps: list[Step[int, int]] = list(overlapped(range(6), read, make, write))
    assert [step.item for step in steps] == list(range(6))
    assert [step.written for step in steps] == [1, 11, None, None, None, 51]
    assert [str(step.error) for step in steps if step.error] == ["unmade", "unreadable", "disk full"]


def test_an_error_that_all_would_meet_ends_the_work() -> None:
    def make(index: int, item: int) -> int:
        if index == 1:
            raise EndError from PhotoError("no model")
        return item

    written: list[int] = []
    steps = overlapped(range(4), lambda index: index, make, lambda index, made: written.append(made))
    with pytest.raises(PhotoError, match="no model"):
        list(steps)
    assert written == [0]


def test_a_run_that_is_ended_ends_its_engine() -> None:
    """Whatever the record and the engine are: only what is not done is tried, and no process is left at work."""
    items = [Item(name, f"{name}.png", Found(1, "1")) for name in "abcd"]
    begun: list[list[str]] = []
    tried: list[str] = []
    ended = Event()

    class Known:
        def holds(self, item: Item) -> bool:
            return item.input == "b"

    def engine(waiting: Sequence[Item]) -> Generator[str, None, None]:
        try:
            for item in waiting:
                tried.append(item.input)
                yield item.input
        finally:
            ended.set()

    def report(outcome: str) -> None:
        if outcome == "c":
            raise PhotoError("enough")

    def begin(waiting: list[Item], kept: list[Item]) -> None:
        begun.append([each.input for each in (*waiting, *kept)])

    with pytest.raises(PhotoError, match="enough"):
        resume(items, Known(), engine, begin, report)
    assert (begun, tried, ended.is_set()) == ([["a", "c", "d", "b"]], ["a", "c"], True)
