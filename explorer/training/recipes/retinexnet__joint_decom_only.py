"""`retinexnet.joint_decom_only`: the joint training with an illumination of 1; the image is the reflectance."""

from functools import partial

from explorer.training.objectives import RetinexObjective, RetinexTraining
from explorer.training.recipes._retinex import PHASES, retinex_recipe

RECIPE = retinex_recipe(
    name="retinexnet.joint_decom_only",
    options={"variant": "resize", "relight": False},
    objective=partial(RetinexObjective, rate=1e-3, how=RetinexTraining(joint=True)),
    phases=PHASES,
    steps=1500,
    epoch=150,
    summary="Decom-Net trained jointly with an enhanced illumination of 1: the reflectance is the restored picture.",
    duration="about half an hour on one AVX2 core",
    known_failures="Without a second network nothing adapts the brightness: it is that of the training references.",
)
