"""FourLLIE: brightens the amplitude of the Fourier transform, then restores the result with a U-shaped net.

Wang, Wu and Jin, "FourLLIE: Boosting Low-Light Image Enhancement by Fourier Frequency Information", ACM
Multimedia 2023.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.flol import FourierBlock, TwoStages, conv

_SLOPE = 0.1
_NARROW = 8
"""Channels of the amplitude net."""


def _active(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, _SLOPE)


class SpatialBlock(nn.Module):
    """conv3, leaky ReLU, twice; added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv(width, width, 3), conv(width, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + _active(self.second(_active(self.first(x))))


class FrequencyBlock(nn.Module):
    """A Fourier block and a spatial one, joined by a convolution of 1x1; added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = SpatialBlock(width)
        self.fourier = FourierBlock(width)
        self.join = conv(width * 2, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.join(torch.cat([self.spatial(x), self.fourier(x)], 1))


class AmplitudeNet(nn.Module):
    """Estimates the divisor of each frequency's amplitude: a map of the picture's size, used bin by bin."""

    def __init__(self, width: int = _NARROW) -> None:
        super().__init__()
        self.first = conv(3, width, 1)
        self.blocks = nn.ModuleList(FrequencyBlock(width) for _ in range(4))
        self.joined = nn.ModuleList(FrequencyBlock(2 * width) for _ in range(3))
        self.reduce = nn.ModuleList(conv(2 * width, n, 1) for n in (width, width, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W to N x 3 x H x W in (0, 1)."""
        y = self.first(x)
        levels = []
        for block in self.blocks:
            y = block(y)
            levels.append(y)
        y = levels.pop()
        for block, reduce in zip(self.joined, self.reduce, strict=True):
            y = reduce(block(torch.cat([levels.pop(), y], 1)))
        return torch.sigmoid(y)


class FourLLIE(TwoStages):
    """FourLLIE.

    Args:
        width: channels of the second stage, 16 in the published weights.
    """

    exports = False  # seven times slower in OpenVINO, and angles of near-empty frequencies differ

    def __init__(self, width: int = 16) -> None:
        super().__init__(AmplitudeNet(), width, 5)
