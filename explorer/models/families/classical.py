"""Textbook methods without weights."""

from __future__ import annotations

from explorer.models.registry import Architecture

IDENTITY = Architecture(
    "identity",
    network="classical:Identity",
    title="Unchanged",
    domain="rgb",
    summary="Returns the amplified picture as it is.",
    halo=0,
    needs_weights=False,
    german_title="Unverändert",
    german="Gibt das verstärkte Bild, wie es ist.",
)
GAMMA = Architecture(
    "gamma",
    network="classical:Gamma",
    title="Gamma correction",
    domain="rgb",
    summary="One brightening power curve for all pixels.",
    needs_weights=False,
    german_title="Gammakorrektur",
    german="Eine aufhellende Potenzkurve für alle Pixel.",
)
HISTOGRAM_EQUALISATION = Architecture(
    "histogram_equalisation",
    network="classical:HistogramEqualisation",
    title="Histogram equalisation",
    domain="rgb",
    summary="Spreads the luma so that every brightness is equally frequent.",
    needs_weights=False,
    german_title="Histogrammausgleich",
    german="Verteilt die Helligkeiten so, dass jede gleich häufig ist.",
)
CLAHE = Architecture(
    "clahe",
    network="classical:Clahe",
    title="CLAHE",
    domain="rgb",
    summary="Histogram equalisation in tiles, with limited contrast.",
    paper="Zuiderveld, Contrast Limited Adaptive Histogram Equalization, Graphics Gems IV, 1994",
    needs_weights=False,
    german="Histogrammausgleich in Kacheln, mit begrenztem Kontrast.",
)
