"""FLOL: brightens the picture's Fourier amplitude, then restores with a small U-shaped network on picture and spectrum.

Benito, Feijoo, Garcia and Conde, "FLOL: Fast Baselines for Real-World Low-Light Enhancement", 2025, arXiv:2501.09718.
The second part follows Wang, Wu and Jin, "FourLLIE", ACM Multimedia 2023, and Xu, Wang, Fu and Jia, "SNR-Aware
Low-Light Image Enhancement", CVPR 2022, from which the mask comes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet
from explorer.models.light import LUMA

_SLOPE = 0.1
_TINY = 1e-8
_SNR = 1e-4
"""Prevents division by zero in the signal-to-noise ratio and its largest value."""


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size, or divides it by its stride."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)


class PixelNorm(nn.Module):
    """Layer norm over the channels of each pixel."""

    def __init__(self, width: int, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(1, keepdim=True)
        scaled = centred / (centred.square().mean(1, keepdim=True) + self.epsilon).sqrt()
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]


class FourierBlock(nn.Module):
    """Amplitude and angle of the features' spectrum, each through two 1x1 convolutions; the input is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width, 1)
        self.amplitude, self.angle = (
            nn.Sequential(conv(width, width, 1), nn.LeakyReLU(_SLOPE), conv(width, width, 1)) for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(self.first(x))
        amplitude, angle = self.amplitude(spectrum.abs()), self.angle(spectrum.angle())
        spectrum = torch.complex(amplitude * angle.cos(), amplitude * angle.sin())
        return torch.fft.irfft2(spectrum, s=x.shape[-2:]) + x


class ResidualBlock(nn.Module):
    """Two conv3 with a ReLU between them, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv(width, width, 3), conv(width, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(F.relu(self.first(x)))


def _luma(x: torch.Tensor) -> torch.Tensor:
    red, green, blue = x.split(1, 1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def snr_mask(x: torch.Tensor) -> torch.Tensor:
    """Maps N x 3 x H x W to N x 1 x H x W in [0, 1]: how far smooth parts outweigh detail, for each pixel."""
    steps = torch.arange(-2, 3, dtype=x.dtype, device=x.device)
    gauss = torch.exp(-(steps**2) / (2 * 1.5**2))
    gauss = gauss / gauss.sum()
    kernel = (gauss[:, None] * gauss).expand(3, 1, 5, 5)
    smooth = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)
    light, kept = _luma(x), _luma(smooth)
    ratio = kept / ((light - kept).abs() + _SNR)
    return (ratio / (ratio.amax((2, 3), keepdim=True) + _SNR)).clamp(0, 1)


class _AmplitudeBlock(nn.Module):
    """Features through a gate and a Fourier block, then through a second gate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = PixelNorm(width), PixelNorm(width)
        self.widen = nn.Sequential(conv(width, 2 * width, 1), conv(2 * width, 2 * width, 3, groups=2 * width))
        self.gate = conv(width, width, 3, groups=width)
        self.fourier = FourierBlock(width)
        self.narrow = conv(width, width, 1)
        self.second = conv(width, 2 * width, 1)
        self.last = conv(width, width, 1)
        self.beta = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.widen(self.norm1(x)).chunk(2, 1)
        z = self.narrow(self.fourier(self.gate(a) * b))
        y = z + z * self.beta
        a, b = self.second(self.norm2(y)).chunk(2, 1)
        return y + self.last(a * b) * self.gamma


class _Amplitude(nn.Module):
    """A map in (0, 1) that divides the amplitude of the picture's spectrum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(3, width, 1)
        self.blocks = nn.Sequential(*(_AmplitudeBlock(width) for _ in range(3)))
        self.last = conv(width, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        half = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        half = self.last(self.blocks(self.first(half)))
        return torch.sigmoid(F.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False))


class Step(nn.Module):
    """A Fourier block and a 1x1 convolution, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fourier = FourierBlock(width)
        self.join = conv(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.join(self.fourier(x)) + x


class TwoStages(RestorationNet):
    """Divides the amplitude of the picture's spectrum by a map, then restores the result with a U-shaped net.

    Args:
        amplitude: maps N x 3 x H x W to a map of that size in (0, 1).
        width: channels of the second stage.
        steps: in the Fourier transform of its coarsest features.
    """

    exports = False
    needs_float32 = True  # otherwise the angles of the spectrum would be noise

    def __init__(self, amplitude: nn.Module, width: int, steps: int) -> None:
        super().__init__()
        self.amplitude = amplitude
        self.down = nn.ModuleList([conv(6, width, 3), conv(width, width, 3, 2), conv(width, width, 3, 2)])
        self.features = ResidualBlock(width)
        self.light = nn.Sequential(*(ResidualBlock(width) for _ in range(6)))
        self.steps = nn.Sequential(*(Step(width) for _ in range(steps)))
        self.trunk = ResidualBlock(width)
        self.up = nn.ModuleList([conv(2 * width, 4 * width, 3), conv(2 * width, 4 * width, 3)])
        self.join = conv(2 * width, width, 3)
        self.last = conv(width, 3, 3)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1], sides multiples of 8, to the steps.

        Returns:
            "image" (N x 3, not clamped), "amplitude" (N x 3 in (0, 1): divisor of the spectrum, bin by bin),
            "first_stage" (N x 3: the picture with that amplitude) and "snr_mask" (N x 1 in [0, 1]).
        """
        amplitude = self.amplitude(x)
        spectrum = torch.fft.fft2(x)
        # Dividing the complex number divides the amplitude and keeps the angle.
        lifted = torch.fft.ifft2(spectrum / (amplitude + _TINY)).real
        mask = snr_mask(lifted)
        levels = [torch.cat([lifted, x], 1)]
        for each in self.down:
            levels.append(F.leaky_relu(each(levels[-1]), _SLOPE))
        fine, middle, coarse = levels[1:]
        features = self.features(coarse)
        weight = mask[..., ::4, ::4]
        mixed = (features + self.steps(features)) * (1 - weight) + self.light(features) * weight
        up = self.trunk(mixed)
        for each, skip in zip(self.up, (coarse, middle), strict=True):
            up = F.leaky_relu(F.pixel_shuffle(each(torch.cat([up, skip], 1)), 2), _SLOPE)
        up = F.leaky_relu(self.join(torch.cat([up, fine], 1)), _SLOPE)
        return {"image": self.last(up) + x, "amplitude": amplitude, "first_stage": lifted, "snr_mask": mask}


class FLOL(TwoStages):
    """Both parts.

    Args:
        width: channels of the second part; the first has half as many.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__(_Amplitude(width // 2), width, 4)
