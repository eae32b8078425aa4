"""`lynx_xtrans.raw_synthetic`: Lynx on X-Trans mosaics; its body starts from that of the Bayer network."""

from functools import partial

from explorer.training.objectives import RawObjective
from explorer.training.recipe import Phase
from explorer.training.recipes._raw import INPUT, SENSORS, as_xtrans_planes, raw_recipe
from explorer.training.sources import SyntheticRaw

RECIPE = raw_recipe(
    name="lynx_xtrans.raw_synthetic",
    architecture="lynx_xtrans",
    options={"size": "large"},
    objective=partial(RawObjective, rate=1e-3, inner_rate=2e-3, prepare=as_xtrans_planes, balanced_from=0.0),
    source=partial(SyntheticRaw, ranges=SENSORS, cfa="xtrans"),
    init_from={"body": "lynx.raw_synthetic"},
    phases=(
        Phase(until=0.75, crop=192, batch=8, shrink=2),
        Phase(until=1.0, crop=288, batch=4, shrink=2),
    ),
    steps=8_000,
    input=INPUT | {"margin": 16},
    summary="Our X-Trans network, trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about forty minutes on one core with AVX-512 BF16, after lynx.raw_synthetic",
)
