"""Lynx."""

from __future__ import annotations

from explorer.models.registry import Architecture, SizeRequirements

_SIZE = SizeRequirements(minimum=16, multiple_of=16)

LYNX = Architecture(
    "lynx",
    network="lynx:Lynx",
    title="Lynx",
    domain="bayer",
    summary="Ours: a U-Net on the Bayer mosaic that adds what is missing to the picture.",
    german="Unser Netz: ein U-Net auf dem Bayer-Mosaik, das dem Bild hinzufügt, was fehlt.",
    halo=160,
    size=_SIZE,
)
LYNX_XTRANS = Architecture(
    "lynx_xtrans",
    network="lynx:LynxXTrans",
    title="Lynx (X-Trans)",
    domain="xtrans",
    summary="Ours: Lynx on the nine planes of a Fujifilm X-Trans mosaic.",
    german="Unser Netz: Lynx auf den neun Ebenen eines X-Trans-Mosaiks von Fujifilm.",
    halo=80,
    size=_SIZE,
)
LYNX_RGB = Architecture(
    "lynx_rgb",
    network="lynx:LynxRgb",
    title="Lynx (pictures)",
    domain="rgb",
    summary="Ours: Lynx on amplified pictures, which keep what is brighter than white.",
    german="Unser Netz: Lynx auf verstärkten Bildern, die behalten, was heller als Weiß ist.",
    halo=160,
    size=_SIZE,
)
