"""Darkens clean sRGB pictures to dark 8-bit ones: the second half of the training data of the RGB networks.

Low-light pairs from one camera only teach that camera. Clean photos, darkened in linear light in many ways, cover the
rest: a gain, an uneven light field, an error of the white balance, signal-dependent noise, a camera's own curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from explorer.models.light import linear_to_srgb, srgb_to_linear
from explorer.photo.light.amplify import LARGEST_STEP, LUMINANCE, MIDDLE_GREY, MINIMUM_RATIO
from explorer.photo.light.curves import gain_to_step
from explorer.training.draws import log_uniform

_MOST = gain_to_step(LARGEST_STEP, 8)


@dataclass(frozen=True)
class DarkRanges:
    """Ranges of a random dark exposure; every pair is (low, high)."""

    gain: tuple[float, float] = (0.012, 0.3)
    """Linear gain, log-uniform."""
    field_probability: float = 0.5
    """Probability of a smooth light field (0.4 to 1.6 of the light) over the scene."""
    white_balance: float = 0.15
    """Half-width of the uniform error of each channel's gain."""
    shot: tuple[float, float] = (1e-5, 1e-3)
    """Variance per unit of linear light, log-uniform."""
    read: tuple[float, float] = (2e-4, 3e-3)
    """Standard deviation of the constant noise in linear light, log-uniform."""
    gamma_probability: float = 0.3
    """Probability that a power from 0.8 to 1.3 is applied to the dark picture, like a camera's own curve."""


def darken(clean: torch.Tensor, generator: torch.Generator, ranges: DarkRanges | None = None) -> torch.Tensor:
    """Darkens N x 3 x H x W sRGB in [0, 1] to a dark sRGB batch in [0, 1], quantised to 8 bits.

    Args:
        clean: the batch.
        generator: on the batch's device; the same state gives the same batch.
    """
    ranges = ranges or DarkRanges()
    batch, device = clean.shape[0], clean.device
    n = (slice(None), None, None, None)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator, device=device)

    def each(bounds: tuple[float, float]) -> torch.Tensor:
        return log_uniform((batch,), bounds, generator)[n]

    light = srgb_to_linear(clean) * each(ranges.gain)
    field = F.interpolate(0.4 + 1.2 * rand(batch, 1, 4, 4), size=clean.shape[-2:], mode="bicubic", align_corners=True)
    light = torch.where((rand(batch) < ranges.field_probability)[n], light * field.clamp(0.2, 2), light)
    light = light * (1 + ranges.white_balance * (2 * rand(batch, 3) - 1))[:, :, None, None]
    deviation = (each(ranges.shot) * light + each(ranges.read) ** 2).sqrt()
    noise = torch.randn(light.shape, generator=generator, device=device)
    dark = linear_to_srgb((light + deviation * noise).clamp(0, 1))
    power = (0.8 + 0.5 * rand(batch))[n]
    dark = torch.where((rand(batch) < ranges.gamma_probability)[n], dark.clamp(min=1e-6) ** power, dark)
    return (dark * 255).round() / 255


def suggested_ratio(dark: torch.Tensor) -> torch.Tensor:
    """Computes `explorer.photo.light.amplify.suggest_ratio` for 8-bit photos by the percentile rule, batched.

    Args:
        dark: N x 3 x H x W sRGB in [0, 1].

    Returns:
        N ratios, 1 to 300.
    """
    median, bright = torch.quantile(_luminance(dark), dark.new_tensor([0.5, 0.98]), dim=1).clamp(min=1e-6)
    return torch.minimum(MIDDLE_GREY / median, 1 / bright).clamp(MINIMUM_RATIO, _MOST)


def true_ratio(dark: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Returns the ratio of the light of `clean` to that of `dark`, in the range of `suggested_ratio`.

    Args:
        dark, clean: N x 3 x H x W sRGB in [0, 1].

    Returns:
        N ratios.
    """
    return (_luminance(clean).mean(1) / _luminance(dark).mean(1).clamp(min=1e-6)).clamp(MINIMUM_RATIO, _MOST)


def _luminance(x: torch.Tensor) -> torch.Tensor:
    return torch.einsum("c,nchw->nhw", x.new_tensor(LUMINANCE), srgb_to_linear(x)).flatten(1)


def amplify(dark: torch.Tensor, ratio: torch.Tensor, *, beyond_white: bool = False) -> torch.Tensor:
    """Multiplies the light of N x 3 x H x W sRGB in [0, 1] by N ratios; the result is sRGB.

    Args:
        beyond_white: keep light above white, under the same curve, instead of clipping it to 1.
    """
    light = srgb_to_linear(dark) * ratio.to(dark)[:, None, None, None]
    return linear_to_srgb(light if beyond_white else light.clamp(max=1))
