"""FourLLIE: the amplitude of the Fourier transform is brightened, then a U-shaped net restores what that leaves.

Wang, Wu and Jin, "FourLLIE: Boosting Low-Light Image Enhancement by Fourier Frequency Information", ACM
Multimedia 2023.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_SLOPE = 0.1
_LUMA = (0.299, 0.587, 0.114)
_NARROW, _DEEP = 8, 5
"""Channels of the amplitude net, and blocks between the two stages' features."""


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)


def _active(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, _SLOPE)


def from_polar(amplitude: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    """A complex spectrum; unlike `torch.polar`, amplitudes may be negative."""
    return torch.complex(amplitude * torch.cos(phase), amplitude * torch.sin(phase))


class FourierBlock(nn.Module):
    """Amplitude and phase of all frequencies, each through convolutions of 1x1; added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width, 1)
        self.amplitude = nn.Sequential(_conv(width, width, 1), nn.LeakyReLU(_SLOPE), _conv(width, width, 1))
        self.phase = nn.Sequential(_conv(width, width, 1), nn.LeakyReLU(_SLOPE), _conv(width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(self.first(x))
        changed = from_polar(self.amplitude(spectrum.abs()), self.phase(spectrum.angle()))
        return torch.fft.irfft2(changed, s=x.shape[-2:]) + x


class SpatialBlock(nn.Module):
    """conv3, leaky ReLU, twice; added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(width, width), _conv(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + _active(self.conv2(_active(self.conv1(x))))


class FrequencyBlock(nn.Module):
    """A Fourier block, and a spatial one beside it where asked for, through a convolution of 1x1; added."""

    def __init__(self, width: int, spatial: bool) -> None:
        super().__init__()
        self.spatial = SpatialBlock(width) if spatial else None
        self.fourier = FourierBlock(width)
        self.join = _conv(width * (2 if spatial else 1), width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.fourier(x)
        return x + self.join(y if self.spatial is None else torch.cat([self.spatial(x), y], 1))


class Residual(nn.Module):
    """conv3, ReLU, conv3, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(width, width), _conv(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class AmplitudeNet(nn.Module):
    """By what the amplitude of each frequency is divided: a map of the picture's size that is used bin by bin."""

    def __init__(self, width: int = _NARROW) -> None:
        super().__init__()
        self.first = _conv(3, width, 1)
        self.blocks = nn.ModuleList(FrequencyBlock(width, True) for _ in range(4))
        self.joined = nn.ModuleList(FrequencyBlock(2 * width, True) for _ in range(3))
        self.reduce = nn.ModuleList(_conv(2 * width, n, 1) for n in (width, width, 3))

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


def brightened(x: torch.Tensor, amplitude: torch.Tensor) -> torch.Tensor:
    """A picture whose spectrum is divided by a map, bin by bin."""
    spectrum = torch.fft.fft2(x)
    return torch.fft.ifft2(from_polar(spectrum.abs() / (amplitude + 1e-8), spectrum.angle())).real


def snr_mask(x: torch.Tensor) -> torch.Tensor:
    """How far the luma of N x 3 x H x W stands above its noise: N x 1 in [0, 1], 1 where it is cleanest.

    Noise is the difference from a Gaussian blur of 5x5 pixels and sigma 1.5 (Xu et al., "SNR-Aware Low-Light Image
    Enhancement", CVPR 2022).
    """
    taps = torch.arange(-2, 3, dtype=x.dtype, device=x.device)
    taps = torch.exp(-(taps**2) / (2 * 1.5**2))
    taps = taps / taps.sum()
    luma = sum(weight * plane for weight, plane in zip(_LUMA, x.unbind(1), strict=True))[:, None]
    smooth = F.conv2d(F.pad(luma, (2, 2, 2, 2), mode="reflect"), torch.outer(taps, taps)[None, None])
    mask = smooth / ((luma - smooth).abs() + 1e-4)
    return (mask / (mask.amax((1, 2, 3), keepdim=True) + 1e-4)).clamp(0, 1)


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
        self.down = nn.ModuleList([_conv(6, width), _conv(width, width, 3, 2), _conv(width, width, 3, 2)])
        self.before, self.after = Residual(width), Residual(width)
        self.light = nn.Sequential(*(Residual(width) for _ in range(6)))
        self.frequency = nn.Sequential(*(FrequencyBlock(width, False) for _ in range(_DEEP)))
        self.up = nn.ModuleList(_conv(2 * width, 4 * width) for _ in range(2))
        self.merge, self.last = _conv(2 * width, width), _conv(width, 3)

    def decompose(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """N x 3 x H x W sRGB in [0, 1], sides multiples of 8, to "image" (N x 3, not clamped), "amplitude" and
        "first_stage" (N x 3) and "snr_mask" (N x 1)."""
        amplitude = self.amplitude(x)
        first = brightened(x, amplitude)
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
        for conv in self.down:
            x = _active(conv(x))
            found.append(x)
        return found
