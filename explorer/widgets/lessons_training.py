"""Exercises of the notebooks on training: a conditional GAN, a network of your own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.widgets.answers import function, number
from explorer.widgets.exercise import Exercise

Array = NDArray[Any]


def _rng() -> np.random.Generator:
    return np.random.default_rng(78)


def _sigmoid(logits: Array) -> Array:
    return 1 / (1 + np.exp(-logits))


def _gan_loss(logits: Array, real: bool) -> float:
    judged = _sigmoid(logits)
    return float(-np.log(judged if real else 1 - judged).mean())


def _logit_cases() -> list[tuple[Any, ...]]:
    logits = _rng().standard_normal((4, 5)) * 2
    two = np.array([[2.0, 2.0]])
    return [(np.zeros((3, 3)), True), (two, True), (two, False), (logits, False), (logits, True)]


def _l1(image: Array, reference: Array) -> float:
    return float(np.abs(image - reference).mean())


def _picture_cases() -> list[tuple[Any, ...]]:
    rng = _rng()
    return [(np.full((2, 2, 3), 0.2), np.full((2, 2, 3), 0.5)), (rng.random((5, 6, 3)), rng.random((5, 6, 3)))]


def _step(weight: float, gradient: float, rate: float) -> float:
    return weight - rate * gradient


def _curve(x: Array, r: float) -> Array:
    for _ in range(8):
        x = x + r * (x * x - x)
    return x


def _once(x: Array, r: float) -> Array:
    return x + r * (x * x - x)


def _passes(x: Array, target: Array, r: float) -> tuple[float, float]:
    once = x + r * (x * x - x)
    twice = once + r * (once * once - once)
    by_r = (once * once - once) + (1 + r * (2 * once - 1)) * (x * x - x)
    return float(((twice - target) ** 2).mean()), float((2 * (twice - target) * by_r).mean())


def _passes_with(x: Array, target: Array, r: float, inner: bool, two: float, sign: float = 1.0) -> tuple[float, float]:
    """Both passes, with a mistake in the second one."""
    once = x + r * (x * x - x)
    twice = once + r * (once * once - once)
    by_r = (once * once - once) + ((1 + r * (2 * once - 1)) * (x * x - x) if inner else 0)
    return float(((twice - target) ** 2).mean()), float((sign * two * (twice - target) * by_r).mean())


def _pass_cases() -> list[tuple[Any, ...]]:
    rng = _rng()
    return [
        (np.linspace(0, 1, 6), np.linspace(0, 1, 6) ** 0.5, -0.6),
        (rng.random((4, 5, 3)) * 0.2, rng.random((4, 5, 3)), 0.0),
        (rng.random((3, 3)), rng.random((3, 3)), 0.3),
    ]


def _curve_cases() -> list[tuple[Any, ...]]:
    x = np.linspace(0, 1, 6)
    return [(x, 0.0), (x, -0.5), (_rng().random((3, 4)), -0.9), (x, 0.4)]


EXERCISES = (
    Exercise(
        "7.patch",
        number(
            70,
            [
                (
                    16,
                    "16 is what the last three layers see of the second one's output: go on to the input.",
                ),
                (34, "One layer more: 34 is what is seen of the first layer's output. Apply the step once more."),
                (
                    30,
                    "30 is how many answers there are along one side; the question is how many pixels one answer sees.",
                ),
                (256, "It sees a part of the picture, not all: go through the layers from the last to the first."),
            ],
            tolerance=0.001,
            hint="Begin with 1 and go from the last layer to the first: field = (field - 1) · stride + kernel.",
        ),
        "1 → 4 → 7 → 16 → 34 → 70: each of the answers judges a window of 70 × 70 pixels.",
    ),
    Exercise(
        "7.gan_loss",
        function(
            _gan_loss,
            _logit_cases,
            {
                "The logits are not probabilities yet: put them through the sigmoid first.": lambda z, real: float(
                    -np.log(np.clip(z if real else 1 - z, 1e-12, None)).mean()
                ),
                "For generated pictures, the logarithm is that of 1 - p.": lambda z, real: float(
                    -np.log(_sigmoid(z)).mean()
                ),
                "The sign is turned round: a loss is small where the judgement is right.": lambda z, real: (
                    -_gan_loss(z, real)
                ),
                "The two answers are exchanged.": lambda z, real: _gan_loss(z, not real),
                "Take the mean over all patches, not the sum.": lambda z, real: _gan_loss(z, real) * np.asarray(z).size,
            },
        ),
        "Programs take np.logaddexp(0, -z) or torch's binary_cross_entropy_with_logits, because 1 / (1 + exp(-z)) "
        "overflows for large z.",
    ),
    Exercise(
        "7.weight",
        number(
            2 * 18 / 4.5,
            [
                (2 * 4.5 / 18, "The other way round: the difference pulls less hard, so λ must grow."),
                (0.72 / 0.043, "That makes the values of the losses equal; what moves the weights are gradients."),
                (18 / 4.5, "That is the factor by which λ must grow; λ was 2."),
                (4.5 / 18, "That is how hard the difference pulls at λ = 2, as a share of the other; give λ itself."),
            ],
            hint="The gradient of λ·L1 is proportional to λ: solve λ / 2 · 4.5 = 18.",
        ),
        "Below that, the discriminator decides; at the paper's 100, the difference pulls some twelve times as hard.",
    ),
    Exercise(
        "8.l1",
        function(
            _l1,
            _picture_cases,
            {
                "Those are squares; L1 takes absolute values.": lambda x, y: float(((x - y) ** 2).mean()),
                "Without absolute values, errors up and down cancel.": lambda x, y: float((x - y).mean()),
                "Take the mean, not the sum.": lambda x, y: float(np.abs(x - y).sum()),
            },
        ),
        "That is the whole loss of the training below.",
    ),
    Exercise(
        "8.curve",
        function(
            _curve,
            _curve_cases,
            {
                "One step is right; the curve is applied eight times, each time to what came out before.": _once,
                "The sign is turned round: x² - x is negative, so a negative r brightens.": lambda x, r: _curve(x, -r),
                "Each of the eight steps takes the result of the step before, not the picture again.": lambda x, r: (
                    x + 8 * r * (x * x - x)
                ),
            },
        ),
        "0 stays 0 and 1 stays 1, whatever r: a curve neither clips nor invents.",
    ),  # fmt: skip
    Exercise(
        "8.passes",
        function(
            _passes,
            _pass_cases,
            {
                "The second step depends on r in two ways: by its own r, and by what the first step gave. You have the "
                "first of the two only.": lambda x, t, r: _passes_with(x, t, r, False, 2.0),
                "The derivative of a square has a factor of 2.": lambda x, t, r: _passes_with(x, t, r, True, 1.0),
                "The sign of the gradient is turned round: it is 2 (x₂ − target), not 2 (target − x₂).": (
                    lambda x, t, r: _passes_with(x, t, r, True, 2.0, -1.0)
                ),
                "Give both: the loss first, then its gradient.": lambda x, t, r: _passes(x, t, r)[1],
                "The two are exchanged: the loss first, then its gradient.": lambda x, t, r: _passes(x, t, r)[::-1],
            },
        ),
        "Forward to the loss, backward by the chain rule. `loss.backward()` does this for any network.",
    ),
    Exercise(
        "8.step",
        function(
            _step,
            lambda: [(1.0, 2.0, 0.1), (-0.5, -4.0, 0.01), (0.3, 0.0, 1.0)],
            {
                "You climb: the gradient points uphill, so subtract it.": lambda w, g, r: w + r * g,
                "The rate is missing: a whole gradient is far too large a step.": lambda w, g, r: w - g,
            },
        ),
        "Adam, which trains here, does this with a rate of its own for each weight.",
    ),
)
