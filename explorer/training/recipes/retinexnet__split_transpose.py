"""`retinexnet.split_transpose`: as `split_resize`, with transposed convolutions in the Relight-Net.

In a split training, the Decom-Net does not depend on the Relight-Net, so this one reuses the other's, frozen.
"""

from torch import nn

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipe import Recipe
from explorer.training.recipes._retinex import (
    DATA,
    ENHANCED_START,
    INPUT,
    OUTPUT,
    RELIGHT_PHASES,
    RELIGHT_STEPS,
    pairs,
)


def _objective(net: nn.Module) -> RetinexObjective:
    how = RetinexTraining(joint=False, decom_share=0.0, enhanced_start=ENHANCED_START)
    return RetinexObjective(net, rate=1e-3, how=how)


RECIPE = Recipe(
    name="retinexnet.split_transpose",
    architecture="retinexnet",
    options={"variant": "transpose", "relight": True},
    objective=_objective,
    source=pairs,
    init_from={"decom": "retinexnet.split_resize"},
    phases=RELIGHT_PHASES,
    steps=RELIGHT_STEPS,
    epoch=125,
    input=INPUT,
    output=OUTPUT,
    summary="RetinexNet with the Decom-Net trained first, then the Relight-Net, with transposed convolutions.",
    duration="about half an hour on one AVX2 core, after split_resize",
    training_data=DATA,
    known_failures="The reflectance keeps the noise of the dark picture, which brightening makes visible.",
)
