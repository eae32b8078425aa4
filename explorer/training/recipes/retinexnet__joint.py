"""`retinexnet.joint`: Decom-Net and Relight-Net under one optimiser, the sum of their losses.

The published weights of this training are black: the Relight-Net starts at an illumination of 0, which is perfectly
smooth, and with a rate of 1e-3 from the first step it can get stuck there. Four things prevent this here: the Decom-Net
starts from that of the joint training without a Relight-Net, whose reflectance is already a picture; the untrained
Relight-Net returns 0.8; the rate warms up over 200 steps; gradients are clipped. The mean enhanced illumination is
logged at every validation.
"""

from functools import partial

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipe import Phase
from explorer.training.recipes._retinex import ENHANCED_START, retinex_recipe

RECIPE = retinex_recipe(
    name="retinexnet.joint",
    options={"variant": "resize", "relight": True},
    objective=partial(RetinexObjective, rate=5e-4, how=RetinexTraining(joint=True, enhanced_start=ENHANCED_START)),
    init_from={"decom": "retinexnet.joint_decom_only"},
    phases=(Phase(until=0.8, crop=64, batch=5, shrink=3), Phase(until=1.0, crop=128, batch=2, shrink=2)),
    steps=500,
    epoch=100,
    summary="RetinexNet with both networks trained together, started so that the illumination does not collapse.",
    duration="about 25 minutes on one AVX2 core, after joint_decom_only",
    known_failures=(
        "The reflectance also follows the relighting loss, so it is less of an intrinsic picture than that of "
        "the split trainings."
    ),
)
