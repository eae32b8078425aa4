"""`sid_unet.raw_synthetic`: the U-Net of "Learning to See in the Dark" on synthetic mosaics."""

from torch import nn

from explorer.training.objectives import RawObjective
from explorer.training.recipe import Phase, Recipe
from explorer.training.recipes._raw import DATA, INPUT, KNOWN_FAILURES, OUTPUT, as_planes
from explorer.training.sources import SyntheticRaw


def _objective(net: nn.Module) -> RawObjective:
    return RawObjective(net, rate=4e-4, prepare=as_planes, slope=0.2, balanced_from=0.5)


RECIPE = Recipe(
    name="sid_unet.raw_synthetic",
    architecture="sid_unet",
    options={"width": 32},
    objective=_objective,
    source=SyntheticRaw,
    phases=(
        Phase(until=0.375, crop=128, batch=8),
        Phase(until=0.5, crop=256, batch=2),
        Phase(until=0.8125, crop=128, batch=8),
        Phase(until=1.0, crop=256, batch=2),
    ),
    restarts=((0.5, 0.5),),
    steps=8_000,
    input=INPUT | {"plane_order": "sid"},
    output=OUTPUT,
    summary="SID's U-Net at its full width on synthetic mosaics of random cameras, ratios 1 to 300.",
    duration="about 2.2 hours on one AVX2 core that shared the machine",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
