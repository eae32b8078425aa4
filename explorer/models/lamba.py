"""Lamba & Mitra's real-time network M0, and its modifications M1 and M2.

M0: Lamba and Mitra, "Restoring Extremely Dark Images in Real Time", CVPR 2021, section 3. Most of the work is done at
1/32 of the resolution, which space-to-depth reaches without losing a sample. M1 and M2 have separate residual dense
blocks at the 1/8 and 1/16 scales.

The published convolutions are weight-normalised; here they are plain, and the import of a published checkpoint folds
g * v / ||v|| into one tensor.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_SLOPE = 0.2


def _conv(inputs: int, outputs: int, kernel: int, groups: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=bias)


class ResidualDenseBlock(nn.Module):
    """Dense conv3 layers of growth 32 on 64 channels, a conv1 back to 64, and a skip around both.

    The first and the last dense layer take their input without an activation; the ones between apply a leaky ReLU to
    everything so far, while the concatenation itself stays un-activated (the published code's behaviour).
    """

    def __init__(self, layers: int, channels: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.dense = nn.ModuleList(_conv(channels + growth * i, growth, 3, bias=False) for i in range(layers))
        self.fuse = _conv(channels + growth * layers, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = x
        last = len(self.dense) - 1
        for i, conv in enumerate(self.dense):
            activated = state if i in (0, last) else F.leaky_relu(state, _SLOPE)
            state = torch.cat([state, conv(activated)], 1)
        return self.fuse(state) + x


class ResidualBlock(nn.Module):
    """conv3, leaky ReLU, conv3, and a skip around them."""

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.conv1 = _conv(channels, channels, 3)
        self.conv2 = _conv(channels, channels, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv2(F.leaky_relu(self.conv1(x), _SLOPE)) + x


class Stem(nn.Sequential):
    """Grouped conv3 to 128 channels, then conv3 to 64."""

    def __init__(self, inputs: int, groups: int) -> None:
        super().__init__(_conv(inputs, 128, 3, groups=groups), _conv(128, 64, 3))


class DenseChain(nn.Module):
    """A stem and consecutive residual dense blocks, all of their outputs fused by a conv1, with a long skip."""

    def __init__(self, inputs: int, groups: int, layers: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = Stem(inputs, groups)
        self.blocks = nn.ModuleList(ResidualDenseBlock(n) for n in layers)
        self.fuse = _conv(64 * len(layers), 64, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        base = state = self.stem(x)
        states = []
        for block in self.blocks:
            state = block(state)
            states.append(state)
        return self.fuse(torch.cat(states, 1)) + base


class Shuffled(nn.Module):
    """A DenseChain at a coarse scale, enlarged to 1/8 by depth-to-space, then conv3 to 64 channels."""

    def __init__(self, inputs: int, groups: int, layers: tuple[int, ...], upscale: int) -> None:
        super().__init__()
        self.chain = DenseChain(inputs, groups, layers)
        self.upscale = upscale
        self.conv = _conv(64 // upscale**2, 64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.chain(x)
        return self.conv(F.pixel_shuffle(x, self.upscale) if self.upscale > 1 else x)


class _LambaNet(RestorationNet):
    """Shared parts of M0, M1 and M2: the scales, the 1/2 and residual 1/8 branches, the join and the tail."""

    def __init__(self) -> None:
        super().__init__()
        self.residual8 = ResidualBlock()
        self.join1 = _conv(128, 32, 3, groups=4)
        self.join2 = _conv(32, 192, 3)
        self.scale2 = _conv(4, 12, 5)
        self.tail = _conv(24, 12, 5)

    def coarse(self, x2: torch.Tensor, x8: torch.Tensor) -> torch.Tensor:
        """Returns the features of the coarse scales, N x 64 x H/8 x W/8, in which M0, M1 and M2 differ."""
        raise AssertionError("subclasses define it")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 1 x H x W amplified RGGB mosaic (sides multiples of 32) to N x 3 x H x W sRGB.

        Clamped to [0, 1] in evaluation mode, as published; not clamped in training, so that gradients do not vanish.
        """
        x2 = F.pixel_unshuffle(x, 2)
        x8 = F.pixel_unshuffle(x2, 4)
        fine, coarse = self.residual8(x8), self.coarse(x2, x8)
        # Channel shuffle with two groups: 0, 64, 1, 65, ...
        joined = torch.stack([fine, coarse], 2).flatten(1, 2)
        joined = F.leaky_relu(self.join2(self.join1(joined)), _SLOPE)
        joined = F.pixel_shuffle(joined, 4)
        image = F.pixel_shuffle(self.tail(torch.cat([self.scale2(x2), joined], 1)), 2)
        return image if self.training else image.clamp(0, 1)


class LambaM0(_LambaNet):
    """M0 as published: one coarse branch, at 1/32, of three residual dense blocks (4, 5 and 5 layers)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale32 = Shuffled(1024, 128, (4, 5, 5), upscale=4)

    def coarse(self, x2: torch.Tensor, x8: torch.Tensor) -> torch.Tensor:
        return self.scale32(F.pixel_unshuffle(x2, 16))


class LambaM1(_LambaNet):
    """M1: dense chains of two blocks at 1/8, 1/32 and 1/16, fused by one conv3."""

    def __init__(self) -> None:
        super().__init__()
        self.scale8 = Shuffled(64, 64, (4, 5), upscale=1)
        self.scale32 = Shuffled(1024, 64, (5, 5), upscale=4)
        self.scale16 = Shuffled(256, 64, (5, 5), upscale=2)
        self.fuse = _conv(192, 64, 3)

    def coarse(self, x2: torch.Tensor, x8: torch.Tensor) -> torch.Tensor:
        f32 = self.scale32(F.pixel_unshuffle(x2, 16))
        f16 = self.scale16(F.pixel_unshuffle(x2, 8))
        return self.fuse(torch.cat([self.scale8(x8), f32, f16], 1))


class LambaM2(_LambaNet):
    """M2: the three chains of M1, one more dense block on each, and fusions before and after those blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.scale32 = Shuffled(1024, 64, (5, 5), upscale=4)
        self.scale16 = Shuffled(256, 64, (5, 5), upscale=2)
        self.scale8 = Shuffled(64, 64, (5, 5), upscale=1)
        self.refine32 = ResidualDenseBlock(5)
        self.refine16 = ResidualDenseBlock(5)
        self.refine8 = ResidualDenseBlock(5)
        self.fuse_refined = _conv(192, 64, 3)
        self.fuse_direct = _conv(192, 64, 3)
        self.fuse = _conv(128, 64, 3)

    def coarse(self, x2: torch.Tensor, x8: torch.Tensor) -> torch.Tensor:
        f32 = self.scale32(F.pixel_unshuffle(x2, 16))
        f16 = self.scale16(F.pixel_unshuffle(x2, 8))
        f8 = self.scale8(x8)
        refined = torch.cat([self.refine32(f32), self.refine16(f16), self.refine8(f8)], 1)
        direct = torch.cat([f32, f16, f8], 1)
        return self.fuse(torch.cat([self.fuse_refined(refined), self.fuse_direct(direct)], 1))
