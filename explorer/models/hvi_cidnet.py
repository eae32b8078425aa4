"""HVI-CIDNet: restores brightness and colour in parallel, in a space where dark colours lie close together.

Yan, Feng, Zhang, Pang, Shi, Wu, Dong, Sun and Zhang, "HVI: A New Color Space for Low-light Image Enhancement", CVPR
2025. HVI is HSV with hue and saturation as a plane (H, V) that shrinks to a point in the dark, by a learned density,
and the intensity I = max(R, G, B). Two U-shaped nets, one for I and one for the colours, attend to each other's
features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_TINY = 1e-8
_WIDTHS, _HEADS = (36, 36, 72, 144), (2, 4, 8)
_EXPANSION = 2.66
_HALF_PI = torch.pi / 2


class HVI(nn.Module):
    """Converts RGB to HVI and back, with the learned density k of dark colours (section 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.density_k = nn.Parameter(torch.full((1,), 0.2))

    def _radius(self, intensity: torch.Tensor) -> torch.Tensor:
        """Distance of the purest colours of an intensity from the axis."""
        return (torch.sin(intensity * _HALF_PI) + _TINY) ** self.density_k

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W RGB in [0, 1] to H, V in [-1, 1] and I in [0, 1]."""
        r, g, b = x.unbind(1)
        value, least = x.amax(1), x.amin(1)
        span = value - least + _TINY
        hue = torch.where(value == r, ((g - b) / span) % 6, 4 + (r - g) / span)
        hue = torch.where((value == g) & (value != r), 2 + (b - r) / span, hue)
        hue = torch.where(value == least, torch.zeros_like(hue), hue) / 6
        saturation = torch.where(value == 0, torch.zeros_like(value), (value - least) / (value + _TINY))
        reach = self._radius(value) * saturation
        angle = 2 * torch.pi * hue
        return torch.stack([reach * torch.cos(angle), reach * torch.sin(angle), value], 1)

    def back(self, hvi: torch.Tensor) -> torch.Tensor:
        """Maps N x 3 x H x W HVI to RGB in [0, 1]."""
        h, v, i = hvi.unbind(1)
        i = i.clamp(0, 1)
        radius = self._radius(i) + _TINY
        h, v = ((each.clamp(-1, 1) / radius).clamp(-1, 1) for each in (h, v))
        hue = (torch.atan2(v + _TINY, h + _TINY) / (2 * torch.pi)) % 1
        saturation = torch.sqrt(h * h + v * v + _TINY).clamp(0, 1)

        # In float32, the remainder may round up to a whole turn, which is the first sector again.
        turned = (hue * 6) % 6
        sector = torch.floor(turned)
        part = turned - sector
        p, q, t = i * (1 - saturation), i * (1 - part * saturation), i * (1 - (1 - part) * saturation)
        red, green, blue = (i, q, p, p, t, i), (t, i, i, q, p, p), (p, p, t, i, i, q)

        def chosen(choices: tuple[torch.Tensor, ...]) -> torch.Tensor:
            plane = choices[0]
            for number, each in enumerate(choices[1:], 1):
                plane = torch.where(sector == number, each, plane)
            return plane

        return torch.stack([chosen(red), chosen(green), chosen(blue)], 1)


class Norm(nn.LayerNorm):
    """Layer norm over the channels of every pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _conv(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)


def _edge(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate", bias=False)


class CrossAttention(nn.Module):
    """Attention among channels: queries of one branch, keys and values of the other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.query, self.query_depthwise = _conv(width, width, 1), _conv(width, width, 3, width)
        self.both, self.both_depthwise = _conv(width, 2 * width, 1), _conv(2 * width, 2 * width, 3, 2 * width)
        self.out = _conv(width, width, 1)
        self.heads = heads

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Maps two N x C x H x W maps to one."""
        q = self.query_depthwise(self.query(x))
        k, v = self.both_depthwise(self.both(y)).chunk(2, 1)
        q, k, v = (each.unflatten(1, (self.heads, -1)).flatten(3) for each in (q, k, v))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        mixed = torch.softmax(q @ k.transpose(-2, -1) * self.temperature, -1) @ v
        return self.out(mixed.reshape(x.shape))


class Intensity(nn.Module):
    """The intensity enhancement layer: the product of two gated halves, each the sum of itself and its tanh."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = int(width * _EXPANSION)
        self.expand, self.depthwise = _conv(width, 2 * hidden, 1), _conv(2 * hidden, 2 * hidden, 3, 2 * hidden)
        self.first, self.second = _conv(hidden, hidden, 3, hidden), _conv(hidden, hidden, 3, hidden)
        self.reduce = _conv(hidden, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.depthwise(self.expand(x)).chunk(2, 1)
        return self.reduce((torch.tanh(self.first(a)) + a) * (torch.tanh(self.second(b)) + b))


class CrossBlock(nn.Module):
    """Lightweight cross-attention of one branch to the other.

    Args:
        residual: add the gated layer to its input, as in the branch of I.
    """

    def __init__(self, width: int, heads: int, residual: bool) -> None:
        super().__init__()
        self.norm = Norm(width, 1e-6)
        self.attention = CrossAttention(width, heads)
        self.intensity = Intensity(width)
        self.residual = residual

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm(x), self.norm(y))
        gated = self.intensity(self.norm(x))
        return x + gated if self.residual else gated


class Down(nn.Module):
    """conv3, half the size, PReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.act = _conv(inputs, outputs, 3), nn.PReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        half = [n // 2 for n in y.shape[-2:]]
        return self.act(F.interpolate(y, size=half, mode="bilinear", align_corners=True))


class Up(nn.Module):
    """conv3, the size of the skip, joined with it, PReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.join, self.act = _conv(inputs, outputs, 3), _conv(2 * outputs, outputs, 1), nn.PReLU()

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        y = F.interpolate(self.conv(x), size=skip.shape[-2:], mode="bilinear", align_corners=True)
        return self.act(self.join(torch.cat([y, skip], 1)))


class Branch(nn.Module):
    """The layers of one branch; the network combines the two.

    Args:
        channels: 1 for I, 3 in and 2 out for the colours.
        blocks: indices of the cross blocks whose result is used.
    """

    def __init__(self, inputs: int, outputs: int, residual: bool, blocks: tuple[int, ...]) -> None:
        super().__init__()
        w0, w1, w2, w3 = _WIDTHS
        self.first, self.last = _edge(inputs, w0), _edge(w0, outputs)
        self.down = nn.ModuleList([Down(w0, w1), Down(w1, w2), Down(w2, w3)])
        self.up = nn.ModuleList([Up(w1, w0), Up(w2, w1), Up(w3, w2)])
        levels = {1: 0, 2: 1, 3: 2, 4: 2, 5: 1, 6: 0}
        self.cross = nn.ModuleDict(
            {str(n): CrossBlock(_WIDTHS[levels[n] + 1], _HEADS[levels[n]], residual) for n in blocks}
        )


class HviCidNet(RestorationNet):
    """HVI-CIDNet.

    Keeps quirks of the published graph that its weights depend on: the third level is made from the input of the second
    cross blocks, not from their output, and the fifth cross block of I has no effect, so it is left out.
    """

    needs_float32 = True  # the hue of dark colours is a quotient of small differences

    def __init__(self) -> None:
        super().__init__()
        self.transform = HVI()
        self.intensity = Branch(1, 1, True, (1, 2, 3, 4, 6))
        self.colour = Branch(3, 2, False, (1, 2, 3, 4, 5, 6))

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1], sides multiples of 8, to "image" (N x 3 in [0, 1]), "hvi" and
        "hvi_enhanced" (N x 3: H, V in [-1, 1], I)."""
        hvi = self.transform(x)
        a, b = self.intensity, self.colour
        i0, h0 = a.first(hvi[:, 2:]), b.first(hvi)
        i1, h1 = a.down[0](i0), b.down[0](h0)
        v1, w1 = self._crossed(1, i1, h1)
        i2, h2 = a.down[1](v1), b.down[1](w1)
        v2, w2 = self._crossed(2, i2, h2)
        i4, h4 = self._crossed(3, a.down[2](i2), b.down[2](h2))
        d4, h4 = self._crossed(4, i4, h4)
        h3, d3 = b.up[2](h4, w2), a.up[2](d4, v2)
        h2 = b.up[1](b.cross["5"](h3, d3), w1)
        d2 = a.up[1](d3, v1)
        d1, h1 = self._crossed(6, d2, h2)
        d0, h0 = a.last(a.up[0](d1, i0)), b.last(b.up[0](h1, h0))
        enhanced = torch.cat([h0, d0], 1) + hvi
        return {"image": self.transform.back(enhanced), "hvi": hvi, "hvi_enhanced": enhanced}

    def _crossed(self, number: int, i: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Applies both branches' blocks of an index; each attends to the other's previous features."""
        block = str(number)
        return self.intensity.cross[block](i, h), self.colour.cross[block](h, i)
