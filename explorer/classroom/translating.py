"""A lesson in another language: the same cells, with other prose and other words in their titles.

Beside the lessons lies a folder a language. `<language>/<lesson>.md` holds the prose, each cell after a line with its
id, `{solution}` where the solution of the English cell belongs; `<language>/code.json` the texts and comments of the
code cells, as they stand there, quotes included, by lesson, "*" for all. Code itself has one owner: the English lesson.
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
        ExplorerError: there is no such language.
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
    """The prose of a translation by the cells' ids.

    Raises:
        DataError: there is no such file.
    """
    try:
        parts = _CELL.split(path.read_text(encoding="utf-8"))[1:]
    except OSError as error:
        raise DataError(f"There is no translation {path}; name the folder of the lessons with --lessons.") from error
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def in_words(source: str, words: dict[str, str]) -> str:
    """Code with its texts and comments exchanged; the longest go first, since a short one may be a part of them."""
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
    """The solution of an English cell, folded under a title in the other language."""
    found = SOLUTION.search(source)
    if found is None:
        return _HERE
    title = worded("copy.solution", WORDS["copy.solution"], language)
    return in_words(found[0].strip(), words).replace(found["title"], title, 1)
