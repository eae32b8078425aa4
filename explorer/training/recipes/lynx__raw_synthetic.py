"""`lynx.raw_synthetic`: Lynx on Bayer mosaics synthesised from clean photos."""

from dataclasses import replace

from explorer.training.recipe import Phase
from explorer.training.recipes._raw import as_mosaic, balanced, raw_recipe

# Three cosines; each begins with small crops and ends with large ones.
_SMALL, _LARGE = Phase(until=0, crop=128, batch=8, shrink=2), Phase(until=0, crop=192, batch=4, shrink=2)
_ENDS = (16_500, 22_000, 30_250, 33_000, 39_300, 42_000)

RECIPE = raw_recipe(
    name="lynx.raw_synthetic",
    architecture="lynx",
    options={"size": "large"},
    objective=balanced(as_mosaic, coherent_from=_ENDS[3] / _ENDS[-1]),
    steps=_ENDS[-1],
    phases=tuple(replace((_SMALL, _LARGE)[k % 2], until=end / _ENDS[-1]) for k, end in enumerate(_ENDS)),
    cosine_restarts=((_ENDS[1] / _ENDS[-1], 0.5), (_ENDS[3] / _ENDS[-1], 0.4)),
    summary="Our network for RAW, trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about three hours on one core with AVX-512 BF16",
)
