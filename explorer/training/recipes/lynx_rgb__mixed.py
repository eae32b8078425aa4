"""`lynx_rgb.mixed`: Lynx on pictures, from pairs of two sets and darkened photos."""

from explorer.training.recipe import Phase
from explorer.training.recipes._lynx_rgb import lynx_recipe

RECIPE = lynx_recipe(
    name="lynx_rgb.mixed",
    options={"size": "large"},
    phases=(
        Phase(until=0.55, crop=160, batch=6, shrink=3),
        Phase(until=13 / 16.5, crop=256, batch=3, shrink=2),
        Phase(until=0.92, crop=128, batch=6, shrink=2),
        Phase(until=1.0, crop=192, batch=4, shrink=1),
    ),
    steps=16_500,
    cosine_restarts=((13 / 16.5, 0.6),),
    summary="Our network for developed pictures (large), trained on pairs from several cameras.",
    duration="about three hours on one core with AVX-512 BF16",
)
