"""URetinex-Net: reflectance and illumination by three unfolded steps of an optimisation, then a chosen brightness.

Wu, Weng, Zhang, Wang, Yang and Jiang, "URetinex-Net: Retinex-based Deep Unfolding Network for Low-light Image
Enhancement", CVPR 2022, section 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_SLOPE = 0.2
_ROUNDS = 3
_GAMMA, _LAMBDA, _GROWTH = 0.1, 0.5, 0.05
"""Weights of the networks' estimates relative to the picture in a step, and their increase with each step."""


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def _chain(inputs: int, width: int, kernel: int, layers: int, last: nn.Conv2d) -> nn.Sequential:
    """Builds convolutions with leaky ReLUs, then a last one with a ReLU."""
    parts: list[nn.Module] = []
    for i in range(layers):
        parts += [_conv(width if i else inputs, width, kernel), nn.LeakyReLU(_SLOPE)]
    return nn.Sequential(*parts, last, nn.ReLU())


class _Reflectance(nn.Module):
    """The step that restores the reflectance, guided by the illumination."""

    def __init__(self, width: int) -> None:
        super().__init__()
        both = 2 * width
        self.reflectance = _conv(3, width, 3)
        self.illumination = _conv(1, width, 3)
        self.squeeze = nn.Linear(both, both // 16, bias=False)
        self.excite = nn.Linear(both // 16, both, bias=False)
        self.body = nn.ModuleList(_conv(both, both, 3) for _ in range(5))
        self.last = _conv(both, 3, 3)

    def forward(self, reflectance: torch.Tensor, illumination: torch.Tensor) -> torch.Tensor:
        x = torch.cat([F.relu(self.reflectance(reflectance)), F.relu(self.illumination(illumination))], 1)
        weights = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))
        x = x * weights[..., None, None]
        for conv in self.body:
            x = F.relu(conv(x))
        return self.last(x) + reflectance


class URetinexNet(RestorationNet):
    """The three parts of the paper: initialisation, unfolding, illumination adjustment.

    A fourth input plane contains the ratio: how much brighter the picture should become.
    """

    input_channels = 4
    takes_ratio = True

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.split = _chain(3, width, 3, 3, _conv(width, 4, 3))
        self.reflectance = _Reflectance(width)
        self.illumination = _chain(1, width, 5, 4, _conv(width, 1, 1))
        self.adjust = _chain(2, width, 5, 3, _conv(width, 1, 5))

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 4 x H x W, sRGB in [0, 1] and the ratio in each pixel of the last plane, to the decomposition.

        Returns:
            "image", "reflectance" (N x 3), "illumination" and "illumination_enhanced" (N x 1); only the reflectance
            may be below 0, none is clamped at 1.
        """
        picture, ratio = x[:, :3], x[:, 3:]
        # P and Q are the paper's auxiliary reflectance and illumination, which stay close to the picture.
        p, q = self.split(picture).split((3, 1), 1)
        reflectance, illumination = self.reflectance(p, q), self.illumination(q)
        for i in range(1, _ROUNDS):
            gamma, weight = _GAMMA + _GROWTH * i, _LAMBDA + _GROWTH * i
            p = (picture * q + gamma * reflectance) / (gamma + q * q)
            shared = (picture * p).sum(1, keepdim=True)
            q = (shared + weight * illumination) / ((p * p).sum(1, keepdim=True) + weight)
            reflectance, illumination = self.reflectance(p, q), self.illumination(q)
        enhanced = self.adjust(torch.cat([illumination, ratio], 1))
        return {
            "image": enhanced * reflectance,
            "reflectance": reflectance,
            "illumination": illumination,
            "illumination_enhanced": enhanced,
        }
