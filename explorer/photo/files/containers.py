"""RAW files that are not a plain TIFF: reads camera and date, and checks whether they are complete.

Layouts follow the documentation of ExifTool and LibRaw: Panasonic RW2 and Olympus ORF (a TIFF with another signature),
Minolta MRW (blocks), Canon CRW (a heap with its directory at the end) and CR3 (ISO base media), Fujifilm RAF (a table
of three parts), Sigma X3F (sections with their directory at the end).
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from explorer.photo.files.bmff import is_cut_off
from explorer.photo.files.metadata import (
    Metadata,
    camera_name,
    directories,
    metadata_of_directories,
    metadata_of_exif,
    metadata_of_tiff_block,
)
from explorer.photo.light.levels import BlackLevel

_TIFF_OF = {b"IIRO": b"II*\0", b"IIRS": b"II*\0", b"MMOR": b"MM\0*", b"IIU\0": b"II*\0"}
"""Signatures of files that are otherwise TIFF."""
_MAKE, _MODEL, _DATE = 271, 272, 306
_STRIP_OFFSETS, _STRIP_BYTES, _PANASONIC_OFFSET, _PANASONIC_JPEG = 273, 279, 280, 46
_FUJI_BLACK, _FUJI_DIRECTORY = 0xF00A, 0xF000
_MOST_ENTRIES = 4096


def as_tiff(data: bytes) -> bytes | None:
    """Returns a TIFF, even with another signature, as one with the usual signature; None for other files."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return data
    signature = _TIFF_OF.get(data[:4])
    return None if signature is None else signature + data[4:]


def metadata_of_raw(data: bytes) -> Metadata:
    """Reads camera, date and exposure from the containers that RAW files use; empty for any other container."""
    try:
        if (tiff := as_tiff(data)) is not None:
            return _of_tiff(tiff)
        if data[:15] == b"FUJIFILMCCD-RAW":
            return _of_fuji(data)
        if data[:4] == b"\0MRM":
            return metadata_of_tiff_block(next((body for name, body in _mrw_blocks(data) if name == b"TTW"), b""))
        if data[6:14] == b"HEAPCCDR":
            return _of_ciff(data)
        if data[4:11] == b"ftypcrx":
            return _of_cr3(data)
        if data[:4] == b"FOVb":
            return _of_x3f(data)
    except (struct.error, ValueError, IndexError, OverflowError):  # damaged tags are no reason to refuse the picture
        pass
    return Metadata()


def _of_tiff(tiff: bytes) -> Metadata:
    found = metadata_of_tiff_block(tiff)
    if found.exposure.seconds is None and found.exposure.iso is None:
        preview = _tags(tiff).get(_PANASONIC_JPEG)
        more = metadata_of_jpeg(preview) if isinstance(preview, bytes) else Metadata()
        return more if more.camera else found
    return found


def metadata_of_jpeg(data: bytes) -> Metadata:
    """Reads metadata from the EXIF block of a JPEG, such as the preview inside a RAW file."""
    from PIL import Image

    with contextlib.suppress(Exception), Image.open(io.BytesIO(data)) as preview:
        return metadata_of_exif(preview.getexif())
    return Metadata()


def _tags(tiff: bytes) -> dict[int, Any]:
    """The first directory of a TIFF."""
    from PIL import Image

    exif = Image.Exif()
    with contextlib.suppress(Exception):
        exif.load_from_fp(io.BytesIO(tiff))
        return dict(exif)
    return {}


def _of_fuji(data: bytes) -> Metadata:
    camera = camera_name("Fujifilm", data[28:60].split(b"\0")[0].decode("ascii", "replace"))
    start, length = struct.unpack_from(">2I", data, 84)
    found = metadata_of_jpeg(data[start : start + length])
    return Metadata(found.camera or camera, found.exposure, found.exif)


def _mrw_blocks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    (length,) = struct.unpack_from(">I", data, 4)
    place, end = 8, min(len(data), 8 + length)
    while place + 8 <= end:
        name, size = data[place + 1 : place + 4], struct.unpack_from(">I", data, place + 4)[0]
        yield name, data[place + 8 : place + 8 + size]
        place += 8 + size


