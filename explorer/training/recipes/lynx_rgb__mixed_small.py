"""`lynx_rgb.mixed_small`: the small Lynx on pictures, from pairs of two sets and darkened photos."""

from explorer.training.recipes._lynx_rgb import lynx_recipe

RECIPE = lynx_recipe(
    name="lynx_rgb.mixed_small",
    options={"size": "small"},
    steps=8_000,
    summary="Our network for developed pictures (small), trained on pairs from several cameras.",
)
