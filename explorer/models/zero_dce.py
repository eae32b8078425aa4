"""Zero-DCE: curves, one a pixel and channel, that brighten a picture when applied eight times.

Guo, Li, Guo, Loy, Hou, Kwong and Cong, "Zero-Reference Deep Curve Estimation for Low-Light Image Enhancement",
CVPR 2020, section 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet, register

ITERATIONS = 8
"""How often the quadratic curve is applied, each time with parameters of its own (section 3.1)."""


@register(
    "zero_dce",
    title="Zero-DCE",
    domain="rgb",
    halo=8,
    summary="Estimates brightening curves for every pixel; trained without any reference pictures.",
    paper="Guo, Li, Guo, Loy, Hou, Kwong and Cong, Zero-Reference Deep Curve Estimation, CVPR 2020",
    intermediates=("curves",),
)
class ZeroDCE(RestorationNet):
    """DCE-Net: seven convolutions with symmetric skips give the curve parameters.

    Args:
        width: channels of the hidden layers, 32 in the paper.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        inputs = [3, width, width, width, 2 * width, 2 * width, 2 * width]
        outputs = [width] * 6 + [3 * ITERATIONS]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(inputs, outputs, strict=True))

    def curves(self, x: torch.Tensor) -> torch.Tensor:
        """N x 3 x H x W to the curve parameters, N x 24 x H x W in (-1, 1): channels 3k to 3k+2 for step k."""
        c1, c2, c3, c4, c5, c6, c7 = self.convs
        x1 = F.relu(c1(x))
        x2 = F.relu(c2(x1))
        x3 = F.relu(c3(x2))
        x4 = F.relu(c4(x3))
        x5 = F.relu(c5(torch.cat([x3, x4], 1)))
        x6 = F.relu(c6(torch.cat([x2, x5], 1)))
        return torch.tanh(c7(torch.cat([x1, x6], 1)))

    def decompose(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """N x 3 x H x W sRGB in [0, 1] to "image" (N x 3, not clamped) and "curves" (N x 24)."""
        curves = self.curves(x)
        for parameters in curves.chunk(ITERATIONS, 1):
            x = x + parameters * (x * x - x)
        return {"image": x, "curves": curves}
