"""Exercises and their checks: an answer is right, not there yet, or wrong in a way that can be named."""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import import_module
from typing import Any

import ipywidgets
import numpy as np

from explorer.errors import ExplorerError
from explorer.widgets import look

LESSONS = ("lessons_light", "lessons_models", "lessons_training")
"""Modules of this package that hold exercises."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of the notebooks."""

    name: str
    """Number of the notebook and a word, e.g. "1.levels"."""
    find: Callable[[Any], str | None]
    """Takes the answer and gives what is wrong with it in one sentence; None where it is right."""
    praise: str
    """What the right answer means."""


class Verdict(ipywidgets.VBox):
    """What is to be said of an answer: `right` is True, False, or None for an answer that is not given yet."""

    def __init__(self, exercise: str, right: bool | None, sentence: str) -> None:
        """Shows the sentence in the colour of the verdict."""
        self.right, self.sentence = right, sentence
        kind = {True: "lx-right", False: "lx-wrong", None: ""}[right]
        sign = {True: "Right.", False: "Not yet.", None: "To do."}[right]
        words = (
            f'<div class="lx-verdict {kind}"><p><b>Exercise {escape(exercise)}. {sign}</b> {escape(sentence)}</p></div>'
        )
        super().__init__([look.style(), look.html(words)])
        self.add_class("lx-w")


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by name."""
    found: dict[str, Exercise] = {}
    for lesson in LESSONS:
        for each in import_module(f"explorer.widgets.{lesson}").EXERCISES:
            assert each.name not in found, f"two exercises are called {each.name}"
            found[each.name] = each
    return found


def check(exercise: str, answer: Any) -> Verdict:
    """See `explorer.widgets.check`."""
    known = exercises()
    if exercise not in known:
        raise ExplorerError(f"There is no exercise {exercise!r}; the known ones are {', '.join(known)}.")
    if answer is ... or (callable(answer) and _unwritten(answer)):
        return Verdict(exercise, None, "Replace the three dots by your answer and run the cell again.")
    wrong = known[exercise].find(answer)
    return Verdict(exercise, wrong is None, known[exercise].praise if wrong is None else wrong)


def _unwritten(function: Callable[..., Any]) -> bool:
    """Whether a function's body is three dots still, or gives them."""
    try:
        definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return False
    if not isinstance(definition, ast.FunctionDef):
        return False
    dots = [node for node in ast.walk(definition) if isinstance(node, ast.Constant) and node.value is ...]
    return bool(dots)


def number(
    expected: float | Callable[[], float],
    mistakes: Sequence[tuple[float | Callable[[], float], str]] = (),
    *,
    tolerance: float = 0.01,
    hint: str,
) -> Callable[[Any], str | None]:
    """A check for a number.

    Args:
        expected: the number, or what computes it.
        mistakes: numbers that a known slip leads to, each with a sentence about it.
        tolerance: as a share of the expected number.
        hint: said of any other number.
    """

    def find(answer: Any) -> str | None:
        try:
            given = float(answer)
        except (TypeError, ValueError):
            return f"The answer should be a number, but it is of type {type(answer).__name__}."
        if not math.isfinite(given):
            return f"The answer should be a finite number, but it is {given}."

        def near(value: float | Callable[[], float]) -> bool:
            meant = float(value() if callable(value) else value)
            return abs(given - meant) <= tolerance * max(abs(meant), 1e-12)

        if near(expected):
            return None
        for value, sentence in mistakes:
            if near(value):
                return sentence
        return f"{given:g} is not it. {hint}"

    return find


def function(
    reference: Callable[..., Any],
    cases: Callable[[], Sequence[tuple[Any, ...]]],
    mistakes: Mapping[str, Callable[..., Any]] | None = None,
    *,
    tolerance: float = 1e-4,
) -> Callable[[Any], str | None]:
    """A check for a function: it must give what the reference gives, for every case.

    Args:
        reference: what is right.
        cases: gives tuples of arguments; arrays are copied, so that an answer may change them.
        mistakes: sentence -> a function with that mistake; where an answer gives what it gives, the sentence is said.
        tolerance: largest absolute difference, relative to the larger of 1 and the reference's largest value.
    """

    def find(answer: Any) -> str | None:
        if not callable(answer):
            return f"The answer should be a function, but it is of type {type(answer).__name__}."
        wanted = list(cases())
        for arguments in wanted:
            expected = _computed(reference, arguments)
            try:
                given = _computed(answer, arguments)
            except Exception as error:  # whatever a learner's function does wrong is said, not raised
                return f"For {_words(arguments)} the function raised {type(error).__name__}: {error}."
            wrong = _difference(given, expected, tolerance)
            if wrong is None:
                continue
            for sentence, mistaken in (mistakes or {}).items():
                if all(_agree(answer, mistaken, each, tolerance) for each in wanted):
                    return sentence
            return f"For {_words(arguments)} {wrong}"
        return None

    return find


def _agree(first: Callable[..., Any], second: Callable[..., Any], arguments: tuple[Any, ...], tolerance: float) -> bool:
    try:
        one, other = (np.asarray(_computed(each, arguments), np.float64) for each in (first, second))
    except Exception:  # a function that fails agrees with nothing
        return False
    return one.shape == other.shape and np.allclose(one, other, tolerance, tolerance, equal_nan=True)


def _computed(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    copies = (each.copy() if isinstance(each, np.ndarray) else each for each in arguments)
    with np.errstate(all="ignore"):
        return call(*copies)


def _difference(given: Any, expected: Any, tolerance: float) -> str | None:
    """What tells two results apart, as the end of a sentence; None where nothing does."""
    if given is None:
        return "the function gave nothing; end it with `return`."
    if given is ...:
        return "the function gave three dots; write what it should compute."
    try:
        mine, meant = np.asarray(given, np.float64), np.asarray(expected, np.float64)
    except (TypeError, ValueError):
        return f"the function gave a {type(given).__name__}, not {_short(np.asarray(expected))}."
    if mine.shape != meant.shape:
        return f"the shape should be {meant.shape}, but it is {mine.shape}."
    if not np.isfinite(mine).all():
        return "the result holds values that are not numbers: something was divided by 0 or a logarithm taken of it."
    apart = np.abs(mine - meant)
    if apart.size == 0 or float(apart.max()) <= tolerance * max(1.0, float(np.abs(meant).max())):
        return None
    if meant.ndim == 0:
        return f"it should be {_short(meant)}, but the function gave {_short(mine)}."
    where = np.unravel_index(int(apart.argmax()), apart.shape)
    place = ", ".join(str(int(each)) for each in where)
    return f"the value at [{place}] should be {meant[where]:.5g}, but it is {mine[where]:.5g}."


def _short(values: Any) -> str:
    array = np.asarray(values)
    if array.ndim == 0:
        return f"{float(array):.6g}"
    return f"an array of shape {array.shape}"


def _words(arguments: tuple[Any, ...]) -> str:
    parts = []
    for each in arguments:
        if isinstance(each, np.ndarray):
            small = each.ndim == 1 and each.size <= 6
            parts.append(
                np.array2string(each, precision=4, separator=", ") if small else f"an array of shape {each.shape}"
            )
        else:
            parts.append(f"{each:.6g}" if isinstance(each, float) else repr(each))
    return ", ".join(parts) + (":" if parts else "this:")
