"""The teacher's sheet: how a lesson's minutes may go, and what is worth which points."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.classroom.copies import Lesson

READING = 110
"""Words a minute, formulas among them."""
MINUTES = {"question": 2, "exercise": 6, "task": 25, "talk": 8}
"""A prediction with its short discussion, an exercise, the open task, and the talk at the end."""

_RUBRIC = """## What counts

| points | for |
|---|---|
| 1 each | an exercise that is right in the end, however many tries it took |
| 0 | a prediction: right or wrong, it is asked to make one think, and is lost as soon as it is graded |
| 0 to 2 | open task: what was asked can be told from what was done |
| 0 to 2 | open task: there are measurements, and they can be repeated from what was handed in |
| 0 to 2 | open task: something that failed, or that speaks against the result, is named |
| 0 to 2 | open task: conclusions go no further than the measurements |

For an open task, full points are given for a wrong guess that was tested well, and none for a right one that was not.
"""


def minutes_of(lesson: Lesson) -> dict[str, int]:
    """Minutes of a lesson's parts."""
    return {
        "reading": -(-lesson.words // READING),
        "predictions": MINUTES["question"] * len(lesson.questions),
        "exercises": MINUTES["exercise"] * len(lesson.exercises),
        "open task": MINUTES["task"],
        "talk at the end": MINUTES["talk"],
    }


def plan(lessons: Sequence[Lesson]) -> str:
    """The sheet for all lessons, as Markdown."""
    parts = ["# Plan and rubric\n"]
    for lesson in lessons:
        minutes = minutes_of(lesson)
        times = "; ".join(f"{name} {count} min" for name, count in minutes.items())
        parts.append(
            f"## {lesson.number} · {lesson.title}\n\n"
            f"**{sum(minutes.values())} minutes** ({times}). The open task may be homework.\n\n"
            + "".join(f"- {section}\n" for section in lesson.sections)
            + f"\nExercises: {', '.join(lesson.exercises)}. Predictions: {', '.join(lesson.questions)}.\n"
        )
    parts.append(_RUBRIC)
    return "\n".join(parts)
