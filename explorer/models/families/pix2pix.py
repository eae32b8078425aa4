"""pix2pix."""

from __future__ import annotations

from explorer.models.registry import Architecture, SizeRequirements

PIX2PIX = Architecture(
    "pix2pix",
    network="pix2pix:Pix2Pix",
    title="pix2pix",
    domain="rgb",
    summary="A U-Net generator trained against a discriminator that judges patches.",
    paper="Isola, Zhu, Zhou and Efros, Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017",
    halo=512,
    size=SizeRequirements(minimum=256, multiple_of=256),
    german="Ein U-Net als Generator, trainiert gegen einen Diskriminator, der Ausschnitte beurteilt.",
)
