"""`retinexnet.split_transpose`: as `split_resize`, with transposed convolutions in the Relight-Net.

In a split training, the Decom-Net does not depend on the Relight-Net, so this one reuses the other's, frozen.
"""

from functools import partial

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipes._retinex import ENHANCED_START, RELIGHT_PHASES, RELIGHT_STEPS, retinex_recipe

RECIPE = retinex_recipe(
    name="retinexnet.split_transpose",
    options={"variant": "transpose", "relight": True},
    objective=partial(
        RetinexObjective, rate=1e-3, how=RetinexTraining(joint=False, decom_share=0.0, enhanced_start=ENHANCED_START)
    ),
    init_from={"decom": "retinexnet.split_resize"},
    phases=RELIGHT_PHASES,
    steps=RELIGHT_STEPS,
    epoch=125,
    summary="RetinexNet with the Decom-Net trained first, then the Relight-Net, with transposed convolutions.",
    duration="about half an hour on one AVX2 core, after split_resize",
    known_failures="The reflectance keeps the noise of the dark picture, which brightening makes visible.",
)
