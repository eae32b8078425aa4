"""Shared parts of the two recipes of the residual U-Net on developed RAW, which differ only in bit depth."""

from __future__ import annotations

from functools import partial
from typing import Any

from explorer.training.developed import developed_8_bit, developed_16_bit
from explorer.training.objectives import PairObjective
from explorer.training.recipe import Recipe
from explorer.training.recipes._raw import SENSORS, raw_recipe
from explorer.training.sources import SyntheticRaw

_INPUT: dict[str, Any] = {"white_balance": "before", "clip": [0.0, 1.0], "ratio_rule": "learned", "margin": 16}


def recipe(name: str, bits: int, summary: str) -> Recipe:
    """Returns the recipe at 8 or 16 bits, with the same exposures of the same scenes in the same order."""
    return raw_recipe(
        name=name,
        architecture="res_unet",
        options={"depth": 18, "width": 24, "output": "linear"},
        objective=partial(PairObjective, rate=1e-3),
        source=partial(SyntheticRaw, ranges=SENSORS, prepare={8: developed_8_bit, 16: developed_16_bit}[bits]),
        steps=4000,
        input=_INPUT | ({"bits": bits} if bits < 16 else {}),
        output={"color": "srgb"},
        summary=summary,
        duration="about twenty minutes on one core with AVX-512 BF16",
        extra={"input_bits": bits},
    )
