"""Whole folders: the photographs in them, reading and writing beside the computation, and going on after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from explorer.batch.listing import SUFFIXES
from explorer.errors import PhotoError
from explorer.unfinished import PATTERN, made_by_the_dead

JOURNAL = ".lowlight-restored.jsonl"
_STALE_SECONDS = 600

Read = TypeVar("Read")
Made = TypeVar("Made")
Written = TypeVar("Written")


def photographs_of(named: Iterable[Path]) -> tuple[list[Path], bool]:
    """Files as they are named, folders replaced by the photographs in them (sorted, without hidden files and without
    folders within), and whether there was a folder.

    Raises:
        PhotoError: a folder without photographs.
    """
    files: list[Path] = []
    any_folder = False
    for path in named:
        if not path.is_dir():
            files.append(path)
            continue
        any_folder = True
        inside = [
            each
            for each in sorted(path.iterdir())
            if each.suffix.lower().lstrip(".") in SUFFIXES and not each.name.startswith(".") and each.is_file()
        ]
        if not inside:
            raise PhotoError(f"The folder '{path}' holds no photographs; name one that does.")
        files += inside
    return files, any_folder


class Journal:
    """What a folder of results already holds, one line of JSON for each: the result and what it was made from.

    Args:
        folder: of the results.
        settings: everything that decides how a result comes out.
        beside: the folder of other files that belong to results; None where there are none.
    """

    def __init__(self, folder: Path, settings: object, beside: Path | None = None) -> None:
        self._path = folder / JOURNAL
        self._settings = settings
        self._beside = beside or folder
        self._known: dict[str, tuple[str, int, dict[str, int]]] = {}
        try:
            lines = self._path.read_text().splitlines()
        except OSError:
            lines = []
        for line in lines:
            try:
                entry = json.loads(line)
                others = {str(name): int(size) for name, size in entry.get("others", {}).items()}
                self._known[str(entry["result"])] = str(entry["made_from"]), int(entry["bytes"]), others
            except (ValueError, KeyError, TypeError, AttributeError):  # a line that a kill cut short
                continue

    def _made_from(self, photograph: Path) -> str:
        stat = photograph.stat()
        source = [photograph.name, stat.st_size, stat.st_mtime_ns, self._settings]
        return hashlib.sha256(json.dumps(source, sort_keys=True, default=str).encode()).hexdigest()

    def holds(self, photograph: Path, result: Path) -> bool:
        """Whether the result, and what belongs to it, is there as it was written, from this very photograph with these
        very settings."""
        made_from, size, others = self._known.get(result.name, ("", 0, {}))
        try:
            return (
                made_from == self._made_from(photograph)
                and size == result.stat().st_size
                and all((self._beside / name).stat().st_size == bytes_ for name, bytes_ in others.items())
            )
        except OSError:
            return False

    def add(self, photograph: Path, result: Path, others: Iterable[Path] = ()) -> None:
        """Notes a result that is in its place, and files beside it that belong to it."""
        entry = {
            "result": result.name,
            "photograph": photograph.name,
            "made_from": self._made_from(photograph),
            "bytes": result.stat().st_size,
            "others": {path.name: path.stat().st_size for path in others},
        }
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Removes unfinished files that a killed run left in a folder of results.

    A run of this machine that is still at work is known by the process that the file's name tells; of other machines,
    files of the last minutes may be at work.
    """
    for each in folder.glob(PATTERN):
        try:
            if made_by_the_dead(each.name) or time.time() - each.stat().st_mtime > _STALE_SECONDS:
                os.unlink(each)
        except OSError:
            continue


@dataclass
class Step(Generic[Written]):
    """What became of one item: what writing gave, or the error of the stage that failed."""

    index: int
    written: Written | None = None
    error: Exception | None = None


def overlapped(
    count: int,
    read: Callable[[int], Read],
    make: Callable[[int, Read], Made],
    write: Callable[[int, Made], Written],
) -> Iterator[Step[Written]]:
    """Reads the next item and writes the last one in threads while one is made, and gives what became of each in order.

    `make` runs in the caller's thread. No more than one item is read ahead and one waits to be written, so that the
    memory stays that of three items.
    """
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        ahead: Future[Read] | None = reader.submit(read, 0) if count else None
        writing: tuple[int, Future[Written]] | None = None

        def settled() -> Iterator[Step[Any]]:
            nonlocal writing
            if writing is not None:
                index, future = writing
                writing = None
                error = future.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                yield Step(index, None, error) if error is not None else Step(index, future.result())

        for index in range(count):
            assert ahead is not None
            current, ahead = ahead, None
            try:
                item = current.result()
            except Exception as error:
                ahead = reader.submit(read, index + 1) if index + 1 < count else None
                yield from settled()
                yield Step(index, None, error)
                continue
            del current
            ahead = reader.submit(read, index + 1) if index + 1 < count else None
            try:
                made = make(index, item)
            except Exception as error:
                yield from settled()
                yield Step(index, None, error)
                continue
            finally:
                del item
            yield from settled()
            writing = index, writer.submit(write, index, made)
            del made
        yield from settled()
