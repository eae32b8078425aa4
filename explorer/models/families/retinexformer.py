"""Retinexformer."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

RETINEXFORMER = Architecture(
    "retinexformer",
    network="retinexformer:Retinexformer",
    title="Retinexformer",
    domain="rgb",
    summary="Lights the picture up by an illumination map, then cleans it with attention that the map guides.",
    paper=(
        "Cai, Bian, Lin, Wang, Timofte and Zhang, Retinexformer: One-stage Retinex-based Transformer for Low-light "
        "Image Enhancement, ICCV 2023"
    ),
    size=SizeRequirements(minimum=4, multiple_of=4),
    intermediates=(
        Intermediate("illumination_map", "Light gain minus 1", (0.0, 10.0), german="Lichtgewinn minus 1"),
        Intermediate("lit_up", "Lit up", colours="rgb", german="Aufgehellt"),
        Intermediate(
            "illumination_features", "Features that guide attention, mean", (-1.0, 1.0), "diverging",
            "Merkmale, die die Aufmerksamkeit führen, Mittel",
        ),
    ),
    german="Hellt das Bild durch eine Beleuchtungskarte auf und säubert es mit Aufmerksamkeit, die die Karte führt.",
)  # fmt: skip
