"""IAT, the Illumination Adaptive Transformer: adapts light per pixel, then applies a global colour matrix and gamma.

Cui, Li, Gu, Su, Gao, Jiang, Qiao and Harada, "You Only Need 90K Parameters to Adapt Light: A Light Weight Transformer
for Image Enhancement and Exposure Correction", BMVC 2022, section 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_SLOPE = 0.2
_QUERIES, _HEADS = 10, 4
_DARKEST = 1e-8


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)


class _Affine(nn.Module):
    """Replaces a norm: a matrix, a scale and an offset for the channels of each pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, width))
        self.color = nn.Parameter(torch.eye(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.alpha.reshape(-1, 1) * self.color
        return F.conv2d(x, weight[..., None, None], self.beta.reshape(-1))


class _LocalBlock(nn.Module):
    """Depthwise convolutions instead of a transformer's attention, both branches scaled by numbers close to 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.place = _conv(width, width, 3, groups=width)
        self.norm1, self.norm2 = _Affine(width), _Affine(width)
        self.mix = nn.Sequential(_conv(width, width, 1), _conv(width, width, 5, groups=width), _conv(width, width, 1))
        self.mlp = nn.Sequential(_conv(width, 4 * width, 1), nn.GELU(), _conv(4 * width, width, 1))
        self.gamma_1 = nn.Parameter(torch.full((1, width, 1, 1), 1e-4))
        self.gamma_2 = nn.Parameter(torch.full((1, width, 1, 1), 1e-4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.place(x)
        x = x + self.gamma_1 * self.mix(self.norm1(x))
        return x + self.gamma_2 * self.mlp(self.norm2(x))


class _Local(nn.Module):
    """Estimates the factor and the offset of each pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(3, width, 3)
        self.multiply = nn.Sequential(*(_LocalBlock(width) for _ in range(3)))
        self.add = nn.Sequential(*(_LocalBlock(width) for _ in range(3)))
        self.multiply_last, self.add_last = _conv(width, 3, 3), _conv(width, 3, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = F.leaky_relu(self.first(x), _SLOPE)
        multiplied = F.relu(self.multiply_last(self.multiply(features) + features))
        return multiplied, torch.tanh(self.add_last(self.add(features) + features))


class _Attention(nn.Module):
    """Attention of ten learned queries to the whole picture; returns only the queries."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q = nn.Parameter(torch.zeros(1, _QUERIES, width))
        self.k = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, width, bias=False)
        self.last = nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        def heads(x: torch.Tensor) -> torch.Tensor:
            return x.unflatten(2, (_HEADS, -1)).transpose(1, 2)

        q, k, v = heads(self.q), heads(self.k(tokens)), heads(self.v(tokens))
        weights = (q * q.shape[-1] ** -0.5 @ k.transpose(2, 3)).softmax(-1)
        return self.last((weights @ v).transpose(1, 2).flatten(2))


class _Global(nn.Module):
    """Estimates a colour matrix and a gamma for the whole picture."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.first_norm = _conv(3, width // 2, 3, stride=2), nn.BatchNorm2d(width // 2)
        self.second, self.second_norm = _conv(width // 2, width, 3, stride=2), nn.BatchNorm2d(width)
        self.place = _conv(width, width, 3, groups=width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = _Attention(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.gamma, self.colour = nn.Linear(width, 1), nn.Linear(width, 1)
        self.gamma_base = nn.Parameter(torch.ones(1))
        self.color_base = nn.Parameter(torch.eye(3))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps N x 3 x H x W to the matrix (N x 3 x 3) and the gamma (N x 1)."""
        x = F.gelu(self.first_norm(self.first(x)))
        x = self.second_norm(self.second(x))
        x = x + self.place(x)
        answers = self.attention(self.norm1(x.flatten(2).transpose(1, 2)))
        answers = answers + self.mlp(self.norm2(answers))
        gamma = self.gamma(answers[:, 0]) + self.gamma_base
        return self.colour(answers[:, 1:]).reshape(-1, 3, 3) + self.color_base, gamma


class IAT(RestorationNet):
    """Both branches.

    Args:
        centred: scale the input to 2x - 1, as for the weights trained on LOL v2.
    """

    # Gamma and matrix act on every pixel: in bfloat16, a picture of LOL differed from the float32 result by 47 dB.
    needs_float32 = True

    def __init__(self, centred: bool = False) -> None:
        super().__init__()
        self.centred = bool(centred)
        self.local = _Local(16)
        self.whole = _Global(64)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to the image and the changes of the light.

        Returns:
            "image" (N x 3 in [0, 1]), "mul" (N x 3, not negative), "add" (N x 3 in (-1, 1)), and the tables "gamma"
            (N x 1 x 1 x 1) and "color" (M, N x 1 x 3 x 3): image = (M (x * mul + add)) ** gamma.
        """
        if self.centred:
            x = 2 * x - 1
        multiply, add = self.local(x)
        matrix, gamma = self.whole(x)
        lit = x * multiply + add
        # Multiplies each pixel by the matrix, row by row, without reordering the pixels.
        columns = matrix.transpose(1, 2)[..., None, None]
        mixed = columns[:, 0] * lit[:, :1] + columns[:, 1] * lit[:, 1:2] + columns[:, 2] * lit[:, 2:]
        gamma = gamma[..., None, None]
        return {
            "image": mixed.clamp(_DARKEST, 1) ** gamma,
            "mul": multiply,
            "add": add,
            "gamma": gamma,
            "color": matrix[:, None],
        }
