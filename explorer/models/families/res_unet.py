"""The residual U-Net."""

from __future__ import annotations

from explorer.models.registry import Architecture, SizeRequirements

RES_UNET = Architecture(
    "res_unet",
    network="res_unet:ResUNet",
    title="Residual U-Net",
    domain="rgb",
    summary="A U-Net whose encoder is a ResNet, with sub-pixel upsampling.",
    paper="Howard and Gugger, fastai: A Layered API for Deep Learning, Information 2020 (dynamic U-Net)",
    halo=608,
    size=SizeRequirements(minimum=32, multiple_of=32),
    german="Ein U-Net, dessen Kodierer ein ResNet ist, mit Sub-Pixel-Vergrößerung.",
)
