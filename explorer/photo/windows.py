"""Windows of a photo: parts that are developed, or given to a network, with the same result as in the whole photo."""

from __future__ import annotations

from dataclasses import replace

from explorer.photo.light.amplify import amplify
from explorer.photo.light.develop import develop, upright
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in the upright photo, in pixels."""
Run = tuple[int, int]
"""The first row or column, and one after the last."""

DEMOSAIC_REACH = 12
"""Pixels around a window that demosaicking reaches, and some more."""
_TILE = 6
"""Side of whole cells of either colour-filter array, in pixels."""


def on_sensor(photo: Photo, box: Box) -> tuple[Run, Run]:
    """Returns rows and columns of a window in sensor orientation, without the mosaic's inset."""
    left, top, right, bottom = box
    if isinstance(photo, RgbPhoto):
        return (top, bottom), (left, right)
    height, width = photo.sensor_size
    rows, columns = {
        0: ((top, bottom), (left, right)),
        90: ((left, right), (width - bottom, width - top)),
        180: ((height - bottom, height - top), (width - right, width - left)),
        270: ((height - right, height - left), (top, bottom)),
    }[photo.rotation]
    return rows, _mirrored(photo, columns)


def upright_box(photo: Photo, rows: Run, columns: Run) -> Box:
    """Returns the window for rows and columns of the sensor: the inverse of `on_sensor`."""
    if isinstance(photo, RgbPhoto):
        return columns[0], rows[0], columns[1], rows[1]
    height, width = photo.sensor_size
    (top, bottom), (left, right) = rows, _mirrored(photo, columns)
    return {
        0: (left, top, right, bottom),
        90: (top, width - right, bottom, width - left),
        180: (width - right, height - bottom, width - left, height - top),
        270: (height - bottom, left, height - top, right),
    }[photo.rotation]


def _mirrored(photo: RawPhoto, columns: Run) -> Run:
    width = photo.sensor_size[1]
    return (width - columns[1], width - columns[0]) if photo.mirrored else columns


def part_of(photo: Photo, rows: Run, columns: Run) -> Photo:
    """Cuts rows and columns out of a photo as a new photo; a mosaic's cells are completed by adjacent pixels."""
    if isinstance(photo, RgbPhoto):
        return replace(photo, image=photo.image[slice(*rows), slice(*columns)], as_opened=None)
    cut, before, after = [], [], []
    for run, inset, length in zip((rows, columns), photo.inset[:2], photo.mosaic.shape, strict=False):
        start, stop = run[0] + inset, run[1] + inset
        first, last = start // _TILE * _TILE, min(length, -(-stop // _TILE) * _TILE)
        cut.append(slice(first, last))
        before.append(start - first)
        after.append(last - stop)
    return replace(photo, mosaic=photo.mosaic[tuple(cut)].copy(), inset=(*before, *after))


def rendering_of(photo: Photo, box: Box, ratio: float = 1.0) -> FloatArray:
    """Returns a window of the developed photo; at ratio 1, the same as in `load_rendering`.

    Args:
        ratio: the amplification, 1 to 300.
    """
    left, top, right, bottom = box
    if isinstance(photo, RgbPhoto):
        return amplify(photo.image[top:bottom, left:right], ratio)
    runs = on_sensor(photo, box)
    wide = [
        (max(0, run[0] - DEMOSAIC_REACH), min(length, run[1] + DEMOSAIC_REACH))
        for run, length in zip(runs, photo.sensor_size, strict=True)
    ]
    part = part_of(photo, wide[0], wide[1])
    assert isinstance(part, RawPhoto)
    (first_row, _), (first_column, _) = wide
    (top, bottom), (left, right) = runs
    inside = develop(part, ratio)[top - first_row : bottom - first_row, left - first_column : right - first_column]
    return upright(inside, photo.rotation, photo.mirrored)
