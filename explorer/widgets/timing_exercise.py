"""The exercise on measuring time: its check runs an answer under a clock of its own, each time with other hiccups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from explorer.widgets.answers import Call, as_numbers, raised

LEAST = 5
"""Calls that are to be measured, besides those that warm up."""
_FIRST = (2.0, 0.0021, 3.1, 0.0033, 2.5, 0.0046)
"""Seconds of the first call in each run. Half are quicker than all that follow, so that their rank gives them away."""
_MIDDLES: dict[str, Callable[[Sequence[float]], float]] = {
    "median": lambda seconds: float(np.median(seconds)),
    "lower": lambda seconds: sorted(seconds)[(len(seconds) - 1) // 2],
    "upper": lambda seconds: sorted(seconds)[len(seconds) // 2],
}
_SLIPS: tuple[tuple[Callable[[Sequence[float]], float], str], ...] = (
    (min, "That is the quickest call, which may have been a lucky one; take the median of the measurements."),
    (max, "That is the slowest call; take the median of the measurements."),
    (lambda seconds: float(np.mean(seconds)), "One call had a hiccup, and it moves a mean; take the median of the "
     "measurements."),
    (lambda seconds: seconds[-1], "That is the last call alone; keep the seconds of every call and take their median."),
    (sum, "That is the sum of all calls; take the median of the measurements."),
)  # fmt: skip


def _durations(run: int) -> list[float]:
    """Seconds of the calls of a run, all different, with a hiccup."""
    if run == 0:  # slower and slower, run 1 the other way round: neither the first nor the last is in the middle
        found = [0.010 + 0.0007 * index for index in range(400)]
    elif run == 1:
        found = [0.300 - 0.0007 * index for index in range(400)]
    else:
        found = list(np.random.default_rng(run).uniform(0.01, 0.02, 400))
    found[0], found[2 + run % 3] = _FIRST[run], 0.9
    return [float(each) for each in found]


def _run(measure: Call, run: int) -> tuple[object, list[float], int]:
    """What an answer gives, the seconds of the calls that it made, and how often it read the clock."""
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
    """What is wrong with `measure_time(work, clock)` in one sentence; None where it is right.

    Right is the median of the seconds of at least five calls, after at least one that is left out. Of an even number of
    calls, the mean of the middle two, the lower (as torch has it) and the upper one are all medians.
    """
    if not callable(measure):
        return f"The answer should be a function, but it is of type {type(measure).__name__}."
    runs: list[tuple[float, list[float]]] = []
    for number in range(len(_FIRST)):
        try:
            given, calls, looked = _run(measure, number)
        except BaseException as error:  # whatever a learner's function does wrong is said, not raised
            return f"Under the check's clock, {raised(measure, error)}"
        if given is None:
            return "The function gave nothing; end it with `return`."
        try:
            values = as_numbers(given)
        except BaseException:  # an object of the learner's own may raise anything when it is asked for its value
            return f"The function should give seconds as a number, but gave a {type(given).__name__}."
        if values.size != 1:
            return f"The function should give one number of seconds, but gave {values.size}."
        if len(calls) < LEAST + 1:
            return f"work() was called {len(calls)} times; call it once to warm up, then measure at least 5 times."
        if not looked:
            return "The function never read clock(), the clock that it is given; use that one to measure."
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
        return "The first call is another one, because it sets things up: call work() once before you measure."
    if any(matches(pick, skipped) for skipped in range(most - LEAST + 1, most) for pick in _MIDDLES.values()):
        return f"Fewer than {LEAST} of the calls were measured; measure at least {LEAST} after the warm-up."
    for pick, sentence in _SLIPS:
        if matches(pick, 0):
            return "The first call takes longer because it sets things up: call work() once before you measure."
        if any(matches(pick, skipped) for skipped in range(1, most)):
            return sentence
    return "Read the clock before and after each call, subtract, and take the median of those differences."
