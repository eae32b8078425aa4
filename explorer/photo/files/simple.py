"""Reads GIF and WebP with Pillow, and BMP with its bit fields."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.files.decoded import Decoded, by_pillow, through_pillow, truncated
from explorer.photo.files.endings import END_MISSING, webp_of_whole_chunks, whole_gif_picture
from explorer.photo.limits import Limits


def read_webp(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes a WebP; for an animation, the first picture.

    Raises:
        PhotoError: damaged, truncated or too large.
    """
    ended = int.from_bytes(data[4:8], "little") + 8 <= len(data)
    whole = data if ended else webp_of_whole_chunks(data)
    if whole is None:
        raise truncated("webp", name)
    decoded = through_pillow(whole, ["WEBP"], name, "WebP", limits, count_pictures=ended)
    decoded.notes += [] if ended else [END_MISSING]
    decoded.exif_color = True
    return decoded


def read_gif(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes the first picture of a GIF.

    Raises:
        PhotoError: damaged, truncated or too large.
    """
    picture, ended = whole_gif_picture(data)
    if not picture:
        by_pillow(data, ["GIF"], name, "GIF").close()
        raise truncated("gif", name)
    decoded = through_pillow(data, ["GIF"], name, "GIF", limits, count_pictures=ended)
    decoded.notes += [] if ended else [END_MISSING]
    return decoded


_PROFILE_EMBEDDED = 0x4D424544
_BIT_FIELDS, _ALPHA_BIT_FIELDS = 3, 6


def is_bmp(data: bytes) -> bool:
    """True if a file begins like a BMP: "BM", followed by the size of a known header."""
    return data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124)


def read_bmp(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes a BMP.

    Raises:
        PhotoError: damaged, truncated or too large.
    """
    size = int.from_bytes(data[14:18], "little")
    profile = None
    if size >= 124 and len(data) >= 138:
        space, start, length = (*struct.unpack("<I", data[70:74]), *struct.unpack("<II", data[126:134]))
        if space == _PROFILE_EMBEDDED:
            profile = data[14 + start : 14 + start + length]
    fields = None
    if size >= 40 and len(data) >= 66:
        width, height, _, depth, compression = struct.unpack("<iiHHI", data[18:34])
        limits.check_pixels(abs(width), abs(height), name)
        if depth in (16, 32) and compression in (0, _BIT_FIELDS, _ALPHA_BIT_FIELDS):
            fields = _bit_fields(data, size, compression, depth)
    if fields is None:
        decoded = through_pillow(data, ["BMP"], name, "BMP", limits)
    else:
        decoded = _by_fields(data, fields, width, height, depth, name)
    decoded.profile = profile
    return decoded


def _bit_fields(data: bytes, size: int, compression: int, depth: int) -> tuple[int, int, int, int]:
    """Masks of red, green, blue and alpha (0: none)."""
    if compression == 0:
        return (0x7C00, 0x3E0, 0x1F, 0) if depth == 16 else (0xFF0000, 0xFF00, 0xFF, 0)
    red, green, blue, alpha = struct.unpack("<4I", data[54:70])
    return red, green, blue, alpha if size >= 56 or compression == _ALPHA_BIT_FIELDS else 0


def _by_fields(
    data: bytes, masks: tuple[int, int, int, int], width: int, height: int, depth: int, name: str
) -> Decoded:
    start, row = int.from_bytes(data[10:14], "little"), (width * depth + 31) // 32 * 4
    top_down, height = height < 0, abs(height)
    if width < 1 or start < 26 or start + row * height - (row - width * depth // 8) > len(data):
        raise truncated("bmp", name)
    if not all(masks[:3]):
        raise PhotoError(code="error.bmp_masks", name=name)
    rows = np.frombuffer(data[start : start + row * height].ljust(row * height, b"\0"), dtype=f"<u{depth // 8}")
    packed = rows.reshape(height, -1)[:, :width]
    packed = packed if top_down else packed[::-1]
    planes = [_field(packed, mask) for mask in masks if mask]
    if masks[3] and not planes[3].any():  # some writers state an alpha mask but leave its bits at 0
        planes.pop()
    bits = max(int(mask).bit_count() for mask in masks[:3])
    return Decoded(np.stack(planes, axis=-1), 1.0, 8 if bits <= 8 else 16, "rgb", len(planes) == 4)


def _field(packed: NDArray, mask: int) -> NDArray[np.float32]:
    shift = (mask & -mask).bit_length() - 1
    return ((packed & mask) >> shift).astype(np.float32) / np.float32(mask >> shift)
