"""The exercise on measuring time: its check runs an answer with a simulated clock, with different hiccups each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from explorer.classroom.language import say
from explorer.widgets.answers import Call, as_numbers, raised

LEAST = 5
"""Number of calls to measure, without those that warm up."""
_FIRST = (2.0, 0.0021, 3.1, 0.0033, 2.5, 0.0046)
"""Seconds of the first call in each run. Half are faster than all later ones, so that their rank reveals them."""
_MIDDLES: dict[str, Callable[[Sequence[float]], float]] = {
    "median": lambda seconds: float(np.median(seconds)),
    "lower": lambda seconds: sorted(seconds)[(len(seconds) - 1) // 2],
    "upper": lambda seconds: sorted(seconds)[len(seconds) // 2],
}
_SLIPS: tuple[tuple[Callable[[Sequence[float]], float], str], ...] = (
    (min, "timing.quickest"),
    (max, "timing.slowest"),
    (lambda seconds: float(np.mean(seconds)), "timing.mean"),
    (lambda seconds: seconds[-1], "timing.last"),
    (sum, "timing.sum"),
)


def _durations(run: int) -> list[float]:
    """Returns the seconds of a run's calls, all different, with a hiccup."""
    if run == 0:  # slower and slower, run 1 in reverse: neither the first nor the last is in the middle
        found = [0.010 + 0.0007 * index for index in range(400)]
    elif run == 1:
        found = [0.300 - 0.0007 * index for index in range(400)]
    else:
        found = list(np.random.default_rng(run).uniform(0.01, 0.02, 400))
    found[0], found[2 + run % 3] = _FIRST[run], 0.9
    return [float(each) for each in found]


def _run(measure: Call, run: int) -> tuple[object, list[float], int]:
    """Returns an answer's result, the seconds of the calls that it made, and how often it read the clock."""
    planned = _durations(run)
    now, looked = 10.0, 0
    calls: list[float] = []

    def work() -> None:
        nonlocal now
        calls.append(planned[len(calls) % len(planned)])
        now += calls[-1]

    def clock() -> float:
        nonlocal looked
        looked += 1
        return now

    return measure(work, clock), calls, looked


def check_timing(measure: object) -> str | None:
    """Returns in one sentence what is wrong with `measure_time(work, clock)`; None if it is right.

    Right is the median of the seconds of at least five calls, after at least one that is left out. Of an even number of
    calls, the mean of the middle two, the lower (as torch has it) and the upper one are all medians.
    """
    if not callable(measure):
        return say("answer.a_function", kind=type(measure).__name__)
    runs: list[tuple[float, list[float]]] = []
    for number in range(len(_FIRST)):
        try:
            given, calls, looked = _run(measure, number)
        except BaseException as error:  # errors of a learner's function are shown, not raised
            return say("timing.clock", raised=raised(measure, error))
        if given is None:
            return say("timing.nothing")
        try:
            values = as_numbers(given)
        except BaseException:  # a learner's object may raise anything when its value is read
            return say("timing.kind", kind=type(given).__name__)
        if values.size != 1:
            return say("timing.one", count=values.size)
        if len(calls) < LEAST + 1:
            return say("timing.few", count=len(calls))
        if not looked:
            return say("timing.unread")
        runs.append((float(values.reshape(())), calls))
    return _verdict(runs)


def _verdict(runs: list[tuple[float, list[float]]]) -> str | None:
    def matches(pick: Callable[[Sequence[float]], float], skipped: int) -> bool:
        return all(
            len(calls) > skipped and abs(given - pick(calls[skipped:])) <= 1e-4 * pick(calls[skipped:])
            for given, calls in runs
        )

    most = min(len(calls) for _, calls in runs)
    if any(matches(pick, skipped) for skipped in range(1, most - LEAST + 1) for pick in _MIDDLES.values()):
        return None
    if any(matches(pick, 0) for pick in _MIDDLES.values()):
        return say("timing.first_is_another")
    if any(matches(pick, skipped) for skipped in range(most - LEAST + 1, most) for pick in _MIDDLES.values()):
        return say("timing.fewer", least=LEAST)
    for pick, code in _SLIPS:
        if matches(pick, 0):
            return say("timing.first_takes_longer")
        if any(matches(pick, skipped) for skipped in range(1, most)):
            return say(code)
    return say("timing.read")
