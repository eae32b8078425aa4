"""Messages about photos, models and files: English sentences by id, with `{}` fields.

They are stored in `messages.json`. Translations use the same ids (`explorer/app/locales`), so rewording the English
leaves them valid. The app's own texts are in `explorer.app.text`.
"""

from __future__ import annotations

from functools import cache


@cache
def _messages() -> dict[str, str]:
    import json
    from pathlib import Path

    return json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))


def __getattr__(name: str) -> dict[str, str]:
    """Reads `MESSAGES`, all of them by id, when the first one is needed, so that imports stay quick."""
    if name != "MESSAGES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _messages()


def say(code: str, /, **fields: object) -> str:
    """Returns the English message of an id, with its fields filled in."""
    return _messages()[code].format(**fields)


def say_in_app(code: str, /, **fields: object) -> str:
    """Returns `say`, or the wording `<id>.in_app` of a message whose advice is otherwise for the command line."""
    return say(f"{code}.in_app" if f"{code}.in_app" in _messages() else code, **fields)
