"""`retinexnet.joint`: Decom-Net and Relight-Net under one optimiser, the sum of their losses.

The published weights of this training are black: the Relight-Net starts at an illumination of 0, which is perfectly
smooth, and a rate of 1e-3 from the first step on can leave it there for good. Three things prevent it here: the
untrained Relight-Net gives 0.8, the rate warms up over 200 steps, and gradients are clipped. The mean enhanced
illumination is logged at every validation.
"""

from torch import nn

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipe import Phase, Recipe
from explorer.training.recipes._retinex import DATA, INPUT, OUTPUT, pairs


def _objective(net: nn.Module) -> RetinexObjective:
    return RetinexObjective(net, rate=1e-3, how=RetinexTraining(joint=True, enhanced_start=0.8))


RECIPE = Recipe(
    name="retinexnet.joint",
    architecture="retinexnet",
    options={"variant": "resize", "relight": True},
    objective=_objective,
    source=pairs,
    phases=(Phase(until=0.65, crop=64, batch=6), Phase(until=1.0, crop=128, batch=2)),
    steps=3600,
    epoch=150,
    input=INPUT,
    output=OUTPUT,
    summary="RetinexNet with both networks trained at once, started so that the illumination does not collapse.",
    duration="about 1.8 hours on one AVX2 core",
    training_data=DATA,
    known_failures=(
        "The reflectance follows the relighting loss as well, so that it is less of an intrinsic picture than that of "
        "the split trainings."
    ),
)
