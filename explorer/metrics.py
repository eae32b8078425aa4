"""Table of metrics, which measure how close an image is to its reference. A new metric is one entry of `METRICS`.

The protocol of low-light papers: full frame, sRGB clipped to [0, 1]; PSNR over all channels; SSIM as Wang et al. 2004
(11 x 11 Gaussian of sigma 1.5, per channel, data range 1). One implementation serves training and evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def psnr(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio in dB for each image, over all channels, data range 1; at most 100.

    Args:
        x, y: N x C x H x W in [0, 1].

    Returns:
        N
    """
    error = (x.clamp(0, 1) - y).square().flatten(1).mean(1)
    return -10 * error.clamp(min=1e-10).log10()


def ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Structural similarity for each image (Wang et al. 2004): 11 x 11 Gaussian of sigma 1.5, per channel, range 1.

    Args:
        x, y: N x C x H x W in [0, 1], sides at least 11.

    Returns:
        N, the mean over channels and all windows that lie inside the image.
    """
    import torch  # here: tables and pages read only the names of the metrics
    import torch.nn.functional as F

    x, y = x.clamp(0, 1).float(), y.float()
    channels = x.shape[1]
    offsets = torch.arange(11, dtype=x.dtype, device=x.device) - 5
    line = torch.exp(-(offsets**2) / (2 * 1.5**2))
    line = line / line.sum()

    def blur(z: torch.Tensor) -> torch.Tensor:
        z = F.conv2d(z, line.view(1, 1, 11, 1).expand(channels, 1, 11, 1), groups=channels)
        return F.conv2d(z, line.view(1, 1, 1, 11).expand(channels, 1, 1, 11), groups=channels)

    return similarity(blur(x), blur(y), blur(x * x), blur(y * y), blur(x * y)).flatten(1).mean(1)


def similarity(
    mean_x: torch.Tensor,
    mean_y: torch.Tensor,
    square_x: torch.Tensor,
    square_y: torch.Tensor,
    product: torch.Tensor,
) -> torch.Tensor:
    """Structural similarity of windows from their means: of two images, their squares, and their product."""
    var_x, var_y = square_x - mean_x**2, square_y - mean_y**2
    covariance = product - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))


@dataclass(frozen=True)
class Metric:
    """One way to compare an image with its reference."""

    name: str
    """In configs, JSON and logs."""
    title: str
    digits: int
    """Digits after the point when it is displayed."""
    compute: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """Takes N x C x H x W images and references in [0, 1], returns N values."""
    unit: str = ""
    best_high: bool = True
    """False if lower is better."""
    min_side: int = 1
    """Smallest side of an image that it can be computed for, in pixels."""
    matched: bool = False
    """True if the image is first scaled to the reference's mean over all channels. That forgives a wrong brightness, so
    the value is never compared with the plain metric, and not computed when the true ratio is given."""

    @property
    def heading(self) -> str:
        """Title and unit, for a column's heading."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def format(self, value: float | None) -> str:
        """Formats a value with its digits; None as a dash."""
        return "-" if value is None else f"{value:.{self.digits}f}"


METRICS = (
    Metric("psnr", "PSNR", 2, psnr, unit="dB"),
    Metric("ssim", "SSIM", 3, ssim, min_side=11),
    Metric("gt_mean_psnr", "GT-mean PSNR", 2, psnr, unit="dB", matched=True),
    Metric("gt_mean_ssim", "GT-mean SSIM", 3, ssim, min_side=11, matched=True),
)
"""In the order of all tables."""
PLAIN = tuple(metric for metric in METRICS if not metric.matched)
"""Metrics that are computed when the true ratio is given."""
MIN_SIDE = max(metric.min_side for metric in METRICS)
"""Smallest side of an image that all metrics can be computed for, in pixels."""


def figures_line(values: Mapping[str, float], metrics: Sequence[Metric] = METRICS) -> str:
    """Formats metrics with titles and units, "PSNR 20.12 dB, SSIM 0.812"; skips those missing from `values`."""
    known = [metric for metric in metrics if metric.name in values]
    return ", ".join(f"{m.title} {m.format(values[m.name])} {m.unit}".rstrip() for m in known)


def digits_of(name: str) -> int:
    """Number of digits after the point for a value of a log or config, e.g. `psnr_30`; 3 if unknown."""
    found = [m for m in METRICS if name == m.name or name.removeprefix(f"{m.name}_").replace(".", "").isdecimal()]
    return found[0].digits if found else 3


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Formats figures as a Markdown table, with the first column left-aligned, the others right-aligned."""
    lines = [headings, ["---", *("--:" for _ in headings[1:])], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
