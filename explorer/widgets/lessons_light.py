"""Exercises of the notebooks on light: RAW against JPEG, the amplification, brightening without a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.photo import amplify, linear_to_srgb, srgb_to_linear
from explorer.widgets.answers import function, number
from explorer.widgets.exercise import Exercise

Array = NDArray[Any]


def _rng() -> np.random.Generator:
    return np.random.default_rng(8)


def _black(counts: Array, black: float, white: float) -> Array:
    return (counts.astype(np.float64) - black) / (white - black)


def _black_cases() -> list[tuple[Any, ...]]:
    return [
        (np.array([1024.0, 8704.0, 16383.0]), 1024.0, 16383.0),
        (np.array([[500, 512], [2000, 4095]], np.uint16), 512.0, 4095.0),
    ]


def _linear(display: Array) -> Array:
    return srgb_to_linear(np.asarray(display, np.float32))


def _power(display: Array) -> Array:
    return np.asarray(display) ** 2.2


def _no_toe(display: Array) -> Array:
    return ((np.asarray(display) + 0.055) / 1.055) ** 2.4


def _display_cases() -> list[tuple[Any, ...]]:
    return [(np.array([0.5, 0.735]),), (np.array([0.0, 0.01, 0.04]),), (np.linspace(0, 1, 60).reshape(4, 5, 3),)]


def _gain_cases() -> list[tuple[Any, ...]]:
    return [
        (np.array([0.2, 0.4, 0.6]), 2.0),
        (np.array([0.0, 0.5, 1.0]), 1.0),
        (_rng().random((5, 4, 3)) * 0.3, 12.0),
        (np.array([0.5, 0.8, 1.0]), 8.0),  # beyond white
    ]


def _amplified(display: Array, ratio: float) -> Array:
    return amplify(np.asarray(display, np.float32), ratio)


def _unclipped(display: Array, ratio: float) -> Array:
    linear = srgb_to_linear(np.asarray(display, np.float32)) * ratio
    return 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055


def _clipped_share(mosaic: Array, ratio: float) -> float:
    return float((mosaic * ratio >= 1).mean())


def _mosaic_cases() -> list[tuple[Any, ...]]:
    return [(np.array([0.01, 0.2, 0.5, 0.9]), 2.0), (_rng().exponential(0.02, (40, 60)) - 0.002, 30.0)]


def _percentile_ratio(light: Array) -> float:
    wanted, permitted = 0.18 / np.percentile(light, 50), 1 / np.percentile(light, 98)
    return float(np.clip(min(wanted, permitted), 1, 300))


def _percentile_bounds(light: Array) -> tuple[Array, Array]:
    """A percentile that lies between two samples may be either of them, or anything between."""
    least, most = (
        np.clip(min(0.18 / np.percentile(light, 50, method=side), 1 / np.percentile(light, 98, method=side)), 1, 300)
        for side in ("higher", "lower")
    )
    return np.asarray(least), np.asarray(most)


def _light_cases() -> list[tuple[Any, ...]]:
    rng = _rng()
    return [
        (rng.uniform(0.001, 0.02, 4000),),
        (np.append(rng.uniform(0.001, 0.004, 900), np.full(100, 0.9)),),
        (np.append(rng.uniform(0.001, 0.004, 900), np.linspace(0.1, 0.9, 100) ** 2),),  # no two percentiles alike
        (rng.uniform(0.3, 0.5, 500),),
        (rng.uniform(1e-6, 1e-5, 500),),
    ]


def _psnr(image: Array, reference: Array) -> float:
    return float(-10 * np.log10(np.mean((image - reference) ** 2)))


def _pair_cases() -> list[tuple[Any, ...]]:
    rng = _rng()
    reference = rng.random((12, 16, 3))
    return [
        (np.full((4, 4, 3), 0.4), np.full((4, 4, 3), 0.5)),
        (np.clip(reference + 0.1 * rng.standard_normal(reference.shape), 0, 1), reference),
    ]


def _ssim(x: Array, y: Array) -> float:
    c1, c2 = 0.01**2, 0.03**2
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    top = (2 * x.mean() * y.mean() + c1) * (2 * covariance + c2)
    return float(top / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2)))


def _ssim_with(x: Array, y: Array, covariance: float, square: bool = True, freedom: int = 0) -> float:
    c1, c2 = 0.01**2, 0.03**2
    spread = x.var(ddof=freedom) + y.var(ddof=freedom) if square else x.std() + y.std()
    top = (2 * x.mean() * y.mean() + c1) * (2 * covariance + c2)
    return float(top / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (spread + c2)))


def _window_cases() -> list[tuple[Any, ...]]:
    rng = _rng()
    window = rng.random((11, 11))
    lamp = np.zeros((11, 11))  # in the dark, where the first constant weighs
    lamp[5, 5] = 1.0
    return [
        (window, window.copy()),
        (window, np.clip(0.5 * window + 0.1, 0, 1)),
        (window, rng.random((11, 11))),
        (lamp, 0.8 * lamp),
    ]


def _windows(x: Array, y: Array) -> float:
    return float(((x - x.mean()) * (y - y.mean())).mean())


EXERCISES = (
    Exercise(
        "1.levels",
        number(
            (16383 - 1024) * 0.01,
            [
                (163.83, "Nearly: 1024 counts are the black level and carry no light; the range is 16383 - 1024."),
                (153.59 + 1024, "You counted from 0; counts up to the black level of 1024 mean no light."),
                (2.56, "That is the share of an 8-bit file. How many counts does the sensor have, from 1024 to 16383?"),
                (15359, "That is the whole range; only its lowest hundredth is asked for."),
            ],
            tolerance=0.0045,  # 153 and 154 whole counts are right as well
            hint="Light runs from the count 1024 (black) to the count 16383 (saturation); take a hundredth of that.",
        ),
        "A hundredth of the light still spans some 154 counts. In an 8-bit sRGB file it spans 26.",
    ),
    Exercise(
        "1.black",
        function(
            _black,
            _black_cases,
            {
                "You divide by the white level only: saturation then comes out above or below 1. Subtract the black "
                "level below the line, too.": lambda c, b, w: (c.astype(np.float64) - b) / w,
                "The black level was not subtracted, so that darkness is not 0.": lambda c, b, w: c / w,
                "You divide by the range but forgot to subtract the black level from the counts.": lambda c, b, w: (
                    c / (w - b)
                ),
                "Counts are whole numbers of 16 bits without a sign, and subtracting below 0 wraps around: turn them "
                "into floating point first.": lambda c, b, w: (c - c.dtype.type(b)) / (w - b),
                "Python divides before it subtracts: put (counts - black) and (white - black) in brackets.": (
                    lambda c, b, w: c - b / w - b
                ),
            },
        ),
        "0 is no light, 1 is saturation, and noise below the black level stays negative, as it should.",
    ),
    Exercise(
        "1.to_linear",
        function(
            _linear,
            _display_cases,
            {
                "A power of 2.2 is close, but it is not the sRGB curve: follow the two lines of the formula.": _power,
                "The bright part is right. Below 0.04045 the curve is a line: use np.where for the two parts.": _no_toe,
                "You went the other way: this turns light into display values.": lambda display: linear_to_srgb(
                    np.asarray(display, np.float32)
                ),
            },
        ),
        "That is the curve of every JPEG, undone: now values add up like light.",
    ),
    Exercise(
        "2.amplify",
        function(
            _amplified,
            _gain_cases,
            {
                "You multiplied display values; undo the curve first, and apply it again.": lambda display, ratio: (
                    np.clip(display * ratio, 0, 1)
                ),
                "Clip the light at 1 before you apply the curve: nothing is brighter than white.": _unclipped,
                "The light is multiplied and clipped, but the curve is not applied again.": lambda display, ratio: (
                    np.clip(srgb_to_linear(np.asarray(display, np.float32)) * ratio, 0, 1)
                ),
                "You multiplied display values, and values beyond white stay: undo the curve, multiply, clip, and "
                "apply the curve again.": lambda display, ratio: display * ratio,
                "The curve is the wrong way round: srgb_to_linear comes first, linear_to_srgb last.": (
                    lambda display, ratio: srgb_to_linear(np.clip(linear_to_srgb(display) * ratio, 0, 1))
                ),
                "The result goes from 0 to 1, not to 255.": lambda display, ratio: 255 * _amplified(display, ratio),
            },
            tolerance=2e-4,
        ),
        "The same as a longer exposure would have done, noise aside.",
    ),  # fmt: skip
    Exercise(
        "2.electrons",
        number(
            6000.0,
            [
                (1 / 6000, "That is what one electron adds, as a share of saturation; turn it round."),
                (16383 - 1024, "Those are the counts between black and white; a count is not an electron."),
                (6000**0.5, "That is the noise of a full pixel, in electrons; the electrons themselves are asked for."),
            ],
            tolerance=0.15,  # what the lesson measures differs from the truth by some 7 %
            hint="One electron is the share g of saturation, and g is the slope: how many of them make 1?",
        ),
        "The simulated camera has 6000. What is left over are edges of the scene, which look like noise, and rounding.",
    ),
    Exercise(
        "2.clipped",
        function(
            _clipped_share,
            _mosaic_cases,
            {
                "That is the share that survives; the clipped share is asked for.": lambda m, r: float(
                    (m * r < 1).mean()
                ),
                "You counted the samples; divide by how many there are.": lambda m, r: float((m * r >= 1).sum()),
                "The samples were not multiplied by the ratio.": lambda m, r: float((m >= 1).mean()),
                "That is a percentage; give the share, from 0 to 1.": lambda m, r: 100 * _clipped_share(m, r),
            },
        ),
        "What is clipped is gone: no network can bring it back.",
    ),
    Exercise(
        "2.percentile_ratio",
        function(
            _percentile_ratio,
            _light_cases,
            {
                "The highlights are not spared: take the smaller of the two ratios.": lambda light: float(
                    np.clip(0.18 / np.percentile(light, 50), 1, 300)
                ),
                "You take the larger of the two; then highlights blow out.": lambda light: float(
                    np.clip(max(0.18 / np.percentile(light, 50), 1 / np.percentile(light, 98)), 1, 300)
                ),
                "The highlights' percentile is another one: 2 % may be clipped, so take the 98th.": lambda light: float(
                    np.clip(min(0.18 / np.percentile(light, 50), 1 / np.percentile(light, 99)), 1, 300)
                ),
                "Limit the ratio to 1 to 300.": lambda light: float(
                    min(0.18 / np.percentile(light, 50), 1 / np.percentile(light, 98))
                ),
                "You used the mean. One lamp moves a mean; use the median.": lambda light: float(
                    np.clip(min(0.18 / np.mean(light), 1 / np.percentile(light, 98)), 1, 300)
                ),
                "np.percentile counts from 0 to 100: the median is 50, not 0.5.": lambda light: float(
                    np.clip(min(0.18 / np.percentile(light, 0.5), 1 / np.percentile(light, 0.98)), 1, 300)
                ),
            },
            bounds=_percentile_bounds,
        ),
        "That is the rule `percentile`. The slider follows one that has learnt from photographs.",
    ),  # fmt: skip
    Exercise(
        "3.gamma",
        number(
            np.log(0.1) / np.log(0.5),
            [
                (np.log(0.5) / np.log(0.1), "That is the exponent, 1/γ; the question asks for γ."),
                (5.0, "0.5 / 0.1 = 5 would be a gain. A gamma is a power: solve 0.1 ** (1/γ) = 0.5 with a logarithm."),
            ],
            hint="Take the logarithm of both sides of 0.1 ** (1/γ) = 0.5.",
        ),
        "And at 0.9 the same curve gives 0.97: shadows move far, highlights hardly.",
    ),
    Exercise(
        "3.psnr",
        function(
            _psnr,
            _pair_cases,
            {
                "You used the natural logarithm; decibels are made with np.log10.": lambda x, y: float(
                    -10 * np.log(np.mean((x - y) ** 2))
                ),
                "That is for values up to 255; these pictures lie in [0, 1], so the largest value is 1.": lambda x, y: (
                    float(10 * np.log10(255**2 / np.mean((x - y) ** 2)))
                ),
                "The factor is 10 with the mean square error (20 with its root).": lambda x, y: float(
                    -20 * np.log10(np.mean((x - y) ** 2))
                ),
                "You averaged the absolute differences; square them.": lambda x, y: float(
                    -10 * np.log10(np.mean(np.abs(x - y)))
                ),
                "The sign is turned round: smaller errors should give more decibels.": lambda x, y: -_psnr(x, y),
                "Each pixel has an error of its own; average all the squares before the logarithm.": lambda x, y: (
                    -10 * np.log10((x - y) ** 2)
                ),
                "Square each difference before you average, or errors up and down cancel.": lambda x, y: float(
                    -10 * np.log10(np.mean(x - y) ** 2)
                ),
            },
        ),
        "Every 10 dB are a tenth of the mean square error; 6 dB halve the error.",
    ),
    Exercise(
        "3.ssim",
        function(
            _ssim,
            _window_cases,
            {
                "Below the line stand variances; you used standard deviations.": lambda x, y: _ssim_with(
                    x, y, _windows(x, y), square=False
                ),
                "The covariance is ((x - mean of x) (y - mean of y)).mean().": lambda x, y: _ssim_with(
                    x, y, float((x * y).mean())
                ),
                "The variances are divided by N - 1 (as torch's var does) and the covariance by N; divide all by the "
                "same, or a window is not like itself.": lambda x, y: _ssim_with(x, y, _windows(x, y), freedom=1),
                "The covariance is divided by N - 1 (as np.cov does) and the variances by N; divide all by the "
                "same, or a window is more than like itself.": lambda x, y: _ssim_with(
                    x, y, _windows(x, y) * x.size / (x.size - 1)
                ),
                "The covariance is not the product of the two standard deviations.": lambda x, y: _ssim_with(
                    x, y, float(x.std() * y.std())
                ),
                "Both factors below the line belong in one pair of brackets: a / (b * c), not a / b * c.": (
                    lambda x, y: _ssim(x, y) * (x.var() + y.var() + 0.03**2) ** 2
                ),
            },
        ),
        "That is one window; SSIM is the mean over all of them.",
    ),  # fmt: skip
)
