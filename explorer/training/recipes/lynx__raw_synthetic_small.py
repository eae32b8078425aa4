"""`lynx.raw_synthetic_small`: the small Lynx, for previews and video."""

from explorer.training.recipe import Recipe
from explorer.training.recipes._raw import DATA, INPUT, KNOWN_FAILURES, OUTPUT, PHASES, as_mosaic, balanced, source

RECIPE = Recipe(
    name="lynx.raw_synthetic_small",
    architecture="lynx",
    options={"size": "small"},
    objective=balanced(as_mosaic),
    source=source,
    phases=PHASES,
    steps=30_000,
    cosine_restarts=((7 / 15, 0.6),),
    input=INPUT,
    output=OUTPUT,
    summary="Our small network for RAW: a tenth of the parameters, at most 0.4 dB less.",
    duration="about an hour and a half on one core with AVX-512 BF16",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
