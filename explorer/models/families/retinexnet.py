"""RetinexNet."""

from __future__ import annotations

from explorer.models.registry import ILLUMINATION, ILLUMINATION_ENHANCED, REFLECTANCE, Architecture, SizeRequirements

_PAPER = "Wei, Wang, Yang and Liu, Deep Retinex Decomposition for Low-Light Enhancement, BMVC 2018"

RETINEXNET = Architecture(
    "retinexnet",
    network="retinexnet:RetinexNet",
    title="RetinexNet",
    domain="rgb",
    halo=64,
    summary="Splits a picture into reflectance and illumination and brightens the illumination.",
    paper=_PAPER,
    size=SizeRequirements(minimum=16, multiple_of=8),
    intermediates=(REFLECTANCE, ILLUMINATION, ILLUMINATION_ENHANCED),
    german="Zerlegt ein Bild in Reflexion und Beleuchtung und hellt die Beleuchtung auf.",
)
