"""What the recipes of Lynx on mosaics share."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from explorer.training.degrade import SensorRanges
from explorer.training.objectives import RawObjective
from explorer.training.recipe import Phase
from explorer.training.recipes._raw import as_mosaic
from explorer.training.sources import SyntheticRaw

INPUT: dict[str, Any] = {"white_balance": "before", "clip": [-0.2, 1.0], "ratio_rule": "learned", "margin": 32}
SENSORS = SensorRanges(measured_share=0.5)
"""Half of the exposures are those of measured sensors, with hot pixels and banding; half of the benchmarks' kind."""
source = partial(SyntheticRaw, ranges=SENSORS)
# Small crops see more scenes in the same time; large ones, last, teach what lies far apart.
PHASES = (
    Phase(until=0.75, crop=128, batch=8, shrink=2),
    Phase(until=1.0, crop=192, batch=4, shrink=2),
)
KNOWN_FAILURES = (
    "Trained on synthetic exposures: a real sensor's own patterns that the noise model lacks stay visible. At ratios "
    "above 100 fine texture is smoothed and faint colours are guessed. A wrong white balance in the file goes into the "
    "result as it is."
)


def objective(net: nn.Module) -> RawObjective:
    """The root mean square error of each picture from the first step on, by Muon."""
    return RawObjective(net, rate=1e-3, inner_rate=2.5e-3, prepare=as_mosaic, balanced_from=0.0)
