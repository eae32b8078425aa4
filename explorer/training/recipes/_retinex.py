"""What the recipes of RetinexNet's four trainings share."""

from __future__ import annotations

from pathlib import Path

from explorer.training.recipe import Phase
from explorer.training.recipes._lol import DATA, INPUT, OUTPUT
from explorer.training.sources import DarkPairs

__all__ = ["DATA", "INPUT", "OUTPUT", "DECOM_SHARE", "PHASES", "SPLIT_PHASES", "pairs"]

# Decom-Net sees 15 pixels around each one: small crops lose nothing and give more steps.
PHASES = (Phase(until=0.85, crop=64, batch=6), Phase(until=1.0, crop=128, batch=2))
# Relight-Net, trained second, halves its picture three times and wants more of the scene.
DECOM_SHARE = 0.45
SPLIT_PHASES = (
    Phase(until=DECOM_SHARE, crop=64, batch=6),
    Phase(until=0.9, crop=128, batch=4),
    Phase(until=1.0, crop=192, batch=2),
)


def pairs(data: Path, seed: int, phases: tuple[Phase, ...]) -> DarkPairs:
    """Three in ten darkened pictures; sides 1 modulo 8, as transposed convolutions want."""
    return DarkPairs(data, seed, phases, share=0.3, offset=1)
