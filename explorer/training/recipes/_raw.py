"""Shared parts of the RAW networks' recipes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from explorer.photo.light.cfa import pack_xtrans
from explorer.training.degrade import SensorRanges
from explorer.training.objectives import RawObjective
from explorer.training.recipe import Phase, Recipe
from explorer.training.sources import SyntheticRaw

# White balance is applied to the mosaic before the network, so that neutral surfaces look the same for every camera.
# The network returns white-balanced camera RGB, which the file's own colour matrix converts to sRGB.
INPUT: dict[str, Any] = {"white_balance": "before", "clip": [-0.2, 1.0], "ratio_rule": "learned", "margin": 32}
OUTPUT: dict[str, Any] = {"color": "camera"}
ObjectiveOf = Callable[[nn.Module], RawObjective]
SENSORS = SensorRanges(measured_share=0.5)
"""Half of the exposures are those of measured sensors, with hot pixels and banding; half are like the benchmarks'."""
# Small crops show more scenes in the same time; large ones, at the end, teach long-range structure.
PHASES = (
    Phase(until=0.75, crop=128, batch=8, shrink=2),
    Phase(until=1.0, crop=192, batch=4, shrink=2),
)
source = partial(SyntheticRaw, ranges=SENSORS)
with_lamps = partial(SyntheticRaw, ranges=replace(SENSORS, lamp_probability=0.25))
DATA = (
    "Camera mosaics synthesised from 138 photographs of CID22 (CC BY-SA 4.0), 41 of CLIC 2025 (Unsplash licence) and "
    "the 189 well-lit pictures of a part of LOL's our485 training set (research use)"
)
KNOWN_FAILURES = (
    "Trained on synthetic exposures: patterns of a real sensor that the noise model lacks stay visible. At ratios "
    "above 100 fine texture is smoothed and faint colours are guessed. A wrong white balance in the file carries over "
    "to the result."
)
raw_recipe = partial(
    Recipe, source=source, phases=PHASES, input=INPUT, output=OUTPUT, training_data=DATA, known_failures=KNOWN_FAILURES
)
"""A recipe for RAW networks, with what all have in common."""


def as_mosaic(x: torch.Tensor) -> torch.Tensor:
    """Returns the mosaic itself as the network's input."""
    return x


def as_planes(x: torch.Tensor) -> torch.Tensor:
    """Packs an N x 1 x H x W RGGB mosaic into N x 4 x H/2 x W/2 planes R, G(r), B, G(b), SID's order."""
    return torch.cat([x[..., 0::2, 0::2], x[..., 0::2, 1::2], x[..., 1::2, 1::2], x[..., 1::2, 0::2]], 1)


def as_xtrans_planes(x: torch.Tensor) -> torch.Tensor:
    """Packs an N x 1 x H x W X-Trans mosaic (sides multiples of 6) into N x 9 x H/3 x W/3 planes, as `pack_xtrans`."""
    return torch.stack([torch.from_numpy(pack_xtrans(mosaic.numpy())) for mosaic in x[:, 0].cpu()]).to(x)


def balanced(
    prepare: Callable[[torch.Tensor], torch.Tensor],
    slope: float | None = None,
    pace: float = 1.0,
    coherent_from: float = 1.0,
) -> ObjectiveOf:
    """Returns a `RawObjective` with each picture's root mean square error from the first step, trained by Muon.

    Args:
        pace: factor of both rates; less than 1 for a network that starts from trained weights.
        coherent_from: see `RawObjective`.
    """

    def objective(net: nn.Module) -> RawObjective:
        rates = {"rate": 1e-3 * pace, "inner_rate": 2.5e-3 * pace}
        return RawObjective(net, **rates, prepare=prepare, slope=slope, balanced_from=0.0, coherent_from=coherent_from)

    return objective
