"""Temporary files with an owner: removed when the server ends or, if it was killed, when the next one starts."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import IO

from explorer.atomic import locked

PREFIX = "lowlight-run-"
_LOCK = ".lock"
_HELD: list[IO[bytes]] = []
STALE_SECONDS = 3600.0
"""Age at which uploads and Gradio's copies of results are removed."""
UPLOADS = "GRADIO_TEMP_DIR"
"""Environment variable for Gradio's folder of uploads; Gradio reads it when components are created."""


@cache
def owned_folder() -> Path:
    """Creates a folder for this process, readable only by its user.

    A lock, which the system releases however the process ends, shows that the folder is in use.
    """
    base = Path(tempfile.gettempdir())
    remove_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    handle = (folder / f"{_LOCK}.new").open("wb")
    if locked(handle):
        # Renamed only once it is locked, because another process that cleans up looks for the final name.
        os.replace(handle.name, folder / _LOCK)
    _HELD.append(handle)
    atexit.register(_remove, folder)
    return folder


def own_uploads() -> Path:
    """Gives this process its own folder of uploads, unless GRADIO_TEMP_DIR names one, and returns it.

    Call it before the app's components are created.
    """
    if not os.environ.get(UPLOADS):
        folder = owned_folder() / "uploads"
        folder.mkdir(exist_ok=True)
        os.environ[UPLOADS] = str(folder)
    return Path(os.environ[UPLOADS])


def _remove(folder: Path) -> None:
    """Removes a folder into which threads that end with the process may still write."""
    for _ in range(40):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def remove_abandoned(base: Path) -> list[Path]:
    """Removes the folders of killed processes, and returns them."""
    removed = []
    for folder in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            stat = folder.lstat()
            mine = not hasattr(os, "geteuid") or stat.st_uid == os.geteuid()
            if not mine or folder.is_symlink() or not (folder / _LOCK).is_file():
                continue
            with (folder / _LOCK).open("rb+") as handle:
                if locked(handle):
                    shutil.rmtree(folder, ignore_errors=True)
                    removed.append(folder)
    return removed


def remove_stale(folder: Path, age: float) -> None:
    """Removes files in a folder, and in the folders in it, that have not changed for `age` seconds; then empty
    folders of that age."""
    before = time.time() - age
    for path in sorted(folder.rglob("*"), key=lambda path: len(path.parts), reverse=True):
        with contextlib.suppress(OSError):
            stat = path.lstat()
            if max(stat.st_mtime, stat.st_ctime) > before:  # a copy of a result keeps the result's own time
                continue
            if path.is_dir() and not path.is_symlink():
                path.rmdir()  # fails, as it should, if it is not empty
            else:
                path.unlink()


def keep_clean(
    folder: Path, names: Iterable[set[str]] = (), every: float = 600.0, age: float = STALE_SECONDS
) -> threading.Event:
    """Removes stale files at intervals, in a thread that ends with the process; setting the event ends it.

    Args:
        folder: where the files are.
        names: Gradio's sets of the paths of temporary files; those of files that no longer exist are dropped. Gradio's
            own cleaner (`delete_cache`) walks through the sets while requests add to them, and stops for good at the
            first such addition.
        every: seconds between two rounds.
        age: seconds after which an unchanged file is stale.
    """
    stop = threading.Event()

    def clean() -> None:
        while not stop.wait(every):
            with contextlib.suppress(OSError):  # a folder vanished while it was searched; the next round goes on
                remove_stale(folder, age)
            for each in names:
                each.difference_update([name for name in tuple(each) if not os.path.exists(name)])

    threading.Thread(target=clean, name="stale uploads", daemon=True).start()
    return stop
