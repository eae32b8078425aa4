"""`lamba_m0.raw_synthetic`: Lamba & Mitra's M0 on mosaics synthesised from clean photos."""

from explorer.training.recipe import Recipe
from explorer.training.recipes._raw import DATA, INPUT, KNOWN_FAILURES, OUTPUT, PHASES, as_mosaic, balanced, source

RECIPE = Recipe(
    name="lamba_m0.raw_synthetic",
    architecture="lamba_m0",
    objective=balanced(as_mosaic, slope=0.2),
    source=source,
    phases=PHASES,
    steps=16_000,
    input=INPUT,
    output=OUTPUT,
    summary="M0 trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about a quarter of an hour on one core with AVX-512 BF16",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
