"""`lynx.raw_synthetic_small`: Lynx at half its width, for previews and video."""

from explorer.training.recipe import Recipe
from explorer.training.recipes._lynx import DATA, INPUT, KNOWN_FAILURES, PHASES, objective, source
from explorer.training.recipes._raw import OUTPUT

RECIPE = Recipe(
    name="lynx.raw_synthetic_small",
    architecture="lynx",
    options={"size": "small"},
    objective=objective,
    source=source,
    phases=PHASES,
    steps=20_000,
    input=INPUT,
    output=OUTPUT,
    summary="Our network at half its width: a third of the time, 1 to 2 dB less.",
    duration="about forty minutes on one core with AVX-512 BF16",
    training_data=DATA,
    known_failures=KNOWN_FAILURES,
)
