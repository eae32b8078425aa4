"""`lynx_rgb.mixed`: Lynx on pictures, from pairs of two sets and darkened photos."""

from explorer.training.recipes._lynx_rgb import lynx_recipe

RECIPE = lynx_recipe(
    name="lynx_rgb.mixed",
    options={"size": "large"},
    steps=9_000,
    summary="Our network for developed pictures (large), trained on pairs from several cameras.",
)
