"""Zero-DCE: one curve per pixel and channel, applied eight times to brighten a picture.

Guo, Li, Guo, Loy, Hou, Kwong and Cong, "Zero-Reference Deep Curve Estimation for Low-Light Image Enhancement",
CVPR 2020, section 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

ITERATIONS = 8
"""Number of applications of the quadratic curve, each with its own parameters (section 3.1)."""


class ZeroDCE(RestorationNet):
    """DCE-Net: seven convolutions with symmetric skips estimate the curve parameters.

    Args:
        width: channels of the hidden layers, 32 in the paper.
    """

    maps = ITERATIONS
    """Curve maps of three channels that the network estimates."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        inputs = [3, width, width, width, 2 * width, 2 * width, 2 * width]
        outputs = [width] * 6 + [3 * self.maps]
        self.convs = nn.ModuleList(self._conv(a, b) for a, b in zip(inputs, outputs, strict=True))

    def _conv(self, inputs: int, outputs: int) -> nn.Module:
        return nn.Conv2d(inputs, outputs, 3, padding=1)

    def curves(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W to the curve parameters in (-1, 1), N x (3 * maps) x H x W: 3k to 3k+2 for step k."""
        c1, c2, c3, c4, c5, c6, c7 = self.convs
        x1 = F.relu(c1(x))
        x2 = F.relu(c2(x1))
        x3 = F.relu(c3(x2))
        x4 = F.relu(c4(x3))
        x5 = F.relu(c5(torch.cat([x3, x4], 1)))
        x6 = F.relu(c6(torch.cat([x2, x5], 1)))
        return torch.tanh(c7(torch.cat([x1, x6], 1)))

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to "image" (N x 3, not clamped) and "curves" (N x 24)."""
        curves = self.curves(x)
        for parameters in curves.chunk(ITERATIONS, 1):
            x = x + parameters * (x * x - x)
        return {"image": x, "curves": curves}
