"""`sci.lol`: SCI's self-calibrated illumination, unsupervised.

The paper's fidelity and smoothness losses over three stages with its calibration network, plus Zero-DCE's exposure
control and colour constancy on the first stage's picture. The paper's two losses do not fix the brightness (its three
published weights differ by 5 dB on LOL), and the exposure loss by itself accepts one saturated and one empty channel.
The level is the mean of LOL's bright training pictures.
"""

from functools import partial

from explorer.training.recipe import Phase
from explorer.training.recipes._lol import DATA, lol_recipe, some_darkened
from explorer.training.zero_reference import SCIObjective, SCITerms

# Whole crops instead of Zero-DCE's 16 pixels, because such a small network could only make a region grey.
_TERMS = SCITerms(fidelity=0.5, smooth=4.0, exposure=6.0, level=0.45, region=96, color=2.0)

RECIPE = lol_recipe(
    name="sci.lol",
    architecture="sci",
    objective=partial(SCIObjective, rate=2e-3, terms=_TERMS),
    source=some_darkened,
    phases=(Phase(until=1.0, crop=96, batch=4, shrink=4),),
    steps=1200,
    epoch=200,
    summary="SCI trained only on dark pictures, to the brightness of LOL's references.",
    duration="about a quarter of an hour on one AVX2 core",
    training_data=DATA + "; training uses only the dark halves",
    known_failures="258 parameters brighten without denoising: noise and colour casts of dark pictures become visible.",
)
