"""Zero-DCE++: Zero-DCE with separable convolutions, at a twelfth of the size, and one curve map used eight times.

Li, Guo and Loy, "Learning to Enhance Low-Light Image via Zero-Reference Deep Curve Estimation", IEEE TPAMI 2021,
section 3.4.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import TilePosition
from explorer.models.zero_dce import ITERATIONS, ZeroDCE

REDUCED = 12
"""Reduction of each side before the curves are estimated."""


class ZeroDCEPP(ZeroDCE):
    """DCE-Net++: the graph of DCE-Net, each convolution a depthwise conv3 and a conv1.

    Args:
        width: channels of the hidden layers, 32 in the paper.
    """

    maps = 1
    needs_tile_position = True

    def _conv(self, inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs), nn.Conv2d(inputs, outputs, 1))

    def forward_intermediates(self, x: torch.Tensor, place: TilePosition | None = None) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to "image" (N x 3, not clamped) and "curves" (N x 3 in (-1, 1)).

        `place` is a tile's position: the enlarged curves end on the corners of the whole picture.
        """
        height, width = x.shape[-2:]
        curves = self.curves(F.interpolate(x, size=(height // REDUCED, width // REDUCED), mode="bilinear"))
        if place is None:
            curves = F.interpolate(curves, size=(height, width), mode="bilinear", align_corners=True)
        else:
            curves = _enlarged(_enlarged(curves, 2, place.top, place.height), 3, place.left, place.width)
        for _ in range(ITERATIONS):
            x = x + curves * (x * x - x)
        return {"image": x, "curves": curves}


def _enlarged(curves: torch.Tensor, axis: int, start: int, whole: int) -> torch.Tensor:
    """Returns the curves of a tile that starts at `start`, as enlarged along an axis of the whole picture."""
    count = curves.shape[axis]
    fine = torch.arange(count * REDUCED, dtype=torch.float64) + start
    source = fine * ((whole // REDUCED - 1) / max(whole - 1, 1)) - start // REDUCED
    low = source.floor()
    first, second = (index.long().clamp(0, count - 1).to(curves.device) for index in (low, low + 1))
    share = (source - low).to(curves).reshape([-1 if i == axis else 1 for i in range(4)])
    return curves.index_select(axis, first) * (1 - share) + curves.index_select(axis, second) * share
