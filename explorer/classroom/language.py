"""The language of the lessons: texts of checks, questions and controls by id, in English or in a translation.

The English is in `words.json`; that of exercises and questions is next to them, with ids made from their names. A
translation is `locales/<language>.json` with the same ids, so rewording the English needs no new translation.
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
"""Available languages of the lessons."""
_spoken = "en"


def speak(language: str) -> None:
    """See `explorer.widgets.speak`."""
    global _spoken
    _spoken = checked(language)


def checked(language: str) -> str:
    """Returns a language if it is available.

    Raises:
        ExplorerError: it is not.
    """
    if language not in LANGUAGES:
        raise ExplorerError(f"There are no lessons in {language!r}; choose one of {', '.join(LANGUAGES)}.")
    return language


def say(code: str, /, **fields: object) -> str:
    """The text of an id in the current language, with its fields filled in."""
    return worded(code, WORDS[code]).format(**fields)


def worded(code: str, english: str, language: str | None = None) -> str:
    """The translation of an id, or the English itself.

    Args:
        code: the id.
        english: the English text.
        language: the current one by default.
    """
    wanted = language or _spoken
    return english if wanted == "en" else _translation(wanted).get(code, english)


@cache
def _translation(language: str) -> dict[str, str]:
    return json.loads((_HERE / "locales" / f"{language}.json").read_text("utf-8"))
