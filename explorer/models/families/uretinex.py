"""URetinex-Net."""

from __future__ import annotations

from explorer.models.registry import ILLUMINATION, ILLUMINATION_ENHANCED, REFLECTANCE, Architecture

URETINEX = Architecture(
    "uretinex",
    network="uretinex:URetinexNet",
    title="URetinex-Net",
    domain="rgb",
    summary="Unfolds the search for reflectance and illumination into three steps; the ratio is told to the network.",
    paper=(
        "Wu, Weng, Zhang, Wang, Yang and Jiang, URetinex-Net: Retinex-based Deep Unfolding Network for Low-light Image "
        "Enhancement, CVPR 2022"
    ),
    intermediates=(REFLECTANCE, ILLUMINATION, ILLUMINATION_ENHANCED),
    german="Entfaltet die Suche nach Reflexion und Beleuchtung in drei Schritte; die Verstärkung erfährt das Netz.",
)
