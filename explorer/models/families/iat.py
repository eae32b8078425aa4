"""IAT."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate

IAT = Architecture(
    "iat",
    network="iat:IAT",
    title="IAT",
    domain="rgb",
    summary="91,154 parameters: light pixel by pixel, then a colour matrix and a gamma for the whole picture.",
    paper=(
        "Cui, Li, Gu, Su, Gao, Jiang, Qiao and Harada, You Only Need 90K Parameters to Adapt Light: A Light Weight "
        "Transformer for Image Enhancement and Exposure Correction, BMVC 2022"
    ),
    intermediates=(
        Intermediate("mul", "Multiplied by", (0.0, 4.0), german="Multipliziert mit"),
        Intermediate("add", "Added", (-1.0, 1.0), "diverging", german="Addiert"),
        Intermediate("color", "Colour matrix", (-1.5, 1.5), "diverging", german="Farbmatrix", table=True),
        Intermediate("gamma", "Gamma", (0.0, 2.0), table=True),
    ),
    german="91.154 Parameter: Licht Pixel für Pixel, dann eine Farbmatrix und ein Gamma für das ganze Bild.",
)
