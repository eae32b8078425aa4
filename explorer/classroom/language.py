"""The language of the lessons: what checks, questions and controls say, by id, in English or in a translation.

English stands in `words.json`; that of exercises and questions next to them, under ids made of their names. A
translation is `locales/<language>.json` with the same ids, so that another wording in English needs no other one.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from explorer.errors import ExplorerError

_HERE = Path(__file__).parent
WORDS: dict[str, str] = json.loads((_HERE / "words.json").read_text("utf-8"))
"""English sentences by id, with `{}` fields."""
LANGUAGES = ("en", *sorted(path.stem for path in (_HERE / "locales").glob("*.json")))
"""What the lessons can be had in."""
_spoken = "en"


def speak(language: str) -> None:
    """See `explorer.widgets.speak`."""
    global _spoken
    _spoken = checked(language)


def checked(language: str) -> str:
    """A language that there is.

    Raises:
        ExplorerError: there is no such one.
    """
    if language not in LANGUAGES:
        raise ExplorerError(f"There are no lessons in {language!r}; choose one of {', '.join(LANGUAGES)}.")
    return language


def say(code: str, /, **fields: object) -> str:
    """The sentence of an id in the language that is spoken, with its fields filled."""
    return worded(code, WORDS[code]).format(**fields)


def worded(code: str, english: str, language: str | None = None) -> str:
    """The translation of an id, or the English itself.

    Args:
        code: the id.
        english: what it is in English.
        language: the one that is spoken where it is left out.
    """
    wanted = language or _spoken
    return english if wanted == "en" else _translation(wanted).get(code, english)


@cache
def _translation(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((_HERE / "locales" / f"{language}.json").read_text("utf-8"))
    return found
