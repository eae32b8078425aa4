"""Exercises of the notebooks on networks: Retinex, feature maps, quality against time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.widgets.exercise import Exercise, function, number

Array = NDArray[Any]


def _rng() -> np.random.Generator:
    return np.random.default_rng(48)


def _split(seen: Array, light: Array) -> Array:
    return np.clip(seen / np.maximum(light, 1e-3), 0, 1)


def _split_cases() -> list[tuple[Any, ...]]:
    rng = _rng()
    light = rng.uniform(0.2, 1, (6, 8, 1))
    return [
        (rng.random((6, 8, 3)), light),
        (np.full((2, 2, 3), 0.1), np.full((2, 2, 1), 0.5)),
        (np.zeros((2, 3, 3)), np.zeros((2, 3, 1))),
    ]


def _smooth(light: Array) -> float:
    return float(np.abs(np.diff(light, axis=1)).mean() + np.abs(np.diff(light, axis=0)).mean())


def _light_cases() -> list[tuple[Any, ...]]:
    step = np.zeros((6, 8))
    step[:, 4:] = 1
    return [
        (np.full((5, 5), 0.7),),
        (step,),
        (np.linspace(0, 1, 8)[:, None] * np.ones((8, 5)),),
        (_rng().random((6, 9)),),
    ]


def _relit(reflectance: Array, light: Array, gamma: float) -> Array:
    return np.clip(reflectance * light**gamma, 0, 1)


def _relit_cases() -> list[tuple[Any, ...]]:
    rng = _rng()
    reflectance, light = rng.random((5, 6, 3)), rng.uniform(0.05, 1, (5, 6, 1))
    return [(reflectance, light, 1.0), (reflectance, light, 0.4), (reflectance, light, 0.0)]


def _space_to_depth(plane: Array, factor: int) -> Array:
    return np.stack([plane[y::factor, x::factor] for y in range(factor) for x in range(factor)])


def _blocks(plane: Array, factor: int) -> Array:
    height, width = plane.shape
    return plane.reshape(height // factor, factor, width // factor, factor).swapaxes(1, 2).reshape(-1, factor, factor)


def _plane_cases() -> list[tuple[Any, ...]]:
    return [(np.arange(16.0).reshape(4, 4), 2), (_rng().random((6, 9)), 3), (_rng().random((4, 8)), 4)]


def _timing(measure: Any) -> str | None:
    """Runs the answer on work with a slow first call and one hiccup, under a clock that the work itself moves."""
    if not callable(measure):
        return f"The answer should be a function, but it is of type {type(measure).__name__}."
    now = 100.0
    calls: list[float] = []

    def work() -> None:
        nonlocal now
        calls.append(2.0 if not calls else 0.9 if len(calls) == 4 else 0.01)
        now += calls[-1]

    try:
        given = measure(work, lambda: now)
    except Exception as error:  # whatever a learner's function does wrong is said, not raised
        return f"The function raised {type(error).__name__}: {error}."
    if given is None:
        return "The function gave nothing; end it with `return`."
    if not isinstance(given, int | float):
        return f"The function should give seconds as a number, but gave a {type(given).__name__}."
    if len(calls) < 6:
        return f"work() was called {len(calls)} times; call it once to warm up, then measure at least 5 times."
    if abs(given - 0.01) < 1e-9:
        return None
    if abs(given) > 1.9:
        return "The first call takes 2 s because it sets things up: call work() once before you measure."
    if given > 0.01:
        return "One call had a hiccup of 0.9 s, and it moves a mean; take the median of the measurements."
    return "Every call takes 0.01 s, but your result is shorter: read the clock before and after, and subtract."


def _front(points: list[tuple[float, float]]) -> list[int]:
    def beaten(me: tuple[float, float]) -> bool:
        return any(o[0] <= me[0] and o[1] >= me[1] and o != me for o in points)

    return [index for index, point in enumerate(points) if not beaten(point)]


def _front_cases() -> list[tuple[Any, ...]]:
    return [
        ([(0.1, 25.0), (0.5, 27.0), (0.6, 26.0), (2.0, 28.0)],),
        ([(1.0, 20.0), (0.5, 30.0), (0.7, 29.0)],),
        ([(0.3, 20.0)],),
    ]


def _by(key: Callable[[list[tuple[float, float]]], int]) -> Callable[[list[tuple[float, float]]], list[int]]:
    return lambda points: [key(points)]


EXERCISES = (
    Exercise(
        "4.split",
        function(
            _split,
            _split_cases,
            {
                "Without light you divide by 0: take np.maximum(light, 0.001) below the line.": lambda s, i: np.clip(
                    s / i, 0, 1
                ),
                "R = S / I; you multiplied.": lambda s, i: np.clip(s * np.maximum(i, 1e-3), 0, 1),
                "Clip the reflectance to 0 to 1: no surface gives back more light than falls on it.": lambda s, i: (
                    s / np.maximum(i, 1e-3)
                ),
            },
        ),
        "One division. What makes Retinex hard is not this line but finding the light.",
    ),
    Exercise(
        "4.smooth",
        function(
            _smooth,
            _light_cases,
            {
                "You only looked along one axis; add the differences down the columns.": lambda light: float(
                    np.abs(np.diff(light, axis=1)).mean()
                ),
                "You only looked along one axis; add the differences along the rows.": lambda light: float(
                    np.abs(np.diff(light, axis=0)).mean()
                ),
                "Without absolute values, steps up and down cancel: use np.abs.": lambda light: float(
                    np.diff(light, axis=1).mean() + np.diff(light, axis=0).mean()
                ),
                "Take the mean, not the sum: a larger picture is not less smooth.": lambda light: float(
                    np.abs(np.diff(light, axis=1)).sum() + np.abs(np.diff(light, axis=0)).sum()
                ),
            },
        ),
        "RetinexNet adds one thing: at edges of the reflectance a step of the light costs less.",
    ),
    Exercise(
        "4.relight",
        function(
            _relit,
            _relit_cases,
            {
                "The power belongs to the light alone, not to the product.": lambda r, i, g: np.clip(
                    (r * i) ** g, 0, 1
                ),
                "You raised to 1/gamma; here gamma is the exponent itself.": lambda r, i, g: np.clip(
                    r * i ** (1 / g if g else 1.0), 0, 1
                ),
                "That is the light alone; multiply it by the reflectance.": lambda r, i, g: np.clip(
                    i**g * np.ones_like(r), 0, 1
                ),
            },
        ),
        "With a gamma of 0 all light is equal and the reflectance itself is what you see.",
    ),
    Exercise(
        "5.space_to_depth",
        function(
            _space_to_depth,
            _plane_cases,
            {
                "Those are tiles cut out of the picture; a channel holds every factor-th sample: "
                "plane[y::factor, x::factor].": _blocks,
                "The channels come in another order: rows (y) first, x within.": lambda p, f: np.stack(
                    [p[y::f, x::f] for x in range(f) for y in range(f)]
                ),
                "That keeps one sample of each cell and throws the others away.": lambda p, f: p[::f, ::f],
            },
        ),
        "Nothing is lost: 1 × H × W becomes f² × H/f × W/f, and the way back is just as exact.",
    ),
    Exercise(
        "5.receptive_field",
        number(
            96.0,
            [
                (3.0, "3 samples of that layer's input; each of those is a cell of 32 pixels."),
                (9.0, "9 samples lie under the kernel, but the width is asked for, in pixels."),
                (288.0, "9 samples lie under the kernel, but only 3 side by side."),
                (34.0, "Neighbouring samples do not overlap: each is a cell of 32 pixels of its own."),
            ],
            hint="A 3×3 kernel sees 3 samples across, and each sample stands for 32 pixels.",
        ),
        "96 pixels by one layer. Convolutions of 3×3 at full size need 48 layers to see as far.",
    ),
    Exercise(
        "6.gmac",
        number(
            64 * 64 * 9 * 256 * 384 / 1e9,
            [
                (
                    64 * 9 * 256 * 384 / 1e9,
                    "Every output channel reads all 64 input channels: multiply by 64 once more.",
                ),
                (64 * 64 * 256 * 384 / 1e9, "The kernel has 3 × 3 = 9 weights for each pair of channels."),
                (64 * 64 * 3 * 256 * 384 / 1e9, "The kernel has 3 × 3 = 9 weights, not 3."),
                (
                    64 * 64 * 9 * 256 * 384,
                    "Right, but in single multiplications; GMac are thousands of millions of them.",
                ),
                (64 * 64 * 9 / 1e9, "That is for one pixel; the picture has 256 × 384."),
            ],
            hint="Inputs × outputs × weights of a kernel × pixels, divided by 1e9.",
        ),
        "At a half of each side it would be a quarter of that: this is why networks halve.",
    ),
    Exercise(
        "6.measure",
        _timing,
        "Warm-up, repetition, median: the three things that a latency without a footnote is missing.",
    ),
    Exercise(
        "6.front",
        function(
            _front,
            _front_cases,
            {
                "That is the best quality alone; a faster model that no other beats in both belongs there, too.": _by(
                    lambda points: int(np.argmax([q for _, q in points]))
                ),
                "That is the fastest alone; a better model that no other beats in both belongs there, too.": _by(
                    lambda points: int(np.argmin([s for s, _ in points]))
                ),
                "You kept those that are beaten.": lambda points: [
                    i for i in range(len(points)) if i not in _front(points)
                ],
            },
        ),
        "What is left is the front: any other choice is slower and worse than one of these.",
    ),
)
