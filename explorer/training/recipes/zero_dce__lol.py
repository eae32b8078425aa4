"""`zero_dce.lol`: Zero-DCE without any reference picture.

The paper's four losses and weights, but for the exposure control: its level is 0.45, the mean of LOL's bright training
pictures, where the paper's 0.6 gives pictures brighter than those; its weight is 10, because dark pictures of LOL need
curves near their limit, which the weight of 1 leaves half-way.
"""

from torch import nn

from explorer.training.recipe import Phase, Recipe
from explorer.training.recipes._lol import DATA, INPUT, OUTPUT, some_darkened
from explorer.training.zero_reference import ZeroDCEObjective, ZeroDCETerms


def _objective(net: nn.Module) -> ZeroDCEObjective:
    return ZeroDCEObjective(net, rate=5e-4, terms=ZeroDCETerms(exposure=10.0, level=0.45))


RECIPE = Recipe(
    name="zero_dce.lol",
    architecture="zero_dce",
    objective=_objective,
    source=some_darkened,
    phases=(Phase(until=1.0, crop=128, batch=6, shrink=3),),
    steps=1500,
    epoch=200,
    input=INPUT,
    output=OUTPUT,
    summary="Zero-DCE trained on dark pictures alone, to the brightness of LOL's pictures.",
    duration="about a quarter of an hour on one AVX2 core",
    training_data=DATA + "; only the dark halves are trained on",
    known_failures="Noise is brightened with the picture, and very dark pictures stay grey: the curves have a limit.",
)
