"""PairLIE."""

from __future__ import annotations

from explorer.models.registry import ILLUMINATION, REFLECTANCE, Architecture, Intermediate, SizeRequirements

PAIRLIE = Architecture(
    "pairlie",
    network="pairlie:PairLIE",
    title="PairLIE",
    domain="rgb",
    # Two chains of five conv3, one after the other.
    halo=10,
    summary="Takes the noise out, splits into reflectance and illumination, and brightens the illumination by a power.",
    paper=(
        "Fu, Yang, Tu, Huang, Ding and Ma, Learning a Simple Low-Light Image Enhancer from Paired Low-Light Instances, "
        "CVPR 2023"
    ),
    size=SizeRequirements(minimum=2),
    intermediates=(
        Intermediate("denoised", "Without noise", colours="rgb", german="Ohne Rauschen"),
        REFLECTANCE,
        ILLUMINATION,
    ),
    german="Nimmt das Rauschen heraus, zerlegt in Reflexion und Beleuchtung und hellt diese durch eine Potenz auf.",
)
