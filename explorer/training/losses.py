"""Losses, as stated in their papers. |.| is always a mean absolute error over all elements."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from explorer.metrics import similarity
from explorer.models.light import LUMA
from explorer.training.degrade import camera_to_display

_LEAST, _LEAST_MEAN = 1e-5, 1e-8
"""Added to mean square errors before the root (50 dB), and to those of means over squares (80 dB), so that its gradient
stays finite."""


def l1(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean absolute error."""
    return (x - y).abs().mean()


def l1_multiscale(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """L1 plus L1 on 8 x 8 means; the second term weights exposure and colour, which noise hides from the first."""
    return l1(x, y) + l1(F.avg_pool2d(x, 8), F.avg_pool2d(y, 8))


def l1_camera(
    output: torch.Tensor, clean: torch.Tensor, clean_srgb: torch.Tensor, matrix: torch.Tensor
) -> torch.Tensor:
    """L1 in white-balanced camera RGB, the network's output, plus L1 in sRGB, the displayed result.

    The colour matrix amplifies residual chroma noise, which only the second term includes.

    Args:
        output, clean: N x 3 x H x W camera RGB under the sRGB curve.
        clean_srgb: N x 3 x H x W.
        matrix: N x 3 x 3 camera to linear sRGB.
    """
    return 0.5 * l1(output, clean) + 0.5 * l1(camera_to_display(output, matrix), clean_srgb)


def rmse_camera(
    output: torch.Tensor, clean: torch.Tensor, clean_srgb: torch.Tensor, matrix: torch.Tensor
) -> torch.Tensor:
    """Mean over pictures of their root mean square error, half in camera RGB and half in sRGB.

    In a mean over all pixels, the darkest, noisiest pictures dominate the loss, and a network with one filter for all
    of them also smooths the clean ones. Here, pictures with larger errors have less weight.

    Args:
        output, clean, clean_srgb, matrix: as in `l1_camera`.
    """
    in_camera = (output - clean).square().mean((1, 2, 3))
    in_srgb = (camera_to_display(output, matrix) - clean_srgb).square().mean((1, 2, 3))
    return 0.5 * (in_camera + _LEAST).sqrt().mean() + 0.5 * (in_srgb + _LEAST).sqrt().mean()


def rmse(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean over pictures of their root mean square error; see `rmse_camera`."""
    return ((x - y).square().mean((1, 2, 3)) + _LEAST).sqrt().mean()


def coherent(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Root mean square of what errors have in common over squares of 16 and 48 pixels.

    A network that makes 2 x 2 pixels at a time by a filter for each can leave a pattern at two pixels, and colours that
    are slightly wrong over whole surfaces. A pixel's error hides both; here, the places of the 2 x 2 cell are averaged
    separately.

    Args:
        x, y: N x C x H x W, sides multiples of 2 and at least 48.
    """
    apart = F.pixel_unshuffle(x - y, 2)
    means = [F.avg_pool2d(apart, size).square().mean((1, 2, 3)) for size in (8, 24)]
    return torch.stack([(mean + _LEAST_MEAN).sqrt().mean() for mean in means]).mean()


def to_mean(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Scales N x 3 x H x W pictures to the mean of N others, as GT-mean PSNR does, by at most a factor of 4."""
    scale = y.mean((1, 2, 3)) / x.mean((1, 2, 3)).clamp(min=1e-3)
    return x * scale.clamp(0.25, 4)[:, None, None, None]


def structure(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """1 - SSIM (Wang et al. 2004) over windows of 7 x 7 pixels with uniform weights, which is fast."""
    stacked = F.avg_pool2d(torch.cat([x, y, x * x, y * y, x * y], 1), 7, stride=1)
    return 1 - similarity(*stacked.chunk(5, 1)).mean()


def gray(x: torch.Tensor) -> torch.Tensor:
    """Converts N x 3 x H x W to N x 1 x H x W luma (Rec. 601 weights)."""
    weights = torch.tensor(LUMA, device=x.device, dtype=x.dtype)
    return torch.einsum("c,nchw->nhw", weights, x)[:, None]


def forward_difference(x: torch.Tensor, axis: int) -> torch.Tensor:
    """|x[i + 1] - x[i]| along an axis (2 is y, 3 is x), with one pixel of zero padding before the first."""
    pad = (0, 0, 1, 0) if axis == 2 else (1, 0, 0, 0)
    padded = F.pad(x, pad)
    return padded.diff(dim=axis).abs()


def smoothness(illumination: torch.Tensor, reflectance: torch.Tensor, strength: float = 10.0) -> torch.Tensor:
    """Structure-aware smoothness of the illumination (Wei et al. 2018, eq. 5).

    Mean of |d I| exp(-strength * avg |d gray R|) in x plus the same in y, where avg is a 3x3 mean: the illumination may
    change where the reflectance has an edge.
    """
    r = gray(reflectance)
    total = illumination.new_zeros(())
    for axis in (3, 2):
        edge = F.avg_pool2d(forward_difference(r, axis), 3, stride=1, padding=1)
        total = total + (forward_difference(illumination, axis) * torch.exp(-strength * edge)).mean()
    return total


def decomposition(
    low: torch.Tensor,
    high: torch.Tensor,
    parts_low: tuple[torch.Tensor, torch.Tensor],
    parts_high: tuple[torch.Tensor, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """Decom-Net's terms, weighted (Wei et al. 2018, eq. 2 to 5); their sum is its loss.

    Args:
        low, high: N x 3 x H x W pictures of one scene.
        parts_low, parts_high: (reflectance, illumination) of each.
    """
    (r_low, i_low), (r_high, i_high) = parts_low, parts_high
    return {
        "reconstruct": l1(r_low * i_low, low) + l1(r_high * i_high, high),
        "reconstruct_crossed": 0.001 * (l1(r_high * i_low, low) + l1(r_low * i_high, high)),
        "reflectance_equal": 0.01 * l1(r_low, r_high.detach()),
        "smooth": 0.1 * (smoothness(i_low, r_low) + smoothness(i_high, r_high)),
    }


def relighting(
    high: torch.Tensor, reflectance_low: torch.Tensor, illumination_enhanced: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Relight-Net's terms, weighted (Wei et al. 2018, section 3.2); their sum is its loss."""
    return {
        "relight": l1(reflectance_low * illumination_enhanced, high),
        "relight_smooth": 3 * smoothness(illumination_enhanced, reflectance_low),
    }
