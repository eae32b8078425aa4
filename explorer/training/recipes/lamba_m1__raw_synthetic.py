"""`lamba_m1.raw_synthetic`: Lamba & Mitra's network, modification M1, on mosaics synthesised from clean photographs."""

from torch import nn

from explorer.training.objectives import RawObjective
from explorer.training.recipe import Phase, Recipe
from explorer.training.recipes._raw import DATA, INPUT, KNOWN_FAILURES, OUTPUT, as_mosaic
from explorer.training.sources import SyntheticRaw

_STEPS = 14_400


def _objective(net: nn.Module) -> RawObjective:
    return RawObjective(net, rate=1e-3, prepare=as_mosaic, slope=0.2, balanced_from=12_000 / _STEPS)


RECIPE = Recipe(
    name="lamba_m1.raw_synthetic",
    architecture="lamba_m1",
    objective=_objective,
    source=SyntheticRaw,
    phases=(
        Phase(until=4_500 / _STEPS, crop=128, batch=8),
        Phase(until=6_000 / _STEPS, crop=256, batch=4),
        Phase(until=10_500 / _STEPS, crop=128, batch=8),
        Phase(until=1.0, crop=256, batch=4),
    ),
    restarts=((6_000 / _STEPS, 0.5), (12_000 / _STEPS, 0.25)),
    steps=_STEPS,
    input=INPUT,
    output=OUTPUT,
    summary="M1 trained on synthetic mosaics of random cameras, ratios 1 to 300.",
    duration="about 2.7 hours on one AVX2 core that shared the machine",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
