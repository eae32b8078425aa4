"""`lamba_m0.raw_synthetic`: Lamba & Mitra's M0 on mosaics synthesised from clean photos."""

from explorer.training.recipes._raw import as_mosaic, balanced, raw_recipe

RECIPE = raw_recipe(
    name="lamba_m0.raw_synthetic",
    architecture="lamba_m0",
    objective=balanced(as_mosaic, slope=0.2),
    steps=16_000,
    summary="M0 trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about a quarter of an hour on one core with AVX-512 BF16",
)
