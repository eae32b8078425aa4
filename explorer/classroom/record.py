"""Records the verdicts on a learner's checks and predictions in this session, and writes the file to hand in."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from explorer.atomic import replacing
from explorer.errors import OutputError

FORMAT = "lowlight lesson 1"
"""Marks the files that `hand_in` writes."""
Kind = Literal["exercise", "prediction"]


@dataclass(frozen=True)
class Event:
    """One check, or one prediction whose answer was revealed."""

    when: str
    """UTC, ISO 8601."""
    kind: Kind
    name: str
    right: bool
    said: str = ""
    """For a check: the reason why it was wrong."""
    given: str | float | None = None
    """For a prediction: the learner's answer."""
    answer: str | float | None = None
    """For a prediction: the right answer."""


EVENTS: list[Event] = []
"""This session's events, in order. Restarting the kernel clears them."""


def keep(kind: Kind, name: str, right: bool, *, said: str = "", given: Any = None, answer: Any = None) -> None:
    """Records a verdict."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    EVENTS.append(Event(now, kind, name, right, said, _plain(given), _plain(answer)))


def _plain(value: Any) -> str | float | None:
    return value if value is None or isinstance(value, str) else float(value)


def summary(events: list[Event], lesson: str = "") -> dict[str, dict[str, Any]]:
    """By exercise and question: whether the last try was right, and the number of tries.

    Args:
        lesson: include only this lesson's exercises and questions; all if it is empty.
    """
    found: dict[str, dict[str, Any]] = {}
    for each in events:
        if re.fullmatch(r"\d+", lesson) and not each.name.startswith(f"{int(lesson)}."):
            continue
        entry = found.setdefault(f"{each.kind} {each.name}", {"right": False, "tries": 0})
        if not entry["right"]:
            entry["tries"] += 1
            entry["right"] = each.right
    return found


def _handed_in(path: Path, name: str) -> list[Event]:
    """The same learner's earlier answers in this file: a lesson may take two periods, and two kernels."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["name"] != name:
            return []
        return [Event(**each) for each in content["events"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def hand_in(lesson: str | int, name: str, folder: Path) -> Path:
    """See `explorer.widgets.hand_in`."""
    number, whom = str(lesson), name.strip() or "nobody"
    path = folder / (re.sub(r"[^\w-]+", "_", f"{number}-{whom}") + ".json")
    events = [*(each for each in _handed_in(path, name) if each not in EVENTS), *EVENTS]
    content = {
        "format": FORMAT,
        "lesson": number,
        "name": name,
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "summary": summary(events, number),
        "events": [asdict(each) for each in events],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another folder.") from error
    return path
