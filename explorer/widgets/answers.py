"""Checks a learner's answer, a number or a function in any form, against the right one.

An answer may be or return Python numbers, NumPy arrays, torch tensors (with or without gradients), lists of them, or a
set for a list of numbers. Exceptions of the learner's code become one sentence with its line.
"""

from __future__ import annotations

import inspect
import linecache
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.classroom.language import say

Check = Callable[[Any], str | None]
"""Takes an answer and returns one sentence about its mistake; None if it is right."""
Call = Callable[..., Any]
_PLACES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ARRAY_SLIPS = ("truth value of an array", "converted to Python scalars", "can only convert an array of size 1")
"""NumPy's message if `if`, `max` or a function of `math` is given a whole array."""
Bounds = Callable[..., tuple[NDArray[Any], NDArray[Any]]]
"""Takes a case and returns the least and the largest value that a right answer may have."""


@dataclass(frozen=True)
class Judge:
    """A check with the sentences it may say, to which translations are attached."""

    find: Check
    sentences: tuple[str, ...]

    def __call__(self, answer: Any) -> str | None:
        """Describes an answer's mistake; None if it is right."""
        return self.find(answer)


class NotNumbersError(ValueError):
    """A value that is neither a number nor an array of numbers."""


def number(
    expected: float | Callable[[], float],
    mistakes: Sequence[tuple[float | Callable[[], float], str]] = (),
    *,
    tolerance: float = 0.01,
    hint: str,
) -> Judge:
    """Makes a check for a number.

    Args:
        expected: the number, or a function that computes it.
        mistakes: numbers that follow from a known mistake, each with a sentence about it.
        tolerance: as a share of the expected number.
        hint: the sentence for any other number.
    """

    def find(answer: Any) -> str | None:
        try:
            given = _scalar(as_numbers(float(answer) if isinstance(answer, str) else answer))
        except Exception:  # a learner's object may raise anything when its value is read
            return say("answer.one_number", kind=type(answer).__name__)
        if not math.isfinite(given):
            return say("answer.finite", given=given)

        def near(value: float | Callable[[], float]) -> bool:
            meant = float(value() if callable(value) else value)
            return abs(given - meant) <= tolerance * max(abs(meant), 1e-12)

        if near(expected):
            return None
        for value, sentence in mistakes:
            if near(value):
                return sentence
        return f"{say('answer.not_it', given=f'{given:g}')} {hint}"

    return Judge(find, (hint, *(sentence for _, sentence in mistakes)))


def function(
    reference: Call,
    cases: Callable[[], Sequence[tuple[Any, ...]]],
    mistakes: Mapping[str, Call] | None = None,
    *,
    tolerance: float = 1e-4,
    bounds: Bounds | None = None,
    any_order: bool = False,
) -> Judge:
    """Makes a check for a function: it must return the same as the reference, for every case.

    Args:
        reference: the right function.
        cases: returns tuples of arguments; arrays are copied, so an answer may change them. A function that cannot use
            arrays gets tensors, so `torch.nn.L1Loss()` is an answer too.
        mistakes: sentence -> a function with that mistake; if an answer returns the same, it gets the sentence.
        tolerance: largest absolute difference, relative to the larger of 1 and the reference's largest value.
        bounds: if several answers are right, the least and the largest right values.
        any_order: a row of numbers is right in any order.
    """

    def find(answer: Any) -> str | None:
        if not callable(answer):
            return say("answer.a_function", kind=type(answer).__name__)
        wanted = list(cases())
        for arguments in wanted:
            expected = as_numbers(called(reference, arguments))
            try:
                given = called(answer, arguments)
            except BaseException as error:  # exceptions of a learner's function become sentences
                return say("answer.for", arguments=_words(answer, arguments), wrong=raised(answer, error))
            wrong = _difference(given, expected, tolerance, bounds and bounds(*arguments), any_order)
            if wrong is None:
                continue
            for sentence, mistaken in (mistakes or {}).items():
                if all(_agree(answer, mistaken, each, tolerance) for each in wanted):
                    return sentence
            return say("answer.for", arguments=_words(answer, arguments), wrong=wrong)
        return None

    return Judge(find, tuple(mistakes or ()))


def as_numbers(value: Any) -> NDArray[np.float64]:
    """Converts anything that holds numbers to an array of them.

    Raises:
        NotNumbersError: it holds something else.
    """
    if hasattr(value, "detach"):  # a tensor, whose gradient does not matter here
        value = value.detach().cpu()
        value = (value.to_dense() if value.layout.__str__() != "torch.strided" else value).numpy()
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, Iterable) and not isinstance(value, np.ndarray | str | bytes | Mapping):
        value = [as_numbers(each) if hasattr(each, "__iter__") or hasattr(each, "detach") else each for each in value]
    if value is None or isinstance(value, str | bytes | Mapping):
        raise NotNumbersError
    if not isinstance(value, np.ndarray | list | np.generic | Number):
        value = float(value)
    try:
        found = np.asarray(value)
        if found.dtype == object:
            found = found.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise NotNumbersError from error
    if np.iscomplexobj(found) or found.dtype.kind not in "biuf":
        raise NotNumbersError
    return found.astype(np.float64)


