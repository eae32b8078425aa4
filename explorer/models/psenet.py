"""PSENet: a curve for each pixel and channel, applied to the inverted picture.

Nguyen, Tran, Nguyen and Nguyen, "PSENet: Progressive Self-Enhancement Network for Unsupervised Extreme-Light Image
Enhancement", WACV 2023, section 3.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet


class _SqueezeExcite(nn.Module):
    """Scales channels by features of the whole picture, without a bound on the scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, width, 1)
        self.excite = nn.Conv2d(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True))))


class _Block(nn.Module):
    """A 1x1 convolution that widens, a depthwise one, a 1x1 convolution that narrows; the input is added if it fits.

    Args:
        inner: channels in between.
        stride: of the depthwise convolution, 2 to halve the size.
        excite: weight the channels by the whole picture.
    """

    def __init__(self, inputs: int, outputs: int, inner: int, stride: int = 1, excite: bool = False) -> None:
        super().__init__()
        self.widen = nn.Conv2d(inputs, inner, 1)
        self.place = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, padding_mode="reflect")
        self.excite = _SqueezeExcite(inner) if excite else nn.Identity()
        self.narrow = nn.Conv2d(inner, outputs, 1)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.excite(self.place(F.leaky_relu(self.widen(x))))
        out = self.narrow(F.leaky_relu(inner))
        return x + out if self.residual else out


class PSENet(RestorationNet):
    """A small U-Net that estimates the exponents of the curves.

    Args:
        strength: factor of the exponents; above 1 brightens more than trained.
    """

    def __init__(self, strength: float = 1.0) -> None:
        super().__init__()
        if not (math.isfinite(strength) and strength > 0):
            raise TypeError(f"strength must be a positive number, not {strength!r}")
        self.strength = float(strength)
        self.first = _Block(3, 3, 6, excite=True)
        self.middle = nn.Sequential(_Block(3, 16, 24, stride=2), _Block(16, 16, 24))
        self.coarse = nn.Sequential(_Block(16, 32, 48, stride=2), _Block(32, 32, 48), _Block(32, 16, 48))
        self.join = nn.Sequential(_Block(32, 16, 48), _Block(16, 3, 24))
        self.last = _Block(6, 3, 9, excite=True)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to "image" (N x 3 in [0, 1]) and "curves", the exponents (N x 3, not
        negative).

        image = 1 - (1 - x) ** curves; an exponent of 1 leaves a pixel unchanged.
        """
        first = self.first(x)
        middle = self.middle(first)
        up = _enlarged(self.coarse(middle), middle)
        up = _enlarged(self.join(torch.cat([middle, up], 1)), first)
        curves = (self.last(torch.cat([first, up], 1)) + 1).abs() * self.strength
        return {"image": 1 - (1 - x) ** curves, "curves": curves}


def _enlarged(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=True)
