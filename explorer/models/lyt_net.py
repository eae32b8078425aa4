"""LYT-Net: separate luminance and chrominance branches, with attention over the whole picture.

Brateanu, Balmez, Avram, Orhei and Ancuti, "LYT-NET: Lightweight YUV Transformer-Based Network for Low-Light Image
Enhancement", IEEE Signal Processing Letters 2025. Two versions are published, for TensorFlow and for PyTorch, which
differ in details that their weights depend on: `LytNet(dialect=...)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet
from explorer.models.light import LUMA

Dialect = Literal["tensorflow", "torch"]
_HEADS = 4
_POOL = 8
_SHORTENED = 0.2
"""Factor of the luminance features in those of the chrominance."""


@dataclass(frozen=True)
class _Details:
    """Differences between the two dialects."""

    chroma: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Weights from RGB to U and to V."""
    middle: float
    """Value of U and V for a grey pixel."""
    signed: bool
    """Input and output in [-1, 1] instead of [0, 1]."""
    epsilon: float
    """Epsilon of the layer norm."""
    scrambled: bool
    """True if attention confuses channels with positions, as the published PyTorch code does: it reshapes C x H x W to
    HW x C without transposing."""


_DIALECTS = {
    "tensorflow": _Details(
        ((-0.14714119, -0.28886916, 0.43601035), (0.61497538, -0.51496512, -0.10001026)), 0.0, True, 1e-3, False
    ),
    "torch": _Details(((-0.14713, -0.28886, 0.436), (0.615, -0.51499, -0.10001)), 0.5, False, 1e-5, True),
}


class Attention(nn.Module):
    """Multi-head attention among all positions of a map."""

    def __init__(self, width: int, scrambled: bool) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.scrambled = scrambled

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x C x H x W to the same shape."""
        batch, width, height, across = x.shape
        rows = x.reshape(batch, -1, width) if self.scrambled else x.flatten(2).transpose(1, 2)
        q, k, v = (
            each(rows).reshape(batch, -1, _HEADS, width // _HEADS).transpose(1, 2)
            for each in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return self.out(mixed.reshape(batch, -1, width)).transpose(1, 2).reshape(batch, width, height, across)


class ChannelDenoiser(nn.Module):
    """Denoises one chrominance plane: a U-shaped net of 16 channels with attention at an eighth of the size."""

    def __init__(self, dialect: Dialect, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        # TensorFlow's "same" pads even sizes only after the last sample.
        self.down = nn.ModuleList(
            nn.Conv2d(width, width, 3, stride=2, padding=0 if dialect == "tensorflow" else 1) for _ in range(3)
        )
        self.attention = Attention(width, _DIALECTS[dialect].scrambled)
        self.residual = nn.Conv2d(width, 1, 3, padding=1)
        self.last = nn.Conv2d(1, 1, 3, padding=1)
        self.dialect = dialect

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 1 x H x W to its correction, in (-1, 1)."""
        skips = [F.relu(self.first(x))]
        for conv in self.down:
            fed = F.pad(skips[-1], (0, 1, 0, 1)) if self.dialect == "tensorflow" else skips[-1]
            skips.append(F.relu(conv(fed)))
        y = self.attention(skips.pop())
        for skip in reversed(skips):
            y = F.interpolate(y, scale_factor=2.0, mode="nearest") + skip
        y = self.residual(y)
        return torch.tanh(self.last(torch.tanh(y) + x if self.dialect == "tensorflow" else y + y))


class Fusion(nn.Module):
    """Multi-stage squeeze and excite fusion: depthwise detail times a gate for each channel, added."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, epsilon)
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.squeeze = nn.Linear(width, 2)
        self.excite = nn.Linear(2, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x C x H x W to the same shape."""
        n = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        gate = torch.tanh(self.excite(F.relu(self.squeeze(n.mean((2, 3))))))[:, :, None, None]
        return self.depthwise(n) * (n * gate) + x


class LytNet(RestorationNet):
    """LYT-Net.

    Args:
        dialect: "tensorflow" (the paper's weights) or "torch".
        width: channels of the luminance and chrominance branches, a multiple of 4; 32 in the paper.
    """

    needs_float32 = True  # bfloat16 changes LOL's test pictures by 0.28 dB

    def __init__(self, dialect: Dialect = "tensorflow", width: int = 32) -> None:
        super().__init__()
        if dialect not in _DIALECTS:
            raise TypeError(f"dialect must be 'tensorflow' or 'torch', not {dialect!r}")
        self.details = _DIALECTS[dialect]
        self.denoisers = nn.ModuleList(ChannelDenoiser(dialect) for _ in range(2))
        self.luminance, self.blue, self.red = (nn.Conv2d(1, width, 3, padding=1) for _ in range(3))
        self.attention = Attention(width, self.details.scrambled)
        self.shortcut = nn.Conv2d(width, width, 1)
        self.reference = nn.Conv2d(2 * width, width, 1)
        self.fusion = Fusion(width, self.details.epsilon)
        self.recombine = nn.Conv2d(2 * width, width, 3, padding=1)
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1], sides multiples of 8, to "image" (N x 3 in [0, 1]), "luminance" (N x 1, of
        the input) and "chroma_u", "chroma_v" (N x 1, denoised; the input of the dialect "tensorflow" is 2x - 1)."""
        x = 2 * x - 1 if self.details.signed else x
        r, g, b = x.unbind(1)

        def plane(row: tuple[float, float, float], middle: float = 0.0) -> torch.Tensor:
            return (row[0] * r + row[1] * g + row[2] * b + middle)[:, None]

        y = plane(LUMA)
        u, v = (plane(row, self.details.middle) for row in self.details.chroma)
        u, v = (denoise(each) + each for denoise, each in zip(self.denoisers, (u, v), strict=True))
        light = F.relu(self.luminance(y))
        light = light + F.interpolate(
            self.attention(F.max_pool2d(light, _POOL)), scale_factor=float(_POOL), mode="nearest"
        )
        shortcut = self.reference(torch.cat([F.relu(self.blue(u)), F.relu(self.red(v))], 1))
        reference = self.fusion(shortcut + _SHORTENED * self.shortcut(light)) + shortcut
        z = self.recombine(torch.cat([reference, light], 1))
        if self.details.signed:
            image = (torch.tanh(self.last(F.relu(z))) + 1) / 2
        else:
            image = torch.sigmoid(self.last(z))
        return {"image": image, "luminance": y, "chroma_u": u, "chroma_v": v}


class LytNetTorch(LytNet):
    """LYT-Net in the dialect of the published PyTorch code."""

    def __init__(self, width: int = 32) -> None:
        super().__init__("torch", width)
