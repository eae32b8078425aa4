"""Identity of files: one file can have many names, through spelling, links, letter case and mounts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

Identity = tuple[int, int] | str


def identity(path: str | Path) -> Identity | None:
    """Identifies a file or folder by its device and inode number; None if it does not exist.

    Follows links, and follows the file system's own rule for upper and lower case. On file systems without inode
    numbers, the real path identifies the file.
    """
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    return (stat.st_dev, stat.st_ino) if stat.st_ino else os.path.normcase(os.path.realpath(path))


def identities(paths: Iterable[str | Path]) -> set[Identity]:
    """Returns the identities of the paths that exist."""
    return {found for path in paths if (found := identity(path)) is not None}


PathLike = TypeVar("PathLike", str, Path)


def first_among(paths: Iterable[PathLike], others: Iterable[str | Path]) -> PathLike | None:
    """The first path that leads to the same file as one of the others; None if none does."""
    there = [(path, found) for path in paths if (found := identity(path)) is not None]
    known = identities(others) if there else set()
    return next((path for path, found in there if found in known), None)


def nearest_of(folder: str | Path, candidates: Iterable[str | Path]) -> str | Path | None:
    """Returns the innermost candidate that is or contains `folder`, links resolved; None if there is none.

    None of the paths need to exist.
    """
    known = {identity(each) or os.path.realpath(each): each for each in candidates}
    path = os.path.realpath(folder)
    while True:
        if (found := identity(path) or path) in known:
            return known[found]
        above = os.path.dirname(path)
        if above == path:
            return None
        path = above
