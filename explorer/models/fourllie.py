"""FourLLIE: the amplitude of the Fourier transform is brightened, then a U-shaped net restores what that leaves.

Wang, Wu and Jin, "FourLLIE: Boosting Low-Light Image Enhancement by Fourier Frequency Information", ACM
Multimedia 2023.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet
from explorer.models.flol import FourierBlock, ResidualBlock, conv, snr_mask

_SLOPE, _TINY = 0.1, 1e-8
_NARROW, _DEEP = 8, 5
"""Channels of the amplitude net, and blocks between the two stages' features."""


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
    """A Fourier block, and a spatial one beside it where asked for, through a convolution of 1x1; added."""

    def __init__(self, width: int, spatial: bool) -> None:
        super().__init__()
        self.spatial = SpatialBlock(width) if spatial else None
        self.fourier = FourierBlock(width)
        self.join = conv(width * (2 if spatial else 1), width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.fourier(x)
        return x + self.join(y if self.spatial is None else torch.cat([self.spatial(x), y], 1))


class AmplitudeNet(nn.Module):
    """By what the amplitude of each frequency is divided: a map of the picture's size that is used bin by bin."""

    def __init__(self, width: int = _NARROW) -> None:
        super().__init__()
        self.first = conv(3, width, 1)
        self.blocks = nn.ModuleList(FrequencyBlock(width, True) for _ in range(4))
        self.joined = nn.ModuleList(FrequencyBlock(2 * width, True) for _ in range(3))
        self.reduce = nn.ModuleList(conv(2 * width, n, 1) for n in (width, width, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """N x 3 x H x W to N x 3 x H x W in (0, 1)."""
        y = self.first(x)
        levels = []
        for block in self.blocks:
            y = block(y)
            levels.append(y)
        y = levels.pop()
        for block, reduce in zip(self.joined, self.reduce, strict=True):
            y = reduce(block(torch.cat([levels.pop(), y], 1)))
        return torch.sigmoid(y)


class FourLLIE(RestorationNet):
    """FourLLIE.

    Args:
        width: channels of the second stage, 16 in the published weights.
    """

    needs_float32 = True
    exports = False  # seven times slower in OpenVINO, and angles of near-empty frequencies differ

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.amplitude = AmplitudeNet()
        self.down = nn.ModuleList([conv(6, width, 3), conv(width, width, 3, 2), conv(width, width, 3, 2)])
        self.before, self.after = ResidualBlock(width), ResidualBlock(width)
        self.light = nn.Sequential(*(ResidualBlock(width) for _ in range(6)))
        self.frequency = nn.Sequential(*(FrequencyBlock(width, False) for _ in range(_DEEP)))
        self.up = nn.ModuleList(conv(2 * width, 4 * width, 3) for _ in range(2))
        self.merge, self.last = conv(2 * width, width, 3), conv(width, 3, 3)

    def decompose(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """N x 3 x H x W sRGB in [0, 1], sides multiples of 8, to "image" (N x 3, not clamped), "amplitude" and
        "first_stage" (N x 3) and "snr_mask" (N x 1)."""
        amplitude = self.amplitude(x)
        # Dividing the amplitude and keeping the angle is dividing the complex number.
        first = torch.fft.ifft2(torch.fft.fft2(x) / (amplitude + _TINY)).real
        mask = snr_mask(first)
        fine, middle, coarse = self._features(torch.cat([first, x], 1))
        y = self.before(coarse)
        weight = mask[..., ::4, ::4]
        y = (y + self.frequency(y)) * (1 - weight) + self.light(y) * weight
        y = self.after(y)
        for up, skip in zip(self.up, (coarse, middle), strict=True):
            y = _active(F.pixel_shuffle(up(torch.cat([y, skip], 1)), 2))
        y = self.last(_active(self.merge(torch.cat([y, fine], 1))))
        return {"image": y + x, "amplitude": amplitude, "first_stage": first, "snr_mask": mask}

    def _features(self, x: torch.Tensor) -> list[torch.Tensor]:
        """At the full size, half and a quarter."""
        found = []
        for each in self.down:
            x = _active(each(x))
            found.append(x)
        return found
