"""The record of `lowlight restore`: a folder's results, one line of JSON for each.

A hidden file next to the results, for folders of this machine in which other files may lie, too. The manifest of
`lowlight batch` (`explorer.batch.ledger`) records whole archives instead.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from explorer.atomic import PATTERN, is_stale
from explorer.batch.addresses import ABSENT
from explorer.batch.listing import Item
from explorer.batch.results import JOURNAL, journal_entries

_STALE_SECONDS = 600


class Journal:
    """The results of a folder; each item's `input` and `output` are paths as they are named.

    Args:
        folder: of the results.
        settings: everything that decides how a result comes out.
        beside: the folder of other files that belong to results; None if there are none.
        resumes: False makes results again that are there.
    """

    def __init__(self, folder: Path, settings: object, beside: Path | None = None, resumes: bool = True) -> None:
        self._path = folder / JOURNAL
        self._settings = settings
        self._beside = beside or folder
        self._known = {
            entry["result"]: (str(entry.get("made_from")), entry["bytes"], entry["others"])
            for entry in (journal_entries(folder) if resumes else ())
        }

    def _made_from(self, item: Item) -> str:
        # What the listing said, not what lies there by now: a photo that changes meanwhile is restored again.
        found = [] if item.found == ABSENT else [item.found.bytes, int(item.found.stamp)]
        source = [Path(item.input).name, *found, self._settings]
        return hashlib.sha256(json.dumps(source, sort_keys=True, default=str).encode()).hexdigest()

    def holds(self, item: Item) -> bool:
        """True if the result, and what belongs to it, is there as it was written, from this very photograph with these
        very settings."""
        result = Path(item.output)
        made_from, size, others = self._known.get(result.name, ("", 0, {}))
        try:
            return (
                made_from == self._made_from(item)
                and size == result.stat().st_size
                and all((self._beside / name).stat().st_size == bytes_ for name, bytes_ in others.items())
            )
        except OSError:
            return False

    def begin(self, item: Item, others: Iterable[Path] = ()) -> None:
        """Notes a result that is about to take its place: a run that is ended then leaves a file that is known as a
        result all the same."""
        self._note(item, -1, dict.fromkeys((path.name for path in others), -1))

    def add(self, item: Item, others: Iterable[Path] = ()) -> None:
        """Notes a result that is in its place, and files next to it that belong to it."""
        self._note(item, os.stat(item.output).st_size, {path.name: path.stat().st_size for path in others})

    def _note(self, item: Item, size: int, others: dict[str, int]) -> None:
        photograph = Path(item.input)
        entry = {
            "result": Path(item.output).name,
            "photograph": photograph.name,
            "input": str(photograph.absolute()),
            "made_from": self._made_from(item),
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
