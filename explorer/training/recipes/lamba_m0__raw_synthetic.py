"""`lamba_m0.raw_synthetic`: Lamba & Mitra's M0 on mosaics synthesised from clean photographs."""

from torch import nn

from explorer.training.objectives import RawObjective
from explorer.training.recipe import Phase, Recipe
from explorer.training.recipes._raw import DATA, INPUT, KNOWN_FAILURES, OUTPUT, as_mosaic
from explorer.training.sources import SyntheticRaw


def _objective(net: nn.Module) -> RawObjective:
    return RawObjective(net, rate=1e-3, prepare=as_mosaic, slope=0.2, balanced_from=0.75)


RECIPE = Recipe(
    name="lamba_m0.raw_synthetic",
    architecture="lamba_m0",
    objective=_objective,
    source=SyntheticRaw,
    phases=(Phase(until=0.5625, crop=128, batch=8), Phase(until=1.0, crop=256, batch=4)),
    restarts=((0.75, 0.5),),
    steps=16_000,
    input=INPUT,
    output=OUTPUT,
    summary="M0 trained on synthetic mosaics of random cameras, ratios 1 to 300.",
    duration="about an hour and a half on one AVX2 core",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
