"""`lynx.raw_synthetic_small`: the small Lynx, for previews and video."""

from explorer.training.recipes._raw import as_mosaic, balanced, raw_recipe, with_lamps

RECIPE = raw_recipe(
    name="lynx.raw_synthetic_small",
    architecture="lynx",
    options={"size": "small"},
    objective=balanced(as_mosaic, coherent_from=30 / 37),
    source=with_lamps,  # these weights saw lamps in their last 7,000 steps
    steps=37_000,
    cosine_restarts=((14 / 37, 0.6), (30 / 37, 0.4)),
    summary="Our small network for RAW: a tenth of the parameters, at most 0.5 dB less.",
    duration="about two hours on one core with AVX-512 BF16",
)
