"""PairLIE: denoises the picture, splits it into reflectance and illumination, and brightens by a power of the latter.

Fu, Yang, Tu, Huang, Ding and Ma, "Learning a Simple Low-Light Image Enhancer from Paired Low-Light Instances", CVPR
2023, section 3.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from explorer.models.base import RestorationNet


def _net(width: int, outputs: int) -> nn.Sequential:
    """Builds five conv3 with a reflected border, ReLU between them, a sigmoid at the end."""
    layers: list[nn.Module] = []
    for inputs, channels in ((3, width), (width, width), (width, width), (width, width), (width, outputs)):
        layers += [nn.Conv2d(inputs, channels, 3, padding=1, padding_mode="reflect"), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Sigmoid())


_DARK = 0.085
"""A display value (sRGB): the mean of LOL's dark pictures."""
_CURVE = 2.2
"""Light is about this power of a display value."""


def exponent_for(ratio: torch.Tensor) -> torch.Tensor:
    """Returns the exponent, at least 0, by which a pixel as dark as LOL's pictures gets `ratio` times its light. An
    exponent of 1 changes nothing."""
    return (1 - ratio.clamp(min=1).log() / (_CURVE * -math.log(_DARK))).clamp(min=0)


class PairLIE(RestorationNet):
    """Three networks of the same form, for the denoised picture, the illumination and the reflectance.

    A fourth input plane contains the ratio, from which the exponent is derived.

    Args:
        exponent: of the illumination, for an input without that plane; smaller is brighter. The authors use 0.2, and
            0.14 (a ratio of 106) for LOL.
    """

    input_channels = 4
    takes_ratio = True

    def __init__(self, exponent: float = 0.2, width: int = 64) -> None:
        super().__init__()
        if not (math.isfinite(exponent) and exponent >= 0):
            raise TypeError(f"exponent must be a number that is not negative, not {exponent!r}")
        self.exponent = float(exponent)
        self.denoise = _net(width, 3)
        self.illumination = _net(width, 1)
        self.reflectance = _net(width, 3)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1], and the ratio as a fourth plane or none, to "image", "reflectance",
        "denoised" (N x 3) and "illumination" (N x 1), all in (0, 1)."""
        told = torch.jit.is_tracing() or x.shape[1] > 3  # a trace always has the plane, and must not branch
        exponent = exponent_for(x[:, 3:]) if told else self.exponent
        x = x[:, :3]
        denoised = self.denoise(x)
        illumination = self.illumination(denoised)
        reflectance = self.reflectance(denoised)
        return {
            "image": illumination**exponent * reflectance,
            "denoised": denoised,
            "reflectance": reflectance,
            "illumination": illumination,
        }
