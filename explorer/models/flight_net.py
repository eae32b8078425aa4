"""FLIGHT-Net: 25,049 parameters that scale the colours, apply one gain per channel, and clean the result.

Ozcan, Ergezer and Ayazoglu, "FLIGHT Mode On: A Feather-Light Network for Low-Light Image Enhancement", CVPR Workshops
2023, section 3. The results of its four consecutive stages are available as intermediates.
"""

from __future__ import annotations

import torch
from torch import nn

from explorer.models.base import RestorationNet

_SLOPE = 0.1


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class _ColourMap(nn.Module):
    """Multiplies the picture by a map in (0, 1) for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(3, 3, 5), _conv(3, 16, 3), nn.CELU(), _conv(16, 64, 1), _conv(64, 32, 1), nn.CELU()
        )
        self.colours = nn.Sequential(_conv(16, 16, 3), _conv(16, 8, 1), nn.CELU(), _conv(8, 3, 1), nn.ReLU())
        self.rate = nn.Sequential(nn.Linear(16, 8, bias=False), nn.ReLU(), nn.Linear(8, 1, bias=False))
        self.last = _conv(3, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        local, pooled = self.features(x).chunk(2, 1)
        rate = self.rate(pooled.mean((2, 3)))[..., None, None]
        return torch.sigmoid(self.last(rate * self.colours(local)))


class _Gain(nn.Module):
    """One gain per channel, from the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 3, 7, stride=2), nn.Conv2d(3, 3, 5, stride=2), nn.LeakyReLU(_SLOPE),
            nn.Conv2d(3, 16, 3, stride=2), nn.Conv2d(16, 64, 1), nn.LeakyReLU(_SLOPE),
        )  # fmt: skip
        self.gain = nn.Sequential(
            nn.Linear(64, 16, bias=False), nn.LeakyReLU(_SLOPE), nn.Linear(16, 3, bias=False), nn.LeakyReLU(_SLOPE)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gain(self.features(x).mean((2, 3)))[..., None, None]


class _Attention(nn.Module):
    """A residual block whose channels are weighted by features of the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(16, 16, 3), nn.Tanh(), _conv(16, 16, 3))
        self.weights = nn.Sequential(_conv(16, 4, 1), nn.CELU(), _conv(4, 16, 1), nn.CELU())
        self.skip = _conv(16, 16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.body(x)
        return inner * self.weights(inner.mean((2, 3), keepdim=True)) + self.skip(x)


class _FineTune(nn.Module):
    """The correction of the amplified picture, after two blocks of channel attention."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _conv(3, 16, 3)
        self.blocks = nn.Sequential(_Attention(), _Attention())
        self.skip = _conv(16, 16, 1)
        self.last = _conv(16, 3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = torch.tanh(self.first(x))
        return self.last(self.blocks(features) + self.skip(features))


class _Pass(nn.Module):
    """One pass of the denoiser: wide and narrow kernels in parallel."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(_conv(3, 3, 5), nn.CELU(), _conv(3, 12, 1), nn.CELU(), _conv(12, 8, 1))
        self.wide = nn.Sequential(_conv(4, 4, 5), nn.CELU(), _conv(4, 8, 1), nn.ReLU(), _conv(8, 4, 1))
        self.narrow = nn.Sequential(_conv(4, 4, 3), nn.CELU(), _conv(4, 8, 1), nn.CELU(), _conv(8, 4, 1))
        self.join = _conv(8, 3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide, narrow = self.first(x).chunk(2, 1)
        return self.join(torch.cat([self.wide(wide), self.narrow(narrow)], 1))


class FlightNet(RestorationNet):
    """The four stages: colour map, gain, channel attention, denoiser."""

    def __init__(self) -> None:
        super().__init__()
        self.colour = _ColourMap()
        self.gain = _Gain()
        self.tune = _FineTune()
        self.passes = nn.ModuleList([_Pass(), _Pass()])
        self.last = nn.Sequential(_conv(9, 3, 7), nn.CELU(), _conv(3, 12, 1), nn.CELU(), _conv(12, 3, 1), nn.Tanh())

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1], at least 23 a side, to the stages. Returns: "image" (N x 3, in (-1, 1):
        callers clip), "color" (N x 3, in (0, 1): the factor for each pixel), "gain" (a
            table, N x 1 x 1 x 3: one number per channel) and "tuned" (N x 3: before the denoiser, not clamped).
        """
        colour = self.colour(x)
        scaled = x * colour
        gain = self.gain(scaled)
        tuned = scaled * gain
        tuned = tuned + self.tune(tuned)
        first = self.passes[0](tuned)
        image = self.last(torch.cat([tuned, first, self.passes[1](first)], 1))
        return {"image": image, "color": colour, "gain": gain.permute(0, 2, 3, 1), "tuned": tuned}
