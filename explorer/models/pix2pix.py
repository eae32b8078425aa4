"""pix2pix: a conditional GAN with a U-Net generator and a patch discriminator.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, section 3
and appendix 6.1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_SLOPE = 0.2
_ENCODER = (1, 2, 4, 8, 8, 8, 8, 8)
_DECODER = (8, 8, 8, 8, 4, 2, 1)
_DROPPED = 3
"""Decoder levels with dropout, from the innermost."""


class Down(nn.Module):
    """Conv4 with stride 2, batch norm or none, leaky ReLU. With a norm, the convolution has no bias."""

    def __init__(self, inputs: int, outputs: int, norm: bool, stride: int = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 4, stride=stride, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.norm(self.conv(x)), _SLOPE)


class Up(nn.Module):
    """Transposed conv4 with stride 2, batch norm, dropout in training, ReLU."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(F.dropout(self.norm(self.conv(x)), self.dropout, self.training))


def _initialise(module: nn.Module) -> None:
    """Initialises weights from N(0, 0.02) and norm gains from N(1, 0.02), as in the paper's appendix 6.2."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Pix2Pix(RestorationNet):
    """The generator: eight halvings and eight doublings with skips between mirrored levels.

    Batch norms use their running statistics in evaluation mode (the paper's own test code normalises with the test
    batch instead), so that a result depends on neither the batch nor the picture's size. The innermost level has no
    norm: at 256x256 it has one value per channel, which a batch of one could not normalise.

    Args:
        width: channels of the outermost level; 64 gives the paper's 54 M parameters.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        down = [width * factor for factor in _ENCODER]
        up = [width * factor for factor in _DECODER]
        last = len(down) - 1
        self.down = nn.ModuleList(
            Down(3 if i == 0 else down[i - 1], outputs, norm=0 < i < last) for i, outputs in enumerate(down)
        )
        # Every level but the innermost takes the level below and its mirrored encoder level.
        skips = [0, *reversed(down[1:-1])]
        self.up = nn.ModuleList(
            Up((down[-1] if i == 0 else up[i - 1]) + skips[i], outputs, dropout=0.5 if i < _DROPPED else 0.0)
            for i, outputs in enumerate(up)
        )
        self.last = nn.ConvTranspose2d(up[-1] + down[0], 3, 4, stride=2, padding=1)
        self.apply(_initialise)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W sRGB in [0, 1] (sides multiples of 256) to the same, in [0, 1].

        The network itself works in [-1, 1]; both scalings happen here.
        """
        x = 2 * x - 1
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        for up, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = torch.cat([up(x), skip], 1)
        return (torch.tanh(self.last(x)) + 1) / 2


class PatchDiscriminator(nn.Module):
    """Judges overlapping 70x70 patches of an (input, target) pair: one logit per patch.

    Args:
        width: channels of the first layer, 64 in the paper.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Down(6, width, norm=False),
            Down(width, 2 * width, norm=True),
            Down(2 * width, 4 * width, norm=True),
            Down(4 * width, 8 * width, norm=True, stride=1),
            nn.Conv2d(8 * width, 1, 4, padding=1),
        )
        self.apply(_initialise)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Maps two N x 3 x H x W pictures in [0, 1] to N x 1 x (H/8 - 2) x (W/8 - 2) logits; 30x30 for 256x256."""
        return self.layers(torch.cat([source, target], 1) * 2 - 1)
