"""Metrics of published weights and plain methods by this project's own protocol: rows of comparison for model cards.

Every value is the result of `lowlight eval` for the published checkpoint, converted by `lowlight weights import`. LOL
eval15: 15 pairs, full frame, sRGB clipped to [0, 1], PSNR over all channels, SSIM as Wang et al. 2004, each model at
its own suggested ratio. Synthetic RAW: see `explorer.evaluation.synthetic`, seed 0.
"""

from __future__ import annotations

from explorer.weights.catalogue import CATALOGUE
from explorer.weights.checkpoint import Baseline as Baseline

EVAL15 = "lol_eval15"
"""`lowlight eval --data lol_eval15/low lol_eval15/high -m WEIGHTS`"""

_PLAIN = {
    EVAL15: (Baseline("the input unchanged", 7.77, 0.195, 18.75),),
    "kodak24_base_iso_raw_10": (
        Baseline("developed and amplified", 28.27, 0.821),
        Baseline("developed, amplified, non-local means", 29.38, 0.868),
    ),
    "kodak24_base_iso_raw_30": (
        Baseline("developed and amplified", 25.89, 0.686),
        Baseline("developed, amplified, non-local means", 28.50, 0.827),
    ),
    "kodak24_base_iso_raw_100": (
        Baseline("developed and amplified", 21.30, 0.452),
        Baseline("developed, amplified, non-local means", 26.27, 0.730),
    ),
    "kodak24_base_iso_raw_300": (
        Baseline("developed and amplified", 16.17, 0.241),
        Baseline("developed, amplified, non-local means", 22.80, 0.590),
    ),
}
"""By data set, metrics without a network."""


def baselines(weights: str, data: str) -> list[Baseline]:
    """Returns rows to compare with weights of this project on a data set: the published weights of the same
    architecture, then methods without a network.

    Args:
        weights: the name of the project's weights.
        data: the name of the data set, as in `WeightsConfig.metrics`.
    """
    beside = [entry for entry in CATALOGUE.values() if weights in entry.compared_with]
    return [*(entry.figures[data] for entry in beside if data in entry.figures), *_PLAIN.get(data, ())]
