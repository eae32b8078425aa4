"""Translates a lesson: the same cells, with other prose and other texts in the code.

Next to the lessons there is one folder per language. `<language>/<lesson>.md` holds the prose, each cell after a line
with its id, and `{solution}` in the place of the English cell's solution. `<language>/code.json` holds the strings and
comments of the code cells as they appear there, quotes included, by lesson, or "*" for all. The code itself has one
owner, the English lesson.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from explorer.classroom.copies import SOLUTION, Lesson, source_of
from explorer.classroom.language import WORDS, checked, worded
from explorer.errors import DataError

_CELL = re.compile(r"^<!-- (n\d\d-\d\d) -->\n", re.M)
_HERE = "{solution}"


def translated(lesson: Lesson, language: str, folder: Path) -> Lesson:
    """The lesson in another language.

    Args:
        lesson: in English.
        language: one of `explorer.classroom.language.LANGUAGES`.
        folder: of the lessons.

    Raises:
        ExplorerError: the language is not available.
        DataError: a translation is missing, or lacks a cell.
    """
    if checked(language) == "en":
        return lesson
    prose = prose_of(folder / language / f"{lesson.name}.md")
    words = _words_of(folder / language / "code.json", f"{lesson.number:02d}")
    cells = []
    for cell in lesson.content["cells"]:
        source = source_of(cell)
        if cell["cell_type"] == "code":
            source = in_words(source, words)
            if "%pip install" in source:
                source += f'\n\nimport explorer\n\nexplorer.widgets.speak("{language}")'
        elif cell["id"] not in prose:
            raise DataError(f"{lesson.name}.md lacks the cell {cell['id']}; add it to {folder / language}.")
        else:
            source = prose[cell["id"]].replace(_HERE, _solution(source, words, language))
        cells.append({**cell, "source": source})
    return Lesson(lesson.number, lesson.name, {**lesson.content, "cells": cells}, language)


def prose_of(path: Path) -> dict[str, str]:
    """The prose of a translation by cell id.

    Raises:
        DataError: the file does not exist.
    """
    try:
        parts = _CELL.split(path.read_text(encoding="utf-8"))[1:]
    except OSError as error:
        raise DataError(f"There is no translation {path}; name the folder of the lessons with --lessons.") from error
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def in_words(source: str, words: dict[str, str]) -> str:
    """Replaces strings and comments in code, the longest first, because a short one may be a part of a longer one."""
    if not words:
        return source
    either = re.compile("|".join(re.escape(each) for each in sorted(words, key=len, reverse=True)))
    return either.sub(lambda found: words[found[0]], source)


def _words_of(path: Path, number: str) -> dict[str, str]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read; name the folder of the lessons with --lessons.") from error
    return {**found.get("*", {}), **found.get(number, {})}


def _solution(source: str, words: dict[str, str], language: str) -> str:
    """The solution of an English cell, folded under a translated title."""
    found = SOLUTION.search(source)
    if found is None:
        return _HERE
    title = worded("copy.solution", WORDS["copy.solution"], language)
    return in_words(found[0].strip(), words).replace(found["title"], title, 1)
