"""PSNR and SSIM in torch, batched, for validation during training."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def psnr(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio in dB for each picture, over all channels, data range 1.

    Args:
        x, y: N x C x H x W in [0, 1].

    Returns:
        N
    """
    error = (x.clamp(0, 1) - y).square().flatten(1).mean(1)
    return -10 * torch.log10(error.clamp(min=1e-10))


def ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Structural similarity for each picture (Wang et al. 2004): 11 x 11 Gaussian of sigma 1.5, per channel, range 1.

    Args:
        x, y: N x C x H x W in [0, 1], sides at least 11.

    Returns:
        N, the mean over channels and all windows that lie inside the picture.
    """
    x, y = x.clamp(0, 1).float(), y.float()
    channels = x.shape[1]
    offsets = torch.arange(11, dtype=x.dtype, device=x.device) - 5
    line = torch.exp(-(offsets**2) / (2 * 1.5**2))
    line = line / line.sum()

    def blur(z: torch.Tensor) -> torch.Tensor:
        z = F.conv2d(z, line.view(1, 1, 11, 1).expand(channels, 1, 11, 1), groups=channels)
        return F.conv2d(z, line.view(1, 1, 1, 11).expand(channels, 1, 1, 11), groups=channels)

    mean_x, mean_y = blur(x), blur(y)
    var_x = blur(x * x) - mean_x**2
    var_y = blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    value = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return value.flatten(1).mean(1)
