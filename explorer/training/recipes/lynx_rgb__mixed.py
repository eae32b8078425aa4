"""`lynx_rgb.mixed`: Lynx on pictures, from pairs of two sets and darkened photos."""

from explorer.training.mixed import MixedPairs
from explorer.training.recipe import Recipe
from explorer.training.recipes._lynx_rgb import DATA, INPUT, KNOWN_FAILURES, OUTPUT, PHASES, objective

RECIPE = Recipe(
    name="lynx_rgb.mixed",
    architecture="lynx_rgb",
    options={"size": "large"},
    objective=objective,
    source=MixedPairs,
    phases=PHASES,
    steps=9_000,
    input=INPUT,
    output=OUTPUT,
    summary="Our network for developed pictures (large), trained on pairs from several cameras.",
    duration="about an hour and a half on one core with AVX-512 BF16",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
