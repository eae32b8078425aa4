"""Shared parts of the recipes of RetinexNet's four trainings."""

from __future__ import annotations

from pathlib import Path

from explorer.training.recipe import Phase
from explorer.training.recipes._lol import DATA, INPUT, OUTPUT
from explorer.training.sources import DarkPairs

__all__ = [
    "DATA",
    "INPUT",
    "OUTPUT",
    "DECOM_STEPS",
    "ENHANCED_START",
    "PHASES",
    "RELIGHT_PHASES",
    "RELIGHT_STEPS",
    "pairs",
]

# Decom-Net sees 15 pixels around each pixel, so small crops lose nothing and allow more steps.
PHASES = (Phase(until=0.85, crop=64, batch=6), Phase(until=1.0, crop=128, batch=2))
# Relight-Net, trained second, halves its picture three times and needs more of the scene.
RELIGHT_PHASES = (Phase(until=0.85, crop=96, batch=4, shrink=3), Phase(until=1.0, crop=192, batch=2, shrink=2))
DECOM_STEPS, RELIGHT_STEPS = 600, 500
# By default it starts from an enhanced illumination of 0, far from every solution; nearly all are around this value.
ENHANCED_START = 0.8


def pairs(data: Path, seed: int, phases: tuple[Phase, ...]) -> DarkPairs:
    """Returns pairs with three in ten darkened pictures; sides are 1 modulo 8, as transposed convolutions need."""
    return DarkPairs(data, seed, phases, share=0.3, offset=1)
