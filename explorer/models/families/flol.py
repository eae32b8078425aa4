"""FLOL."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

FLOL = Architecture(
    "flol",
    network="flol:FLOL",
    title="FLOL",
    domain="rgb",
    summary="Lifts the Fourier spectrum's amplitude, then restores the picture, noisy places by their surroundings.",
    paper="Benito, Feijoo, Garcia and Conde, FLOL: Fast Baselines for Real-World Low-Light Enhancement, 2025",
    size=SizeRequirements(minimum=16, multiple_of=8),
    intermediates=(
        Intermediate("amplitude", "Divisor of the spectrum", colours="rgb", german="Teiler des Spektrums"),
        Intermediate("first_stage", "Lifted spectrum", colours="rgb", german="Angehobenes Spektrum"),
        Intermediate("snr_mask", "Signal to noise", german="Signal zu Rauschen"),
    ),
    german="Hebt die Amplitude im Fourier-Spektrum und restauriert das Bild, Verrauschtes nach seiner Umgebung.",
)
