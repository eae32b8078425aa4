"""What the recipes of RetinexNet's four trainings share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.training.recipe import Phase
from explorer.training.sources import DarkPairs

INPUT: dict[str, Any] = {"white_balance": "before", "clip": [0.0, 1.0], "ratio_rule": "none"}
OUTPUT: dict[str, Any] = {"color": "srgb"}
DATA = (
    "189 pairs of a part of LOL's our485 training set (research use) and 138 photographs of CID22 (CC BY-SA 4.0), "
    "darkened"
)
# Decom-Net sees 15 pixels around each one: small crops lose nothing and give more steps.
PHASES = (Phase(until=0.85, crop=64, batch=6), Phase(until=1.0, crop=128, batch=2))


def pairs(data: Path, seed: int, phases: tuple[Phase, ...]) -> DarkPairs:
    """Three in ten darkened pictures; sides 1 modulo 8, as transposed convolutions want."""
    return DarkPairs(data, seed, phases, share=0.3, offset=1)
