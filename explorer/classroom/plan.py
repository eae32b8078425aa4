"""The teacher's sheet: how a lesson's minutes may go, and what is worth which points."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.classroom.copies import Lesson
from explorer.classroom.language import WORDS, worded

READING = 110
"""Words a minute, formulas among them."""
MINUTES = {"question": 2, "exercise": 6, "task": 25, "talk": 8}
"""A prediction with its short discussion, an exercise, the open task, and the talk at the end."""

_RUBRIC = ("each", "none", "task.told", "task.measured", "task.failed", "task.concluded")


def minutes_of(lesson: Lesson) -> dict[str, int]:
    """Minutes of a lesson's parts."""
    return {
        "reading": -(-lesson.words // READING),
        "question": MINUTES["question"] * len(lesson.questions),
        "exercise": MINUTES["exercise"] * len(lesson.exercises),
        "task": MINUTES["task"],
        "talk": MINUTES["talk"],
    }


def plan(lessons: Sequence[Lesson]) -> str:
    """The sheet for all lessons, as Markdown, in their language."""
    language = lessons[0].language if lessons else "en"

    def said(code: str, **fields: object) -> str:
        return worded(code, WORDS[code], language).format(**fields)

    parts = [f"# {said('plan.title')}\n"]
    for lesson in lessons:
        minutes = minutes_of(lesson)
        times = "; ".join(f"{said(f'plan.{part}')} {count} min" for part, count in minutes.items())
        parts.append(
            f"## {lesson.number} · {lesson.title}\n\n"
            f"**{said('plan.minutes', minutes=sum(minutes.values()))}** ({times}). {said('plan.homework')}\n\n"
            + "".join(f"- {section}\n" for section in lesson.sections)
            + f"\n{said('plan.exercises', names=', '.join(lesson.exercises))} "
            f"{said('plan.predictions', names=', '.join(lesson.questions))}\n"
        )
    parts.append(
        f"## {said('rubric.title')}\n\n| {said('rubric.points')} | {said('rubric.for')} |\n|---|---|\n"
        + "".join(f"| {said(f'rubric.{row}')} | {said(f'rubric.{row}.for')} |\n" for row in _RUBRIC)
        + f"\n{said('rubric.note')}\n"
    )
    return "\n".join(parts)
