"""Shared parts of the recipes for developed pictures."""

from __future__ import annotations

from functools import partial
from typing import Any

from explorer.training.recipe import Recipe
from explorer.training.sources import DarkPairs

INPUT: dict[str, Any] = {"white_balance": "before", "clip": [0.0, 1.0], "ratio_rule": "none", "margin": 16}
OUTPUT: dict[str, Any] = {"color": "srgb"}
DATA = (
    "189 pairs of a part of LOL's our485 training set (research use) and 138 photographs of CID22 (CC BY-SA 4.0), "
    "darkened"
)

# Pairs from one camera only teach that camera; darkened photos cover the rest. Half of each works on other cameras.
# They are amplified before the network, so that it starts from about the right brightness, like a RAW network, and the
# ratio has an effect.
AMPLIFIED_INPUT: dict[str, Any] = INPUT | {"ratio_rule": "learned"}
half_darkened_amplified = partial(DarkPairs, share=0.5, amplified=True)
some_darkened = partial(DarkPairs, share=0.3)
lol_recipe = partial(Recipe, input=INPUT, output=OUTPUT, training_data=DATA)
"""A recipe for developed pictures, with what all have in common."""
