"""Collects a class's answers in one table."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.classroom.record import FORMAT
from explorer.errors import DataError


@dataclass(frozen=True)
class HandedIn:
    """One learner's file."""

    path: Path
    name: str
    lesson: str
    summary: dict[str, dict[str, Any]]
    """`right` and `tries`, by "exercise NAME" and "prediction NAME"."""


@dataclass(frozen=True)
class Collected:
    """All files of a folder."""

    handed_in: list[HandedIn]
    unread: list[Path]
    """Files that `hand_in` did not write."""
    older: list[tuple[Path, Path]]
    """Files that do not count, each with the newer one of the same name and lesson, which may be another learner's."""


def collect(folder: Path) -> Collected:
    """Reads a class's answers from the files in a folder and its subfolders.

    Learners may hand in as often as they like; of each lesson, the latest file counts, by the time stored in it.

    Raises:
        DataError: there are no answers.
    """
    newest: dict[tuple[str, str], tuple[str, HandedIn]] = {}
    unread: list[Path] = []
    older: list[tuple[Path, Path]] = []
    for path in sorted(folder.rglob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError
            summary = {
                str(key): {"right": bool(entry["right"]), "tries": int(entry["tries"])}
                for key, entry in content["summary"].items()
            }
            one = HandedIn(path, str(content["name"]), str(content["lesson"]), summary)
            written = str(content["written"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            unread.append(path)
            continue
        key = (one.name.strip().casefold(), one.lesson)
        before = newest.get(key)
        if before is None or before[0] <= written:
            newest[key] = (written, one)
        if before is not None:
            pair = (before[1].path, path)
            older.append(pair if before[0] <= written else pair[::-1])
    if not newest:
        raise DataError(
            f"{folder} contains nothing that was handed in; learners write a file with explorer.widgets.hand_in."
        )
    ordered = sorted((one for _, one in newest.values()), key=lambda each: (each.lesson, each.name.casefold()))
    return Collected(ordered, unread, older)


def as_csv(handed_in: list[HandedIn]) -> str:
    """One row per learner and lesson, with the tries at each exercise and prediction, negative if it is not right."""
    columns = sorted({key for each in handed_in for key in each.summary})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "lesson", "exercises right", "predictions right", *columns])
    for each in handed_in:
        rights = [
            sum(entry["right"] for key, entry in each.summary.items() if key.startswith(kind))
            for kind in ("exercise", "prediction")
        ]
        cells = [_cell(each.summary.get(key)) for key in columns]
        writer.writerow([_harmless(each.name), _harmless(each.lesson), *rights, *cells])
    return out.getvalue()


def _cell(entry: dict[str, Any] | None) -> str | int:
    return "" if entry is None else entry["tries"] if entry["right"] else -entry["tries"]


def _harmless(text: str) -> str:
    """A text that no spreadsheet mistakes for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
