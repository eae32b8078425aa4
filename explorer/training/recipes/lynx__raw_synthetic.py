"""`lynx.raw_synthetic`: Lynx on Bayer mosaics synthesised from clean photos."""

from explorer.training.recipe import Recipe
from explorer.training.recipes._raw import DATA, INPUT, KNOWN_FAILURES, OUTPUT, PHASES, as_mosaic, balanced, source

RECIPE = Recipe(
    name="lynx.raw_synthetic",
    architecture="lynx",
    options={"size": "large"},
    objective=balanced(as_mosaic),
    source=source,
    phases=PHASES,
    steps=22_000,
    input=INPUT,
    output=OUTPUT,
    summary="Our network for RAW, trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about an hour and a half on one core with AVX-512 BF16",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
