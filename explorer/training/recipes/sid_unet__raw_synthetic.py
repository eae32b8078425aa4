"""`sid_unet.raw_synthetic`: the U-Net of "Learning to See in the Dark" on synthetic mosaics."""

from explorer.training.recipes._raw import INPUT, as_planes, balanced, raw_recipe

RECIPE = raw_recipe(
    name="sid_unet.raw_synthetic",
    architecture="sid_unet",
    options={"width": 32},
    objective=balanced(as_planes, slope=0.2),
    steps=6_000,
    input=INPUT | {"plane_order": "sid"},
    summary="SID's U-Net at full width, trained on synthetic mosaics of measured and random cameras, ratios 1 to 300.",
    duration="about twenty minutes on one core with AVX-512 BF16",
)
