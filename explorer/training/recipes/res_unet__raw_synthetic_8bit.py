"""`res_unet.raw_synthetic_8bit`: the 8-bit counterpart, on dark pictures rounded to 8 bits before amplification."""

from explorer.training.recipes._res_unet_raw import recipe

RECIPE = recipe(
    "res_unet.raw_synthetic_8bit",
    8,
    "The 8-bit twin: trained on the same scenes, rounded to 8 bits before amplification, like a camera's JPEG.",
)
