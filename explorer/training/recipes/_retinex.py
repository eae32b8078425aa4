"""Shared parts of the recipes of RetinexNet's four trainings."""

from __future__ import annotations

from functools import partial

from explorer.training.recipe import Phase
from explorer.training.recipes._lol import lol_recipe
from explorer.training.sources import DarkPairs

# Decom-Net sees 15 pixels around each pixel, so small crops lose nothing and allow more steps.
PHASES = (Phase(until=0.85, crop=64, batch=6), Phase(until=1.0, crop=128, batch=2))
# Relight-Net, trained second, halves its picture three times and needs more of the scene.
RELIGHT_PHASES = (Phase(until=0.85, crop=96, batch=4, shrink=3), Phase(until=1.0, crop=192, batch=2, shrink=2))
DECOM_STEPS, RELIGHT_STEPS = 600, 500
# By default it starts from an enhanced illumination of 0, far from every solution; nearly all are around this value.
ENHANCED_START = 0.8
# Three in ten are darkened pictures; sides are 1 modulo 8, as transposed convolutions need.
pairs = partial(DarkPairs, share=0.3, offset=1)
retinex_recipe = partial(lol_recipe, architecture="retinexnet", source=pairs)
"""A recipe with what all four have in common."""
