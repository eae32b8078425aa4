"""MobileIE."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate

MOBILEIE = Architecture(
    "mobileie",
    network="mobileie:MobileIE",
    title="MobileIE",
    domain="rgb",
    summary="4,075 parameters for telephones: features multiplied by themselves, then attention.",
    paper=(
        "Yan, Li, Zhang, Liu, Shi, Zhu and Zhang, MobileIE: An Extremely Lightweight and Effective ConvNet for "
        "Real-Time Image Enhancement on Mobile Devices, ICCV 2025"
    ),
    intermediates=(
        Intermediate("channel_attention", "Attention, by channel", table=True, german="Attention je Kanal"),
        Intermediate("spatial_attention", "Attention, by pixel", german="Attention je Pixel"),
    ),
    german="4.075 Parameter für Telefone: Merkmale, mit sich selbst multipliziert, dann Attention.",
)  # fmt: skip
