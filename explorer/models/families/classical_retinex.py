"""Classical Retinex methods."""

from __future__ import annotations

from explorer.models.registry import ILLUMINATION, ILLUMINATION_ENHANCED, REFLECTANCE, Architecture

SSR = Architecture(
    "ssr",
    network="classical_retinex:SingleScaleRetinex",
    title="Single-scale Retinex",
    domain="rgb",
    summary="The picture relative to its own blur, in logarithms.",
    paper="Jobson, Rahman and Woodell, Properties and Performance of a Center/Surround Retinex, IEEE TIP 1997",
    intermediates=(REFLECTANCE, ILLUMINATION),
    needs_weights=False,
    german_title="Retinex auf einer Skala",
    german="Das Bild im Verhältnis zu seiner eigenen Unschärfe, in Logarithmen.",
)
MSRCR = Architecture(
    "msrcr",
    network="classical_retinex:MultiScaleRetinex",
    title="Multi-scale Retinex with colour restoration",
    domain="rgb",
    summary="Three blurs at once, channel by channel, with the colour restored.",
    paper="Jobson, Rahman and Woodell, A Multiscale Retinex for Bridging the Gap Between Color Images and the Human "
    "Observation of Scenes, IEEE TIP 1997",
    intermediates=(REFLECTANCE, ILLUMINATION),
    needs_weights=False,
    german_title="Retinex auf mehreren Skalen mit Farbausgleich",
    german="Drei Unschärfen zugleich, Kanal für Kanal, mit wiederhergestellter Farbe.",
)
LIME = Architecture(
    "lime",
    network="classical_retinex:Lime",
    title="LIME",
    domain="rgb",
    summary="Smooths the brightest channel except at edges, takes it as the light, and divides the picture by it.",
    paper="Guo, Li and Ling, LIME: Low-Light Image Enhancement via Illumination Map Estimation, IEEE TIP 2017",
    intermediates=(REFLECTANCE, ILLUMINATION, ILLUMINATION_ENHANCED),
    needs_weights=False,
    german="Glättet den hellsten Kanal außer an Kanten, nimmt ihn als Licht und teilt das Bild durch ihn.",
)
