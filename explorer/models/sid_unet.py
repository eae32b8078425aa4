"""The U-Net of "Learning to See in the Dark", for Bayer and X-Trans mosaics.

Chen, Chen, Xu and Koltun, CVPR 2018, section 3.2. The mosaic is packed, so that each plane has one colour; the last
convolution has as many channels as depth-to-space needs to return to the mosaic's resolution.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_SLOPE = 0.2
_PLANES = {"bayer": 4, "xtrans": 9}
_UPSCALE = {"bayer": 2, "xtrans": 3}


class ConvPair(nn.Module):
    """conv3, leaky ReLU, conv3, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(self.conv2(F.leaky_relu(self.conv1(x), _SLOPE)), _SLOPE)


class SidUNet(RestorationNet):
    """Five levels of two convolutions, max-pooling between them, transposed convolutions back up.

    Args:
        width: channels of the finest level; each level down doubles them. 32 in the paper.
        cfa: "bayer" (4 planes in, depth-to-space by 2) or "xtrans" (9 planes in, depth-to-space by 3).
    """

    def __init__(self, width: int = 32, cfa: Literal["bayer", "xtrans"] = "bayer") -> None:
        super().__init__()
        if cfa not in _PLANES:
            raise TypeError(f"cfa must be 'bayer' or 'xtrans', not {cfa!r}")
        self.upscale = _UPSCALE[cfa]
        widths = [width * 2**level for level in range(5)]
        inputs = [_PLANES[cfa], *widths[:-1]]
        self.down = nn.ModuleList(ConvPair(a, b) for a, b in zip(inputs, widths, strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
        self.merge = nn.ModuleList(ConvPair(2 * w, w) for w in reversed(widths[:-1]))
        self.last = nn.Conv2d(width, 3 * self.upscale**2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x planes x h x w amplified packed mosaic (sides multiples of 16) to N x 3 x H x W sRGB, not clamped.

        H and W are 2h and 2w for Bayer, 3h and 3w for X-Trans.
        """
        skips = []
        for level, pair in enumerate(self.down):
            x = pair(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips[:-1]), strict=True):
            x = merge(torch.cat([up(x), skip], 1))
        return F.pixel_shuffle(self.last(x), self.upscale)


def sid_unet_xtrans(width: int = 32) -> SidUNet:
    """Builds the SID U-Net for X-Trans: 9 planes in, 27 channels before depth-to-space by 3."""
    return SidUNet(width=width, cfa="xtrans")
