"""Lynx: U-Nets that predict a correction of the picture; for Bayer and X-Trans mosaics and for pictures.

This project's own architecture. The network gets the light twice, linear and under a curve, and predicts only the
difference between a plain picture, made of the nearest samples, and the restored one, so that sharpness and brightness
are right from the first training step. See docs/lynx.md for the figure, the experiments, and the effect of each choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet
from explorer.models.light import linear_to_srgb

Size = Literal["large", "small"]
_SLOPE = 0.1
_LEVELS = (1, 2, 3, 4)
"""Channels of each scale, as multiples of the width."""
_SIZES: dict[str, tuple[int, tuple[int, ...], int]] = {
    "large": (40, (1, 1, 2, 2), 80),
    "small": (16, (1, 1, 1, 1), 48),
}
"""Channels of the finest scale; residual blocks of each scale, on the way down and again on the way up, the coarsest
once; reach of the body's receptive field, in its own samples. Channels at the finest scale help more than channels at
the coarsest."""
_START = 0.3
"""Initial size of a residual block's second convolution, relative to He's initialisation."""
_HALF = 0.5
"""The value that the second encoding of pictures, x / (x + 0.5), maps to one half."""


def _scale(conv: nn.Conv2d, size: float) -> None:
    """Scales a new convolution's kernel by a factor, and sets its bias to 0."""
    with torch.no_grad():
        conv.weight.mul_(size)
        if conv.bias is not None:
            conv.bias.zero_()


class ResidualBlock(nn.Module):
    """conv3, leaky ReLU, conv3, and a skip around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        for conv, size in ((self.conv1, 1.0), (self.conv2, _START)):
            nn.init.kaiming_normal_(conv.weight, a=_SLOPE)
            _scale(conv, size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(x), _SLOPE))


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


class Body(nn.Module):
    """Residual blocks at four scales. Skips are added, not concatenated.

    Args:
        width: channels of the finest scale.
        counts: residual blocks of each scale.
    """

    def __init__(self, width: int, counts: Sequence[int]) -> None:
        super().__init__()
        channels = [width * level for level in _LEVELS]
        steps = list(zip(channels, channels[1:], strict=False))
        self.encoder = nn.ModuleList(_blocks(c, n) for c, n in zip(channels, counts, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in steps)
        self.up = nn.ModuleList(nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in steps)
        self.decoder = nn.ModuleList(_blocks(c, n) for c, n in zip(channels[:-1], counts, strict=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x width x h x w (sides multiples of 8) to the same shape."""
        skips = []
        for blocks, down in zip(self.encoder, self.down, strict=False):
            x = blocks(x)
            skips.append(x)
            x = down(x)
        x = self.encoder[-1](x)
        for blocks, up, skip in zip(reversed(self.decoder), reversed(self.up), reversed(skips), strict=True):
            x = blocks(F.pixel_shuffle(up(x), 2) + skip)
        return x


class _Lynx(RestorationNet):
    """Shared parts of the three networks: the body between two convolutions, and the sum with the plain picture.

    Args:
        size: "large" or "small".
        inputs: input channels of the head.
        upscale: from the body's resolution to the picture's.
        reduced: from the input's resolution to the body's.
        blocks: side of the blocks whose positions become channels of the head's input.
    """

    def __init__(self, size: Size, inputs: int, upscale: int, *, reduced: int, blocks: int = 1) -> None:
        super().__init__()
        if size not in _SIZES:
            raise ValueError(f"size must be {' or '.join(_SIZES)}, not {size!r}")
        width, counts, reach = _SIZES[size]
        self.halo = reach * reduced
        self.upscale, self.blocks = upscale, blocks
        self.head = nn.Conv2d(inputs * blocks**2, width * blocks**2, 3, padding=1)
        self.body = Body(width, counts)
        self.tail = nn.Conv2d(width, 3 * upscale**2, 3, padding=1)
        _scale(self.tail, 0.1)  # starts close to the plain picture

    def added(self, features: torch.Tensor) -> torch.Tensor:
        """Returns the correction of the plain picture, from the head's features."""
        if self.blocks == 1:
            started = self.head(features)
        else:
            started = F.pixel_shuffle(self.head(F.pixel_unshuffle(features, self.blocks)), self.blocks)
        return F.pixel_shuffle(self.tail(self.body(started)), self.upscale)


def _spread(colors: Sequence[torch.Tensor], upscale: int) -> torch.Tensor:
    """Maps N x 1 x h x w maps of the three colours to the N x 3 x H x W picture of the nearest samples."""
    return F.pixel_shuffle(torch.cat([each for color in colors for each in [color] * upscale**2], 1), upscale)


class Lynx(_Lynx):
    """The network for Bayer mosaics: four planes of half the size, linear and under the sRGB curve.

    Args:
        size: "large" or "small".
    """

    def __init__(self, size: Size = "large") -> None:
        super().__init__(size, inputs=8, upscale=2, reduced=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps an amplified N x 1 x H x W RGGB mosaic (sides multiples of 16) to N x 3 x H x W, sRGB curve."""
        planes = F.pixel_unshuffle(x, 2)
        curved = linear_to_srgb(planes.clamp(0, 1))
        red, green1, green2, blue = curved.split(1, 1)
        plain = _spread((red, (green1 + green2) / 2, blue), 2)
        return self.added(torch.cat([planes, curved], 1)) + plain


class LynxXTrans(_Lynx):
    """The network for X-Trans mosaics: nine planes of a third of the size (R, G, B, R, B, G, G, G, G), seen twice.

    Red and blue of the first five planes swap positions from block to block, so the head works on blocks of two by two,
    in which every sample has a fixed position.

    Args:
        size: "large" or "small".
    """

    def __init__(self, size: Size = "large") -> None:
        super().__init__(size, inputs=18, upscale=3, reduced=1, blocks=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps amplified N x 9 x h x w planes (sides multiples of 16) to N x 3 x 3h x 3w, sRGB curve."""
        curved = linear_to_srgb(x.clamp(0, 1))
        red, blue = (curved[:, a : a + 1] + curved[:, b : b + 1] for a, b in ((0, 3), (2, 4)))
        green = (curved[:, 1:2] + curved[:, 5:].sum(1, keepdim=True)) / 5
        plain = _spread((red / 2, green, blue / 2), 3)
        return self.added(torch.cat([x, curved], 1)) + plain


class LynxRgb(_Lynx):
    """The network for pictures: the amplified picture clipped at white, and x / (x + 0.5) of the unclipped one.

    Args:
        size: "large" or "small".
    """

    def __init__(self, size: Size = "large") -> None:
        super().__init__(size, inputs=24, upscale=2, reduced=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W amplified sRGB, not clipped at white (sides multiples of 16), to sRGB, unclipped."""
        clipped = x.clamp(0, 1)
        above = x.clamp(min=0)
        return self.added(F.pixel_unshuffle(torch.cat([clipped, above / (above + _HALF)], 1), 2)) + clipped
