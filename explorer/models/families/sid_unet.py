"""The U-Net of "Learning to See in the Dark"."""

from __future__ import annotations

from explorer.models.registry import Architecture, SizeRequirements

_PAPER = "Chen, Chen, Xu and Koltun, Learning to See in the Dark, CVPR 2018"
_SIZE = SizeRequirements(minimum=16, multiple_of=16)

SID_UNET = Architecture(
    "sid_unet",
    network="sid_unet:SidUNet",
    title="SID U-Net",
    domain="packed",
    summary="The first network for extremely dark RAW: a plain U-Net on the packed Bayer mosaic.",
    paper=_PAPER,
    halo=112,
    size=_SIZE,
    german="Das erste Netz für extrem dunkles RAW: ein einfaches U-Net auf dem gepackten Bayer-Mosaik.",
)
SID_UNET_XTRANS = Architecture(
    "sid_unet_xtrans",
    network="sid_unet:sid_unet_xtrans",
    title="SID U-Net (X-Trans)",
    domain="xtrans",
    summary="The SID U-Net on the nine planes of a Fujifilm X-Trans mosaic.",
    paper=_PAPER,
    halo=112,
    size=_SIZE,
    german="Das U-Net von SID auf den neun Ebenen eines X-Trans-Mosaiks von Fujifilm.",
)
