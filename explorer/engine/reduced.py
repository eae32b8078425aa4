"""Methods that need the whole picture, on pictures larger than memory allows.

The method runs on a reduced picture. What it did there is described around every pixel by a line from input to output
(the fast guided filter: He and Sun, 2015, arXiv:1505.00996), and these lines, enlarged, are applied to the full picture
in bands. So edges and grain are the full picture's, and the brightness is the method's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer import steps
from explorer.engine.memory import bytes_per_sample
from explorer.engine.tiles import Maps, Run, pad_to_size, tables_of
from explorer.messages import say
from explorer.models.traits import Traits

if TYPE_CHECKING:
    from explorer.models import RestorationNet

WHOLE_BYTES = 106
"""What a method without weights that takes the picture whole is taken to need for each pixel, in bytes. The
hungriest, MSRCR, needs about 150: it may have half more than the budget, so that a picture of 12 megapixels is still
computed as it is."""
_RADIUS = 2
"""Radius of the window, in samples of the reduced picture."""
_EPSILON = 1e-7
"""Variance below which a window counts as flat; dark pictures need little."""
_BAND = 128


def reduction(net: RestorationNet | Traits, height: int, width: int, budget: int) -> int:
    """By which integer a picture must be reduced for a method that takes it whole; 1 where it fits or may be cut."""
    if net.halo is not None or isinstance(net, Traits):
        return 1
    each = WHOLE_BYTES if next(net.parameters(), None) is None else bytes_per_sample(net, net.input_channels)
    return max(1, int(np.ceil((height * width * each / budget) ** 0.5)))


def reduced_note(factor: int) -> str:
    """The sentence that says so to the user."""
    return say("error.reduced", factor=factor)


def _means(planes: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """C x H x W averaged over squares; the last ones may be cut off."""
    channels, height, width = planes.shape
    rows, columns = (np.arange(0, n, factor) for n in (height, width))
    small = np.empty((channels, len(rows), len(columns)), dtype=np.float32)
    counts = np.minimum(rows + factor, height) - rows, np.minimum(columns + factor, width) - columns
    for plane, out in zip(planes, small, strict=True):
        for first in range(0, len(rows), _BAND):
            band = plane[first * factor : (first + _BAND) * factor]
            sums = np.add.reduceat(band, np.arange(0, len(band), factor), axis=0)
            out[first : first + _BAND] = np.add.reduceat(sums, columns, axis=1)
        out /= counts[0][:, None].astype(np.float32) * counts[1].astype(np.float32)
    return small


def _lines(source: NDArray[np.float32], target: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Slope and offset of the line from source to target around every sample of two planes."""
    from scipy.ndimage import uniform_filter

    def mean(plane: NDArray[np.floating]) -> NDArray[np.float64]:
        # In double precision: a variance is the small difference of two means.
        return uniform_filter(plane.astype(np.float64, copy=False), 2 * _RADIUS + 1, mode="nearest")

    x, y = mean(source), mean(target)
    variance = mean(source.astype(np.float64) ** 2) - x * x
    covariance = mean(source.astype(np.float64) * target) - x * y
    slope = covariance / (variance + _EPSILON)
    return mean(slope).astype(np.float32), mean(y - slope * x).astype(np.float32)


def _places(length: int, factor: int, small: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Neighbours on the reduced axis of each sample, and the second one's weight."""
    source = np.clip((np.arange(length) + 0.5) / factor - 0.5, 0, small - 1)
    first = np.minimum(source.astype(np.intp), max(0, small - 2))
    return first, np.minimum(first + 1, small - 1), (source - first).astype(np.float32)


def run_reduced(
    run: Run, net: RestorationNet, planes: NDArray[np.float32], factor: int, names: Collection[str] | None = None
) -> Maps:
    """Runs a method on a picture reduced by `factor` and carries its maps to the full size.

    Args:
        run, net, planes, names: as in `run_tiled`. Maps of one channel follow the mean of the planes, others the plane
            of their own number.

    Returns:
        Every wanted map as H x W x C float32.
    """
    import torch

    _, height, width = planes.shape
    small = _means(planes, factor)
    tables = tables_of(net)
    with steps.part(0, 0.7):
        given = run(pad_to_size(torch.from_numpy(small)[None], net.size))
    results = {
        name: value[0, :, : small.shape[1], : small.shape[2]].float().cpu().numpy()
        for name, value in given.items()
        if names is None or name in names
    }
    del given
    if net.takes_ratio:
        planes, small = planes[:-1], small[:-1]  # the ratio is no part of the picture
    rows, columns = (_places(n, factor, s) for n, s in zip((height, width), small.shape[1:], strict=True))
    maps: Maps = {}
    for name in list(results):
        target = results.pop(name)
        if name in tables:
            maps[name] = np.moveaxis(target, 0, 2)
            continue
        full = maps[name] = np.empty((height, width, len(target)), dtype=np.float32)
        for index, plane in enumerate(target):
            steps.step(0.7 + 0.3 * index / len(target))
            own = len(target) == len(planes)
            slope, offset = _lines(small[index] if own else small.mean(0), plane)
            low, high = plane.min(), plane.max()
            for first in range(0, height, _BAND):
                band = slice(first, first + _BAND)
                source = planes[index, band] if own else planes[:, band].mean(0)
                enlarged = _enlarged(slope, rows, columns, band) * source
                enlarged += _enlarged(offset, rows, columns, band)
                np.clip(enlarged, low, high, out=full[band, :, index])
    return maps


def _enlarged(
    plane: NDArray[np.float32], rows: tuple[NDArray, ...], columns: tuple[NDArray, ...], band: slice
) -> NDArray[np.float32]:
    """A band of a plane's bilinear enlargement."""
    above, below, down = (each[band] for each in rows)
    lines = plane[above] + down[:, None] * (plane[below] - plane[above])
    left, right, across = columns
    return lines[:, left] + across * (lines[:, right] - lines[:, left])
