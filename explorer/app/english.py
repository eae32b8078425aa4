"""The app's English texts by id. Translations use the ids, so they survive rewording."""

from __future__ import annotations

from collections.abc import Iterator

import explorer
from explorer.app.lessons import LESSONS
from explorer.discovery import files
from explorer.evaluation.leaderboard import SETS
from explorer.evaluation.leaderboard_text import ANSWERS, HEADINGS, QUESTIONS, SEEN
from explorer.examples import examples
from explorer.messages import MESSAGES


def english() -> dict[str, str]:
    """Sentences by id.

    A text of `text.py`, or of a file `<topic>_text.py`, has its constant's name: `TITLE` or `DOMAINS.bayer`. A
    page of the Learn tab has `<lesson>.title`, `<lesson>.paragraph1`, ..., `<lesson>.caption`; the leaderboard
    `board.<part>`; an example `example.<name>` and `example.<name>.caption`; and the summary of installed weights their
    name. All others have the ids of `explorer.messages`.
    """
    return {
        **dict(_texts()),
        **dict(_lessons()),
        **dict(_board()),
        **{f"example.{each.name}": each.title for each in examples()},
        **{f"example.{each.name}.caption": each.caption for each in examples()},
        **{model.name: model.summary for model in explorer.list_models() if model.weights is not None},
        **MESSAGES,
    }


def _texts() -> Iterator[tuple[str, str]]:
    for name, value in [pair for module in files("explorer.app", "text") for pair in vars(module).items()]:
        if not name.isupper():
            continue
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", words) for key, words in value.items())
        else:
            yield from ((f"{name}.{key}", words) for words, key in value)


def _lessons() -> Iterator[tuple[str, str]]:
    for lesson in LESSONS:
        yield f"{lesson.name}.title", lesson.title
        yield from ((f"{lesson.name}.paragraph{k}", words) for k, words in enumerate(lesson.paragraphs, 1))
        yield f"{lesson.name}.caption", lesson.caption


def _board() -> Iterator[tuple[str, str]]:
    yield from ((f"board.{each.name}", each.about) for each in SETS)
    yield from ((f"board.{each.set_name}.photo", each.photo) for each in QUESTIONS)
    yield from ((f"board.{key}", words) for key, words in ANSWERS.items())
    yield from ((f"board.{key}", HEADINGS[key]) for key in ("name", "seconds", "parameters", "seen"))
    yield from ((f"board.seen.{words}", words) for words in SEEN.values())
    yield "board.kodak24_dark.title", next(each.title for each in SETS if each.name == "kodak24_dark")
