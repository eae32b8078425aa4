"""The record of `lowlight restore`: one line of JSON for each result in a folder.

A hidden file next to the results, for local folders that may also contain other files. The manifest of
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
    """The results of a folder; each item's `input` and `output` are paths as the user gave them.

    Args:
        folder: of the results.
        settings: everything that determines a result.
        beside: the folder of other files that belong to results; None if there are none.
        resumes: False restores existing results again.
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
        # As listed, not as it is now: a photo that changes meanwhile is restored again.
        found = [] if item.found == ABSENT else [item.found.bytes, int(item.found.stamp)]
        source = [Path(item.input).name, *found, self._settings]
        return hashlib.sha256(json.dumps(source, sort_keys=True, default=str).encode()).hexdigest()

    def holds(self, item: Item) -> bool:
        """True if the result and its other files are unchanged, and were made from this very photo with these very
        settings."""
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
        """Records a result that is about to be moved to its path, so that it is known as a result even if the run is
        killed then."""
        self._note(item, -1, dict.fromkeys((path.name for path in others), -1))

    def add(self, item: Item, others: Iterable[Path] = ()) -> None:
        """Records a finished result, and files next to it that belong to it."""
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
        # Unrecorded, a result is a file like others: no reason to fail once it exists.
        with contextlib.suppress(OSError), self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Removes unfinished files that a killed run left in a folder of results.

    A file's name contains its process: files of a running process on this machine are kept, and recent files of other
    machines, whose runs may still be working.
    """
    for each in folder.glob(PATTERN):
        try:
            if is_stale(each.name) or time.time() - each.stat().st_mtime > _STALE_SECONDS:
                os.unlink(each)
        except OSError:
            continue
