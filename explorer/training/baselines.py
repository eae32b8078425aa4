"""What published weights and plain methods reach by this project's own protocol: rows of comparison for model cards.

Every figure is what `lowlight eval` gives for the published checkpoint as `lowlight import` converts it, and can be
measured again by the command beside it. LOL eval15: 15 pairs, full frame, sRGB clipped to [0, 1], PSNR over all
channels, SSIM as Wang et al. 2004, each model at its own suggested ratio. Synthetic RAW: see
`explorer.evaluation.synthetic`, seed 0.
"""

from __future__ import annotations

from explorer.metrics import METRICS

EVAL15 = "lol_eval15"
"""`lowlight eval --data lol_eval15/low lol_eval15/high -m WEIGHTS`"""


class Baseline:
    """One row of comparison.

    Args:
        label: what it is.
        figures: those of the first entries of `explorer.metrics.METRICS`, as far as they were measured.
    """

    def __init__(self, label: str, *figures: float) -> None:
        self.label = label
        self.scores = {metric.name: figure for metric, figure in zip(METRICS, figures, strict=False)}


PUBLISHED: dict[str, dict[str, Baseline]] = {
    EVAL15: {
        "retinexnet_port": Baseline("published PyTorch port", 17.61, 0.648, 20.25),
        "retinexnet_split_resize": Baseline("published `split_resize`", 17.82, 0.573, 20.69),
        "retinexnet_split_transpose": Baseline("published `split_transpose`", 17.95, 0.553, 20.74),
        "retinexnet_joint": Baseline("published `joint`, which collapsed to black", 6.38, 0.019, 6.32),
        "retinexnet_joint_decom_only": Baseline("published `joint_decom_only`", 18.32, 0.695, 21.47),
        "zero_dce": Baseline("published Zero-DCE", 14.86, 0.559, 20.95),
        "sci_easy": Baseline("published SCI, easy", 9.63, 0.375, 18.58),
        "sci_medium": Baseline("published SCI, medium", 14.85, 0.524, 19.13),
        "sci_difficult": Baseline("published SCI, difficult", 13.87, 0.529, 19.64),
    },
    # `lowlight eval --synthetic-raw kodak24 --ratios 10,30,100,300 -m identity -m nlm -m lamba_m0`
    "kodak24_base_iso_raw_10": {"lamba_m0": Baseline("published M0", 20.95, 0.660)},
    "kodak24_base_iso_raw_30": {"lamba_m0": Baseline("published M0", 20.87, 0.656)},
    "kodak24_base_iso_raw_100": {"lamba_m0": Baseline("published M0", 20.70, 0.640)},
    "kodak24_base_iso_raw_300": {"lamba_m0": Baseline("published M0", 20.48, 0.607)},
}
"""By data set, then by the catalogue's name of the checkpoint."""

_COUNTERPARTS = {
    "retinexnet.split_resize": ("retinexnet_split_resize",),
    "retinexnet.split_transpose": ("retinexnet_split_transpose",),
    "retinexnet.joint": ("retinexnet_joint",),
    "retinexnet.joint_decom_only": ("retinexnet_joint_decom_only",),
    "zero_dce.lol": ("zero_dce",),
    "sci.lol": ("sci_easy", "sci_medium", "sci_difficult"),
    # No weights of M1, M2 and of the U-Net in a form for all cameras are published; M0's stand beside them all.
    "lamba_m0.raw_synthetic": ("lamba_m0",),
    "lamba_m1.raw_synthetic": ("lamba_m0",),
    "lamba_m2.raw_synthetic": ("lamba_m0",),
    "sid_unet.raw_synthetic": ("lamba_m0",),
    "res_unet.raw_synthetic": ("lamba_m0",),
    "res_unet.raw_synthetic_8bit": ("lamba_m0",),
}

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
"""By data set, what no network gives."""


def baselines(weights: str, data: str) -> list[Baseline]:
    """Rows to set beside a project's weights on a data set: the published weights they follow, then no model at all.

    Args:
        weights: the name of the project's weights.
        data: the name of the data set, as in `WeightsConfig.metrics`.
    """
    published = PUBLISHED.get(data, {})
    rows = [published[name] for name in _COUNTERPARTS.get(weights, ()) if name in published]
    return [*rows, *_PLAIN.get(data, ())]
