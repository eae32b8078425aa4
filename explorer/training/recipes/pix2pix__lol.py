"""`pix2pix.lol`: the conditional GAN on low-light pairs.

BCE GAN loss plus 115 times L1, the discriminator's loss halved, alternating steps, Adam 1e-4 and 5e-5 with betas (0.5,
0.999). Crops of 256 pixels instead of whole pictures resized to 256: the network is applied at full resolution. Both
networks are narrower than the paper's (24 channels instead of 64), so that two cores can train them.
"""

from torch import nn

from explorer.models.pix2pix import PatchDiscriminator
from explorer.training.adversarial import AdversarialObjective
from explorer.training.recipe import Phase
from explorer.training.recipes._lol import AMPLIFIED_INPUT, half_darkened_amplified, lol_recipe

_WIDTH = 24


def _objective(net: nn.Module) -> AdversarialObjective:
    return AdversarialObjective(net, PatchDiscriminator(width=_WIDTH))


RECIPE = lol_recipe(
    name="pix2pix.lol",
    architecture="pix2pix",
    options={"width": _WIDTH},
    objective=_objective,
    source=half_darkened_amplified,
    phases=(Phase(until=0.7, crop=256, batch=3, shrink=2), Phase(until=1.0, crop=256, batch=3)),
    steps=1600,
    epoch=250,
    input=AMPLIFIED_INPUT,
    summary="pix2pix at width 24, trained on low-light pairs and darkened photos.",
    duration="about 40 minutes on one AVX2 core",
    known_failures=(
        "A GAN invents texture: what it paints into the dark may never have been there. Its transposed convolutions "
        "leave a fine grid on flat surfaces, and colours are less varied than in the scene. Pictures are padded to "
        "multiples of 256, and their lower and right borders can show it."
    ),
)
