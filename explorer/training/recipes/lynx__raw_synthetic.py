"""`lynx.raw_synthetic`: Lynx on Bayer mosaics synthesised from clean photos."""

from explorer.training.recipes._raw import as_mosaic, balanced, raw_recipe

RECIPE = raw_recipe(
    name="lynx.raw_synthetic",
    architecture="lynx",
    options={"size": "large"},
    objective=balanced(as_mosaic),
    steps=22_000,
    summary="Our network for RAW, trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about an hour and a half on one core with AVX-512 BF16",
)
