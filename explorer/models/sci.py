"""SCI: one small residual stage estimates the illumination, by which the picture is divided.

Ma, Ma, Liu, Fan and Luo, "Toward Fast, Flexible, and Robust Low-Light Image Enhancement", CVPR 2022, section 3. The
cascade with self-calibration is used only in training; inference keeps its first stage.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_DARKEST = 1e-4


class SCI(RestorationNet):
    """The illumination estimator: conv3, one residual conv3 with batch norm, conv3 with a sigmoid.

    Args:
        width: channels of the hidden layers, 3 in the published weights.
    """

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.block = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to "image" (N x 3 in [0, 1]) and "illumination" (N x 3 in [1e-4, 1]). The
        batch norm uses its running statistics in evaluation mode, so that a picture's result does not depend on the
        other pictures of the batch.
        """
        features = F.relu(self.first(x))
        features = features + F.relu(self.norm(self.block(features)))
        illumination = (torch.sigmoid(self.last(features)) + x).clamp(_DARKEST, 1)
        return {"image": (x / illumination).clamp(0, 1), "illumination": illumination}
