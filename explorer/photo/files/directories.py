"""Encodes TIFF directories (TIFF 6.0, section 2), little-endian, for files laid out before they are written."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, FLOAT, DOUBLE = 1, 2, 3, 4, 5, 7, 10, 11, 12
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of one value of each type."""
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
EXIF_IFD, GPS_IFD = 34665, 34853
"""Tags that point to the EXIF and the GPS directory."""
_EXIF_TYPES = {
    **dict.fromkeys((33434, 33437, 37122, 37378, 37381, 37382, 37386, 37387, 37889, 37891), RATIONAL),
    **dict.fromkeys((41483, 41486, 41487, 41493, 41988, 42034, 42240), RATIONAL),
    **dict.fromkeys((37377, 37379, 37380, 37888, 37890, 37892), SRATIONAL),
    **dict.fromkeys((36864, 37121, 37510, 40960, 41484, 41728, 41729, 41730, 41995), UNDEFINED),
}
"""Exif 3.0, 4.6.6: types of the EXIF directory that values alone do not tell."""
_MOST_OF_A_FRACTION = 2**31 - 1
HEADER = b"II*\0\x08\0\0\0"
"""Of a little-endian TIFF whose first directory follows."""

Entries = Mapping[int, tuple[int, Any]]
"""Tag number -> type and value: bytes or text for types 1, 2 and 7, a number or numbers for the others (rationals as
plain numbers)."""


def fractions_of(values: Any) -> list[int]:
    """Returns numerators and denominators, one after the other, of the nearest fractions of two 32-bit numbers."""
    found: list[int] = []
    for value in np.ravel(values).tolist():
        limit = 1_000_000
        if abs(value) * limit > _MOST_OF_A_FRACTION:
            limit = max(1, int(_MOST_OF_A_FRACTION / abs(value)))
        found += Fraction(float(value)).limit_denominator(limit).as_integer_ratio()
    return found


def _packed(kind: int, value: Any) -> bytes:
    if isinstance(value, str):
        value = value.encode("utf-8", "replace") + b"\0"  # names need not be text
    if isinstance(value, bytes):
        return value
    values: Sequence[Any] = np.ravel(value).tolist()
    if kind in (RATIONAL, SRATIONAL):
        pairs = fractions_of(values)
        return struct.pack(f"<{len(pairs)}{'I' if kind == RATIONAL else 'i'}", *pairs)
    return struct.pack(f"<{len(values)}{_CODES[kind]}", *values)


def directory(entries: Entries, start: int, following: int = 0) -> bytes:
    """Encodes a directory and the values that do not fit into its entries.

    Args:
        entries: the tags.
        start: its position in the file; its length does not depend on it.
        following: position of the next directory; 0 for none.
    """
    values_at = start + 2 + 12 * len(entries) + 4
    head, tail = struct.pack("<H", len(entries)), b""
    for code in sorted(entries):
        kind, value = entries[code]
        data = _packed(kind, value)
        head += struct.pack("<HHI", code, kind, len(data) // SIZES[kind])
        if len(data) <= 4:
            head += data.ljust(4, b"\0")
        else:
            head += struct.pack("<I", values_at + len(tail))
            tail += data + bytes(len(data) % 2)
    return head + struct.pack("<I", following) + tail


def text_of(value: str) -> bytes:
    """Encodes a tag's text as it was in its file: Pillow reads bytes as Latin-1, although most programs write UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:  # not read by Pillow
        return value.encode("utf-8", "replace")


def copied(values: Mapping[int, Any], group: int | None, start: int) -> bytes:
    """Encodes a directory of values as Pillow reads them, for an even position in the file; of even length."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    made = ImageFileDirectory_v2(HEADER, group=group)
    for code, value in values.items():
        made[code] = text_of(value) if isinstance(value, str) else value
        if isinstance(value, str):
            made.tagtype[code] = ASCII
        elif group == EXIF_IFD and code in _EXIF_TYPES:  # Pillow would guess it from the value
            made.tagtype[code] = _EXIF_TYPES[code]
    data = made.tobytes(start)
    return data + bytes(len(data) % 2)


def structure(main: Mapping[int, Any], inner: Mapping[int, Mapping[int, Any]]) -> bytes:
    """Encodes a TIFF structure: a main directory, and the others that it points to by their tags, if not empty."""
    groups = {code: values for code, values in inner.items() if values}
    pointers = dict.fromkeys(groups, 0)
    end = len(HEADER) + len(copied({**main, **pointers}, None, len(HEADER)))
    tail = b""
    for code, values in groups.items():
        pointers[code] = end + len(tail)
        tail += copied(values, code, pointers[code])
    return HEADER + copied({**main, **pointers}, None, len(HEADER)) + tail
