"""Feature maps and kernels as pictures: sheets of channels on a stated colour scale, kernels, statistics."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.views.pictures import FloatArray, Palette, false_colour, to_bytes, within
from explorer.views.words import drawable

Scope = Literal["channel", "layer", "network"]
GAP = 2
"""Pixels between two cells of a sheet."""


@dataclass(frozen=True)
class Scale:
    """The meaning of a map's colours."""

    low: float
    high: float
    palette: Palette


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet of cells, in rows from the left."""

    image: FloatArray
    """H x W x 3 in [0, 1]."""
    columns: int
    cell: tuple[int, int]
    """Width and height of one cell, in pixels; cells are `GAP` pixels apart."""


def scale_of(low: float, high: float) -> Scale:
    """Returns a scale for values from `low` to `high`: diverging and symmetric about 0 if there are negative ones."""
    if low < 0:
        limit = max(-low, high, 1e-12)
        return Scale(-limit, limit, "diverging")
    return Scale(0.0, high if high > 0 else 1.0, "viridis")


def channel_scale(maps: FloatArray, channel: int, scope: Scope, network: tuple[float, float]) -> Scale:
    """Returns the scale of one channel: over the channel, the whole layer, or all layers of the network.

    Args:
        maps: H x W x C.
        network: lowest and highest value of all layers.
    """
    if scope == "network":
        return scale_of(*network)
    values = maps[..., channel] if scope == "channel" else maps
    return scale_of(float(values.min()), float(values.max()))


def channel_sheet(
    maps: FloatArray, first: int, count: int, scope: Scope, network: tuple[float, float], side: int = 112
) -> Sheet:
    """Renders channels `first` to `first + count - 1` in false colours.

    Args:
        side: longest side of a cell in pixels; small maps are enlarged by whole factors.
    """
    cells = []
    for channel in range(first, min(first + count, maps.shape[2])):
        scale = channel_scale(maps, channel, scope, network)
        cells.append(false_colour(_cell(maps[..., channel], side), scale.low, scale.high, scale.palette))
    return _sheet(cells, columns=8)


def printed_sheet(maps: FloatArray, scope: Scope, network: tuple[float, float], heading: str) -> bytes:
    """All channels as a PNG to take along: each with its number and the values at the ends of its colours, and below
    them the colours. Arguments as of `channel_sheet`."""
    sheet = channel_sheet(maps, 0, maps.shape[2], scope, network)
    (width, height), line, font = sheet.cell, 16, ImageFont.load_default(12)
    wide = max(width, 96) + 2 * GAP
    rows, across = -(-maps.shape[2] // sheet.columns), max(sheet.columns * wide, 420)
    paper = Image.new("RGB", (across, 2 * line + rows * (height + 2 * line) + 3 * line), "#161615")
    cells, draw = Image.fromarray(to_bytes(sheet.image)), ImageDraw.Draw(paper)
    draw.text((GAP, 6), drawable(heading), "#f3f3f2", ImageFont.load_default(14))
    scales = [channel_scale(maps, channel, scope, network) for channel in range(maps.shape[2])]
    for channel, scale in enumerate(scales):
        row, column = divmod(channel, sheet.columns)
        left, top = column * wide, 2 * line + row * (height + 2 * line)
        corner = column * (width + GAP), row * (height + GAP)
        paper.paste(cells.crop((*corner, corner[0] + width, corner[1] + height)), (left, top))
        draw.text((left, top + height + 1), f"#{channel}: {scale.low:.2g} … {scale.high:.2g}", "#a9a9a6", font)
    for place, palette in enumerate(dict.fromkeys(scale.palette for scale in scales)):
        own = [scale for scale in scales if scale.palette == palette]
        same = len({(scale.low, scale.high) for scale in own}) == 1
        low, high = (f"{own[0].low:.3g}", f"{own[0].high:.3g}") if same else ("low", "high")
        ramp = false_colour(np.linspace(0, 1, 120, dtype=np.float32)[None].repeat(10, 0), 0.0, 1.0, palette)
        left, top = GAP + place * 210, paper.height - 2 * line
        paper.paste(Image.fromarray(to_bytes(ramp)), (left + 40, top + 2))
        draw.text((left, top), low, "#f3f3f2", font)
        draw.text((left + 166, top), high, "#f3f3f2", font)
    with io.BytesIO() as buffer:
        paper.save(buffer, "PNG")
        return buffer.getvalue()


def kernel_sheet(kernels: FloatArray) -> tuple[Sheet, Scale]:
    """Renders N x k x k kernels in false colours on one symmetric scale."""
    limit = float(np.abs(kernels).max()) or 1.0
    factor = max(4, 36 // kernels.shape[1])
    cells = [false_colour(np.kron(k, np.ones((factor, factor))), -limit, limit, "diverging") for k in kernels]
    return _sheet(cells, columns=16), Scale(-limit, limit, "diverging")


def statistics(maps: FloatArray) -> FloatArray:
    """Returns C x 5: mean, standard deviation, lowest, highest, and the share of values that are not above 0."""
    flat = maps.reshape(-1, maps.shape[2])
    return np.stack([flat.mean(0), flat.std(0), flat.min(0), flat.max(0), (flat <= 0).mean(0)], axis=1).astype(
        np.float32
    )


def _cell(plane: FloatArray, side: int) -> FloatArray:
    small = within(plane, side)
    factor = side // max(small.shape)
    return np.kron(small, np.ones((factor, factor), np.float32)) if factor > 1 else small


def _sheet(cells: list[FloatArray], columns: int) -> Sheet:
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    height, width = cells[0].shape[:2]
    image = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 0.5, np.float32)
    for index, cell in enumerate(cells):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        image[top : top + height, left : left + width] = cell
    return Sheet(image, columns, (width, height))
