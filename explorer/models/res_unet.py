"""A U-Net on a ResNet encoder, after fastai's dynamic U-Net.

Encoder: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, ResNet-18 and ResNet-34 cut
before pooling. Upsampling: depth-to-space with ICNR initialisation (Aitken et al., "Checkerboard artifact free
sub-pixel convolution", 2017). The encoder's tensors have the names of torchvision's ResNets, under `encoder.`, so that
weights pre-trained on ImageNet fit at width 64.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
_HALO = {18: 352, 34: 608}
"""Reach of the receptive field, in pixels from a multiple of 32."""


class BasicBlock(nn.Module):
    """ResNet's two-convolution block; a strided or widening one projects its skip by a conv1."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + skip)


class ResNetBody(nn.Module):
    """A ResNet cut before pooling, which returns the features of every halving."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        counts = _BLOCKS[depth]
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, counts[0], stride=1)
        self.layer2 = _stage(width, 2 * width, counts[1], stride=2)
        self.layer3 = _stage(2 * width, 4 * width, counts[2], stride=2)
        self.layer4 = _stage(4 * width, 8 * width, counts[3], stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Maps N x 3 x H x W to features at 1/2, 1/4, 1/8, 1/16 and 1/32."""
        features = [F.relu(self.bn1(self.conv1(x)))]
        x = F.max_pool2d(features[0], 3, stride=2, padding=1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            features.append(x)
        return features


def _stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    first = BasicBlock(inputs, outputs, stride)
    return nn.Sequential(first, *(BasicBlock(outputs, outputs) for _ in range(blocks - 1)))


class ShuffleUp(nn.Module):
    """conv1 to four times the channels, ReLU, depth-to-space by 2.

    The four channels of a 2x2 cell are initialised to the same values (ICNR), so that the untrained layer is a
    nearest-neighbour enlargement without a checkerboard.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 1)
        kernel = nn.init.kaiming_normal_(torch.empty(outputs, inputs, 1, 1))
        with torch.no_grad():
            self.conv.weight.copy_(kernel.repeat_interleave(4, 0))
            if self.conv.bias is not None:
                self.conv.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle(F.relu(self.conv(x)), 2)


class UpBlock(nn.Module):
    """Doubles the resolution, joins the normalised skip, and mixes both by two conv3 with ReLU."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.up = ShuffleUp(inputs, inputs // 2)
        self.norm = nn.BatchNorm2d(skip)
        self.conv1 = nn.Conv2d(inputs // 2 + skip, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        x = F.relu(torch.cat([self.up(x), self.norm(skip)], 1))
        return F.relu(self.conv2(F.relu(self.conv1(x))))


class ResUNet(RestorationNet):
    """ResNet encoder, two wide convolutions in the middle, four up-blocks, a residual block at full resolution.

    Args:
        depth: 18 or 34, the ResNet.
        width: channels of the encoder's first stage, 64 in a ResNet; an even number.
        output: "sigmoid" keeps the result in (0, 1); "linear" does not bound it (callers clip), so that gradients do
            not vanish when a large step has pushed everything to one end.
    """

    def __init__(self, depth: int = 34, width: int = 64, output: Literal["sigmoid", "linear"] = "sigmoid") -> None:
        super().__init__()
        if depth not in _BLOCKS:
            raise TypeError(f"depth must be 18 or 34, not {depth!r}")
        if output not in ("sigmoid", "linear"):
            raise TypeError(f"output must be 'sigmoid' or 'linear', not {output!r}")
        if width < 2 or width % 2:
            raise TypeError(f"width must be an even number of channels, not {width!r}")
        self.output = output
        self.halo = _HALO[depth]
        self.encoder = ResNetBody(depth, width)
        self.middle = nn.Sequential(
            nn.BatchNorm2d(8 * width),
            nn.ReLU(),
            nn.Conv2d(8 * width, 16 * width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16 * width, 8 * width, 3, padding=1),
            nn.ReLU(),
        )
        ups = [
            UpBlock(8 * width, 4 * width, 4 * width),
            UpBlock(4 * width, 2 * width, 2 * width),
            UpBlock(2 * width, width, width),
            UpBlock(width, width, width),
        ]
        self.up = nn.ModuleList(ups)
        self.full = ShuffleUp(width, width // 2)
        joined = width // 2 + 3
        self.mix1 = nn.Conv2d(joined, joined, 3, padding=1)
        self.mix2 = nn.Conv2d(joined, joined, 3, padding=1)
        self.last = nn.Conv2d(joined, 3, 1)
        # torch's default initialisation halves the signal in each layer without a norm: nothing of the deepest
        # features, which describe the scene's light, would reach the picture.
        for module in (*self.middle, *(conv for up in ups for conv in (up.conv1, up.conv2)), self.mix1, self.mix2):
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W amplified RGB (sides multiples of 32) to N x 3 x H x W."""
        *skips, y = self.encoder(x)
        y = self.middle(y)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            y = up(y, skip)
        y = torch.cat([self.full(y), x], 1)
        y = F.relu(y + self.mix2(F.relu(self.mix1(y))))
        y = self.last(y)
        return torch.sigmoid(y) if self.output == "sigmoid" else y