def _ciff_entries(data: bytes, start: int, end: int, depth: int = 0) -> Iterator[tuple[int, int, int]]:
    """Yields kind, first and last + 1 byte of every record of a heap and of the heaps inside it.

    Raises:
        struct.error, ValueError: a directory that lies outside the heap.
    """
    order = "<" if data[:2] == b"II" else ">"
    (offset,) = struct.unpack_from(f"{order}I", data, end - 4)
    (count,) = struct.unpack_from(f"{order}H", data, start + offset)
    if start + offset + 2 + 10 * count > end or not 0 < count <= _MOST_ENTRIES or depth > 8:
        raise ValueError("directory")
    for place in range(start + offset + 2, start + offset + 2 + 10 * count, 10):
        kind, size, where = struct.unpack_from(f"{order}HII", data, place)
        if kind & 0xC000:  # the value is in the entry itself
            yield kind & 0x3FFF, place + 2, place + 10
        elif kind & 0x3800 in (0x2800, 0x3000):
            if start + where + size > end:
                raise ValueError("heap")
            yield from _ciff_entries(data, start + where, start + where + size, depth + 1)
        else:
            yield kind, start + where, start + where + size


def _of_ciff(data: bytes) -> Metadata:
    main: dict[int, Any] = {}
    order = "<" if data[:2] == b"II" else ">"
    with contextlib.suppress(struct.error, ValueError):
        for kind, start, stop in _ciff_entries(data, struct.unpack_from(f"{order}I", data, 2)[0], len(data)):
            if kind == 0x080A:
                make, model = data[start:stop].split(b"\0")[:2]
                main[_MAKE], main[_MODEL] = make.decode("ascii", "replace"), model.decode("ascii", "replace")
            elif kind == 0x180E:
                main[_DATE] = _exif_date(struct.unpack_from(f"{order}I", data, start)[0])
    if _MODEL not in main and (match := re.search(rb"(Canon)\0(Canon [\x20-\x7e]{2,30})\0", data)):
        main[_MAKE], main[_MODEL] = match[1].decode("ascii"), match[2].decode("ascii")
    return metadata_of_directories(main, {}, {})


def _exif_date(seconds: float) -> str:
    """Formats seconds since 1970 on the camera's clock as an EXIF date."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return moment.strftime("%Y:%m:%d %H:%M:%S")


def _of_cr3(data: bytes) -> Metadata:
    """Reads a CR3. CMT1 is the main directory, CMT2 that of EXIF, CMT4 that of GPS, each a separate TIFF."""
    blocks: dict[bytes, dict[int, Any]] = {}
    for found in re.finditer(b"CMT[124]", data[: 1 << 18]):
        (size,) = struct.unpack_from(">I", data, found.start() - 4)
        block = data[found.end() : found.end() + min(size, 1 << 18) - 8]
        if block[:4] in (b"II*\0", b"MM\0*"):
            blocks.setdefault(found[0], directories(block)[0])
    return metadata_of_directories(*(blocks.get(name, {}) for name in (b"CMT1", b"CMT2", b"CMT4")))


def _x3f_sections(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields kind and content of the sections.

    Raises:
        struct.error, ValueError: no directory at the end.
    """
    (place,) = struct.unpack_from("<I", data, len(data) - 4)
    if data[place : place + 4] != b"SECd":
        raise ValueError("directory")
    (count,) = struct.unpack_from("<I", data, place + 8)
    for index in range(min(count, _MOST_ENTRIES)):
        start, length, kind = struct.unpack_from("<2I4s", data, place + 12 + 12 * index)
        yield kind, data[start : start + length]


