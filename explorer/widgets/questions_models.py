"""Questions of the notebooks on networks: Retinex, feature maps, quality against time."""

from __future__ import annotations

import numpy as np

from explorer.widgets.questions import Question

QUESTIONS = (
    Question(
        "4.equal",
        "The cat, dark and well lit, is decomposed by the same network. Which of the two <b>should</b> be equal?",
        "the reflectances",
        "The scene is the same and the surfaces are the same. What differs between the two photos is the light.",
        ("the reflectances", "the illuminations", "both", "neither"),
    ),
    Question(
        "4.constant",
        "Which light makes the smoothness term 0, apart from the picture's border, whatever the picture?",
        "any constant one",
        "Every constant is perfectly smooth: 1, and 0.5, and 0. (The authors' code, and ours, pads with zeros, so that "
        "at the border even a constant has a step, and only 0 has none.) Remember the 0: it is the trap of the next "
        "section.",
        ("none can", "any constant one", "only a white one", "the brightest channel of the picture"),
    ),
    Question(
        "4.shade",
        "In the deepest shade the light is small. Dividing by it makes the reflectance bright there. What grows with "
        "it?",
        "the noise",
        "R = S / I, and S holds the noise. Zoom into a dark corner of the reflectance: it is the noisiest place.",
        ("the noise", "the colours", "the sharpness"),
    ),
    Question(
        "5.folding",
        "Folding by 32 makes 1024 channels of the mosaic. How many <b>numbers</b> are there, compared with before?",
        "as many",
        "A thousandth of the places with a thousand numbers each. Pooling would have thrown most of them away.",
        ("a 1024th", "a 32nd", "as many", "1024 times as many"),
    ),
    Question(
        "5.work",
        "Which part of the network does most of the <b>arithmetic</b>: the branch at 1/32, which holds four fifths of "
        "the weights, or the rest?",
        lambda shares: "the rest" if shares["scale32"] < 0.5 else "the branch at 1/32",
        "A weight is used once for every place of its output, and at 1/32 there are a thousandth as many places as in "
        "the photo. Weights are disk; places times weights are arithmetic.",
        ("the branch at 1/32", "the rest"),
        measured=True,
    ),
    Question(
        "5.ninefold",
        "scale2 is a convolution with a bias, no activation. From ×4 to ×36 the light grows 9 times. Do its maps?",
        "no: only what lies above the bias does",
        "The map is m = w ∗ x + b, so m − b grows 9 times where nothing is clipped, and m does not: "
        "m′ = 9 (m − b) + b. The flame, which makes most of the contrast, is clipped at 1 and grows less.",
        ("yes, 9 times", "no: only what lies above the bias does", "no, they change without a rule"),
    ),
    Question(
        "5.channels",
        "Before you see the bars: will the twelve channels matter about equally?",
        lambda changes: "no, a few matter most" if max(changes) > 2 * np.median(changes) else "yes, about equally",
        "Nothing in the training asks the channels to share the work: some carry much of the brightness or of one "
        "colour, and others hardly do anything.",
        ("yes, about equally", "no, a few matter most"),
        measured=True,
    ),
    Question(
        "6.slower",
        "SID's U-Net has about 9 times as many multiplications as M0. How many times as <b>long</b> will it take here?",
        lambda latency: latency["sid_unet"] / latency["lamba_m0"],
        "Multiplications set the scale, not the time: memory has to be read as well, small layers keep a processor "
        "waiting, and libraries are better at some shapes than at others.",
        unit="times",
        measured=True,
    ),
    Question(
        "6.halve",
        "Halve each side of the photo. What becomes of the multiplications of all four networks?",
        "a quarter",
        "All of them are made of convolutions, and every convolution pays for every place once. The area is a quarter.",
        ("a half", "a quarter", "an eighth", "it depends on the network"),
    ),
)
