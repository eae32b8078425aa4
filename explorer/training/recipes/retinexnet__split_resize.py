"""`retinexnet.split_resize`: Decom-Net first, then Relight-Net on the frozen Decom-Net.

The Decom-Net starts from that of the joint training without a Relight-Net, so that the reflectance is a picture from
the start. Its own losses barely constrain the reflectance of a dark picture, since any colour fits where the product is
dark.
"""

from torch import nn

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipe import Phase, Recipe
from explorer.training.recipes._retinex import (
    DATA,
    DECOM_STEPS,
    ENHANCED_START,
    INPUT,
    OUTPUT,
    RELIGHT_PHASES,
    RELIGHT_STEPS,
    pairs,
)

_STEPS = DECOM_STEPS + RELIGHT_STEPS
_SHARE = DECOM_STEPS / _STEPS


def _objective(net: nn.Module) -> RetinexObjective:
    how = RetinexTraining(joint=False, decom_share=_SHARE, enhanced_start=ENHANCED_START)
    return RetinexObjective(net, rate=1e-3, how=how)


RECIPE = Recipe(
    name="retinexnet.split_resize",
    architecture="retinexnet",
    options={"variant": "resize", "relight": True},
    objective=_objective,
    source=pairs,
    init_from={"decom": "retinexnet.joint_decom_only"},
    phases=(
        Phase(until=_SHARE, crop=64, batch=6),
        *(
            Phase(until=_SHARE + (1 - _SHARE) * p.until, crop=p.crop, batch=p.batch, shrink=p.shrink)
            for p in RELIGHT_PHASES
        ),
    ),
    steps=_STEPS,
    epoch=125,
    input=INPUT,
    output=OUTPUT,
    summary="RetinexNet with the Decom-Net trained first, then the Relight-Net.",
    duration="about half an hour on one AVX2 core, after joint_decom_only",
    training_data=DATA,
    known_failures="The reflectance keeps the noise of the dark picture, which brightening makes visible.",
)
