"""RetinexNet: the published PyTorch port, and two variants of it.

Wei, Wang, Yang and Liu, "Deep Retinex Decomposition for Low-Light Enhancement", BMVC 2018. A picture S is split into
reflectance R and illumination I, S = R * I (Decom-Net); the illumination is brightened (Enhance-Net, here `relight`);
the result is R times the enhanced illumination.

Three forms share the file: `port` (replicate padding, nearest resizing, skips concatenated), `resize` (zero padding,
bicubic resizing, skips added) and `transpose` (the same with transposed convolutions).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet, TilePosition
from explorer.models.registry import SizeRequirements

Variant = Literal["resize", "transpose", "port"]


class DecomNet(nn.Module):
    """RGB to reflectance and illumination: a conv without activation, five with ReLU, one to four channels, sigmoid."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.first = self._first(width)
        self.body = nn.ModuleList(self._conv(width, width) for _ in range(5))
        self.last = self._conv(width, 4)

    def _first(self, width: int) -> nn.Conv2d:
        return nn.Conv2d(3, width, 3, padding=1)

    def _conv(self, inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps N x 3 x H x W in [0, 1] to reflectance (N x 3 x H x W) and illumination (N x 1), both in (0, 1)."""
        x = self.first(x)
        for conv in self.body:
            x = F.relu(conv(x))
        x = torch.sigmoid(self.last(x))
        return x[:, :3], x[:, 3:]


class DecomNetPort(DecomNet):
    """The published port: the maximum over RGB as a fourth input channel, first kernel 9x9, replicate padding."""

    def _first(self, width: int) -> nn.Conv2d:
        return nn.Conv2d(4, width, 9, padding=4, padding_mode="replicate")

    def _conv(self, inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().forward(torch.cat([x.amax(1, keepdim=True), x], 1))


class RelightNet(nn.Module):
    """Maps reflectance and illumination to an enhanced illumination, through three halvings and back, skips added.

    Args:
        upsample: "resize" (bicubic, a = -0.75, then conv3) or "transpose" (transposed conv3; H and W must then be 1
            modulo 8).
    """

    def __init__(self, upsample: Literal["resize", "transpose"], width: int = 64) -> None:
        super().__init__()
        self.upsample = upsample
        self.down = nn.ModuleList(
            nn.Conv2d(4 if i == 0 else width, width, 3, stride=1 if i == 0 else 2, padding=1) for i in range(4)
        )
        layer = nn.Conv2d if upsample == "resize" else nn.ConvTranspose2d
        stride = 1 if upsample == "resize" else 2
        self.up = nn.ModuleList(layer(width, width, 3, stride=stride, padding=1) for _ in range(3))
        self.fusion = nn.Conv2d(3 * width, width, 1)
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(
        self, reflectance: torch.Tensor, illumination: torch.Tensor, place: TilePosition | None = None
    ) -> torch.Tensor:
        """Maps N x 3 and N x 1 x H x W to N x 1 x H x W, not clamped. `place` is a tile's position, None for the whole
        picture."""
        x = self.down[0](torch.cat([reflectance, illumination], 1))
        skips = [x]
        for conv in self.down[1:]:
            x = F.relu(conv(x))
            skips.append(x)
        levels = []
        for conv, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            if self.upsample == "resize":
                x = _bicubic(x, skip)
            x = F.relu(conv(x)) + skip
            levels.append(x)
        coarse, middle, fine = levels
        if place is None or self.upsample == "resize":
            enlarged = [_bicubic(coarse, fine), _bicubic(middle, fine)]
        else:
            enlarged = [_bicubic_of_tile(coarse, 4, place), _bicubic_of_tile(middle, 2, place)]
        return self.last(self.fusion(torch.cat([fine, *enlarged], 1)))


def _bicubic(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bicubic", align_corners=False)


_A = -0.75
"""The parameter of Keys' cubic kernel in `F.interpolate`."""


def _bicubic_of_tile(x: torch.Tensor, factor: int, place: TilePosition) -> torch.Tensor:
    """Computes the part of `_bicubic` of the whole picture inside a tile.

    Sides that are 1 modulo 8 are enlarged from n / factor + 1 to n + 1 samples, which is a little less than the factor
    and depends on the whole picture's size: a tile enlarged by itself would be shifted.
    """
    for axis, start, whole in ((2, place.top, place.height), (3, place.left, place.width)):
        fine = torch.arange((x.shape[axis] - 1) * factor + 1, dtype=torch.float64) + start
        source = (fine + 0.5) * (((whole - 1) // factor + 1) / whole) - 0.5 - start // factor
        first = source.floor()
        offset = source - first
        far, near = 1 + offset, offset
        weights = [_keys_outer(far), _keys_inner(near), _keys_inner(1 - near), _keys_outer(2 - near)]
        shape = [-1 if i == axis else 1 for i in range(4)]
        taps = [(first.long() + i - 1).clamp(0, x.shape[axis] - 1).to(x.device) for i in range(4)]
        x = sum(
            (w.to(x).reshape(shape) * x.index_select(axis, tap) for w, tap in zip(weights, taps, strict=True)),
            start=torch.zeros((), dtype=x.dtype, device=x.device),
        )
    return x


def _keys_inner(t: torch.Tensor) -> torch.Tensor:
    """Keys' cubic kernel at distances up to 1."""
    return ((_A + 2) * t - (_A + 3)) * t * t + 1


def _keys_outer(t: torch.Tensor) -> torch.Tensor:
    """Keys' cubic kernel at distances from 1 to 2."""
    return ((_A * t - 5 * _A) * t + 8 * _A) * t - 4 * _A


class RelightNetPort(nn.Module):
    """The published port: nearest resizing, skips concatenated, replicate padding.

    The fusion is a conv1 with padding 1, so that the map grows by two, and the last conv3 has padding 0.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()

        def conv(inputs: int, stride: int) -> nn.Conv2d:
            return nn.Conv2d(inputs, width, 3, stride=stride, padding=1, padding_mode="replicate")

        self.down = nn.ModuleList([conv(4, 1), *(conv(width, 2) for _ in range(3))])
        self.up = nn.ModuleList(conv(2 * width, 1) for _ in range(3))
        self.fusion = nn.Conv2d(3 * width, width, 1, padding=1, padding_mode="replicate")
        self.last = nn.Conv2d(width, 1, 3, padding=0)

    def forward(self, reflectance: torch.Tensor, illumination: torch.Tensor) -> torch.Tensor:
        """N x 3 and N x 1 x H x W to N x 1 x H x W, not clamped."""
        x = self.down[0](torch.cat([reflectance, illumination], 1))
        skips = [x]
        for conv in self.down[1:]:
            x = F.relu(conv(x))
            skips.append(x)
        levels = []
        for conv, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = F.relu(conv(torch.cat([_nearest(x, skip), skip], 1)))
            levels.append(x)
        coarse, middle, fine = levels
        return self.last(self.fusion(torch.cat([_nearest(coarse, fine), _nearest(middle, fine), fine], 1)))


def _nearest(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="nearest")


class RetinexNet(RestorationNet):
    """Decom-Net and Relight-Net together.

    Args:
        variant: "resize", "transpose" or "port".
        relight: False for only the Decom-Net: the enhanced illumination is 1 and the image is the reflectance.
    """

    def __init__(self, variant: Variant = "resize", relight: bool = True, width: int = 64) -> None:
        super().__init__()
        if variant not in ("resize", "transpose", "port"):
            raise TypeError(f"variant must be 'resize', 'transpose' or 'port', not {variant!r}")
        self.decom: DecomNet = DecomNetPort(width) if variant == "port" else DecomNet(width)
        if variant == "transpose":
            # Three strides of 2 down and up preserve the size only if it is 1 modulo 8.
            self.size = SizeRequirements(minimum=17, multiple_of=8, offset=1)
            self.needs_tile_position = relight
        self.relight: nn.Module | None = None
        if relight:
            self.relight = RelightNetPort(width) if variant == "port" else RelightNet(variant, width)

    def forward_intermediates(self, x: torch.Tensor, place: TilePosition | None = None) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1] to "image", "reflectance", "illumination", "illumination_enhanced".

        `place` is a tile's position; the variant "transpose" needs it for the same result as in the whole picture. The
        enhanced illumination and the image are not clamped, as published; callers clip.
        """
        reflectance, illumination = self.decom(x)
        if self.relight is None:
            enhanced = torch.ones_like(illumination)
        elif place is not None and isinstance(self.relight, RelightNet):
            enhanced = self.relight(reflectance, illumination, place)
        else:
            enhanced = self.relight(reflectance, illumination)
        return {
            "image": reflectance * enhanced,
            "reflectance": reflectance,
            "illumination": illumination,
            "illumination_enhanced": enhanced,
        }
