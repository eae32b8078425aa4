"""Losses and objectives without reference pictures: Zero-DCE's and SCI's.

Guo et al., "Zero-Reference Deep Curve Estimation for Low-Light Image Enhancement", CVPR 2020 (section 3.3), and Ma et
al., "Toward Fast, Flexible, and Robust Low-Light Image Enhancement", CVPR 2022 (section 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models import RestorationNet
from explorer.models.light import LUMA
from explorer.training.objectives import Batch, Logs, Objective

_SIGMA = 0.1  # of SCI's smoothness weights
_RGB_TO_YUV = (LUMA, (-0.14713, -0.28886, 0.436), (0.615, -0.51499, -0.10001))


def spatial_consistency(image: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
    """Penalises changes of the differences between neighbouring regions (Guo et al., eq. 2).

    Mean over 4 x 4 regions of the sum over their neighbours above, below, left and right of
    (|Y_i - Y_j| - |I_i - I_j|)^2, Y and I being the regions' mean grey; regions at the border have fewer neighbours.
    """
    y, i = (F.avg_pool2d(x.mean(1, keepdim=True), 4) for x in (image, original))
    regions = y.numel()
    total = y.new_zeros(())
    for axis in (2, 3):
        change = y.diff(dim=axis).abs() - i.diff(dim=axis).abs()
        total = total + 2 * change.square().sum() / regions  # each pair counts for both of its regions
    return total


def exposure_control(image: torch.Tensor, level: float = 0.6, size: int = 16) -> torch.Tensor:
    """Mean |Y - level| over size x size regions (at most the picture), Y their mean grey (Guo et al., eq. 3)."""
    return (F.avg_pool2d(image.mean(1, keepdim=True), min(size, *image.shape[-2:])) - level).abs().mean()


def color_constancy(image: torch.Tensor) -> torch.Tensor:
    """Sum over the pairs of channels of the squared difference of their means (Guo et al., eq. 4)."""
    red, green, blue = image.mean((2, 3)).unbind(1)
    return ((red - green).square() + (red - blue).square() + (green - blue).square()).mean()


def curve_smoothness(curves: torch.Tensor) -> torch.Tensor:
    """Total variation of the curve maps (Guo et al., eq. 5), squared at each pixel.

    Mean over the iterations of the sum over the colours of mean((d_x A)^2) + mean((d_y A)^2). The equation can also be
    read as the square of the mean gradient, which tolerates a few steep edges: then the curves followed every edge of
    the picture, and regions became a uniform grey with halos between them.

    Args:
        curves: N x (3 * iterations) x H x W.
    """
    gradient = curves.diff(dim=3).square().mean((2, 3)) + curves.diff(dim=2).square().mean((2, 3))
    return gradient.unflatten(1, (-1, 3)).sum(2).mean()


@dataclass(frozen=True)
class ZeroDCETerms:
    """Weights of the four losses; the paper's are 1, 1, 0.5, 20 and a level of 0.6 (section 4)."""

    spatial: float = 1.0
    exposure: float = 1.0
    color: float = 0.5
    smooth: float = 20.0
    level: float = 0.6
    region: int = 16
    """Side in pixels of the regions whose exposure is controlled."""


class ZeroDCEObjective(Objective):
    """Objective of Zero-DCE, trained only on dark pictures; the bright halves of pairs are for validation."""

    def __init__(self, net: nn.Module, rate: float, terms: ZeroDCETerms | None = None, clip: float = 0.1) -> None:
        super().__init__({"net": net}, {"net": torch.optim.Adam(net.parameters(), lr=rate, weight_decay=1e-4)}, clip)
        self.terms = terms or ZeroDCETerms()

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        assert isinstance(self.net, RestorationNet)
        parts = {name: value.float() for name, value in self.net.forward_intermediates(batch["low"]).items()}
        image, weights = parts["image"], self.terms
        terms = {
            "spatial": weights.spatial * spatial_consistency(image, batch["low"]),
            "exposure": weights.exposure * exposure_control(image, weights.level, weights.region),
            "color": weights.color * color_constancy(image),
            "smooth": weights.smooth * curve_smoothness(parts["curves"]),
        }
        return self.descend(terms)


