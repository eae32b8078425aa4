"""`lynx_rgb.mixed_small`: the small Lynx on pictures, from pairs of two sets and darkened photos."""

from explorer.training.mixed import MixedPairs
from explorer.training.recipe import Recipe
from explorer.training.recipes._lynx_rgb import DATA, INPUT, KNOWN_FAILURES, OUTPUT, PHASES, objective

RECIPE = Recipe(
    name="lynx_rgb.mixed_small",
    architecture="lynx_rgb",
    options={"size": "small"},
    objective=objective,
    source=MixedPairs,
    phases=PHASES,
    steps=8_000,
    input=INPUT,
    output=OUTPUT,
    summary="Our network for developed pictures (small), trained on pairs from several cameras.",
    duration="about an hour and a half on one core with AVX-512 BF16",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
