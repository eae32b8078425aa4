"""SCI."""

from __future__ import annotations

from explorer.models.registry import ILLUMINATION, Architecture

SCI = Architecture(
    "sci",
    network="sci:SCI",
    title="SCI",
    domain="rgb",
    halo=4,
    summary="258 parameters that estimate an illumination; the picture is divided by it.",
    paper="Ma, Ma, Liu, Fan and Luo, Toward Fast, Flexible, and Robust Low-Light Image Enhancement, CVPR 2022",
    intermediates=(ILLUMINATION,),
    german="258 Parameter, die eine Beleuchtung schätzen; das Bild wird durch sie geteilt.",
)
