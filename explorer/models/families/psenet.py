"""PSENet."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

PSENET = Architecture(
    "psenet",
    network="psenet:PSENet",
    title="PSENet",
    domain="rgb",
    summary="15,251 parameters that give each pixel its own curve; trained without references, for dark and bright.",
    paper=(
        "Nguyen, Tran, Nguyen and Nguyen, PSENet: Progressive Self-Enhancement Network for Unsupervised Extreme-Light "
        "Image Enhancement, WACV 2023"
    ),
    size=SizeRequirements(minimum=8),
    intermediates=(Intermediate("curves", "Exponent of the negative", (0.0, 10.0), german="Exponent des Negativs"),),
    german="15.251 Parameter geben jedem Pixel seine Kurve; ohne Vorlagen trainiert, für Dunkles und Helles.",
)
