"""`zero_dce.lol`: Zero-DCE without any reference picture.

The paper's four losses, with the weights of its authors' published training (1, 10, 5, 200) except for the last. There,
the spatial term has a tenth of the paper's weight: dark pictures of LOL need curves near their limit, which this term
restrains. The published total variation is twice the sum over all maps while ours is a mean over the iterations, so
that 200 there is 3200 here; at four times that, the curves follow regions less, and the validation SSIM is .03 higher.
The exposure level applies to whole crops, because the paper's regions of 16 pixels flattened the pictures (its own are
whole scenes of 256 pixels). The level is 0.45, the mean of LOL's bright training pictures; the paper's 0.6 makes
pictures brighter than those.
"""

from functools import partial

from explorer.training.recipe import Phase
from explorer.training.recipes._lol import DATA, lol_recipe, some_darkened
from explorer.training.zero_reference import ZeroDCEObjective, ZeroDCETerms

RECIPE = lol_recipe(
    name="zero_dce.lol",
    architecture="zero_dce",
    objective=partial(
        ZeroDCEObjective,
        rate=5e-4,
        terms=ZeroDCETerms(spatial=1.0, exposure=10.0, color=5.0, smooth=12800.0, level=0.45, region=128),
    ),
    source=some_darkened,
    phases=(Phase(until=1.0, crop=128, batch=4, shrink=3),),
    steps=600,
    epoch=100,
    summary="Zero-DCE trained only on dark pictures, to the brightness of LOL's references.",
    duration="about a quarter of an hour on one AVX2 core",
    training_data=DATA + "; training uses only the dark halves",
    known_failures="Noise is brightened with the picture, and very dark pictures stay grey: the curves have a limit.",
)
