"""CPGA-Net: inverts the atmospheric scattering model, applies a learned gamma, and fuses the two.

Weng, Ng and Chiang, "A Lightweight Low-Light Image Enhancement Network via Channel Prior and Gamma Correction", IJPRAI
2024. A dark picture is modelled like haze, x = J t + A (1 - t); the transmission t is estimated from channel priors, A
    from the picture itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet
from explorer.models.light import LUMA

_DARKEST = 1e-9
_GAMMAS = 1e-8, 1e8


class Residual(nn.Module):
    """conv3, ReLU, conv3, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class AttentiveResidual(nn.Module):
    """A residual block with a gate for each channel and one for each pixel (Woo et al., "CBAM", ECCV 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(width)
        self.squeeze = nn.Conv2d(width, 1, 1, bias=False)
        self.excite = nn.Conv2d(1, width, 1, bias=False)
        self.where = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        pooled = (y.mean((2, 3), keepdim=True), y.amax((2, 3), keepdim=True))
        mean, most = (self.excite(F.relu(self.squeeze(each))) for each in pooled)
        y = y * torch.sigmoid(mean + most)
        y = y * torch.sigmoid(self.where(torch.cat([y.mean(1, keepdim=True), y.amax(1, keepdim=True)], 1)))
        return F.relu(y + x)


class Scattering(nn.Module):
    """Estimates the transmission from the channel priors, and the atmospheric light from the picture."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inputs, kernels = (3, 3, 6, 6), (1, 3, 5, 7)
        self.convs = nn.ModuleList(nn.Conv2d(n, 3, k, padding=k // 2) for n, k in zip(inputs, kernels, strict=True))
        self.transmission = nn.Conv2d(12, 1, 1)
        self.light = nn.Sequential(
            nn.Conv2d(3, width, 1), Residual(width), nn.ReLU(), Residual(width), nn.Conv2d(width, 3, 1)
        )

    def forward(self, x: torch.Tensor, priors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps N x 3 x H x W picture and priors to N x 1 transmission (not negative) and N x 3 light."""
        c1, c2, c3, c4 = self.convs
        f1 = F.relu(c1(priors))
        f2 = F.relu(c2(f1))
        f3 = F.relu(c3(torch.cat([f1, f2], 1)))
        f4 = F.relu(c4(torch.cat([f2, f3], 1)))
        return F.relu(self.transmission(torch.cat([f1, f2, f3, f4], 1))), self.light(x)


class CpgaNet(RestorationNet):
    """CPGA-Net.

    Args:
        width: channels of the hidden layers, 16 in the published weights.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.scattering = Scattering(width)
        self.gamma = nn.Sequential(
            nn.Conv2d(3, width, 1), AttentiveResidual(width), AttentiveResidual(width), nn.Conv2d(width, 1, 1)
        )
        self.join = nn.Sequential(nn.Conv2d(6, width, 1), Residual(width), nn.Conv2d(width, 3, 1))

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to "image" (N x 3 in [0, 1]); "priors" (N x 3: brightest channel, darkest,
        luma), "transmission" (N x 1), "atmosphere" (N x 3), "first_stage" (N x 3), "gamma" (N x 1 x 1 x 1),
        "gamma_image" (N x 3) and "intersection" (N x 3: the common part of the two stages, subtracted once)."""
        luma = (x * x.new_tensor(LUMA)[:, None, None]).sum(1)
        priors = torch.stack([x.amax(1), x.amin(1), luma], 1)
        transmission, light = self.scattering(x, priors)
        first = ((x - light) * transmission + light).clamp(_DARKEST, 1)
        gamma = self.gamma(x).mean((2, 3), keepdim=True).clamp(*_GAMMAS)
        corrected = first**gamma
        shared = self.join(torch.cat([corrected, first], 1))
        return {
            "image": (corrected + first - shared).clamp(_DARKEST, 1),
            "priors": priors,
            "transmission": transmission,
            "atmosphere": light,
            "first_stage": first,
            "gamma": gamma,
            "gamma_image": corrected,
            "intersection": shared,
        }
