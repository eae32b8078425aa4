"""`res_unet.lol`: the residual U-Net on low-light pairs and darkened photos.

The output is linear, because the sigmoid collapsed permanently to black at this rate. Without amplification before the
network, training stagnated 1.5 dB lower: most of the loss was the guess of the reference's brightness.
"""

from functools import partial

from explorer.training.objectives import PairObjective
from explorer.training.recipe import Phase
from explorer.training.recipes._lol import AMPLIFIED_INPUT, half_darkened_amplified, lol_recipe

RECIPE = lol_recipe(
    name="res_unet.lol",
    architecture="res_unet",
    options={"depth": 18, "width": 24, "output": "linear"},
    objective=partial(PairObjective, rate=1e-3),
    source=half_darkened_amplified,
    phases=(
        Phase(until=0.6, crop=128, batch=8, shrink=3),
        Phase(until=0.85, crop=192, batch=5, shrink=2),
        Phase(until=1.0, crop=320, batch=2),
    ),
    steps=4500,
    input=AMPLIFIED_INPUT,
    summary="A residual U-Net (ResNet-18 encoder, width 24) trained on low-light pairs and darkened photos.",
    duration="about 45 minutes on one AVX2 core",
    known_failures=(
        "Coarse noise stays in the darkest pictures, and their colours are pale. How bright a picture becomes follows "
        "the amplification, and the suggested one makes every scene equally bright, be it a white room or a stage."
    ),
)
