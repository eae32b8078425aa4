"""Temporary files: whose they are, and when they go."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.app import temporary


def test_temporary_folders_of_a_killed_process_are_removed_and_those_of_a_living_one_kept(tmp_path: Path) -> None:
    script = (
        "import sys, time, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from explorer.app.temporary import owned_folder\n"
        "(owned_folder() / 'photo').touch(); print(owned_folder(), flush=True); time.sleep(600)\n"
    )
    living = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    try:
        assert living.stdout is not None
        folder = Path(living.stdout.readline().strip())
        assert folder.parent == tmp_path and folder.stat().st_mode & 0o077 == 0
        stranger = tmp_path / f"{temporary.PREFIX}stranger"
        stranger.mkdir()
        (tmp_path / f"{temporary.PREFIX}link").symlink_to(folder)
        assert temporary.remove_abandoned(tmp_path) == []
        living.kill()
        living.wait()
        assert temporary.remove_abandoned(tmp_path) == [folder]
        assert not folder.exists() and stranger.exists(), "without a lock, nobody knows whose it is"
    finally:
        living.kill()
        living.wait()
        living.stdout.close()


def test_the_folder_goes_although_a_thread_writes_into_it_to_the_end(tmp_path: Path) -> None:
    script = (
        "import contextlib, sys, tempfile, threading, time; tempfile.tempdir = sys.argv[1]\n"
        "from explorer.app.temporary import owned_folder\n"
        "folder = owned_folder()\n"
        "for name in range(3000): (folder / f'photo{name}').touch()\n"
        "def write():\n"
        "    for name in range(1500):\n"
        "        with contextlib.suppress(OSError): (folder / str(name)).touch()\n"
        "        time.sleep(0.0001)\n"
        "threading.Thread(target=write, daemon=True).start()\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=root, timeout=60)
    assert not list(tmp_path.iterdir())


def test_stale_uploads_are_removed(tmp_path: Path) -> None:
    import os

    old, new = tmp_path / "a" / "old.png", tmp_path / "b" / "new.png"
    for path in (old, new):
        path.parent.mkdir()
    old.touch()
    time.sleep(0.3)
    new.touch()
    os.utime(new, (1, 1))  # a copy that keeps the time of its original is as new as any other file
    temporary.remove_stale(tmp_path, 0.2)
    assert not old.exists() and new.exists()
    time.sleep(0.3)
    new.touch()
    temporary.remove_stale(tmp_path, 0.2)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_the_cleaner_goes_on_after_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rounds: list[Path] = []

    def vanished(folder: Path, _: float) -> None:
        rounds.append(folder)
        raise FileNotFoundError(folder)

    monkeypatch.setattr(temporary, "remove_stale", vanished)
    stop = temporary.keep_clean(tmp_path, every=0.01)
    deadline = time.monotonic() + 60
    while len(rounds) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()


def test_names_of_removed_files_go_however_many_come(tmp_path: Path) -> None:
    """Gradio's own cleaner ends for good if a file is uploaded while it is at work."""
    names: set[str] = set()
    stop = temporary.keep_clean(tmp_path, [names], every=0.01, age=0.1)
    try:
        for number in range(3000):
            path = tmp_path / f"{number}.png"
            path.touch()
            names.add(str(path))
        newest = tmp_path / "newest.png"
        deadline = time.monotonic() + 60
        while names != {str(newest)}:
            newest.touch()
            names.add(str(newest))
            assert time.monotonic() < deadline, f"{len(names)} names"
            time.sleep(0.01)
    finally:
        stop.set()
