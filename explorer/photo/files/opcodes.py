"""Corrections that a DNG requires before other processing (opcode lists; DNG specification 1.7, chapter 7).

A phone's lens loses three quarters of the light in its corners, and with another tint than in the middle; the file
contains the gains that undo this. At a hundredfold amplification, the falloff would dominate the picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.messages import say
from explorer.photo.files.bad_pixels import listed, marked, mend
from explorer.photo.files.dng_tags import COMPRESSION, LOSSY_JPEG
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.values import FloatArray

_LISTS = (51008, 51009, 51022)
"""OpcodeList1 (on the stored counts), OpcodeList2 (on the linear mosaic), OpcodeList3 (after demosaicking)."""
WARPS = (1, 2, 14)
"""WarpRectilinear, WarpFisheye, WarpRectilinear2: valid for a picture of any size."""
_VIGNETTE, _BAD_CONSTANT, _BAD_LIST, _MAP_POLYNOMIAL, _GAIN_MAP = 3, 4, 5, 8, 9
_APPLIED_HERE = (_VIGNETTE, _BAD_LIST, _GAIN_MAP)
_NAMES = {
    4: "FixBadPixelsConstant", 6: "TrimBounds", 7: "MapTable", 8: "MapPolynomial",
    10: "DeltaPerRow", 11: "DeltaPerColumn", 12: "ScalePerRow", 13: "ScalePerColumn",
}  # fmt: skip
_MOST_OPCODES = 64
_LARGEST_GAIN = 100.0

_WARP = say("note.distortion_left")
_DAMAGED = say("note.corrections_damaged")


class _UnusableError(Exception):
    """An opcode with implausible contents."""


def _opcodes(data: bytes) -> Iterator[tuple[int, bytes]]:
    (count,) = struct.unpack_from(">I", data)
    if count > _MOST_OPCODES:
        raise _UnusableError
    place = 4
    for _ in range(count):
        number, _, _, size = struct.unpack_from(">4I", data, place)
        place += 16
        if place + size > len(data):
            raise _UnusableError
        yield number, data[place : place + size]
        place += size


def apply_opcodes(
    light: FloatArray,
    colors: NDArray[np.integer],
    tags: Mapping[int, Any],
    counts: NDArray[np.uint16],
    origin: tuple[int, int],
) -> list[str]:
    """Applies the bad pixels, gain maps and radial gains of a DNG in place; never raises for a file's contents.

    Args:
        light: H x W mosaic or H x W x 3 linear light of the active area.
        colors: h x w indices into RGB, repeated over a mosaic; ignored for an H x W x 3 picture.
        tags: of the directory of the file's raw picture.
        counts: stored counts of the active area, on which the first list is defined.
        origin: row and column of the active area on the sensor; the first list counts from the sensor's corner.

    Returns:
        Sentences for the user about applied and unapplied corrections.
    """
    notes: list[str] = []
    applied: list[str] = []
    mended = 0
    for number in _LISTS:
        data = tags.get(number)
        if not isinstance(data, bytes) or not data:
            continue
        stored = number == _LISTS[0]
        try:
            for opcode, body in list(_opcodes(data)):
                if opcode == _GAIN_MAP:
                    _gain_map(light, colors, body, per_color=number == _LISTS[2])
                    applied.append("gain maps")
                elif opcode == _VIGNETTE:
                    _radial_gain(light, body)
                    applied.append("radial gains")
                elif opcode == _BAD_LIST:
                    bad = listed((light.shape[0], light.shape[1]), origin if stored else (0, 0), body)
                    mended += mend(light, bad, colors)
                elif opcode == _BAD_CONSTANT and stored:
                    mended += mend(light, marked(counts, body, tags), colors)
                elif opcode == _MAP_POLYNOMIAL and number == _LISTS[1] and tags.get(COMPRESSION) == LOSSY_JPEG:
                    pass  # LibRaw applies the curve of 8-bit samples as it decodes them
                else:
                    left = say("note.step_left", name=_NAMES.get(opcode, f"{opcode}"))
                    notes.append(_WARP if opcode in WARPS else left)
        except (_UnusableError, struct.error, ValueError):
            notes.append(_DAMAGED)
    notes[:0] = [say("note.bad_pixels", count=mended)] if mended else []
    if applied:
        notes.insert(0, say("note.shading_applied", what=" and ".join(dict.fromkeys(applied))))
    return list(dict.fromkeys(notes))


def _neighbours(places: NDArray[np.float64], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """Map points before and after each position, in steps of the map, and the weight of the second."""
    clipped = np.clip(places, 0, count - 1)
    first = np.minimum(clipped.astype(np.intp), max(0, count - 2))
    return first, np.minimum(first + 1, count - 1), (clipped - first).astype(np.float32)


def _gain_map(light: FloatArray, colors: NDArray[np.integer], body: bytes, per_color: bool) -> None:
    """Reads GainMap: gains on a grid over the active area, bilinear between its points, for every `pitch`-th row and
    column of a rectangle.

    Raises:
        _UnusableError, struct.error: the body is too short, or contains invalid gains.
    """
    top, left, bottom, right, plane, planes, row_pitch, column_pitch, points_v, points_h = struct.unpack_from(
        ">10I", body
    )
    spacing_v, spacing_h, origin_v, origin_h = struct.unpack_from(">4d", body, 40)
    (map_planes,) = struct.unpack_from(">I", body, 72)
    count = points_v * points_h * map_planes
    steps = np.array([spacing_v, spacing_h, origin_v, origin_h])
    if not (0 < count <= (len(body) - 76) // 4 and row_pitch and column_pitch and np.isfinite(steps).all()):
        raise _UnusableError
    if (points_v > 1 and spacing_v <= 0) or (points_h > 1 and spacing_h <= 0):
        raise _UnusableError
    gains = np.frombuffer(body, ">f4", count, 76).reshape(points_v, points_h, map_planes).astype(np.float32)
    if not (np.isfinite(gains).all() and (gains >= 0).all() and gains.max() <= _LARGEST_GAIN):
        raise _UnusableError
    height, width = light.shape[:2]
    rows = np.arange(top, min(bottom, height), row_pitch)
    columns = np.arange(left, min(right, width), column_pitch)
    if not (len(rows) and len(columns)):
        return
    v = _neighbours(((rows + 0.5) / height - origin_v) / (spacing_v or 1), points_v)
    h = _neighbours(((columns + 0.5) / width - origin_h) / (spacing_h or 1), points_h)
    one = light.ndim == 2 and not per_color
    wanted = [0] if one else list(range(plane, min(plane + planes, 3)))
    target = light[top : min(bottom, height) : row_pitch, left : min(right, width) : column_pitch]

    def work(first: int, stop: int) -> None:
        for index in wanted:
            grid = gains[..., min(index, map_planes - 1)]
            weight = v[2][first:stop, None]
            lines = grid[v[0][first:stop]] * (1 - weight) + grid[v[1][first:stop]] * weight
            gain = lines[:, h[0]] * (1 - h[2]) + lines[:, h[1]] * h[2]
            if light.ndim == 3:
                target[first:stop, :, index] *= gain
            elif one:
                target[first:stop] *= gain
            else:
                own = colors[np.ix_(rows[first:stop] % colors.shape[0], columns % colors.shape[1])] == index
                np.multiply(target[first:stop], gain, out=target[first:stop], where=own)

    in_bands(len(rows), rows_of_band(len(columns), 1), work)


def _radial_gain(light: FloatArray, body: bytes) -> None:
    """Reads FixVignetteRadial: 1 + k0 r^2 + k1 r^4 + ... + k4 r^10, with r = 1 in the corner farthest from the centre.

    Raises:
        _UnusableError, struct.error: the body is too short, or contains invalid numbers.
    """
    *k, center_x, center_y = struct.unpack_from(">7d", body)
    if not np.isfinite([*k, center_x, center_y]).all() or not (0 <= center_x <= 1 and 0 <= center_y <= 1):
        raise _UnusableError
    height, width = light.shape[:2]
    y = (np.arange(height) + 0.5 - center_y * height) ** 2
    x = (np.arange(width) + 0.5 - center_x * width) ** 2
    farthest = (max(center_y, 1 - center_y) * height) ** 2 + (max(center_x, 1 - center_x) * width) ** 2
    grid = np.linspace(0, 1, 256)
    curve = 1 + sum(each * grid ** (power + 1) for power, each in enumerate(k))
    if not (np.isfinite(curve).all() and (curve > 0).all() and curve.max() <= _LARGEST_GAIN):
        raise _UnusableError

    def work(first: int, stop: int) -> None:
        square = ((y[first:stop, None] + x) / farthest).astype(np.float32)
        gain = np.full_like(square, k[4])
        for each in (*k[3::-1], 1.0):
            gain = gain * square + np.float32(each)
        light[first:stop] *= gain if light.ndim == 2 else gain[..., None]

    in_bands(height, rows_of_band(width, 1), work)


def still_to_do(data: Any, only: tuple[int, ...] = ()) -> bytes:
    """Removes the opcodes that `apply_opcodes` applies from an opcode list; empty if none is left or it is damaged.

    Args:
        data: the value of a tag.
        only: keep only these.
    """
    if not isinstance(data, bytes):
        return b""
    try:
        kept, place = [], 4
        for number, body in _opcodes(data):
            whole = data[place : place + 16 + len(body)]
            place += len(whole)
            if number not in _APPLIED_HERE and (not only or number in only):
                kept.append(whole)
    except (_UnusableError, struct.error):
        return b""
    return struct.pack(">I", len(kept)) + b"".join(kept) if kept else b""
