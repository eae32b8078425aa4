"""PSNR, SSIM and GT-mean PSNR of two pictures.

The protocol of low-light papers: full frame, sRGB clipped to [0, 1]; PSNR over all channels; SSIM as Wang et al. 2004
(11 x 11 Gaussian of sigma 1.5, per channel, data range 1). One implementation serves training and evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.machine import flush_denormals
from explorer.training.measure import psnr, ssim

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """How near a picture comes to its reference."""

    psnr: float
    """dB, at most 100."""
    ssim: float
    gt_mean_psnr: float
    """PSNR after the picture was scaled to the reference's mean over all channels: another measure, which forgives
    a wrong brightness. Never to be compared with `psnr`."""


def scale_to_mean(image: Image, reference: Image) -> Image:
    """The picture times the ratio of both mean values, clipped to [0, 1]; a black picture stays black."""
    mean = float(image.mean())
    return np.clip(image * np.float32(float(reference.mean()) / mean), 0, 1) if mean > 0 else image


def measure(image: Image, reference: Image) -> Scores:
    """Compares two H x W x 3 sRGB pictures in [0, 1] of one size, sides at least 11."""
    flush_denormals()
    image = np.clip(image, 0, 1)
    x, y, scaled = (
        torch.from_numpy(np.ascontiguousarray(np.moveaxis(p, 2, 0), dtype=np.float64))[None]
        for p in (image, reference, scale_to_mean(image, reference))
    )
    return Scores(psnr(x, y).item(), ssim(x, y).item(), psnr(scaled, y).item())
