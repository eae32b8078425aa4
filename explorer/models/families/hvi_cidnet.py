"""HVI-CIDNet."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

HVI_CIDNET = Architecture(
    "hvi_cidnet",
    network="hvi_cidnet:HviCidNet",
    title="HVI-CIDNet",
    domain="rgb",
    summary="Intensity and colour, in a space where dark colours lie close together, restored side by side.",
    paper=(
        "Yan, Feng, Zhang, Pang, Shi, Wu, Dong, Sun and Zhang, HVI: A New Color Space for Low-light Image "
        "Enhancement, CVPR 2025"
    ),
    size=SizeRequirements(minimum=8, multiple_of=8),
    intermediates=(
        Intermediate("hvi", "H, V and I of the input", (-1.0, 1.0), "rgb", "H, V und I der Eingabe"),
        Intermediate("hvi_enhanced", "H, V and I, enhanced", (-1.0, 1.0), "rgb", "H, V und I, verbessert"),
    ),
    german="Intensität und Farbe, in einem Raum, in dem dunkle Farben nah beieinander liegen, jede für sich.",
)
