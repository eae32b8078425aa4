"""Zero-DCE."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate

ZERO_DCE = Architecture(
    "zero_dce",
    network="zero_dce:ZeroDCE",
    title="Zero-DCE",
    domain="rgb",
    halo=8,
    summary="Estimates brightening curves for every pixel; trained without any reference pictures.",
    paper="Guo, Li, Guo, Loy, Hou, Kwong and Cong, Zero-Reference Deep Curve Estimation, CVPR 2020",
    intermediates=(
        Intermediate("curves", "Curves of step {step}", (-1.0, 1.0), "diverging", "Kurven von Schritt {step}", steps=8),
    ),
    german="Schätzt aufhellende Kurven für jedes Pixel; ohne Vorlagen trainiert.",
)
