"""Whole folders: their photos, reading and writing during computation, and resuming after a kill."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from explorer.atomic import PATTERN, is_stale
from explorer.batch import addresses
from explorer.batch.left_out import RESULT, SUFFIX, LeftOut, nothing_in
from explorer.batch.manifest import MANIFEST
from explorer.batch.results import JOURNAL, Results, Sources, journal_entries
from explorer.errors import PhotoError
from explorer.formats import is_photo_name

_STALE_SECONDS = 600

Read = TypeVar("Read")
Made = TypeVar("Made")
Written = TypeVar("Written")


@dataclass(frozen=True)
class Named:
    """The photos of a command line, with folders replaced by their contents."""

    files: list[Path]
    any_folder: bool
    left_out: list[LeftOut]
    """Files of the folders that were skipped."""


def photographs_of(named: Iterable[Path], out: Path | None = None) -> Named:
    """Files as they are named, and folders replaced by the photographs in them: sorted, neither hidden nor in folders
    within.

    Results do not become photographs: neither those that the output folder notes, nor those of another named folder
    whose own photograph is restored now too.

    Args:
        out: the folder of the results, if it is one.

    Raises:
        PhotoError: a folder without photographs.
    """
    files: list[Path] = []
    left_out: list[LeftOut] = []
    folders = []
    for path in named:
        if path.is_dir():
            folders.append(path)
            taken, passed_over = _in_folder(path)
            files += taken
            left_out += passed_over
        else:
            files.append(path)
    own = Results([str(out.absolute())] if out is not None else [])
    results = Results(str(folder.absolute()) for folder in folders)
    sources = Sources([str(path.absolute()) for path in files])

    def is_result(path: Path) -> bool:
        size = path.stat().st_size if os.path.exists(path) else -1
        made = results.made(str(path), size)
        return own.made(str(path), size) is not None or (made is not None and sources.hold(made.photograph))

    if own or results:
        found = {path: is_result(path) for path in files}
        if folders or not all(found.values()):  # who names results only means them
            files = [path for path in files if not found[path]]
            left_out += [LeftOut(str(path), RESULT) for path, result in found.items() if result]
    for folder in folders:
        if not any(path.parent == folder for path in files):
            raise PhotoError(nothing_in(str(folder), [each for each in left_out if Path(each.name).parent == folder]))
    return Named(files, bool(folders), left_out)


def _in_folder(folder: Path) -> tuple[list[Path], list[LeftOut]]:
    """The photographs right in a folder, by their suffixes, and what else is there."""
    passed_over: list[LeftOut] = []

    def note(inside: str, reason: str) -> None:
        passed_over.append(LeftOut(str(folder / inside), reason))

    taken = []
    for inside, _ in addresses.find_all(str(folder), note=note, within=False):
        if is_photo_name(inside):
            taken.append(folder / inside)
        elif inside != MANIFEST:
            note(inside, SUFFIX)
    return sorted(taken), sorted(passed_over, key=lambda each: each.name)


class Journal:
    """A folder's existing results, one line of JSON for each: the result and its source.

    Args:
        folder: of the results.
        settings: everything that decides how a result comes out.
        beside: the folder of other files that belong to results; None if there are none.
    """

    def __init__(self, folder: Path, settings: object, beside: Path | None = None) -> None:
        self._path = folder / JOURNAL
        self._settings = settings
        self._beside = beside or folder
        self._known = {
            entry["result"]: (str(entry.get("made_from")), entry["bytes"], entry["others"])
            for entry in journal_entries(folder)
        }

    def _made_from(self, photograph: Path) -> str:
        try:
            stat = photograph.stat()
            found = [stat.st_size, stat.st_mtime_ns]
        except OSError:  # the standard input
            found = []
        source = [photograph.name, *found, self._settings]
        return hashlib.sha256(json.dumps(source, sort_keys=True, default=str).encode()).hexdigest()

    def holds(self, photograph: Path, result: Path) -> bool:
        """True if the result, and what belongs to it, is there as it was written, from this very photograph with these
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

    def begin(self, photograph: Path, result: Path, others: Iterable[Path] = ()) -> None:
        """Notes a result that is about to take its place: a run that is ended then leaves a file that is known as a
        result all the same."""
        self._note(photograph, result, -1, dict.fromkeys((path.name for path in others), -1))

    def add(self, photograph: Path, result: Path, others: Iterable[Path] = ()) -> None:
        """Notes a result that is in its place, and files next to it that belong to it."""
        sizes = {path.name: path.stat().st_size for path in others}
        self._note(photograph, result, result.stat().st_size, sizes)

    def _note(self, photograph: Path, result: Path, size: int, others: dict[str, int]) -> None:
        entry = {
            "result": result.name,
            "photograph": photograph.name,
            "input": str(photograph.absolute()),
            "made_from": self._made_from(photograph),
            "bytes": size,
            "others": others,
            "beside": str(self._beside.absolute()),
        }
        # Without its note, a result is a file like others: no reason to fail once it is there.
        with contextlib.suppress(OSError), self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Removes unfinished files that a killed run left in a folder of results.

    A run of this machine that is still at work is known by the process that the file's name tells; of other machines,
    files of the last minutes may be at work.
    """
    for each in folder.glob(PATTERN):
        try:
            if is_stale(each.name) or time.time() - each.stat().st_mtime > _STALE_SECONDS:
                os.unlink(each)
        except OSError:
            continue


@dataclass
class Step(Generic[Written]):
    """The outcome of one item: the result of writing, or the error of the stage that failed."""

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
