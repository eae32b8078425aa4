"""Shared parts of the Lynx recipes for pictures."""

from __future__ import annotations

from functools import partial
from typing import Any

from explorer.training.mixed import MixedPairs
from explorer.training.objectives import MeanMatchedObjective
from explorer.training.recipe import Phase, Recipe

INPUT: dict[str, Any] = {"white_balance": "before", "highlights": "keep", "ratio_rule": "learned", "margin": 16}
OUTPUT: dict[str, Any] = {"color": "srgb"}
PHASES = (
    Phase(until=0.7, crop=160, batch=6, shrink=3),
    Phase(until=1.0, crop=256, batch=3, shrink=2),
)
DATA = (
    "189 pairs of a part of LOL's our485 training set (research use), 285 exposure pairs of SICE (CC BY-NC 4.0, "
    "academic research), 138 photographs of CID22 (CC BY-SA 4.0) and 41 of CLIC 2025 (Unsplash licence), darkened"
)
KNOWN_FAILURES = (
    "Noise of cameras unlike those in the training pairs partly stays, or is smoothed away with the texture. "
    "Highlights above white return only if the file still contains them. The brightness of the result follows the "
    "ratio."
)
lynx_recipe = partial(
    Recipe,
    architecture="lynx_rgb",
    objective=partial(MeanMatchedObjective, rate=1e-3, inner_rate=2.5e-3),
    source=MixedPairs,
    phases=PHASES,
    input=INPUT,
    output=OUTPUT,
    duration="about an hour and a half on one core with AVX-512 BF16",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
"""A recipe with what both sizes have in common: the mean-matched objective, trained by Muon."""
