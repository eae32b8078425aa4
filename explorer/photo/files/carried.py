"""A photo's metadata for development, as it is copied into a DNG made from the photo.

A block is one TIFF directory (`explorer.photo.files.directories`), because every value in it becomes a tag again:
colour matrices and profile, the crop, lens corrections that are still to be applied, and the camera's own name.
"""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from explorer.photo.files.directories import ASCII, BYTE, LONG, RATIONAL, SHORT, SIZES, SRATIONAL, Entries, directory
from explorer.photo.files.dng_tags import DNG_VERSION, raw_tags
from explorer.photo.files.opcodes import WARPS, still_to_do
from explorer.photo.light.cameras import usable_xyz_to_camera

COLOR_MATRICES = (50721, 50722, 52531)
ILLUMINANTS = (50778, 50779, 52529)
D65 = 21
"""EXIF LightSource code."""
BASELINE_EXPOSURE, CAMERA_MODEL, AREA = 50730, 50708, 50829
SCALE, CROP_ORIGIN, CROP_SIZE, OPCODES = 50718, 50719, 50720, 51022
_NINE = frozenset({*COLOR_MATRICES, 50723, 50724, 52530, 50964, 50965, 52532})
"""Colour matrices, calibrations and forward matrices: 3x3 for cameras of three colours."""
PROFILE = frozenset({
    *_NINE, *ILLUMINANTS, 50727, 50931, 50932, *range(50936, 50943), 50981, 50982, 51107, 51108, 51109, 51110,
    52533, 52534, 52535, 52537,
})  # fmt: skip
"""Also the analog balance, signatures, and the profile's name, hue and tone tables and description."""
_OTHERS = frozenset({BASELINE_EXPOSURE, CAMERA_MODEL, 50736})
"""And the lens."""
DENOISED = 65000
"""In a block only: the file says that it was denoised, by this program or by darktable."""
_XMP, _MARKS = 700, (b"<lowlight:denoised>True<", b"<darktable:neural_restore>", b"darktable:neural_restore=")
_MOST_BYTES = 4 << 20


def block_of(
    source: bytes | Path, xyz_to_camera: ArrayLike, camera: str | None, size: tuple[int, int], aspect: float = 1.0
) -> bytes:
    """Builds the block of a photo that is being read.

    Args:
        source: the file's content or its path.
        xyz_to_camera: LibRaw's matrix for the camera, used if the file, not a DNG, states none.
        camera: its name.
        size: height and width of the picture.
        aspect: width of a pixel, 1 for its height.
    """
    found = _profile_of(source)
    tags = raw_tags(source)
    if not tags and usable_xyz_to_camera(xyz_to_camera):
        matrix = np.asarray(xyz_to_camera, dtype=np.float64)
        found |= {COLOR_MATRICES[0]: (SRATIONAL, matrix), ILLUMINANTS[0]: (SHORT, D65)}
    if CAMERA_MODEL not in found and camera:
        found[CAMERA_MODEL] = ASCII, camera
    if (values := _crop(tags.get(CROP_ORIGIN), tags.get(CROP_SIZE), size)) is not None:
        found |= {CROP_ORIGIN: (RATIONAL, values[:2]), CROP_SIZE: (RATIONAL, values[2:])}
    if left := still_to_do(tags.get(OPCODES)):
        found[OPCODES] = 7, left
    if not math.isclose(aspect, 1.0, abs_tol=0.01):
        found[SCALE] = RATIONAL, (max(aspect, 1.0), max(1 / aspect, 1.0))
    found[AREA] = LONG, (0, 0, *size)
    return directory(found, 0)


def _profile_of(source: bytes | Path) -> dict[int, tuple[int, Any]]:
    """Tags of a DNG's first directory that can be written again; empty for other files."""
    import tifffile

    found: dict[int, tuple[int, Any]] = {}
    try:
        with tifffile.TiffFile(io.BytesIO(source) if isinstance(source, bytes) else source) as tiff:
            tags = tiff.pages.first.tags
            if DNG_VERSION not in tags:
                return {}
            for tag in tags.values():
                kind = int(tag.dtype)
                if tag.code == _XMP and any(mark in bytes(tag.value) for mark in _MARKS):
                    found[DENOISED] = BYTE, 1
                if tag.code not in PROFILE | _OTHERS or (tag.code in _NINE and tag.count != 9):
                    continue
                if kind not in SIZES or tag.count * SIZES[kind] > _MOST_BYTES:
                    continue
                value = tag.value
                if tag.dtype in (RATIONAL, SRATIONAL):
                    value = [above / below if below else 0.0 for above, below in zip(value[::2], value[1::2])]  # noqa: B905
                directory({tag.code: (kind, value)}, 0)
                found[tag.code] = kind, value
    except Exception:  # tifffile raises many kinds of errors on damaged structures; tags read before are kept
        pass
    return found


def _crop(origin: Any, extent: Any, size: tuple[int, int]) -> tuple[float, ...] | None:
    """Left, top, width and height of a crop inside the picture."""
    try:
        left, top, width, height = (float(each) for pair in (origin, extent) for each in np.ravel(pair))
    except (TypeError, ValueError):
        return None
    fits = left >= 0 and top >= 0 and left + width <= size[1] and top + height <= size[0]
    return (left, top, width, height) if fits and width >= 1 and height >= 1 else None


def entries_of(block: bytes | None, size: tuple[int, int]) -> dict[int, tuple[int, Any]]:
    """Returns a block's tags for a picture of a size; without tags that hold positions if the photo has another size.

    Args:
        size: height and width.

    Returns:
        Values as the bytes in the file; empty for a damaged block.
    """
    try:
        found = dict(_parsed(block)) if block else {}
        area = struct.unpack("<4I", found.pop(AREA, (LONG, bytes(16)))[1])
    except (struct.error, KeyError, ValueError):
        return {}
    if area[2:] != tuple(size):
        left = still_to_do(found.pop(OPCODES, (7, None))[1], WARPS)
        found = {code: each for code, each in found.items() if code not in (CROP_ORIGIN, CROP_SIZE)}
        if left:
            found[OPCODES] = 7, left
    return found


def _parsed(block: bytes) -> Entries:
    (count,) = struct.unpack_from("<H", block)
    found = {}
    for place in range(2, 2 + 12 * count, 12):
        code, kind, values, at = struct.unpack_from("<HHII", block, place)
        length = values * SIZES[kind]
        start = place + 8 if length <= 4 else at
        if start + length > len(block):
            raise ValueError("block")
        found[code] = kind, block[start : start + length]
    return found


def numbers(entry: tuple[int, Any] | None) -> list[float]:
    """Returns the values of a tag of signed or unsigned rationals; empty for any other tag."""
    if entry is None or entry[0] not in (RATIONAL, SRATIONAL):
        return []
    parts = np.frombuffer(entry[1], "<u4" if entry[0] == RATIONAL else "<i4").reshape(-1, 2).astype(np.float64)
    return (parts[:, 0] / np.where(parts[:, 1] == 0, 1, parts[:, 1])).tolist()
