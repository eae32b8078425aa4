"""Bad pixels listed in a DNG (DNG specification 1.7, chapter 7: FixBadPixelsConstant, FixBadPixelsList)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.photo.values import FloatArray

_LINEARIZATION = 50712
_ENOUGH = 4
"""Number of neighbours to average; all neighbours at the last one's distance are included."""
_MOST_RECTANGLES = 4096
"""Rectangles of a list; each may cover the whole picture."""
_FARTHEST = 12
"""Largest distance of neighbours, in rows and columns."""


def marked(counts: NDArray[np.uint16], body: bytes, tags: Mapping[int, Any]) -> NDArray[np.bool_]:
    """H x W mask of the samples that equal the file's constant for bad pixels.

    Args:
        counts: H x W or H x W x 3 from LibRaw, after the linearization table, if there is one.
        body: of the opcode FixBadPixelsConstant.
        tags: of the directory of the file's raw picture.

    Raises:
        struct.error: the body is too short.
    """
    constant, _ = struct.unpack_from(">2I", body)
    table = np.ravel(tags.get(_LINEARIZATION, ()))
    if len(table):
        constant = int(table[min(constant, len(table) - 1)])
    found = np.equal(counts, constant).reshape(*counts.shape[:2], -1)
    return np.asarray(found.any(axis=2), dtype=bool)


def listed(shape: tuple[int, int], origin: tuple[int, int], body: bytes) -> NDArray[np.bool_]:
    """H x W mask of the points and rectangles of the opcode FixBadPixelsList.

    Args:
        shape: height and width of the picture.
        origin: row and column of the picture's first sample in the file's coordinates.
        body: of the opcode.

    Raises:
        struct.error, ValueError: the body is too short, or lists too many rectangles.
    """
    _, points, rectangles = struct.unpack_from(">3I", body)
    if rectangles > _MOST_RECTANGLES:
        raise ValueError("too many rectangles")
    bad = np.zeros(shape, dtype=bool)
    places = np.frombuffer(body, ">u4", 2 * points, 12).astype(np.int64).reshape(points, 2) - origin
    inside = places[((places >= 0) & (places < shape)).all(axis=1)]
    bad[inside[:, 0], inside[:, 1]] = True
    areas = np.frombuffer(body, ">u4", 4 * rectangles, 12 + 8 * points).astype(np.int64).reshape(rectangles, 4)
    for top, left, bottom, right in np.maximum(areas - [*origin, *origin], 0):
        bad[top:bottom, left:right] = True
    return bad


def mend(light: FloatArray, bad: NDArray[np.bool_], colors: NDArray[np.integer]) -> int:
    """Replaces bad pixels by the mean of the nearest good ones of their colour, in place.

    Args:
        light: H x W mosaic, or H x W x 3.
        bad: H x W.
        colors: h x w colour numbers, repeated over the mosaic; ignored for H x W x 3.

    Returns:
        Number of pixels mended; those without a good neighbour do not change.
    """
    height, width = bad.shape
    colors = colors if light.ndim == 2 else np.zeros((1, 1), dtype=np.uint8)
    y, x = np.nonzero(bad)
    sums = np.zeros((len(y), *light.shape[2:]), dtype=np.float64)
    found = np.zeros(len(y), dtype=np.int64)
    own = colors[y % colors.shape[0], x % colors.shape[1]]
    open_ = np.arange(len(y))
    for ring in _rings():
        for dy, dx in ring:
            row, column = y[open_] + dy, x[open_] + dx
            keep = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            places, row, column = open_[keep], row[keep], column[keep]
            good = ~bad[row, column] & (colors[row % colors.shape[0], column % colors.shape[1]] == own[places])
            sums[places[good]] += light[row[good], column[good]]
            found[places[good]] += 1
        open_ = open_[found[open_] < _ENOUGH]
        if not len(open_):
            break
    mended = found > 0
    means = sums[mended] / found[mended].reshape(-1, *[1] * (light.ndim - 2))
    light[y[mended], x[mended]] = means.astype(np.float32)
    return int(mended.sum())


def _rings() -> list[list[tuple[int, int]]]:
    """Offsets of neighbours, grouped by distance, the nearest first."""
    rings: dict[int, list[tuple[int, int]]] = {}
    for dy in range(-_FARTHEST, _FARTHEST + 1):
        for dx in range(-_FARTHEST, _FARTHEST + 1):
            rings.setdefault(dy * dy + dx * dx, []).append((dy, dx))
    return [rings[distance] for distance in sorted(rings) if 0 < distance <= _FARTHEST**2]
