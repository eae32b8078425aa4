"""DarkIR: the encoder brightens, in the amplitudes of the Fourier transform; the decoder sharpens, by wide kernels.

Feijoo, Benito, Garcia and Conde, "DarkIR: Robust Low-Light Image Restoration", CVPR 2025.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.base import RestorationNet

_EPSILON = 1e-6
_DILATIONS = (1, 4, 9)
_ENCODER, _MIDDLE, _DECODER = (1, 2, 3), 2, (3, 1, 1)
"""Number of blocks per level, from the finest to the coarsest and back."""


class Norm(nn.LayerNorm):
    """Layer norm over the channels of every pixel."""

    def __init__(self, width: int) -> None:
        super().__init__(width, _EPSILON)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _multiplied(x: torch.Tensor) -> torch.Tensor:
    """Multiplies one half of the channels by the other."""
    a, b = x.chunk(2, 1)
    return a * b


class _Block(nn.Module):
    """Shared parts of both blocks: depthwise features, multiplied, weighted by channel, added with a learned weight."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.branches = nn.ModuleList(
            nn.Conv2d(2 * width, 2 * width, 3, padding=d, dilation=d, groups=2 * width) for d in dilations
        )
        self.weigh = nn.Conv2d(width, width, 1)
        self.mix = nn.Conv2d(width, width, 1)
        self.beta, self.gamma = (nn.Parameter(torch.zeros(1, width, 1, 1)) for _ in range(2))

    def expanded(self, x: torch.Tensor) -> torch.Tensor:
        """Maps N x C x H x W to N x 2C."""
        raise AssertionError("subclasses define it")

    def refined(self, y: torch.Tensor) -> torch.Tensor:
        """Returns the result of the block's second half, which is added to y with the weight gamma."""
        raise AssertionError("subclasses define it")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = self.expanded(self.norm1(x))
        z = _multiplied(torch.stack([branch(wide) for branch in self.branches]).sum(0))
        y = x + self.beta * self.mix(z * self.weigh(z.mean((2, 3), keepdim=True)))
        return y + self.gamma * self.refined(y)


class EncoderBlock(_Block):
    """A block whose second half changes the amplitudes of the Fourier transform."""

    def __init__(self, width: int) -> None:
        super().__init__(width, (1,))
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.amplitude = nn.Sequential(
            nn.Conv2d(width, 2 * width, 1), nn.LeakyReLU(0.1), nn.Conv2d(2 * width, width, 1)
        )

    def expanded(self, x: torch.Tensor) -> torch.Tensor:
        return self.expand(self.depthwise(x))

    def refined(self, y: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(self.norm2(y))
        phase = spectrum.angle()
        amplitude = self.amplitude(spectrum.abs())
        changed = torch.complex(amplitude * torch.cos(phase), amplitude * torch.sin(phase))
        return y * torch.fft.irfft2(changed, s=y.shape[-2:])


class DecoderBlock(_Block):
    """A block with a wide view through dilated kernels in the first half, and a gated layer in the second."""

    def __init__(self, width: int) -> None:
        super().__init__(width, _DILATIONS)
        self.grouped = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=width)
        self.gate = nn.Conv2d(width, 2 * width, 1)
        self.reduce = nn.Conv2d(width, width, 1)

    def expanded(self, x: torch.Tensor) -> torch.Tensor:
        return self.grouped(self.expand(x))

    def refined(self, y: torch.Tensor) -> torch.Tensor:
        return self.reduce(_multiplied(self.gate(self.norm2(y))))


class DarkIR(RestorationNet):
    """DarkIR.

    Args:
        width: channels at full resolution; each of three levels down doubles them. 32 in DarkIR-m, 64 in DarkIR-l.
    """

    needs_float32 = True  # Fourier transforms do not support bfloat16

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(3)]
        deepest = 8 * width
        self.first, self.last = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)

        def blocks(kind: type[EncoderBlock | DecoderBlock], width: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(kind(width) for _ in range(count)))

        self.encoder = nn.ModuleList(blocks(EncoderBlock, w, n) for w, n in zip(widths, _ENCODER, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(w, 2 * w, 2, stride=2) for w in widths)
        self.middle_encoder = blocks(EncoderBlock, deepest, _MIDDLE)
        self.middle_decoder = blocks(DecoderBlock, deepest, _MIDDLE)
        self.side = nn.Conv2d(deepest, 3, 3, padding=1)
        self.up = nn.ModuleList(nn.Conv2d(2 * w, 4 * w, 1, bias=False) for w in reversed(widths))
        self.decoder = nn.ModuleList(
            blocks(DecoderBlock, w, n) for w, n in zip(reversed(widths), _DECODER, strict=True)
        )

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB in [0, 1], sides multiples of 8, to "image" and "brightened" (N x 3, not clamped).
        "brightened" is the picture after the encoder, at an eighth of the size and enlarged by repetition; in training,
        it was compared with the reference.
        """
        y, skips = self.first(x), []
        for blocks, down in zip(self.encoder, self.down, strict=True):
            y = blocks(y)
            skips.append(y)
            y = down(y)
        y = self.middle_encoder(y)
        side = F.interpolate(self.side(y), scale_factor=8.0, mode="nearest")
        y = self.middle_decoder(y) + y
        for up, blocks in zip(self.up, self.decoder, strict=True):
            y = blocks(F.pixel_shuffle(up(y), 2) + skips.pop())
        return {"image": self.last(y) + x, "brightened": side}
