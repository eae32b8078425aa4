"""Atomic writing of files and folders, and removal of what killed processes left unfinished.

A file being written has a hidden name next to its final path, made of the machine, the process and a random part. When
it is complete, it is renamed to its final path. If the process is killed before that, the next process that writes into
the same folder removes the file.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any

PATTERN = ".*.partial*"
"""Pattern that matches temporary names, for `Path.glob`."""
_NAME = re.compile(r"\.([0-9a-f]{8})-(\d+)-[0-9a-f]+\.partial(\.[^.]*)?")
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux
_HERE = -100  # AT_FDCWD: paths are relative to the current folder


def beside(path: Path) -> Path:
    """A temporary name next to `path`, with its suffix, for the file that will replace it."""
    return path.with_name(f".{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.partial{path.suffix}")


@cache
def _machine() -> str:
    """Identifier of this machine, eight characters."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def is_stale(name: str) -> bool:
    """True if the process that created this temporary file no longer exists."""
    match = _NAME.fullmatch(name)
    if match is None or match[1] != _machine() or os.name == "nt":  # on Windows, signal 0 would end the process
        return False
    try:
        os.kill(int(match[2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def locked(file: IO[Any]) -> bool | None:
    """Locks an open file until it is closed or the process ends, however it ends.

    Returns:
        False if another process has locked it; None if there are no such locks: on Windows, on some network drives.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


@lru_cache(256)
def clear_up(folder: Path) -> None:
    """Removes unfinished files that killed processes of this machine left in a folder; cached, so once per process."""
    for each in list(folder.glob(PATTERN)):
        if is_stale(each.name):
            remove(each)


def remove(path: Path) -> None:
    """Removes an unfinished file or folder, as far as possible."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path to write to; it replaces `path` when the block ends without an error.

    If the process is killed or the disk is full, `path` keeps its previous content.

    Raises:
        OSError: the file cannot be moved to `path`; the temporary file is removed.
    """
    clear_up(path.parent)
    temporary = beside(path)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        remove(temporary)


def replace_folder(work: Path, place: Path) -> None:
    """Replaces a folder by a finished one and removes the old one.

    On Linux, the two are exchanged in one step. Elsewhere, the folder is missing for a moment, but never incomplete.

    Raises:
        OSError: the folder cannot be replaced; the old one is still there.
    """
    if not place.exists():
        work.rename(place)
        return
    if not _exchanged(work, place):
        old = beside(place)
        place.rename(old)
        try:
            work.rename(place)
        except OSError:
            old.rename(place)
            raise
        work = old
    shutil.rmtree(work, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # another system
        return False
    return rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
