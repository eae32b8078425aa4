"""MobileIE: 4,075 parameters after training, when every group of parallel convolutions is merged into one.

Yan, Li, Zhang, Liu, Shi, Zhu and Zhang, "MobileIE: An Extremely Lightweight and Effective ConvNet for Real-Time Image
Enhancement on Mobile Devices", ICCV 2025, section 3.
"""

from __future__ import annotations

import torch
from torch import nn

from explorer.models.base import RestorationNet


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class _SelfTransform(nn.Module):
    """Multiplies features by themselves: (w1 z) * (w2 z) + b, with scalars w1 and w2 and one b per channel."""

    def __init__(self, width: int, features: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.weight1 = nn.Parameter(torch.ones(1))
        self.weight2 = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x)
        return (self.weight1 * x) * (self.weight2 * x) + self.bias


class MobileIE(RestorationNet):
    """Two self-transforms, then attention over channels and over pixels.

    Args:
        width: channels of the hidden layers, 12 in the paper.
    """

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.head = _SelfTransform(width, nn.Sequential(_conv(3, width, 5), nn.PReLU(width), _conv(width, width, 3)))
        self.body = _SelfTransform(width, _conv(width, width, 3))
        self.channels = _conv(width, width, 1)
        self.places = _conv(1, width, 1)
        self.last = _conv(width, 3, 3)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to "image" (N x 3, not clamped), "spatial_attention" (N x width x H x W)
        and the table "channel_attention" (N x 1 x 1 x width), both in (0, 1)."""
        features = self.body(self.head(x))
        channels = torch.sigmoid(self.channels(features.mean((2, 3), keepdim=True)))
        features = channels * features
        places = torch.sigmoid(self.places(features.amax(1, keepdim=True)))
        return {
            "image": self.last(places * features),
            "channel_attention": channels.permute(0, 2, 3, 1),
            "spatial_attention": places,
        }
