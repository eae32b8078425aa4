"""Messages about photos, models and files: English sentences by id, with `{}` fields.

They stand in `messages.json`. Translations have the same ids (`explorer/app/locales`), so another wording in English
needs no other translation. The app's own texts are those of `explorer.app.text`.
"""

from __future__ import annotations

import json
from pathlib import Path

MESSAGES: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))


def say(code: str, /, **fields: object) -> str:
    """The English message of an id, with its fields filled."""
    return MESSAGES[code].format(**fields)
