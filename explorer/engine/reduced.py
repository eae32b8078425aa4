"""Runs methods that need the whole picture on pictures that do not fit into memory.

The method runs on a reduced picture. Its effect is modelled around every pixel by a line from input to output (the fast
guided filter: He and Sun, 2015, arXiv:1505.00996). The lines are enlarged and applied to the full picture in bands, so
that edges and grain come from the full picture, and brightness from the method.
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
"""Assumed memory per pixel, in bytes, of a method without weights that needs the whole picture. MSRCR needs most, about
150: it may exceed the budget by half, so that a picture of 12 megapixels is still computed at full size."""
_RADIUS = 2
"""Radius of the window, in samples of the reduced picture."""
_EPSILON = 1e-7
"""Variance below which a window counts as flat; small, for dark pictures."""
_BAND = 128


def reduction(net: RestorationNet | Traits, height: int, width: int, budget: int) -> int:
    """Returns the integer factor by which a picture must be reduced for a method; 1 if it fits or may be tiled."""
    if net.halo is not None or isinstance(net, Traits):
        return 1
    each = WHOLE_BYTES if next(net.parameters(), None) is None else bytes_per_sample(net, net.input_channels)
    return max(1, int(np.ceil((height * width * each / budget) ** 0.5)))


def reduced_note(factor: int) -> str:
    """Returns the note about the reduction for the user."""
    return say("error.reduced", factor=factor)


def _lines(source: NDArray[np.float32], target: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Returns slope and offset of the line from source to target around every sample of two planes."""
    from scipy.ndimage import uniform_filter

    def mean(plane: NDArray[np.floating]) -> NDArray[np.float64]:
        # In double precision, because a variance is the small difference of two means.
        return uniform_filter(plane.astype(np.float64, copy=False), 2 * _RADIUS + 1, mode="nearest")

    x, y = mean(source), mean(target)
    variance = mean(source.astype(np.float64) ** 2) - x * x
    covariance = mean(source.astype(np.float64) * target) - x * y
    slope = covariance / (variance + _EPSILON)
    return mean(slope).astype(np.float32), mean(y - slope * x).astype(np.float32)


def _places(length: int, factor: int, small: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Returns each sample's neighbours on the reduced axis, and the weight of the second."""
    source = np.clip((np.arange(length) + 0.5) / factor - 0.5, 0, small - 1)
    first = np.minimum(source.astype(np.intp), max(0, small - 2))
    return first, np.minimum(first + 1, small - 1), (source - first).astype(np.float32)


def run_reduced(
    run: Run, net: RestorationNet, planes: NDArray[np.float32], factor: int, names: Collection[str] | None = None
) -> Maps:
    """Runs a method on a picture reduced by `factor` and transfers its maps to the full size.

    Args:
        run, net, planes, names: as in `run_tiled`. Maps with one channel follow the mean of the planes, others the
            plane of the same index.

    Returns:
        Every wanted map as H x W x C float32.
    """
    import torch
    import torch.nn.functional as F

    _, height, width = planes.shape
    small = F.avg_pool2d(torch.from_numpy(planes)[None], factor, ceil_mode=True, count_include_pad=False)[0].numpy()
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
        planes, small = planes[:-1], small[:-1]  # the ratio is not part of the picture
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
    """Returns a band of a plane's bilinear enlargement."""
    above, below, down = (each[band] for each in rows)
    lines = plane[above] + down[:, None] * (plane[below] - plane[above])
    left, right, across = columns
    return lines[:, left] + across * (lines[:, right] - lines[:, left])
