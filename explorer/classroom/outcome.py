"""The outcome test: two questions per lesson that the lesson itself does not ask, with answers for the teacher."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.classroom.copies import Lesson
from explorer.classroom.language import WORDS, worded

QUESTIONS = ("a", "b")
"""For each lesson: a question to work out, and one to explain."""


def outcome_test(lessons: Sequence[Lesson], *, answers: bool) -> str:
    """The sheet for these lessons, as Markdown, in their language.

    Args:
        lessons: lessons that are not the project's own have no questions and are left out.
        answers: include the answers, for the teacher.
    """
    language = lessons[0].language if lessons else "en"

    def said(code: str) -> str:
        return worded(code, WORDS[code], language)

    parts = [f"# {said('outcome.title')}\n\n{said('outcome.intro')}\n"]
    for lesson in lessons:
        if f"outcome.{lesson.number}.a" not in WORDS:
            continue
        parts.append(f"## {lesson.number} · {lesson.title}\n")
        for letter in QUESTIONS:
            code = f"outcome.{lesson.number}.{letter}"
            parts.append(f"**{letter})** {said(code)}\n")
            if answers:
                parts.append(f"> {said('outcome.answer')} {said(f'{code}.answer')}\n")
    return "\n".join(parts)
