"""The sRGB transfer curve on tensors, and the luma weights, for networks and their training."""

from __future__ import annotations

import torch

LUMA = (0.299, 0.587, 0.114)
"""Luma weights of red, green and blue (ITU-R BT.601)."""


def srgb_to_linear(x: torch.Tensor) -> torch.Tensor:
    """Undoes the sRGB transfer curve (IEC 61966-2-1), values in [0, 1]."""
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(x: torch.Tensor) -> torch.Tensor:
    """Applies the sRGB transfer curve (IEC 61966-2-1), values in [0, 1]; gradients stay finite at 0."""
    return torch.where(x <= 0.0031308, x * 12.92, 1.055 * x.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)
