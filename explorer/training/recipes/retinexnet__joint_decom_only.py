"""`retinexnet.joint_decom_only`: the joint training with an illumination of 1; the image is the reflectance."""

from torch import nn

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipe import Recipe
from explorer.training.recipes._retinex import DATA, INPUT, OUTPUT, PHASES, pairs


def _objective(net: nn.Module) -> RetinexObjective:
    return RetinexObjective(net, rate=1e-3, how=RetinexTraining(joint=True))


RECIPE = Recipe(
    name="retinexnet.joint_decom_only",
    architecture="retinexnet",
    options={"variant": "resize", "relight": False},
    objective=_objective,
    source=pairs,
    phases=PHASES,
    steps=1500,
    epoch=150,
    input=INPUT,
    output=OUTPUT,
    summary="Decom-Net trained jointly with an enhanced illumination of 1: the reflectance is the restored picture.",
    duration="about half an hour on one AVX2 core",
    training_data=DATA,
    known_failures="Without a second network nothing adapts the brightness: it is that of the training references.",
)
