"""Develops synthetic exposures like a RAW developer, to train RGB networks on RAW.

The same arithmetic as `explorer.photo.light.develop`, batched in torch, so that restoration matches training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from explorer.models.light import linear_to_srgb, srgb_to_linear
from explorer.training.degrade import DarkMosaic, apply_matrix, gain_map
from explorer.training.objectives import Batch

# Malvar, He and Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images", ICASSP
# 2004, figure 2; in eighths.
_GREEN = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
_ALONG_ROW = ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0))
_OPPOSITE = ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0))


def demosaic(mosaic: torch.Tensor) -> torch.Tensor:
    """Demosaicks an N x 1 x H x W RGGB mosaic (even sides) to N x 3 x H x W (Malvar, He and Cutler 2004)."""
    row = torch.tensor(_ALONG_ROW)
    kernels = torch.stack([torch.tensor(_GREEN), row, row.T, torch.tensor(_OPPOSITE)])[:, None] / 8
    padded = F.pad(mosaic, (2, 2, 2, 2), mode="reflect")
    green, along_row, along_column, opposite = F.conv2d(padded, kernels.to(mosaic)).split(1, 1)
    red, blue = opposite.clone(), opposite.clone()
    green = green.clone()
    for color, (y, x) in ((red, (0, 0)), (blue, (1, 1))):
        color[..., y::2, x::2] = mosaic[..., y::2, x::2]
        color[..., y::2, 1 - x :: 2] = along_row[..., y::2, 1 - x :: 2]
        color[..., 1 - y :: 2, x::2] = along_column[..., 1 - y :: 2, x::2]
    for y, x in ((0, 1), (1, 0)):
        green[..., y::2, x::2] = mosaic[..., y::2, x::2]
    return torch.cat([red, green, blue], 1)


def develop(dark: DarkMosaic, ratio: torch.Tensor) -> torch.Tensor:
    """Develops exposures to sRGB in [0, 1], N x 3 x H x W: gains, common ceiling, demosaicking, matrix, curve.

    Args:
        dark: the exposures.
        ratio: N, multiplies the light before it is clipped at white.
    """
    n = (slice(None), None, None, None)
    gains = gain_map(dark.camera.gains, *dark.mosaic.shape[-2:])
    level = (ratio * dark.camera.gains.amin(1)).clamp(max=1)[n]
    image = torch.minimum(demosaic(torch.minimum(dark.mosaic * gains * ratio[n], level)), level)
    return linear_to_srgb(apply_matrix(image, dark.camera.camera_to_srgb).clamp(0, 1))


def developed_16_bit(dark: DarkMosaic) -> Batch:
    """Amplifies the light, then develops: the network gets everything that the sensor measured.

    Steps of 16 bits are much smaller than the sensor's own, so there is no rounding.
    """
    return {"low": develop(dark, dark.ratio), "high": dark.clean_srgb, "ratio": dark.ratio}


def developed_8_bit(dark: DarkMosaic) -> Batch:
    """Develops without amplification, rounds to 8 bits like a JPEG, and only then amplifies in linear light."""
    stored = (develop(dark, torch.ones_like(dark.ratio)) * 255).round() / 255
    light = srgb_to_linear(stored) * dark.ratio[:, None, None, None]
    return {"low": linear_to_srgb(light.clamp(0, 1)), "high": dark.clean_srgb, "ratio": dark.ratio}
