"""`lynx.raw_synthetic`: Lynx on Bayer mosaics synthesised from clean photos."""

from dataclasses import replace

from explorer.training.recipe import Phase
from explorer.training.recipes._raw import as_mosaic, balanced, raw_recipe, with_lamps

# Four cosines; each begins with small crops and ends with large ones. The shipped weights are 0.35 of the result, and
# 0.65 of what was there before the last cosine (docs/lynx.md).
_SMALL, _LARGE = Phase(until=0, crop=128, batch=8, shrink=2), Phase(until=0, crop=192, batch=4, shrink=2)
_ENDS = (16_500, 22_000, 30_250, 33_000, 39_300, 42_000, 44_100, 45_500)
_STEPS = _ENDS[-1]

RECIPE = raw_recipe(
    name="lynx.raw_synthetic",
    architecture="lynx",
    options={"size": "large"},
    objective=balanced(as_mosaic, coherent_from=33_000 / _STEPS),
    source=with_lamps,  # these weights saw lamps in their last 3,500 steps
    steps=_STEPS,
    phases=tuple(replace((_SMALL, _LARGE)[k % 2], until=end / _STEPS) for k, end in enumerate(_ENDS)),
    cosine_restarts=((22_000 / _STEPS, 0.5), (33_000 / _STEPS, 0.4), (42_000 / _STEPS, 0.3)),
    summary="Our network for RAW, trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about four hours on one core with AVX-512 BF16",
)
