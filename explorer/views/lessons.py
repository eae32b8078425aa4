"""Illustrations for the Learn tab: small pictures computed from an example photo, and SVG drawings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.photo import linear_to_srgb, srgb_to_linear
from explorer.views.pictures import FloatArray

_INK = "currentColor"
_ACCENT = "var(--lx-accent)"
GAP = 4


def side_by_side(pictures: Sequence[FloatArray]) -> FloatArray:
    """Joins pictures of the same height in a row, with mid-grey gaps."""
    height = pictures[0].shape[0]
    gap = np.full((height, GAP, 3), 0.5, np.float32)
    parts: list[FloatArray] = []
    for picture in pictures:
        parts += [picture, gap]
    return np.concatenate(parts[:-1], axis=1)


def stored(picture: FloatArray, ratio: float, bits: int) -> FloatArray:
    """Darkens H x W x 3 sRGB by `ratio`, quantises it, and brightens it again.

    Args:
        bits: 8 stores display values, like a picture; more store linear light, like a sensor.
    """
    dark = srgb_to_linear(np.clip(picture, 0, 1)) / np.float32(ratio)
    top = np.float32(2**bits - 1)
    if bits <= 8:
        kept = srgb_to_linear(np.round(linear_to_srgb(dark) * top) / top)
    else:
        kept = (np.round(dark * top) / top).astype(np.float32)
    return linear_to_srgb(np.clip(kept * np.float32(ratio), 0, 1))


def curve_drawing(strengths: Sequence[float], axes: tuple[str, str]) -> str:
    """Draws Zero-DCE's curve x + r (x^2 - x), applied eight times, for several r, with a legend.

    Args:
        axes: words for x and y.
    """
    x = np.linspace(0, 1, 61)
    lines = []
    for index, strength in enumerate(strengths):
        y = x.copy()
        for _ in range(8):
            y = y + strength * (y * y - y)
        points = " ".join(f"{20 + 200 * a:.1f},{220 - 200 * b:.1f}" for a, b in zip(x, y, strict=True))
        opacity = 0.4 + 0.6 * index / max(1, len(strengths) - 1)
        row = 200 + 16 * (index - len(strengths))
        number = f"{strength:g}".replace("-", "−")  # a text of its own, so that a language can write it its own way
        lines.append(
            f'<g fill="none" stroke="{_ACCENT}" stroke-width="2.5" opacity="{opacity:.2f}">'
            f'<polyline points="{points}"/><path d="M140 {row}h20"/></g>'
            f'<text x="166" y="{row + 4}" fill="{_INK}">r = <tspan>{number}</tspan></text>'
        )
    return (
        '<svg viewBox="0 0 240 244" width="300" font-size="11" aria-hidden="true">'
        f'<text x="220" y="236" text-anchor="end" fill="{_INK}">{axes[0]}</text>'
        f'<text x="14" y="20" text-anchor="end" transform="rotate(-90 14 20)" fill="{_INK}">{axes[1]}</text>'
        f'<path d="M20 20V220H220" fill="none" stroke="{_INK}"/>'
        f'<path d="M20 220L220 20" stroke="{_INK}" stroke-dasharray="4 5" opacity="0.5"/>{"".join(lines)}</svg>'
    )


def blocks_drawing(blocks: Sequence[tuple[int, int]]) -> str:
    """Draws a network as boxes: height by size, width by channels.

    Args:
        blocks: (reduction, channels) from input to output.
    """
    left, shapes = 8.0, []
    for index, (reduction, channels) in enumerate(blocks):
        tall = 150 / (1 + np.log2(reduction))
        wide = 6 + 3.2 * np.log2(1 + channels)
        last = index == len(blocks) - 1
        shapes.append(
            f'<rect x="{left:.1f}" y="{85 - tall / 2:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="3" '
            f'fill="{_ACCENT if last else _INK}" opacity="{1 if last else 0.55}"/>'
            f'<text x="{left + wide / 2:.1f}" y="182" text-anchor="middle" font-size="10" '
            f'fill="{_INK}">{channels}</text>'
        )
        left += wide + 12
    width = left
    return (
        f'<svg viewBox="0 0 {width:.0f} 190" width="{min(680, width * 1.3):.0f}" aria-hidden="true">'
        f'<path d="M4 85H{width - 10:.0f}" stroke="{_INK}" opacity="0.3"/>{"".join(shapes)}</svg>'
    )


def windows(picture: FloatArray, side: int, corners: Sequence[tuple[int, int]]) -> FloatArray:
    """Darkens the picture except for square windows at (x, y)."""
    shown = picture * np.float32(0.35)
    for x, y in corners:
        shown[y : y + side, x : x + side] = picture[y : y + side, x : x + side]
        shown[y : y + side, [x, min(x + side, shown.shape[1]) - 1]] = (0.9, 0.64, 0.24)
        shown[[y, min(y + side, shown.shape[0]) - 1], x : x + side] = (0.9, 0.64, 0.24)
    return shown
