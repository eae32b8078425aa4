"""Runs a network over a picture in overlapping tiles, with bounded memory and without visible seams.

Tiles include a margin as wide as the reach of the network's receptive field, and only their middle is kept, so that the
result is that of the whole picture, up to rounding. Tiles begin at multiples of the network's stride, so that poolings
and space-to-depth use the same samples as in the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer import steps
from explorer.engine.memory import bytes_per_sample
from explorer.models import SizeRequirements
from explorer.models.traits import TilePosition

if TYPE_CHECKING:
    import torch

    from explorer.models import RestorationNet
    from explorer.models.traits import Traits

Maps = dict[str, NDArray[np.float32]]
Region = Callable[[int, int, int, int], NDArray[np.float32]]
"""Maps top, bottom, left and right to that part of the planes, which may extend beyond the picture."""
Run = Callable[..., "dict[str, torch.Tensor]"]
"""Maps 1 x C x h x w, and a tile's `TilePosition` for networks that need it, to named maps."""

_SMALLEST_BODY = 256
"""Smallest side of a tile's kept middle, in samples; smaller tiles would spend their time on margins."""
_WORTH = 1.04
"""Largest ratio of samples fed with smaller tiles to the minimum."""
_SMALL = 256 << 20
"""Bytes of a tile's activations below which smaller tiles are not worthwhile."""
_MOST_TILES = 48
"""Start and stop along one axis."""


@dataclass(frozen=True)
class Tile:
    """One tile along one axis, in samples of the network's input."""

    start: int
    """First input sample."""
    stop: int
    """One after the last input sample."""
    keep_start: int
    """First sample whose result is kept."""
    keep_stop: int
    """One after the last sample whose result is kept."""


