"""PMRID: a denoiser for RAW of any camera, whose noise is mapped to that of the camera it was trained for.

Wang, Huang, Xu, Liu, Liu and Wang, "Practical Deep Raw Image Denoising on Mobile Devices", ECCV 2020. A sensor's noise
has the variance k x + s. The k-sigma transform (section 3.2) is linear and makes the noise of every camera and gain the
same; amplification and white balance change k and s, and so cancel out.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from explorer.models.base import Noise, RestorationNet
from explorer.models.light import linear_to_srgb

_SCALE = 256.0
"""Factor of the network's input and output."""
_WHITE = 959.0
"""Counts between black and white of the camera that it was trained for, the OPPO Reno 10x."""
_ISO = 1600.0
_K = (0.0005995267 * _ISO + 0.00868861) / _WHITE
_S = (7.11772e-7 * _ISO**2 + 6.514934e-4 * _ISO + 0.11492713) / _WHITE**2
"""Its noise at the training's ISO: variance k x + s of values from 0 to 1."""


class Separable(nn.Module):
    """A depthwise convolution without bias, then a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pointwise(self.depthwise(x))


class EncoderBlock(nn.Module):
    """Two separable convolutions of 5x5 with a quarter of the channels between them, added to the input."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = Separable(inputs, outputs // 4, 5, stride)
        self.conv2 = Separable(outputs // 4, outputs, 5)
        self.shortcut = Separable(inputs, outputs, 3, stride) if stride > 1 or inputs != outputs else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = x if self.shortcut is None else self.shortcut(x)
        return F.relu(self.conv2(F.relu(self.conv1(x))) + kept)


class DecoderBlock(nn.Module):
    """Two separable convolutions of 3x3, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Separable(width, width, 3), Separable(width, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv2(F.relu(self.conv1(x))) + x


_BLOCK = 8
"""Samples along a side of the blocks whose noise is measured."""
_GROUPS = 16
"""Number of groups of equally bright blocks."""
_SHARE, _SHARE_OF_VARIANCE = 0.05, 0.590
"""The least noisy twentieth of a group has noise but no texture; and the ratio of its variance to that of Gaussian
noise, in blocks of this size."""
_ELECTRONS = np.geomspace(0.05, 400.0, 121)
"""Plausible variances of a sensor's read noise, in electrons."""
_COLOURS = ((0,), (1, 2), (3,))
"""Planes with the same gain: red, both greens, blue."""


def _levels(planes: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measures mean and noise variance of groups of equally bright blocks in planes of one colour, n x H x W."""
    height, width = (n // _BLOCK * _BLOCK for n in planes.shape[1:])
    planes = planes[:, :height, :width]
    # The mixed second difference has four times the noise's variance, and none of a slope's.
    mixed = np.zeros_like(planes)
    mixed[:, :-1, :-1] = planes[:, :-1, :-1] - planes[:, 1:, :-1] - planes[:, :-1, 1:] + planes[:, 1:, 1:]

    def blocks(values: NDArray[np.float32]) -> NDArray[np.float32]:
        cut = values.reshape(len(values), height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
        return cut.swapaxes(2, 3).reshape(-1, _BLOCK, _BLOCK)

    values, differences = blocks(planes), blocks(mixed)[:, :-1, :-1]
    level = values.mean((1, 2), dtype=np.float64)
    variance = (differences.astype(np.float64) ** 2).mean((1, 2)) / 4
    unclipped = (values.max((1, 2)) < 0.95 * planes.max()) & (variance > 0)
    if unclipped.sum() >= 4:
        level, variance = level[unclipped], variance[unclipped]
    groups = np.array_split(np.argsort(level), max(1, min(_GROUPS, len(level) // 32)))
    x = np.array([level[group].mean() for group in groups])
    y = np.array([np.quantile(variance[group], _SHARE) for group in groups]) / _SHARE_OF_VARIANCE
    return np.maximum(x, 0), np.maximum(y, 1e-14)


def noise_of(planes: NDArray[np.float32]) -> Noise:
    """Estimates the noise of a mosaic from the mosaic itself.

    s / k^2, the variance of the read noise in electrons, belongs to the sensor and so is the same for all planes. Of
    all plausible values, the one is chosen with which k x + s, with a gain for each colour, has the smallest relative
    error.

    Args:
        planes: 4 x H x W in the order R, G, G, B, with any amplification and balance.
    """
    if min(planes.shape[1:]) < 2 * _BLOCK:
        return Noise(np.full(4, _K), np.full(4, _S))
    read = _ELECTRONS[:, None]
    error, gains = np.zeros(len(read)), np.empty((len(read), 4))
    for colour in _COLOURS:
        x, y = _levels(planes[list(colour)])
        each = (np.sqrt(x * x + 4 * read * y) - x) / (2 * read)
        k = np.exp(np.log(each).mean(1, keepdims=True))
        error += (np.log((k * x + read * k * k) / y) ** 2).mean(1)
        gains[:, colour] = k
    best = int(error.argmin())
    return Noise(gains[best], _ELECTRONS[best] * gains[best] ** 2)


def _malvar() -> torch.Tensor:
    """Returns weights, 12 x 1 x 6 x 6, of all colours at the four positions of an R G / G B cell (Malvar, He and
    Cutler, "High-Quality Linear Interpolation for Demosaicing of Bayer-Patterned Color Images", ICASSP 2004)."""
    at = torch.zeros(5, 5)
    at[2, 2] = 8
    cross = torch.tensor([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]])
    beside = torch.tensor(
        [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
    )
    diagonal = torch.tensor(
        [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]
    )
    red = (at, beside, beside.T, diagonal)
    green = (cross, at, at, cross)
    blue = (diagonal, beside.T, beside, at)
    weights = torch.zeros(12, 1, 6, 6)
    for colour, filters in enumerate((red, green, blue)):
        for place, each in enumerate(filters):
            dy, dx = divmod(place, 2)
            weights[4 * colour + place, 0, dy : dy + 5, dx : dx + 5] = each / 8
    return weights


class Pmrid(RestorationNet):
    """PMRID, followed by demosaicking and the sRGB curve.

    The network only denoises its four planes; the amplification brightens the picture.
    """

    gain: torch.Tensor
    offset: torch.Tensor
    colours: torch.Tensor

    takes_noise = True
    exports = False  # each picture's noise is part of the network, but one graph is kept for all pictures
    needs_float32 = True

    def __init__(self) -> None:
        super().__init__()
        widths, counts = (16, 64, 128, 256, 512), (2, 2, 4, 4)
        self.first = nn.Conv2d(4, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(EncoderBlock(a, b, 2), *(EncoderBlock(b, b, 1) for _ in range(n - 1)))
            for a, b, n in zip(widths[:-1], widths[1:], counts, strict=True)
        )
        self.middle = Separable(widths[-1], 64, 3)
        inner, outer = (64, 64, 32, 32), (64, 32, 32, 16)
        self.blocks = nn.ModuleList(DecoderBlock(n) for n in inner)
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in zip(inner, outer, strict=True))
        self.skip = nn.ModuleList(Separable(a, b, 3) for a, b in zip(reversed(widths[:-1]), outer, strict=True))
        self.before = DecoderBlock(outer[-1])
        self.last = nn.Conv2d(outer[-1], 4, 3, padding=1)
        self.register_buffer("gain", torch.ones(1, 4, 1, 1), persistent=False)
        self.register_buffer("offset", torch.zeros(1, 4, 1, 1), persistent=False)
        self.register_buffer("colours", _malvar(), persistent=False)

    def fitted(self, planes: NDArray[np.float32]) -> Pmrid:
        """Returns a copy with the noise measured in a mosaic, 4 x H x W."""
        return self.knowing(noise_of(planes))

    def knowing(self, noise: Noise) -> Pmrid:
        """Returns a copy for a mosaic of known noise, with four planes."""
        net = copy.copy(self)
        net._buffers = dict(self._buffers)
        offset = (noise.s / noise.k**2 - _S / _K**2) * _K
        for name, value in (("gain", _K / noise.k), ("offset", offset)):
            net._buffers[name] = torch.from_numpy(value.astype(np.float32)).reshape(1, 4, 1, 1)
        return net

    def denoised(self, x: torch.Tensor) -> torch.Tensor:
        """Denoises N x 4 x H x W planes R, G, G, B with the noise of the training's camera, sides multiples of 16."""
        x = x * _SCALE
        y = F.relu(self.first(x))
        skips = [y]
        for blocks in self.down:
            y = blocks(y)
            skips.append(y)
        y = F.relu(self.middle(skips.pop()))
        for block, up, skip in zip(self.blocks, self.up, self.skip, strict=True):
            y = up(block(y)) + F.relu(skip(skips.pop()))
        return (self.last(self.before(y)) + x) / _SCALE

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 4 x H x W amplified planes R, G, G, B of a balanced mosaic, sides multiples of 16, to "image" (N x 3
        x 2H x 2W balanced camera RGB under the sRGB curve) and "removed" (N x 1 x 2H x 2W: the noise taken away)."""
        clean = (self.denoised(x * self.gain + self.offset) - self.offset) / self.gain
        mosaic = F.pixel_shuffle(clean, 2)
        light = F.pixel_shuffle(F.conv2d(F.pad(mosaic, (2, 2, 2, 2), mode="reflect"), self.colours, stride=2), 2)
        return {"image": linear_to_srgb(light.clamp(0, 1)), "removed": F.pixel_shuffle(x, 2) - mosaic}
