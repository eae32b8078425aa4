"""`retinexnet.split_transpose`: Decom-Net first, then Relight-Net on it, frozen, with transposed convolutions."""

from torch import nn

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipe import Recipe
from explorer.training.recipes._retinex import DATA, DECOM_SHARE, INPUT, OUTPUT, SPLIT_PHASES, pairs


def _objective(net: nn.Module) -> RetinexObjective:
    return RetinexObjective(net, rate=1e-3, how=RetinexTraining(joint=False, decom_share=DECOM_SHARE))


RECIPE = Recipe(
    name="retinexnet.split_transpose",
    architecture="retinexnet",
    options={"variant": "transpose", "relight": True},
    objective=_objective,
    source=pairs,
    phases=SPLIT_PHASES,
    steps=4400,
    epoch=200,
    input=INPUT,
    output=OUTPUT,
    summary="RetinexNet with the Decom-Net trained first, then the Relight-Net, with transposed convolutions.",
    duration="about 1.7 hours on one AVX2 core",
    training_data=DATA,
    known_failures="The reflectance keeps the noise of the dark picture, which brightening makes visible.",
)
