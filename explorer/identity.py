"""Identity of files. One file has many names, by spellings, links, letter case and mounts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

Identity = tuple[int, int] | str


def identity(path: str | Path) -> Identity | None:
    """Identifies a file or folder by its device and number; None if there is nothing.

    It follows links, and the file system answers by its own rule of upper and lower case. Where a file system numbers
    nothing, the real path stands for the file.
    """
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    return (stat.st_dev, stat.st_ino) if stat.st_ino else os.path.normcase(os.path.realpath(path))


def identities(paths: Iterable[str | Path]) -> set[Identity]:
    """The identities of those paths that lead to something."""
    return {found for path in paths if (found := identity(path)) is not None}


PathLike = TypeVar("PathLike", str, Path)


def first_among(paths: Iterable[PathLike], others: Iterable[str | Path]) -> PathLike | None:
    """The first path that leads to the same file as one of the others; None if none does."""
    there = [(path, found) for path in paths if (found := identity(path)) is not None]
    known = identities(others) if there else set()
    return next((path for path, found in there if found in known), None)


def nearest_of(folder: str | Path, candidates: Iterable[str | Path]) -> str | Path | None:
    """The candidate that `folder` is, or lies in, after all links: of several the innermost, None if it is in none.

    None of them need exist.
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
