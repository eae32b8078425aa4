"""Exercises of the notebooks on networks: Retinex, feature maps, quality against time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.widgets.answers import function, number
from explorer.widgets.exercise import Exercise
from explorer.widgets.timing_exercise import check_timing

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
        (rng.uniform(0.01, 0.05, (4, 5, 3)), rng.uniform(0.05, 0.3, (4, 5, 1))),  # deep shade, where a floor shows
        (rng.uniform(0.001, 0.004, (4, 5, 3)), rng.uniform(0.003, 0.008, (4, 5, 1))),  # nearly black
        (np.full((2, 3, 3), 0.1), np.zeros((2, 3, 1))),  # noise where there is no light
        (np.zeros((2, 3, 3)), np.zeros((2, 3, 1))),
    ]


def _split_bounds(seen: Array, light: Array) -> tuple[Array, Array]:
    """Between an addend of 0.01 below the line and nothing there. 0 / 0 may be anything from 0 to 1."""
    least, most = np.clip(seen / (light + 0.01), 0, 1), np.clip(seen / np.maximum(light, 1e-12), 0, 1)
    return least, np.where((seen == 0) & (light == 0), 1.0, most)


def _split_far(floor: float) -> Callable[[Array, Array], Array]:
    return lambda seen, light: np.clip(seen / np.maximum(light, floor), 0, 1)


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
    bright = rng.uniform(0.8, 1.6, (5, 6, 1))  # a light that a gain has raised above 1
    return [(reflectance, light, 1.0), (reflectance, light, 0.4), (reflectance, light, 0.0), (reflectance, bright, 2.0)]


def _space_to_depth(plane: Array, factor: int) -> Array:
    return np.stack([plane[y::factor, x::factor] for y in range(factor) for x in range(factor)])


def _blocks(plane: Array, factor: int) -> Array:
    height, width = plane.shape
    return plane.reshape(height // factor, factor, width // factor, factor).swapaxes(1, 2).reshape(-1, factor, factor)


def _plane_cases() -> list[tuple[Any, ...]]:
    return [(np.arange(16.0).reshape(4, 4), 2), (_rng().random((6, 9)), 3), (_rng().random((4, 8)), 4)]


def _convolved(window: Array, kernel: Array, bias: float) -> float:
    return float((window * kernel).sum() + bias)


def _convolution_cases() -> list[tuple[Any, ...]]:
    """All of the size that the lesson names: loops over 4 channels of 5 x 5 are right."""
    rng = _rng()
    one = np.zeros((4, 5, 5))
    one[0, 0, 2] = 1.0
    return [
        (one, np.arange(100.0).reshape(4, 5, 5), 0.5),
        (rng.random((4, 5, 5)), rng.standard_normal((4, 5, 5)), -0.25),
        (rng.random((4, 5, 5)), -rng.random((4, 5, 5)), 0.0),
    ]


def _front(points: list[tuple[float, float]]) -> list[int]:
    def beaten(me: tuple[float, float]) -> bool:
        return any(o[0] <= me[0] and o[1] >= me[1] and o != me for o in points)

    return [index for index, point in enumerate(points) if not beaten(point)]


def _front_cases() -> list[tuple[Any, ...]]:
    return [
        ([(0.1, 25.0), (0.5, 27.0), (0.6, 26.0), (2.0, 28.0)],),
        ([(1.0, 20.0), (0.5, 30.0), (0.7, 29.0)],),
        ([(0.3, 20.0)],),
        ([(1.0, 20.0), (1.0, 25.0), (2.0, 25.0), (2.0, 30.0), (3.0, 30.0)],),  # as fast, or as good
        ([(1.0, 20.0), (2.0, 19.0), (1.0, 20.0)],),  # twins do not beat each other
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
                "Your floor below the line is so high that deep shade stays dark; take 0.001.": _split_far(0.1),
                "Where there is no light you give 0; divide by a small number there instead, and clip.": lambda s, i: (
                    np.clip(np.where(i > 0, s / np.maximum(i, 1e-3), 0), 0, 1)
                ),
            },
            bounds=_split_bounds,
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
                "The power belongs to the light only, not to the product.": lambda r, i, g: np.clip((r * i) ** g, 0, 1),
                "Clip the result to 0 to 1: a light above 1 makes values that no screen can show.": lambda r, i, g: (
                    r * i**g
                ),
                "You raised to 1/gamma; here gamma is the exponent itself.": lambda r, i, g: np.clip(
                    r * i ** (1 / g if g else 1.0), 0, 1
                ),
                "That is only the light; multiply it by the reflectance.": lambda r, i, g: np.clip(
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
        "5.convolve",
        function(
            _convolved,
            _convolution_cases,
            {
                "The bias is missing: add it once, after the sum.": lambda w, k, b: float((w * k).sum()),
                "You add the bias once for each weight; add it after the sum.": lambda w, k, b: float(
                    (w * k + b).sum()
                ),
                "You turned the kernel round. Mathematicians do; networks do not, and learn it as it lies.": (
                    lambda w, k, b: float((w * k[:, ::-1, ::-1]).sum() + b)
                ),
                "That is the mean of the products; a convolution adds them up.": lambda w, k, b: float(
                    (w * k).mean() + b
                ),
                "That is the first channel only; an output adds up all channels of the input.": lambda w, k, b: float(
                    (w[0] * k[0]).sum() + b
                ),
                "Those are the products; add them up to one number.": lambda w, k, b: w * k + b,
                "`@` and np.dot multiply matrices; here each sample meets the one weight at its own place: use *.": (
                    lambda w, k, b: w @ k + b
                ),
            },
        ),
        "That is all that a convolution does, at every place of the picture, for every channel of its output.",
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
            tolerance=0.001,
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
                    "Right, but in single multiplications; GMac are billions (10⁹) of them.",
                ),
                (64 * 64 * 9 / 1e9, "That is for one pixel; the picture has 256 × 384."),
            ],
            hint="Inputs × outputs × weights of a kernel × pixels, divided by 1e9.",
        ),
        "Each weight works once for every pixel. That is why networks make the picture smaller before they use many "
        "channels.",
    ),
    Exercise(
        "6.measure",
        check_timing,
        "Warm-up, repetition, median: the three things that a latency without a footnote is missing.",
    ),
    Exercise(
        "6.front",
        function(
            _front,
            _front_cases,
            {
                "That is only the best one; a faster model that no other beats in both belongs there, too.": _by(
                    lambda points: int(np.argmax([q for _, q in points]))
                ),
                "That is only the fastest; a better model that no other beats in both belongs there, too.": _by(
                    lambda points: int(np.argmin([s for s, _ in points]))
                ),
                "A model that is as fast and better beats the other, and so does one as good and faster: compare with "
                "<= and >=.": lambda points: [
                    i for i, me in enumerate(points) if not any(o[0] < me[0] and o[1] > me[1] for o in points)
                ],
                "Two equal models do not beat each other: both stay.": lambda points: [
                    i
                    for i, me in enumerate(points)
                    if not any(j != i and o[0] <= me[0] and o[1] >= me[1] for j, o in enumerate(points))
                ],
                "You kept those that are beaten.": lambda points: [
                    i for i in range(len(points)) if i not in _front(points)
                ],
            },
            any_order=True,
        ),
        "What is left is the front: any other choice is slower and worse than one of these.",
    ),
)
