"""CPGA-Net."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate

CPGA = Architecture(
    "cpga",
    network="cpga:CpgaNet",
    title="CPGA-Net",
    domain="rgb",
    summary="Takes darkness for haze: estimates transmission and light, then a gamma for the whole picture.",
    paper=(
        "Weng, Ng and Chiang, A Lightweight Low-Light Image Enhancement Network via Channel Prior and Gamma "
        "Correction, IJPRAI 2024"
    ),
    intermediates=(
        Intermediate(
            "priors", "Brightest and darkest channel, luma", colours="rgb",
            german="Hellster und dunkelster Kanal, Luma",
        ),
        Intermediate("transmission", "Transmission t", german="Transmission t"),
        Intermediate("atmosphere", "Atmospheric light A", colours="rgb", german="Atmosphärisches Licht A"),
        Intermediate("first_stage", "Without the haze J", colours="rgb", german="Ohne den Dunst J"),
        Intermediate("gamma", "Gamma", (0.0, 2.0), table=True),
        Intermediate("gamma_image", "J to the power of gamma", colours="rgb", german="J hoch Gamma"),
        Intermediate(
            "intersection", "What both hold, subtracted", (-0.5, 0.5), "diverging",
            "Was beide enthalten, abgezogen",
        ),
    ),
    german="Nimmt Dunkelheit für Dunst: schätzt Transmission und Licht, dann ein Gamma für das ganze Bild.",
)  # fmt: skip