def called(call: Call, arguments: tuple[Any, ...]) -> Any:
    """Calls a function with copies of a case; tries tensors if it cannot use arrays."""
    with np.errstate(all="ignore"):
        try:
            return call(*(each.copy() if isinstance(each, np.ndarray) else each for each in arguments))
        except Exception:
            tensors = _as_tensors(arguments)
            if tensors is None:
                raise
            try:
                return call(*tensors)
            except BaseException:  # report the first error, because the lesson promises arrays
                pass
            raise


def _as_tensors(arguments: tuple[Any, ...]) -> list[Any] | None:
    import torch

    has_arrays = any(isinstance(each, np.ndarray) for each in arguments)
    taken = np.ndarray if has_arrays else float
    if not any(isinstance(each, taken) for each in arguments):
        return None
    return [torch.tensor(each) if isinstance(each, taken) else each for each in arguments]


def raised(answer: Any, error: BaseException) -> str:
    """Describes a learner's exception as the end of a sentence, with the line of the learner's own code."""
    kind = type(error).__name__
    try:
        words = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    except Exception:  # an exception that cannot even be printed
        words = ""
    said = f"{kind}: {words}." if words else f"{kind}."
    if any(slip in words for slip in _ARRAY_SLIPS):
        said += f" {say('answer.whole_array')}"
    code = getattr(answer, "__code__", None) or getattr(type(answer).__call__, "__code__", None)
    place, trace = None, error.__traceback__
    while trace is not None and code is not None:
        if trace.tb_frame.f_code.co_filename == code.co_filename:
            place = (trace.tb_lineno, trace.tb_frame.f_globals)
        trace = trace.tb_next
    if code is None or place is None:
        if code is None:
            return say("answer.raised", said=said)
        return say("answer.raised_begins", line=code.co_firstlineno, said=said)
    line = linecache.getline(code.co_filename, place[0], place[1]).strip()
    return say("answer.raised_code" if line else "answer.raised_line", line=place[0], code=line, said=said)


def _scalar(values: NDArray[np.float64]) -> float:
    if values.size != 1:
        raise NotNumbersError
    return float(values.reshape(()))


def _agree(first: Call, second: Call, arguments: tuple[Any, ...], tolerance: float) -> bool:
    try:
        one, other = (as_numbers(called(each, arguments)) for each in (first, second))
    except BaseException:  # a function that fails agrees with nothing
        return False
    one = _shaped_like(one, other)
    return one.shape == other.shape and np.allclose(one, other, tolerance, tolerance, equal_nan=True)


def _shaped_like(values: NDArray[np.float64], meant: NDArray[np.float64]) -> NDArray[np.float64]:
    """Removes singleton axes if a number or a row is expected: `[3.0]` is 3, and `[[0, 1]]` is `[0, 1]`."""
    if meant.ndim > 1 or values.size != meant.size or values.shape == meant.shape:
        return values
    return values.reshape(meant.shape) if max(values.shape, default=1) == values.size else values


def _difference(
    given: Any,
    meant: NDArray[np.float64],
    tolerance: float,
    bounds: tuple[NDArray[Any], NDArray[Any]] | None,
    any_order: bool,
) -> str | None:
    """Describes the difference between two results as the end of a sentence; None if there is none."""
    if given is None:
        return say("answer.nothing")
    if given is ...:
        return say("answer.dots")
    try:
        mine = _shaped_like(as_numbers(given), meant)
    except BaseException:  # a learner's object may raise anything when its values are read
        return say("answer.kind", kind=type(given).__name__, meant=_short(meant))
    if mine.shape != meant.shape and meant.ndim == 0:
        return say("answer.not_one", given=mine.shape)
    if mine.shape != meant.shape:
        return say("answer.shape", meant=meant.shape, given=mine.shape)
    if any_order:
        mine, meant = np.sort(mine), np.sort(meant)
    if not np.isfinite(mine).all():
        return say("answer.not_numbers")
    low, high = bounds or (meant, meant)
    apart = np.maximum(np.maximum(low - mine, mine - high), 0)
    if apart.size == 0 or float(apart.max()) <= tolerance * max(1.0, float(np.abs(meant).max())):
        return None
    if meant.ndim == 0:
        return say("answer.should_be", meant=_short(meant), given=_short(mine))
    where = np.unravel_index(int(apart.argmax()), apart.shape)
    place = ", ".join(str(int(each)) for each in where)
    return say("answer.value_at", place=place, meant=f"{meant[where]:.5g}", given=f"{mine[where]:.5g}")


def _short(values: NDArray[Any]) -> str:
    return f"{float(values):.6g}" if values.ndim == 0 else say("answer.array", shape=values.shape)


def _words(answer: Any, arguments: tuple[Any, ...]) -> str:
    """The arguments of a case under the parameter names of the learner's function."""
    try:
        names = [f"{each.name} = " for each in inspect.signature(answer).parameters.values() if each.kind in _PLACES]
    except (TypeError, ValueError):  # not every callable has a signature
        names = []
    if len(names) != len(arguments):
        names = [""] * len(arguments)
    parts = [name + _value(each) for name, each in zip(names, arguments, strict=True)]
    return (", ".join(parts) or say("answer.this")) + ":"


def _value(argument: Any) -> str:
    if isinstance(argument, np.ndarray):
        if argument.ndim != 1 or argument.size > 6:
            return say("answer.array", shape=argument.shape)
        return f"[{', '.join(f'{each:.6g}' for each in argument)}]"
    return f"{argument:.6g}" if isinstance(argument, float) else repr(argument)
