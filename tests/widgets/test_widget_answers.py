"""Every exercise with answers as learners write them: each right one passes, whatever its type; no wrong one does."""

from __future__ import annotations

import pytest
from answers_right import RIGHT
from answers_wrong import NO_FUNCTION, WRONG, WRONG_NUMBER

from explorer import widgets

pytest.importorskip("ipywidgets")

from explorer.widgets.exercise import exercises  # noqa: E402  (needs ipywidgets)


def test_every_exercise_has_its_table() -> None:
    assert set(RIGHT) == set(WRONG) == set(exercises())
    assert all(len(each) >= 6 for table in (RIGHT, WRONG) for each in table.values())


@pytest.mark.parametrize("exercise", RIGHT)
def test_right_answers_are_right_however_they_are_written(exercise: str) -> None:
    for index, answer in enumerate(RIGHT[exercise]):
        verdict = widgets.check(exercise, answer)
        assert verdict.right is True, (exercise, index, verdict.sentence)


@pytest.mark.parametrize("exercise", WRONG)
def test_wrong_answers_are_wrong_and_say_one_sentence(exercise: str) -> None:
    more = WRONG_NUMBER if not callable(RIGHT[exercise][0]) else NO_FUNCTION
    answers = [*WRONG[exercise], *more]
    assert len(answers) >= 6
    for index, answer in enumerate(answers):
        verdict = widgets.check(exercise, answer)
        assert verdict.right is False, (exercise, index)
        assert verdict.sentence.strip() and "\n" not in verdict.sentence
