"""`lamba_m2.raw_synthetic`: Lamba & Mitra's network, modification M2, on mosaics synthesised from clean photographs.

It begins with the parts of M1 that it has as well, so that its steps go into what is its own.
"""

from torch import nn

from explorer.training.objectives import RawObjective
from explorer.training.recipe import Phase, Recipe
from explorer.training.recipes._raw import DATA, INPUT, KNOWN_FAILURES, OUTPUT, as_mosaic
from explorer.training.sources import SyntheticRaw

_STEPS = 7_200
_PARTS = ("scale32", "scale16", "residual8", "join1", "join2", "scale2", "tail")


def _objective(net: nn.Module) -> RawObjective:
    return RawObjective(net, rate=1e-3, prepare=as_mosaic, slope=0.2, balanced_from=3_200 / _STEPS)


RECIPE = Recipe(
    name="lamba_m2.raw_synthetic",
    architecture="lamba_m2",
    objective=_objective,
    source=SyntheticRaw,
    start={part: "lamba_m1.raw_synthetic" for part in _PARTS},
    phases=(Phase(until=2_400 / _STEPS, crop=128, batch=8), Phase(until=1.0, crop=256, batch=4)),
    restarts=((3_200 / _STEPS, 0.4),),
    steps=_STEPS,
    input=INPUT,
    output=OUTPUT,
    summary="M2 trained on synthetic mosaics of random cameras, ratios 1 to 300.",
    duration="about 45 minutes on one AVX2 core, after lamba_m1",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
