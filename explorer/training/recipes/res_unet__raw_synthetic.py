"""`res_unet.raw_synthetic`: the residual U-Net on RAW, amplified in linear light and then developed."""

from explorer.training.recipes._res_unet_raw import recipe

RECIPE = recipe(
    "res_unet.raw_synthetic",
    16,
    "A residual U-Net for developed RAW at full bit depth, amplified before development.",
)
