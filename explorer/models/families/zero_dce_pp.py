"""Zero-DCE++."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

ZERO_DCE_PP = Architecture(
    "zero_dce_pp",
    network="zero_dce_pp:ZeroDCEPP",
    title="Zero-DCE++",
    domain="rgb",
    # Seven convolutions at a twelfth of the size, and two samples there for the enlargement.
    halo=9 * 12,
    summary="Zero-DCE for small devices: 10,561 parameters, and one map of curves that is applied eight times.",
    paper="Li, Guo and Loy, Learning to Enhance Low-Light Image via Zero-Reference Deep Curve Estimation, TPAMI 2021",
    size=SizeRequirements(minimum=12, multiple_of=12),
    intermediates=(
        Intermediate("curves", "Curve, applied 8 times", (-1.0, 1.0), "diverging", "Kurve, 8-mal angewandt"),
    ),
    german="Zero-DCE für kleine Geräte: 10.561 Parameter und eine Karte von Kurven, die achtmal angewandt wird.",
)