def _of_x3f(data: bytes) -> Metadata:
    properties: dict[str, str] = {}
    for kind, section in _x3f_sections(data):
        if kind == b"PROP" and section[:4] == b"SECp":
            (count,) = struct.unpack_from("<I", section, 8)
            text = section[24 + 8 * count :].decode("utf-16-le", "replace")
            for index in range(min(count, _MOST_ENTRIES)):
                name, value = struct.unpack_from("<2I", section, 24 + 8 * index)
                properties[text[name:].split("\0")[0]] = text[value:].split("\0")[0]
    numbers: dict[str, float] = {}
    for name, value in properties.items():
        with contextlib.suppress(ValueError):
            numbers[name] = float(value)
    main: dict[int, Any] = {
        code: properties[name] for code, name in ((_MAKE, "CAMMANUF"), (_MODEL, "CAMMODEL")) if name in properties
    }
    if "TIME" in numbers:
        main[_DATE] = _exif_date(numbers["TIME"])
    seconds = numbers["EXPTIME"] / 1e6 if "EXPTIME" in numbers else numbers.get("SHUTTER")
    known = ((33434, seconds), (33437, numbers.get("APERTURE")), (34855, numbers.get("ISO")),
             (37386, numbers.get("FLENGTH")))  # fmt: skip
    details = {code: value for code, value in known if value is not None and math.isfinite(value)}
    if 34855 in details:
        details[34855] = round(details[34855])
    return metadata_of_directories(main, details, {})


def fuji_black_level(data: Any) -> BlackLevel | None:
    """Reads the cell of black levels of a Fujifilm RAF (tag 0xF00A of its raw directory): 36 levels for X-Trans, of
    which LibRaw's interface gives only the smallest. None for other files."""
    if not isinstance(data, bytes) or data[:15] != b"FUJIFILMCCD-RAW":
        return None
    try:
        (start,) = struct.unpack_from(">I", data, 100)
        order = {b"II*\0": "<", b"MM\0*": ">"}[data[start : start + 4]]
        main = _entries(data, start, struct.unpack_from(f"{order}I", data, start + 4)[0], order)
        inner = _entries(data, start, main[_FUJI_DIRECTORY][1], order)
        count, place = inner[_FUJI_BLACK]
        if count != 36:
            return None
        levels = struct.unpack_from(f"{order}36I", data, start + place)
    except (struct.error, KeyError):
        return None
    return BlackLevel(np.array(levels, dtype=np.float64).reshape(6, 6))


def _entries(data: bytes, start: int, place: int, order: str) -> dict[int, tuple[int, int]]:
    """Count and value (or position of the values) of each tag of a TIFF directory inside a larger file."""
    (count,) = struct.unpack_from(f"{order}H", data, start + place)
    entries = (struct.unpack_from(f"{order}HHII", data, start + place + 2 + 12 * n) for n in range(count))
    return {tag: (number, value) for tag, _, number, value in entries}


def is_truncated(data: bytes) -> bool:
    """True if a RAW file's own structure extends beyond its end. LibRaw silently fills in missing data."""
    try:
        if data[:15] == b"FUJIFILMCCD-RAW":
            return any(sum(struct.unpack_from(">2I", data, place)) > len(data) for place in (84, 92, 100))
        if data[:4] in _TIFF_OF:
            return _strips_end(_tags(as_tiff(data) or b"")) > len(data)
        if data[:4] == b"\0MRM":
            return _mrw_end(data) > len(data)
        if data[6:14] == b"HEAPCCDR":
            (start,) = struct.unpack_from("<I" if data[:2] == b"II" else ">I", data, 2)
            return any(stop > len(data) for _, _, stop in _ciff_entries(data, start, len(data)))
        if data[4:11] == b"ftypcrx":
            return is_cut_off(data)
        if data[:4] == b"FOVb":
            return not list(_x3f_sections(data))
    except (struct.error, ValueError):
        return True
    return False


def _strips_end(tags: dict[int, Any]) -> int:
    """End of the last strip of a Panasonic or Olympus RAW file; 0 if it does not say."""
    offsets, counts = (np.ravel(tags.get(code, ())).tolist() for code in (_STRIP_OFFSETS, _STRIP_BYTES))
    if _PANASONIC_OFFSET in tags and len(counts) == 1:
        offsets = np.ravel(tags[_PANASONIC_OFFSET]).tolist()[:1]
    known = [offset + count for offset, count in zip(offsets, counts, strict=False) if offset < 0xFFFFFFFF]
    return int(max(known, default=0))


def _mrw_end(data: bytes) -> int:
    (length,) = struct.unpack_from(">I", data, 4)
    for name, body in _mrw_blocks(data):
        if name == b"PRD":
            height, width, _, _, bits = struct.unpack_from(">4HB", body, 8)
            return int(8 + length + height * width * bits // 8)
    return len(data) + 1
