"""`retinexnet.split_resize`: Decom-Net first, then Relight-Net on the frozen Decom-Net.

The Decom-Net starts from that of the joint training without a Relight-Net, so that the reflectance is a picture from
the start. Its own losses barely constrain the reflectance of a dark picture, since any colour fits where the product is
dark.
"""

from dataclasses import replace
from functools import partial

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipe import Phase
from explorer.training.recipes._retinex import (
    DECOM_STEPS,
    ENHANCED_START,
    RELIGHT_PHASES,
    RELIGHT_STEPS,
    retinex_recipe,
)

_STEPS = DECOM_STEPS + RELIGHT_STEPS
_SHARE = DECOM_STEPS / _STEPS

RECIPE = retinex_recipe(
    name="retinexnet.split_resize",
    options={"variant": "resize", "relight": True},
    objective=partial(
        RetinexObjective, rate=1e-3, how=RetinexTraining(joint=False, decom_share=_SHARE, enhanced_start=ENHANCED_START)
    ),
    init_from={"decom": "retinexnet.joint_decom_only"},
    phases=(
        Phase(until=_SHARE, crop=64, batch=6),
        *(replace(phase, until=_SHARE + (1 - _SHARE) * phase.until) for phase in RELIGHT_PHASES),
    ),
    steps=_STEPS,
    epoch=125,
    summary="RetinexNet with the Decom-Net trained first, then the Relight-Net.",
    duration="about half an hour on one AVX2 core, after joint_decom_only",
    known_failures="The reflectance keeps the noise of the dark picture, which brightening makes visible.",
)
