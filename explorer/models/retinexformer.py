"""Retinexformer: an illumination estimate brightens the picture and guides the attention that cleans it.

Cai, Bian, Lin, Wang, Timofte and Zhang, "Retinexformer: One-stage Retinex-based Transformer for Low-light Image
Enhancement", ICCV 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet


class Estimator(nn.Module):
    """Estimates the illumination map, and the features that it is made from (section 3.1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, width, 1)
        self.grouped = nn.Conv2d(width, width, 5, padding=2, groups=4)
        self.last = nn.Conv2d(width, 3, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps N x 3 x H x W to N x C features and N x 3 illumination."""
        features = self.grouped(self.first(torch.cat([x, x.mean(1, keepdim=True)], 1)))
        return features, self.last(features)


class GuidedAttention(nn.Module):
    """Attention among channels, with values weighted by the illumination features (section 3.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.rescale = nn.Parameter(torch.ones(heads, 1, 1))
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.position = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
        )
        self.heads = heads

    def forward(self, x: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
        """Maps two N x C x H x W maps to one."""
        rows = x.permute(0, 2, 3, 1)
        v = self.value(rows).permute(0, 3, 1, 2)
        q, k = (each(rows).permute(0, 3, 1, 2) for each in (self.query, self.key))
        q, k, guided = (each.unflatten(1, (self.heads, -1)).flatten(3) for each in (q, k, v * light))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        mixed = torch.softmax(k @ q.transpose(-2, -1) * self.rescale, -1) @ guided
        mixed = self.out(mixed.reshape(x.shape).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return mixed + self.position(v)


class Block(nn.Module):
    """Guided attention, then a feed-forward layer with a depthwise convolution in the middle, each with a skip."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = GuidedAttention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.forwards = nn.Sequential(
            nn.Conv2d(width, 4 * width, 1, bias=False),
            nn.GELU(),
            nn.Conv2d(4 * width, 4 * width, 3, padding=1, groups=4 * width, bias=False),
            nn.GELU(),
            nn.Conv2d(4 * width, width, 1, bias=False),
        )

    def forward(self, x: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(x, light)
        return x + self.forwards(self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


class Level(nn.Module):
    """The blocks of one resolution on the way down and up."""

    def __init__(self, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.before = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.down = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False)
        self.down_light = nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.join = nn.Conv2d(2 * width, width, 1, bias=False)
        self.after = nn.ModuleList(Block(width, heads) for _ in range(blocks))


class Retinexformer(RestorationNet):
    """Retinexformer with one stage.

    Args:
        width: channels at full resolution, a multiple of 4; each level down doubles them. 40 in the paper.
    """

    needs_float32 = True  # not measured in bfloat16: no weights were available

    def __init__(self, width: int = 40) -> None:
        super().__init__()
        self.estimator = Estimator(width)
        self.embedding = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.levels = nn.ModuleList([Level(width, 1, 1), Level(2 * width, 2, 2)])
        self.bottleneck = nn.ModuleList(Block(4 * width, 4) for _ in range(2))
        self.mapping = nn.Conv2d(width, 3, 3, padding=1, bias=False)

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1], sides multiples of 4, to "image" (N x 3, not clamped), "illumination_map"
        and "lit_up" (N x 3), and "illumination_features" (N x width)."""
        features, illumination = self.estimator(x)
        lit = x * illumination + x
        y, light, kept = self.embedding(lit), features, []
        levels = cast("Sequence[Level]", self.levels)
        for level in levels:
            for block in level.before:
                y = block(y, light)
            kept.append((y, light))
            y, light = level.down(y), level.down_light(light)
        for block in self.bottleneck:
            y = block(y, light)
        for level in reversed(levels):
            skip, light = kept.pop()
            y = level.join(torch.cat([level.up(y), skip], 1))
            for block in level.after:
                y = block(y, light)
        return {
            "image": self.mapping(y) + lit,
            "illumination_map": illumination,
            "lit_up": lit,
            "illumination_features": features,
        }
