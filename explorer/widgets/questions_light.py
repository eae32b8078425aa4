"""Questions of the notebooks on light: RAW against JPEG, the amplification, brightening without a network."""

from __future__ import annotations

import numpy as np

from explorer.photo import linear_to_srgb
from explorer.widgets.questions import Question


def _values_of_8_bits() -> int:
    return int(np.floor(linear_to_srgb(np.array([0.01], np.float32))[0] * 255)) + 1


QUESTIONS = (
    Question(
        "1.green",
        "Look at the middle picture. Which share of all samples is green?",
        "a half",
        "Two of the four places of every cell are green, because the eye takes its sharpness from green above all.",
        ("a quarter", "a third", "a half", "two thirds"),
    ),
    Question(
        "1.values",
        "A scene with only a <b>hundredth</b> of the light: $x$ runs from 0 to 0.01. How many different values does an "
        "8-bit sRGB picture have for it?",
        _values_of_8_bits,
        "x = 0.01 is the display value 0.0998, and 0.0998 · 255 = 25.4. So the values 0 to 25 are used, and the other "
        "230 are not.",
        unit="values",
    ),
    Question(
        "1.dither",
        "Both pictures are now averaged over blocks of 16 × 16 pixels, which takes most of the noise away. Which of "
        "the two is then closer to the reference?",
        "both alike",
        "The noise of this photo is larger than a step of the 8-bit file. Chance decides to which side a value is "
        "rounded, and the mean of many such values is right: noise <i>dithers</i>.",
        ("the RAW one", "the 8-bit one", "both alike"),
    ),
    Question(
        "1.rounding",
        "A clean photograph <b>without noise</b> is darkened 300 times and brought back. Which loses more?",
        "8 bits as display values",
        "At a 300th, the brightest white of the scene is the value 11 of 255. Fourteen bits still have 54 counts for "
        "it.",
        ("8 bits as display values", "14 bits as light", "both lose the same"),
    ),
    Question(
        "2.snr",
        "A grey patch is amplified by 16 instead of by 4. What becomes of its signal-to-noise ratio, that is, of mean "
        "/ standard deviation?",
        "it stays the same",
        "Both are multiplied by the same number. Amplifying does not make noise: it shows the noise that is there.",
        ("it gets four times worse", "it gets twice as bad", "it stays the same", "it gets better"),
    ),
    Question(
        "2.clipped",
        "At which ratio is one sample in a hundred of this photo clipped, after white balance?",
        lambda balanced: float(1 / np.quantile(balanced, 0.99)),
        "It is 1 divided by the light below which 99 % of the samples lie: a percentile. The suggestion makes use of "
        "that.",
        unit="times",
        measured=True,
    ),
    Question(
        "3.steps",
        "The picture is dark and has 8 bits. Which of these methods makes its noise and its steps <b>most</b> visible?",
        "histogram equalisation",
        "It spends contrast where many pixels are. In a dark picture, most pixels are in a handful of values, so the "
        "steps between those are torn far apart.",
        ("gamma", "histogram equalisation", "LIME"),
    ),
    Question(
        "3.tenth",
        "Every pixel of a result is wrong by 0.1 (of 1). What is its PSNR?",
        20.0,
        "The mean square error is 0.01, its logarithm −2, times −10.",
        unit="dB",
    ),
    Question(
        "3.damage",
        "Brighter everywhere, noise, or a blur, all at the same PSNR: which has the <b>highest</b> SSIM?",
        "brighter everywhere",
        "A constant leaves contrast and structure as they are. That is also why GT-mean PSNR, which matches the mean "
        "brightness first, is another measure: never compare one with the other.",
        ("brighter everywhere", "noise", "blur"),
    ),
    Question(
        "3.bought",
        "All entrants get the <b>same</b> amplification. How many decibels does the best network gain over amplifying "
        "and then averaging similar patches (non-local means)?",
        lambda scores: max(score for name, score in scores.items() if "." in name) - scores["nlm"],
        "The right brightness and a patient denoiser are most of the way. A table that lets a network amplify and a "
        "curve not shows the amplification, not the network.",
        unit="dB",
        measured=True,
    ),
)