def _rounded_up(length: int, step: int) -> int:
    return -(-length // step) * step


def tiles_along(length: int, count: int, halo: int, size: SizeRequirements) -> list[Tile]:
    """Cuts an axis into tiles with the same number of input samples, whose middles cover it once.

    With one length for all, a backend only needs to compile a single shape. This costs nothing: the outer tiles, which
    need a margin on only one side, keep more.

    Args:
        length: samples along the axis, an allowed size of the network.
        count: largest number of tiles; fewer if the margins leave no room for them.
        halo: margin that is computed and discarded; rounded up to the stride.
        size: the network's requirements; `multiple_of` is the stride.
    """
    step = size.multiple_of
    halo = _rounded_up(halo, step)
    fed = size.padded(-(-(length + 2 * halo * (count - 1)) // count))
    gap = 0
    while fed < length:
        gap = _rounded_up(-(-(length - fed) // (count - 1)), step)
        if fed - gap >= 2 * halo + size.offset:
            break
        fed += step
    if fed >= length:
        return [Tile(0, length, 0, length)]
    starts = sorted({min(n * gap, length - fed) for n in range(count)})
    bounds = [0, *(start + halo for start in starts[1:]), length]
    return [
        Tile(start, start + fed, *kept)
        for start, kept in zip(starts, zip(bounds[:-1], bounds[1:], strict=True), strict=True)
    ]


def pad_to_size(x: torch.Tensor, size: SizeRequirements) -> torch.Tensor:
    """Pads N x C x H x W at the bottom and right by repeated reflection.

    Reflection about the last sample preserves a mosaic's phase; a side of one sample is repeated.
    """
    import torch.nn.functional as F

    target = [size.padded(n) for n in x.shape[-2:]]
    while [*x.shape[-2:]] != target:
        height, width = x.shape[-2:]
        down, right = (min(t - n, n - 1) for t, n in zip(target, (height, width), strict=True))
        if (height == 1 and target[0] > 1) or (width == 1 and target[1] > 1):
            one_right, one_down = int(width == 1 and target[1] > 1), int(height == 1 and target[0] > 1)
            x = F.pad(x, (0, one_right, 0, one_down), mode="replicate")
        else:
            x = F.pad(x, (0, right, 0, down), mode="reflect")
    return x


def cut(
    height: int, width: int, size: SizeRequirements, halo: int, samples: float, small: float = 0.0
) -> tuple[list[Tile], list[Tile]]:
    """Returns tiles along rows and columns that fit, with few input samples in total.

    Chooses the smallest tiles that need hardly more samples than the optimum: networks with a narrow margin lose
    nothing with small tiles (Zero-DCE is as fast with three as with one), and leave memory to others.

    Args:
        height, width: of the picture, allowed sizes of the network.
        halo: margin in samples.
        samples: largest number of samples of a plane per tile. If even the smallest sensible tiles have more, they are
            used.
        small: tiles with this number of samples are small enough.
    """
    smallest = max(_SMALLEST_BODY, halo)

    def choices(length: int) -> list[tuple[int, int, list[Tile]]]:
        most = min(_MOST_TILES, -(-length // smallest))
        cuts = [tiles_along(length, count, halo, size) for count in range(1, most + 1)]
        return [(c[0].stop, sum(t.stop - t.start for t in c), c) for c in cuts]

    ways = [
        (tallest * widest, tall * wide, r, c)
        for tallest, tall, r in choices(height)
        for widest, wide, c in choices(width)
    ]
    fitting = [way for way in ways if way[0] <= samples] or [min(ways, key=lambda way: way[:2])]
    fewest = min(fed for _, fed, _, _ in fitting)
    thrifty = [way for way in fitting if way[1] <= _WORTH * fewest]
    _, _, rows, columns = min(thrifty, key=lambda way: (max(way[0], small), way[1]))
    return rows, columns


def grid(
    height: int, width: int, net: RestorationNet | Traits, channels: int, budget: int, margin: int = 0
) -> list[tuple[Tile, Tile]]:
    """Returns tiles (rows, columns) for a picture within a budget in bytes; one tile if it must not be cut, or if it
    fits and smaller ones would cost time.

    Positions count from the outer end of the margin; tiles extend to the next allowed size of the network.
    """
    margin = _rounded_up(margin, net.size.multiple_of)
    height, width = net.size.padded(height + 2 * margin), net.size.padded(width + 2 * margin)
    whole = [(Tile(0, height, 0, height), Tile(0, width, 0, width))]
    if net.halo is None:
        return whole
    each = bytes_per_sample(net, channels)
    if height * width <= (budget if net.needs_tile_position else min(budget, _SMALL)) / each:
        return whole
    rows, columns = cut(height, width, net.size, net.halo, budget / each, _SMALL / each)
    return [(r, c) for r in rows for c in columns]


def reflected_region(planes: NDArray[np.float32]) -> Region:
    """Returns a `Region` of planes whose samples are pixels, reflected about the last sample beyond the borders."""
    _, height, width = planes.shape

    def region(top: int, bottom: int, left: int, right: int) -> NDArray[np.float32]:
        beyond = (0, 0), (max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width))
        part = planes[:, max(0, top) : bottom, max(0, left) : right]
        # numpy reflects repeatedly for a margin wider than the picture, and preserves a mosaic's phase.
        return np.pad(part, beyond, mode="reflect") if any(map(any, beyond)) else part

    return region


def _fed(region: Region, rows: Tile, columns: Tile, margin: int) -> NDArray[np.float32]:
    """Returns the input of a tile, 1 x C x h x w."""
    part = region(rows.start - margin, rows.stop - margin, columns.start - margin, columns.stop - margin)
    # Torch requires a writable array, although nothing writes to it.
    return np.require(part, np.float32, ["C", "W"])[None]


def _through_torch(run: Run) -> Callable[..., Maps]:
    """Wraps a run on tensors as one on arrays."""
    import torch

    def run_array(x: NDArray[np.float32], *place: TilePosition) -> Maps:
        return {name: each.detach().float().numpy() for name, each in run(torch.from_numpy(x), *place).items()}

    return run_array


def tables_of(net: RestorationNet | Traits) -> set[str]:
    """Names of a network's intermediates that are tables for the whole picture instead of maps."""
    return (
        {each.name for each in net.architecture.intermediates if each.table} if hasattr(net, "architecture") else set()
    )


def run_tiled(
    run: Run,
    net: RestorationNet | Traits,
    planes: NDArray[np.float32],
    budget: int,
    progress: Callable[[float], None] = lambda done: None,
    names: Collection[str] | None = None,
    margin: int = 0,
    region: Region | None = None,
    run_array: Callable[..., Maps] | None = None,
    within: TilePosition | None = None,
) -> Maps:
    """Runs a network over C x H x W planes within a memory budget.

    Args:
        run: maps 1 x C x h x w to named maps, for any allowed size; see `Run`.
        net: gives the size requirements and the reach of the receptive field (`halo`).
        planes: the whole input.
        budget: bytes for activations.
        progress: called after every tile with the share done.
        names: the wanted maps; None for all.
        margin: samples by which the picture is first extended by reflection at all four borders, rounded up to the
            network's stride; see `InputConvention.margin`.
        region: returns parts of `planes`, including what lies beyond the borders; by default, the reflection.
        run_array: the same as `run` on arrays; used instead if given, so that torch is not needed.
        within: position of the planes in those of a larger picture, whose size includes margin and padding.

    Returns:
        Every wanted map as H' x W' x C' float32, cropped to the picture; tables unchanged.
    """
    run_array = run_array or _through_torch(run)
    channels, height, width = planes.shape
    region = region or reflected_region(planes)
    cells = grid(height, width, net, channels, budget, margin)
    margin = _rounded_up(margin, net.size.multiple_of)
    top, left, *whole = within or (0, 0, cells[-1][0].stop, cells[-1][1].stop)
    maps: Maps = {}
    tables, placed = tables_of(net), net.needs_tile_position and (within or len(cells) > 1)
    for done, (rows, columns) in enumerate(cells, 1):
        fed = _fed(region, rows, columns, margin)
        told = _place(rows, columns, whole, (top, left)) if placed else ()
        with steps.part((done - 1) / len(cells), done / len(cells), progress):
            results = run_array(fed, *told)
        for name in [n for n in results if names is None or n in names]:
            value = results.pop(name)
            scale = value.shape[-1] / fed.shape[-1]
            y0, y1, above = _kept(rows, height, margin, scale)
            x0, x1, before = _kept(columns, width, margin, scale)
            if len(cells) == 1:
                part, all_of_it = (above, above + y1, before, before + x1), (0, value.shape[2], 0, value.shape[3])
                maps[name] = _cropped(value[0], *(all_of_it if name in tables else part))
                continue
            if name not in maps:
                sides = (max(1, round(side * scale)) for side in (height, width))
                maps[name] = np.empty((*sides, value.shape[1]), dtype=np.float32)
            kept = value[0, :, above : above + y1 - y0, before : before + x1 - x0]
            maps[name][y0:y1, x0:x1] = kept.transpose(1, 2, 0)
        del results, fed
        progress(done / len(cells))
    return maps


def _place(rows: Tile, columns: Tile, whole: Sequence[int], corner: tuple[int, int]) -> list[TilePosition]:
    """Returns a tile's position, as passed to networks."""
    return [TilePosition(corner[0] + rows.start, corner[1] + columns.start, *whole)]


def _cropped(value: NDArray[np.float32], top: int, bottom: int, left: int, right: int) -> NDArray[np.float32]:
    """Returns a part of a C x H x W map as contiguous h x w x C, reusing the map's memory if its channels come last."""
    whole = value.transpose(1, 2, 0)
    kept = whole[top:bottom, left:right]
    if not whole.flags.c_contiguous or kept.flags.c_contiguous:
        return np.ascontiguousarray(kept)
    height, width, channels = kept.shape
    samples = whole.reshape(-1)
    for row in range(height):  # moves it to its position, which is never after the current one
        samples[row * width * channels : (row + 1) * width * channels] = kept[row].reshape(-1)
    return samples[: height * width * channels].reshape(kept.shape)


def _kept(tile: Tile, length: int, margin: int, scale: float) -> tuple[int, int, int]:
    """Returns the position of a tile's result along an axis of the whole map (first sample, one after the last), and
    the index of the first sample in the tile's map."""
    start, stop = (min(max(n - margin, 0), length) for n in (tile.keep_start, tile.keep_stop))
    first, end = round(start * scale), round(stop * scale)
    return first, max(end, first + 1), first - round((tile.start - margin) * scale)
