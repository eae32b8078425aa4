"""Records of the results in folders, so that no run mistakes a result for a photo.

`lowlight restore` records the results of a folder in a journal next to them, `lowlight batch` in its manifest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from explorer.batch import addresses
from explorer.batch.manifest import MANIFEST, read_manifest
from explorer.errors import ExplorerError, OutputError
from explorer.identity import Identity, identities, identity

JOURNAL = ".lowlight-restored.jsonl"


@dataclass(frozen=True)
class Made:
    """A recorded result."""

    photograph: str
    """Address of its source, or only the source's name."""
    bytes: int
    """Size of the result; -1 if a run was killed before it could record it."""


def journal_entries(folder: Path) -> list[dict[str, Any]]:
    """Reads the lines of a folder's journal, without those that a kill cut short; empty if there is no journal."""
    try:
        lines = (folder / JOURNAL).read_text().splitlines()
    except (OSError, ValueError):
        return []
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
            others = {str(name): int(size) for name, size in entry.get("others", {}).items()}
            entries.append({**entry, "result": str(entry["result"]), "bytes": int(entry["bytes"]), "others": others})
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return entries


def _noted_in_journal(folder: str) -> dict[str, Made]:
    found: dict[str, Made] = {}
    for entry in journal_entries(Path(folder)):
        source = str(entry.get("input") or entry.get("photograph") or "")
        found[addresses.join(folder, entry["result"])] = Made(source, entry["bytes"])
        beside = str(entry.get("beside") or folder)
        found |= {addresses.join(beside, name): Made(source, size) for name, size in entry["others"].items()}
    return found


def _noted_in_manifest(folder: str) -> dict[str, Made]:
    if addresses.find_one(addresses.join(folder, MANIFEST)) == addresses.ABSENT:
        return {}
    try:
        table = read_manifest(folder).select(["input", "output", "output_bytes"])
    except ExplorerError:  # another program's file of that name, or nothing installed that reads it
        return {}
    return {
        addresses.join(folder, addresses.from_text(row["output"])): Made(
            addresses.from_text(row["input"]), row["output_bytes"]
        )
        for row in table.to_pylist()
        if row["output"]
    }


class Results:
    """The recorded results of some folders.

    Args:
        folders: canonical addresses.
    """

    def __init__(self, folders: Iterable[str]) -> None:
        self._made: dict[Identity, Made] = {}
        for folder in dict.fromkeys(folders):
            noted = _noted_in_manifest(folder)
            if addresses.is_local(folder):
                noted |= _noted_in_journal(folder)
            self._made |= {key: made for place, made in noted.items() if (key := _key(place)) is not None}

    def __bool__(self) -> bool:
        return bool(self._made)

    def note(self, address: str) -> bool:
        """True if a file is recorded, even if it has changed since."""
        return _key(address) in self._made

    def made(self, address: str, size: int) -> Made | None:
        """Returns the record of a file of this size; None if it is not a result, or has changed since."""
        found = self._made.get(key) if (key := _key(address)) is not None else None
        return found if found is not None and found.bytes in (-1, size) else None


def check_own(places: Iterable[str], folder: str) -> None:
    """Refuses results that would replace files which no run made.

    Args:
        places: local paths of the results.
        folder: of the results, which records them.

    Raises:
        OutputError: a file exists that the folder does not record as a result.
    """
    ours: Results | None = None
    for place in places:
        if os.path.lexists(place):
            if ours is None:
                ours = Results([str(Path(folder).absolute())])
            if not ours.note(place):
                raise OutputError(
                    f"'{place}' already exists and is not an earlier result; choose another output, or replace it with "
                    "--overwrite."
                )


def _key(address: str) -> Identity | None:
    return identity(address) if addresses.is_local(address) else address


@dataclass(frozen=True)
class Sources:
    """The photos that a run would restore, to recognise results made from one of them."""

    inputs: Sequence[str]
    """Canonical addresses."""

    @cached_property
    def _addresses(self) -> set[str]:
        return set(self.inputs)

    @cached_property
    def _identities(self) -> set[Identity]:
        return identities(each for each in self.inputs if addresses.is_local(each))

    @cached_property
    def _names(self) -> set[str]:
        return {addresses.name_of(each) for each in self.inputs}

    def hold(self, photograph: str) -> bool:
        """True if a photo is among them, also under another path; a deleted one is recognised by its name."""
        if photograph in self._addresses:
            return True
        found = identity(photograph) if addresses.is_local(photograph) else None
        return found in self._identities if found is not None else addresses.name_of(photograph) in self._names
