"""Running a network over a picture in overlapping tiles, so that memory is bounded and no seam is seen.

A tile is fed with a margin as wide as the network's receptive field reaches, and only its middle is kept: the result
is the one of the whole picture, up to rounding. Tiles begin at multiples of the network's stride, so that every
pooling and every space-to-depth falls on the same samples as in the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from explorer.models import RestorationNet, SizeRequirements

Maps = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Tile:
    """One tile along one axis, in samples of the network's input."""

    start: int
    """First sample that is fed."""
    stop: int
    """One after the last sample that is fed."""
    keep_start: int
    """First sample whose result is kept."""
    keep_stop: int
    """One after the last sample whose result is kept."""


def tiles_along(length: int, body: int, halo: int, size: SizeRequirements) -> list[Tile]:
    """Cuts an axis into tiles whose middles cover it once.

    Args:
        length: samples along the axis.
        body: samples to keep from each tile, at least; rounded up to the stride.
        halo: margin that is fed and thrown away; rounded up to the stride.
        size: the network's requirements; `multiple_of` is the stride.
    """
    step = size.multiple_of
    body, halo = (-(-max(n, 1) // step) * step for n in (body, halo if halo else 1))
    if length <= body + halo:
        return [Tile(0, length, 0, length)]
    tiles = []
    for keep_start in range(0, length, body):
        keep_stop = min(keep_start + body, length)
        stop = min(keep_stop + halo + size.offset, length)
        tiles.append(Tile(max(0, keep_start - halo), stop, keep_start, keep_stop))
    return tiles


def pad_to_size(x: torch.Tensor, size: SizeRequirements) -> torch.Tensor:
    """Pads N x C x H x W at the bottom and right by reflection, as often as needed.

    A reflection about the last sample keeps a mosaic's phase; a side of one sample is repeated.
    """
    target = [size.padded(n) for n in x.shape[-2:]]
    while [*x.shape[-2:]] != target:
        height, width = x.shape[-2:]
        down, right = (min(t - n, n - 1) for t, n in zip(target, (height, width), strict=True))
        if (height == 1 and target[0] > 1) or (width == 1 and target[1] > 1):
            x = F.pad(x, (0, int(width == 1 and target[1] > 1), 0, int(height == 1 and target[0] > 1)), mode="replicate")
        else:
            x = F.pad(x, (0, right, 0, down), mode="reflect")
    return x


def bytes_per_sample(net: RestorationNet, channels: int) -> float:
    """Memory that the network's activations take, in bytes for each sample of one input plane.

    Counted on a small input as the sum of what all its layers give, which is more than is alive at any one time.
    """
    total = 0

    def count(_module: torch.nn.Module, _inputs: object, output: object) -> None:
        nonlocal total
        if isinstance(output, torch.Tensor):
            total += output.numel() * output.element_size()

    side = net.size.padded(max(64, net.size.minimum))
    leaves = [m for m in net.modules() if not list(m.children())]
    handles = [m.register_forward_hook(count) for m in leaves]
    try:
        with torch.inference_mode():
            net.decompose(torch.zeros(1, channels, side, side))
    finally:
        for handle in handles:
            handle.remove()
    return total / side**2


def grid(
    height: int, width: int, net: RestorationNet, channels: int, budget: int
) -> Iterator[tuple[Tile, Tile]]:
    """Tiles (rows, columns) for a picture within a memory budget in bytes; one tile where it fits or must not be cut."""
    halo = net.halo
    samples = budget / max(1.0, bytes_per_sample(net, channels)) if halo is not None else float("inf")
    if halo is None or samples >= height * width:
        yield Tile(0, height, 0, height), Tile(0, width, 0, width)
        return
    side = int(samples**0.5)
    body = max(side - 2 * halo, halo, 256)
    for rows in tiles_along(height, body, halo, net.size):
        for columns in tiles_along(width, body, halo, net.size):
            yield rows, columns


def run_tiled(
    run: Callable[[torch.Tensor], dict[str, torch.Tensor]],
    net: RestorationNet,
    planes: NDArray[np.float32],
    budget: int,
    progress: Callable[[float], None] = lambda done: None,
) -> Maps:
    """Runs a network over C x H x W planes within a memory budget.

    Args:
        run: 1 x C x h x w to named maps, for any legal size.
        net: says its size requirements and how far its receptive field reaches (`halo`).
        planes: the whole input.
        budget: bytes for activations.
        progress: called with the share done, after every tile.

    Returns:
        Every map as H' x W' x C' float32, cropped to the picture.
    """
    channels, height, width = planes.shape
    cells = list(grid(height, width, net, channels, budget))
    maps: Maps = {}
    for done, (rows, columns) in enumerate(cells, 1):
        part = np.array(planes[:, rows.start : rows.stop, columns.start : columns.stop], dtype=np.float32)
        padded = pad_to_size(torch.from_numpy(part)[None], net.size)
        for name, value in run(padded).items():
            scale = value.shape[-1] / padded.shape[-1]
            if name not in maps:
                shape = (max(1, round(height * scale)), max(1, round(width * scale)), value.shape[1])
                maps[name] = np.empty(shape, dtype=np.float32)
            y0, y1, x0, x1 = (
                round(n * scale) for n in (rows.keep_start, rows.keep_stop, columns.keep_start, columns.keep_stop)
            )
            y1, x1 = max(y1, y0 + 1), max(x1, x0 + 1)
            top, left = y0 - round(rows.start * scale), x0 - round(columns.start * scale)
            kept = value[0, :, top : top + y1 - y0, left : left + x1 - x0]
            maps[name][y0:y1, x0:x1] = kept.permute(1, 2, 0).float().cpu().numpy()
        progress(done / len(cells))
    return maps
