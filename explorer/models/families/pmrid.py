"""PMRID."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

PMRID = Architecture(
    "pmrid",
    network="pmrid:Pmrid",
    title="PMRID",
    domain="packed",
    summary="Cleans the RAW of any camera, by bringing its noise to that of one.",
    paper=("Wang, Huang, Xu, Liu, Liu and Wang, Practical Deep Raw Image Denoising on Mobile Devices, ECCV 2020"),
    halo=496,
    size=SizeRequirements(minimum=16, multiple_of=16),
    intermediates=(Intermediate("removed", "Noise taken away", (-0.1, 0.1), "diverging", "Entferntes Rauschen"),),
    german="Entrauscht RAW jeder Kamera, indem es ihr Rauschen auf das einer einzigen bringt.",
)
