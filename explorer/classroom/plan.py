"""The teacher's sheet: how to spend a lesson's minutes, and how many points to give for what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from explorer.classroom.copies import Lesson
from explorer.classroom.language import WORDS, worded

READING = 110
"""Words read per minute, formulas included."""
MINUTES = {"question": 2, "exercise": 6, "widget": 3, "task": 25, "talk": 8}
"""Minutes for a prediction with its short discussion, an exercise, a widget to try out, the open task, and the
discussion at the end."""
PERIOD = 45
"""Minutes of one school period."""
_TASK, _TALK = -3, -2
"""Sections at the end of a lesson: the open task, key points and further reading."""

_RUBRIC = ("each", "none", "task.told", "task.measured", "task.failed", "task.concluded")


def minutes_of(lesson: Lesson) -> list[int]:
    """Minutes of a lesson's sections, in order."""
    found = [
        -(-each.words // READING)
        + MINUTES["question"] * len(each.questions)
        + MINUTES["exercise"] * len(each.exercises)
        + MINUTES["widget"] * each.widgets
        for each in lesson.sections
    ]
    if len(found) > -_TASK:
        found[_TASK] += MINUTES["task"]
        found[_TALK] += MINUTES["talk"]
    return found


def _second(lesson: Lesson, minutes: Sequence[int], said: Callable[..., str]) -> str:
    """The section with which a second period begins, if everything before the open task takes more than one."""
    before = minutes[:_TASK]
    if len(before) < 2 or sum(before) + minutes[_TALK] <= PERIOD:
        return ""
    ends = list(accumulate(before))
    half = (ends[-1] + minutes[_TALK]) / 2
    last = min(range(len(before) - 1), key=lambda index: abs(ends[index] - half))
    return " " + said("plan.periods", title=lesson.sections[last + 1].title, minutes=ends[last])


def plan(lessons: Sequence[Lesson]) -> str:
    """The sheet for all lessons, as Markdown, in their language."""
    language = lessons[0].language if lessons else "en"

    def said(code: str, **fields: object) -> str:
        return worded(code, WORDS[code], language).format(**fields)

    parts = [f"# {said('plan.title')}\n\n{said('plan.homework')}\n"]
    heading = " | ".join(said(f"plan.{each}") for each in ("min", "part", "questions", "exercises"))
    for lesson in lessons:
        minutes = minutes_of(lesson)
        rows = [
            (str(count), each.title or said("plan.opening"), ", ".join(each.questions), ", ".join(each.exercises))
            for count, each in zip(minutes, lesson.sections, strict=True)
        ]
        parts.append(
            f"## {lesson.number} · {lesson.title}\n\n"
            f"**{said('plan.minutes', minutes=sum(minutes))}**{_second(lesson, minutes, said)}\n\n"
            f"| {heading} |\n|--:|---|---|---|\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)
        )
    parts.append(
        f"## {said('rubric.title')}\n\n| {said('rubric.points')} | {said('rubric.for')} |\n|---|---|\n"
        + "".join(f"| {said(f'rubric.{row}')} | {said(f'rubric.{row}.for')} |\n" for row in _RUBRIC)
        + f"\n{said('rubric.note')}\n"
    )
    return "\n".join(parts)
