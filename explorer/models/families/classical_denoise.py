"""Denoisers as separate methods."""

from __future__ import annotations

from explorer.models.registry import Architecture

NLM = Architecture(
    "nlm",
    network="classical_denoise:non_local_means",
    title="Non-local means",
    domain="rgb",
    summary="The amplified picture, each pixel averaged with pixels in similar surroundings.",
    paper="Buades, Coll and Morel, A Non-Local Algorithm for Image Denoising, CVPR 2005",
    needs_weights=False,
    german_title="Nichtlokale Mittel",
    german="Das verstärkte Bild, jedes Pixel gemittelt mit Pixeln in ähnlicher Umgebung.",
)
BILATERAL = Architecture(
    "bilateral",
    network="classical_denoise:bilateral",
    title="Bilateral filter",
    domain="rgb",
    summary="The amplified picture, each pixel averaged with neighbours of a similar colour.",
    paper="Tomasi and Manduchi, Bilateral Filtering for Gray and Color Images, ICCV 1998",
    needs_weights=False,
    german_title="Bilaterales Filter",
    german="Das verstärkte Bild, jedes Pixel gemittelt mit Nachbarn ähnlicher Farbe.",
)
