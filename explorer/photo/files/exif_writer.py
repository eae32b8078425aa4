"""Adds EXIF blocks to TIFF files, because the TIFF writer cannot; and builds an sRGB profile."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from explorer.photo.files.directories import EXIF_IFD, GPS_IFD, HEADER, copied
from explorer.photo.files.metadata import directories


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """Returns an ICC profile of sRGB, always the same bytes; LittleCMS would write the current date into it."""
    import imagecodecs

    profile = bytearray(imagecodecs.cms_profile("srgb"))
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    profile[84:100] = bytes(16)  # no checksum, which would be that of another date
    return bytes(profile)


def add_exif_to_tiff(file: io.BytesIO, block: bytes) -> None:
    """Adds the tags of an EXIF block to a single-page TIFF: an EXIF and a GPS directory (Exif 3.0, 4.6.3), and a new
    main directory at the end, to which the header points. Samples are not touched.

    Args:
        file: a little-endian TIFF of less than 4 GiB; anything else is left unchanged.
        block: a TIFF structure.
    """
    with file.getbuffer() as view:
        if bytes(view[:4]) != HEADER[:4]:
            return
        (first,) = struct.unpack_from("<I", view, 4)
        stored = _entries(view, first)
        following = bytes(view[first + 2 + 12 * len(stored) :][:4])
    main, details, place = directories(block)
    for code, values in ((EXIF_IFD, details), (GPS_IFD, place)):
        if values:
            main[code] = _appended(file, values, code)
    if not main:
        return
    start = _appended(file, main, None)
    with file.getbuffer() as view:
        entries = {**_entries(view, start), **stored}
    end = _even_end(file)
    file.write(struct.pack("<H", len(entries)) + b"".join(entries[code] for code in sorted(entries)) + following)
    file.seek(4)
    file.write(struct.pack("<I", end))


def _entries(view: memoryview, start: int) -> dict[int, bytes]:
    """Returns the twelve bytes of each directory entry. Values are at absolute offsets, so the entries can be moved."""
    (count,) = struct.unpack_from("<H", view, start)
    raw = [bytes(view[start + 2 + 12 * i : start + 14 + 12 * i]) for i in range(count)]
    return {struct.unpack_from("<H", entry)[0]: entry for entry in raw}


def _even_end(file: io.BytesIO) -> int:
    end = file.seek(0, io.SEEK_END)
    file.write(b"\0" * (end % 2))
    return end + end % 2


def _appended(file: io.BytesIO, values: Mapping[int, Any], group: int | None) -> int:
    """Appends a directory with its values to a file; returns its address."""
    start = _even_end(file)
    file.write(copied(values, group, start))
    return start
