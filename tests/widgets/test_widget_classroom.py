"""Predictions, exercises and the replay player."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answers_right import timed
from PIL import Image

from explorer import widgets
from explorer.errors import DataError, ExplorerError

pytest.importorskip("ipywidgets")

from explorer.widgets.exercise import exercises  # noqa: E402  (needs ipywidgets)


def test_a_prediction_wants_an_answer_first() -> None:
    asked: list[int] = []
    p = widgets.predict("How many?", lambda: asked.append(1) or 12.5, unit="dB", because="So it is.")
    assert p._button.disabled and not asked and p.guess is None
    with pytest.raises(ExplorerError, match="Answer first"):
        p.reveal()
    assert not asked
    p._entry.value = "12,4"
    assert not p._button.disabled
    p._button.click()
    assert p.revealed and asked == [1]
    assert "12.5 dB" in p._verdict.value and "well predicted" in p._verdict.value and "So it is." in p._verdict.value


def test_a_prediction_takes_no_words_for_a_number() -> None:
    p = widgets.predict("How many?", 3)
    p._entry.value = "three"
    assert p._button.disabled and "Write a number" in p._hint.value
    p._entry.value = "9"
    p._button.click()
    assert "well predicted" not in p._verdict.value and "you said 9" in p._verdict.value


def test_a_prediction_among_options() -> None:
    p = widgets.predict("Which?", "green", options=["red", "green"], reveal=lambda: {"it": np.zeros((3, 3, 3))})
    p.guess = "red"
    p.reveal()
    assert "You said “red”" in p._verdict.value and "<b>green</b>" in p._verdict.value
    assert len(p._shown.children) == 1
    q = widgets.predict("Which?", "green", options=["red", "green"])
    q.guess = "green"
    q.reveal()
    assert "lx-right" in q._verdict.value
    with pytest.raises(ExplorerError):
        q.guess = "blue"
    with pytest.raises(ExplorerError):
        widgets.predict("Which?", "blue", options=["red", "green"])


def test_an_answer_that_is_measured_later_says_so() -> None:
    p = widgets.predict("How long?", lambda: measured_below)  # type: ignore[name-defined]  # noqa: F821
    p.guess = 3
    with pytest.raises(ExplorerError, match="measured_below"):
        p.reveal()
    assert "run the cells below" in p._problem.value and not p.revealed


def test_an_exercise_that_is_not_done_is_to_do() -> None:
    verdict = widgets.check("1.levels", ...)
    assert verdict.right is None

    def blank(counts: Any, black: Any, white: Any) -> Any: ...

    assert widgets.check("1.black", blank).right is None
    with pytest.raises(ExplorerError, match="1.levels"):
        widgets.check("9.nothing", 1)


def _no_black(counts: Any, black: float, white: float) -> Any:
    return counts / white


def _fails(counts: Any, black: float, white: float) -> Any:
    raise KeyError("oh")


def _nothing(counts: Any, black: float, white: float) -> Any:
    del counts


def _shape(counts: Any, black: float, white: float) -> Any:
    return np.zeros(3)[:2]


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        ("1.levels", 163.83, "black level"),
        ("1.levels", 3, "Light runs from"),
        ("1.levels", "many", "number"),
        ("1.levels", float("nan"), "finite"),
        ("1.black", 3, "function"),
        ("1.black", _no_black, "not subtracted"),
        ("1.black", _fails, "KeyError"),
        ("1.black", _nothing, "return"),
        ("1.black", _shape, "shape"),
        ("1.to_linear", lambda v: np.asarray(v) ** 2.2, "power of 2.2"),
        ("2.amplify", lambda v, r: np.clip(v * r, 0, 1), "display values"),
        ("2.clipped", lambda m, r: (m * r < 1).mean(), "survives"),
        ("3.gamma", 0.30103, "exponent"),
        ("3.psnr", lambda x, y: -10 * np.log(np.mean((x - y) ** 2)), "log10"),
        ("4.smooth", lambda i: np.abs(np.diff(i, axis=1)).mean(), "one axis"),
        ("5.space_to_depth", lambda p, f: p[::f, ::f], "throws the others away"),
        ("6.measure", lambda work, clock: 0.01, "called 0 times"),
        ("6.front", lambda points: [int(np.argmin([s for s, _ in points]))], "fastest"),
        ("7.patch", 34, "One layer more"),
        ("7.gan_loss", lambda z, real: -np.log(1 / (1 + np.exp(-z))).mean(), "1 - p"),
        ("8.step", lambda w, g, r: w + r * g, "uphill"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(exercise: str, answer: Any, words: str) -> None:
    verdict = widgets.check(exercise, answer)
    assert verdict.right is False
    assert words in verdict.sentence
    assert "Not yet" in verdict.children[1].value


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (timed(np.median), None),
        (timed(max, warm=0), "first call"),
        (timed(np.mean), "median"),
        (timed(np.median, count=2), "at least 5"),
        (lambda work, clock: [work() for _ in range(9)] and 0.0, "never read clock"),
        (lambda work, clock: [(work(), clock()) for _ in range(9)] and 0.0, "before and after"),
    ],
)
def test_measuring_time_is_checked_without_a_clock_of_the_machine(measure: Any, words: str | None) -> None:
    verdict = widgets.check("6.measure", measure)
    assert verdict.right is (words is None)
    assert words is None or words in verdict.sentence


def test_every_known_mistake_can_be_named() -> None:
    """No mistake of an exercise is itself right, and its sentence is reached by what makes it."""
    named = 0
    for exercise in exercises().values():
        for cell in getattr(exercise.find, "find", exercise.find).__closure__ or ():
            if isinstance(cell.cell_contents, dict):
                for sentence, mistaken in cell.cell_contents.items():
                    verdict = widgets.check(exercise.name, mistaken)
                    assert verdict.right is False, (exercise.name, sentence)
                    assert verdict.sentence == sentence, (exercise.name, sentence, verdict.sentence)
                    named += 1
    assert named > 30


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "a.run"
    (folder / "replay").mkdir(parents=True)
    lines = [{"step": 10 * i, "validation": {"psnr": 9.0 + i}} for i in range(3)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for i in range(3):
        Image.new("RGB", (32, 24), (80 * i, 40, 0)).save(folder / "replay" / f"{10 * i:07d}.png")
    return folder


def test_a_run_is_played(run: Path) -> None:
    w = widgets.replay(run)
    assert w.error is None and w._play.max == w._slider.max == 2
    first = w._picture.value
    assert "9.00 dB" in w._caption.value
    w.epoch = 2
    assert w._picture.value != first
    assert "20" in w._caption.value and "11.00 dB" in w._caption.value
    assert list(w.plot().data[0].y) == [9.0, 10.0, 11.0]


def test_a_run_that_is_not_there_is_said(tmp_path: Path) -> None:
    w = widgets.replay(tmp_path / "nothing")
    assert isinstance(w.error, DataError) and "nothing" in w._problem.value
    with pytest.raises(DataError):
        w.plot()
