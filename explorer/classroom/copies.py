"""Copies of the lessons for a class: without solutions for students, with the solutions filled in for the teacher."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.atomic import replacing
from explorer.classroom.language import WORDS, worded
from explorer.errors import DataError, OutputError

PATTERN = "[0-9][0-9]_*.ipynb"
SOLUTION = re.compile(
    r"<details><summary>(?P<title>[^<]*)</summary>\s*```python\n(?P<code>.*?)```\s*</details>[ \t]*\n*", re.S
)
_CHECK = re.compile(r'^explorer\.widgets\.check\("(?P<name>[^"]+)"', re.M)
_ASK = re.compile(r'widgets\.ask\(\s*"(?P<name>[^"]+)"')
_WIDGET = re.compile(r"widgets\.(?:restore|compare|retinex|features|play|replay)\(")
_HAND_IN = '# {words}\nNAME = ""\nif NAME:\n    print(explorer.widgets.hand_in({number}, NAME))'


@dataclass
class Section:
    """A part of a lesson."""

    title: str
    """Its heading; empty before the first one."""
    words: int = 0
    """Number of words to read, without solutions."""
    questions: list[str] = field(default_factory=list)
    """Names of its predictions."""
    exercises: list[str] = field(default_factory=list)
    """Names of its exercises."""
    widgets: int = 0
    """Number of widgets to try out."""


@dataclass(frozen=True)
class Lesson:
    """One notebook of the lessons, as stored in its file."""

    number: int
    name: str
    """Name of the file, without the suffix."""
    content: dict[str, Any]
    language: str = "en"

    @property
    def title(self) -> str:
        """The first heading, without its number."""
        return source_of(self.content["cells"][0]).splitlines()[0].partition("·")[2].strip()

    @property
    def exercises(self) -> list[str]:
        """Names of its exercises, in order."""
        return self._names(_CHECK)

    @property
    def questions(self) -> list[str]:
        """Names of its predictions, in order."""
        return self._names(_ASK)

    def _names(self, pattern: re.Pattern[str]) -> list[str]:
        return [found["name"] for cell in self.content["cells"] for found in pattern.finditer(source_of(cell))]

    @property
    def sections(self) -> list[Section]:
        """The sections below second-level headings, and what comes before the first."""
        found = [Section("")]
        for cell in self.content["cells"]:
            if cell["cell_type"] != "markdown":
                found[-1].questions += [match["name"] for match in _ASK.finditer(source_of(cell))]
                found[-1].exercises += [match["name"] for match in _CHECK.finditer(source_of(cell))]
                found[-1].widgets += len(_WIDGET.findall(source_of(cell)))
                continue
            before, *titled = re.split(r"^## ", SOLUTION.sub("", source_of(cell)), flags=re.M)
            found[-1].words += len(before.split())
            found += [Section(text.partition("\n")[0], len(text.split())) for text in titled]
        return found


def source_of(cell: dict[str, Any]) -> str:
    """The text of a cell, which its file may store as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def read_lessons(folder: Path) -> list[Lesson]:
    """Reads the lessons of a folder, sorted by number.

    Raises:
        DataError: there are none, or one of them is not a notebook.
    """
    found = []
    for path in sorted(folder.glob(PATTERN)):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            assert content["cells"][0]["cell_type"] == "markdown"
        except (OSError, ValueError, KeyError, IndexError, TypeError, AssertionError) as error:
            raise DataError(f"{path} is not a lesson; a lesson is a notebook that starts with its title.") from error
        found.append(Lesson(int(path.name[:2]), path.stem, content))
    if not found:
        raise DataError(f"There are no lessons in {folder}; give the folder of notebooks with --lessons.")
    return found


def for_students(lesson: Lesson) -> dict[str, Any]:
    """The notebook without solutions, with a last cell that writes the answers."""
    cells = []
    for cell in lesson.content["cells"]:
        source = source_of(cell)
        if cell["cell_type"] == "markdown":
            source = SOLUTION.sub("", source).strip()
            if not source:  # it contained nothing but the solution
                continue
        cells.append({**cell, "source": source})
    cells.append(
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"n{lesson.number:02d}-hand-in",
            "metadata": {},
            "outputs": [],
            "source": _HAND_IN.format(
                number=lesson.number, words=worded("copy.hand_in", WORDS["copy.hand_in"], lesson.language)
            ),
        }
    )
    return {**lesson.content, "cells": cells}


def for_teachers(lesson: Lesson) -> dict[str, Any]:
    """The notebook with every solution in the place of its blank.

    Raises:
        DataError: an exercise is not followed by a solution.
    """
    cells = [{**cell, "source": source_of(cell)} for cell in lesson.content["cells"]]
    waiting: list[dict[str, Any]] = []
    for cell in cells:
        if cell["cell_type"] == "code":
            waiting += [cell] if _CHECK.search(cell["source"]) else []
            continue
        for found in SOLUTION.finditer(cell["source"]):
            if waiting:
                blank = waiting.pop(0)
                check = blank["source"][_CHECK.search(blank["source"]).start() :]  # type: ignore[union-attr]
                gap = "\n\n\n" if found["code"].lstrip().startswith("def ") else "\n\n"
                blank["source"] = found["code"].rstrip() + gap + check
    if waiting:
        raise DataError(f"{lesson.name} has an exercise without a solution; write one below it.")
    return {**lesson.content, "cells": cells}


def write(path: Path, text: str) -> None:
    """Writes a file atomically.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another folder.") from error


def as_text(notebook: dict[str, Any]) -> str:
    """The text of a notebook's file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
