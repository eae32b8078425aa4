"""DarkIR."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

DARKIR = Architecture(
    "darkir",
    network="darkir:DarkIR",
    title="DarkIR",
    domain="rgb",
    summary="For dark and blurred pictures: brightens Fourier amplitudes first, then sharpens by wide kernels.",
    paper="Feijoo, Benito, Garcia and Conde, DarkIR: Robust Low-Light Image Restoration, CVPR 2025",
    size=SizeRequirements(minimum=8, multiple_of=8),
    intermediates=(
        Intermediate(
            "brightened", "After the encoder, an eighth of the size", colours="rgb",
            german="Nach dem Kodierer, ein Achtel der Größe",
        ),
    ),
    german="Für dunkle und unscharfe Bilder: hellt erst Fourier-Amplituden auf und schärft dann mit weiten Kernen.",
)  # fmt: skip