class Calibrator(nn.Module):
    """SCI's self-calibration: maps the result of a stage to the correction of the next stage's input (section 3.2).

    Used only in training: conv3 to 16 channels with batch norm and ReLU, three residual pairs of the same, conv3 and a
    sigmoid; the output is the difference between its input and the result, N x 3 x H x W.
    """

    def __init__(self) -> None:
        super().__init__()

        def layer(inputs: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(inputs, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())

        self.first = layer(3)
        self.blocks = nn.ModuleList(nn.Sequential(layer(16), layer(16)) for _ in range(3))
        self.last = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.first(x)
        for block in self.blocks:
            features = features + block(features)
        return x - torch.sigmoid(self.last(features))


def sci_smoothness(illumination: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Edge-aware smoothness over a 5 x 5 window (Ma et al., eq. 5).

    Sum over the 24 neighbours of the mean of w |x_i - x_j|, w = exp(-|c_i - c_j|^2 / (2 * 0.1^2)) with c the source in
    YUV. Neighbours outside the picture are ignored.

    Args:
        illumination: N x 3 x H x W.
        source: N x 3 x H x W, the stage's input.
    """
    matrix = torch.tensor(_RGB_TO_YUV, device=source.device, dtype=source.dtype)
    yuv = torch.einsum("ij,njhw->nihw", matrix, source)
    height, width = source.shape[-2:]
    total = illumination.new_zeros(())
    # Only one of two opposite neighbours, because the other's term is the same.
    for dy, dx in [(0, 1), (0, 2), *((y, x) for y in (1, 2) for x in range(-2, 3))]:
        rows, others = slice(0, height - dy), slice(dy, height)
        columns, beside = slice(max(0, -dx), width - max(0, dx)), slice(max(0, dx), width - max(0, -dx))
        here, there = (..., rows, columns), (..., others, beside)
        weight = torch.exp(-(yuv[here] - yuv[there]).square().sum(1, keepdim=True) / (2 * _SIGMA**2))
        total = total + 2 * (weight * (illumination[here] - illumination[there]).abs()).mean()
    return total


@dataclass(frozen=True)
class SCITerms:
    """Weights of the losses; the paper's are 1.5 and 1, three stages, and no exposure term (section 3.3, 4)."""

    fidelity: float = 1.5
    smooth: float = 1.0
    exposure: float = 0.0
    """Weight of Zero-DCE's exposure control on the first stage's picture, which inference uses, because the other two
    losses do not fix the brightness."""
    level: float = 0.6
    region: int = 16
    """Side in pixels of the regions whose exposure is controlled."""
    color: float = 0.0
    """Weight of Zero-DCE's colour constancy on the same picture, because the overall exposure can be right with one
    saturated and one empty channel."""
    stages: int = 3
    statistics: float = 0.1
    """Fraction of the steps in which batch norm updates its statistics."""


class SCIObjective(Objective):
    """Objective of SCI: a cascade of illumination estimates with shared parameters, each calibrated by the last."""

    def __init__(self, net: nn.Module, rate: float, terms: SCITerms | None = None, clip: float = 5.0) -> None:
        calibrator = Calibrator()
        both = [*net.parameters(), *calibrator.parameters()]
        optimiser = torch.optim.Adam(both, lr=rate, weight_decay=3e-4)
        super().__init__({"net": net, "calibrator": calibrator}, {"net": optimiser}, clip)
        self.terms = terms or SCITerms()

    def _measure_statistics(self, low: torch.Tensor) -> None:
        """Updates batch norm's statistics from the first stage.

        Inference uses only the first stage. With statistics of all three stages, or of each batch by itself, training
        looked well exposed but inference was white.
        """
        assert isinstance(self.net, RestorationNet)
        with torch.no_grad():
            self.net.forward_intermediates(low)

    def _fix_statistics(self) -> None:
        """Normalises every stage by batch norm's current statistics."""
        for module in self.net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def step(self, batch: Batch, step: int, total: int) -> Logs:
        assert isinstance(self.net, RestorationNet)
        low = batch["low"]
        # After that, they are fixed. Statistics that follow the weights undo a step's gain some steps later: the
        # picture was bright only while the weights were ahead of them, and faded as the rate fell.
        if step <= self.terms.statistics * total:
            self._measure_statistics(low)
        self._fix_statistics()
        source, first = low, None
        fidelity, smooth = low.new_zeros(()), low.new_zeros(())
        for _ in range(self.terms.stages):
            illumination = self.net.forward_intermediates(source)["illumination"].float()
            fidelity = fidelity + F.mse_loss(illumination, source)
            smooth = smooth + sci_smoothness(illumination, source)
            # Without the clamp, a pixel with an illumination near 0 would change the calibration by thousands.
            image = (low / illumination).clamp(0, 1)
            first = image if first is None else first
            source = low + self.networks["calibrator"](image).float()
        assert first is not None
        terms = {
            "fidelity": self.terms.fidelity * fidelity,
            "smooth": self.terms.smooth * smooth,
            "exposure": self.terms.exposure * exposure_control(first, self.terms.level, self.terms.region),
            "color": self.terms.color * color_constancy(first),
        }
        return self.descend(terms)
