"""Reads boxes of the ISO base media file format (ISO/IEC 14496-12), and the description of the picture in those of HEIF
and AVIF (ISO/IEC 23008-12): size, bits, colour, crop, rotation, position of its EXIF block."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from explorer.photo.files.color import ColorSpace, coded_space

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MOST_BOXES = 4096


@dataclass
class Container:
    """The boxes' facts about the primary picture."""

    size: tuple[int, int] | None = None
    """Width and height before rotation."""
    bits: int | None = None
    space: ColorSpace | None = None
    profile: bytes | None = None
    steps: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    """In order of application: ("crop", (left, top, width, height)), ("turn", quarters counter-clockwise), ("mirror",
    axis: 0 exchanges top and bottom, 1 left and right)."""
    exif: bytes | None = None
    """A TIFF structure."""
    premultiplied: bool = False
    picture: bool = False
    """True if there is a primary picture."""
    sequence: bool = False
    """True if the file contains an image sequence."""


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, start and end of the contents of each box; stops where the structure is damaged."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        length, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        head = 8
        if length == 1:
            length, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        stop = end if length == 0 else start + length
        if stop < start + head:
            return
        yield kind, start + head, min(stop, end)
        start = stop


def is_cut_off(data: bytes) -> bool:
    """True if the last box says that it continues beyond the end of the file."""
    end = 0
    for kind, start, stop in boxes(data):
        short = data[start - 4 : start] == kind and _uint(data, start - 8, 4) != 1
        length = _uint(data, start - 8, 4) if short else _uint(data, start - 8, 8)
        end = stop if length == 0 else start - (8 if short else 16) + length
    return end != len(data)


def brands(data: bytes) -> tuple[bytes, ...]:
    """Returns the major brand, then the compatible ones; empty for another kind of file."""
    if data[4:8] != b"ftyp":
        return ()
    end = min(int.from_bytes(data[:4], "big"), 1024, len(data))
    return tuple(data[at : at + 4] for at in (8, *range(16, end - 3, 4)))


def kind_of(data: bytes) -> str | None:
    """Returns "avif" or "heic", by the brands or, if they do not name the codec, by the primary picture's kind."""
    known = brands(data)
    if not known:
        return None
    if known[0] in _AVIF_BRANDS or known[0] in _HEIC_BRANDS:
        return "avif" if known[0] in _AVIF_BRANDS else "heic"
    if b"av01" in data[: 1 << 16] and _AVIF_BRANDS.intersection(known):
        return "avif"
    if _HEIC_BRANDS.intersection(known):
        return "heic"
    if {b"mif1", b"msf1", b"miaf", b"mif2"}.intersection(known):
        return "avif" if b"av01" in data[: 1 << 16] else "heic"
    return "avif" if _AVIF_BRANDS.intersection(known) else None


def _uint(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def read_container(data: bytes) -> Container:
    """Reads the boxes; facts that are damaged or absent keep their defaults."""
    found = Container()
    try:
        for kind, start, end in boxes(data):
            found.sequence |= kind == b"moov"
            if kind == b"meta" and not found.picture:
                _read_meta(data, start + 4, end, found)
    except (IndexError, ValueError, struct.error):
        pass
    return found


def _read_meta(data: bytes, start: int, end: int, found: Container) -> None:
    parts = {kind: (begin, stop) for kind, begin, stop in boxes(data, start, end)}
    primary = 0
    if b"pitm" in parts:
        found.picture = True
        at = parts[b"pitm"][0]
        primary = _uint(data, at + 4, 2 if data[at] == 0 else 4)
    if b"iprp" in parts:
        properties: list[tuple[bytes, int, int]] = []
        for kind, begin, stop in boxes(data, *parts[b"iprp"]):
            if kind == b"ipco":
                properties = list(boxes(data, begin, stop))
            elif kind == b"ipma":
                for index in _associations(data, begin, stop, primary):
                    if 0 < index <= len(properties):
                        _read_property(data, *properties[index - 1], found)
    exif = _exif_item(data, *parts[b"iinf"]) if b"iinf" in parts else None
    if exif is not None and b"iloc" in parts:
        block = _item(data, *parts[b"iloc"], exif, parts.get(b"idat", (0, 0))[0])
        if block is not None and len(block) > 4:
            found.exif = block[4 + _uint(block, 0, 4) :]
    if b"iref" in parts:
        at, stop = parts[b"iref"]
        found.premultiplied = any(kind == b"prem" for kind, _, _ in boxes(data, at + 4, stop))


def _associations(data: bytes, at: int, end: int, item: int) -> list[int]:
    """Numbers of an item's properties, in order."""
    version, wide = data[at], data[at + 3] & 1
    count, at = _uint(data, at + 4, 4), at + 8
    for _ in range(min(count, _MOST_BOXES)):
        if at >= end:
            break
        size = 2 if version == 0 else 4
        number, entries, at = _uint(data, at, size), data[at + size], at + size + 1
        step = 2 if wide else 1
        if number == item:
            mask = 0x7FFF if wide else 0x7F
            return [_uint(data, at + step * index, step) & mask for index in range(entries)]
        at += step * entries
    return []


def _read_property(data: bytes, kind: bytes, at: int, end: int, found: Container) -> None:
    if kind == b"ispe":
        found.size = _uint(data, at + 4, 4), _uint(data, at + 8, 4)
    elif kind == b"pixi" and data[at + 4]:
        found.bits = max(data[at + 5 : at + 5 + data[at + 4]])
    elif kind == b"av1C" and found.bits is None:
        flags = data[at + 2]
        found.bits = (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    elif kind == b"colr":
        which = data[at : at + 4]
        if which == b"nclx" and end - at >= 10:
            try:
                found.space = coded_space(_uint(data, at + 4, 2), _uint(data, at + 6, 2))
            except ValueError:
                found.space = None
        elif which in (b"prof", b"rICC"):
            found.profile = data[at + 4 : end]
    elif kind == b"irot":
        found.steps.append(("turn", (data[at] & 3,)))
    elif kind == b"imir":
        found.steps.append(("mirror", (data[at] & 1,)))
    elif kind == b"clap" and found.size is not None and end - at >= 32:
        found.steps += _crop(struct.unpack(">IIIIiIiI", data[at : at + 32]), found.size)


def _crop(values: tuple[int, ...], size: tuple[int, int]) -> list[tuple[str, tuple[int, ...]]]:
    """Reads a clean aperture: width, height and the offset of its middle, as fractions; ignored if it does not fit."""
    if 0 in values[1::2]:
        return []
    width, height, across, down = (values[i] / values[i + 1] for i in (0, 2, 4, 6))
    left, top = across + (size[0] - width) / 2, down + (size[1] - height) / 2
    inside = min(left, top) >= 0 and min(width, height) >= 1 and left + width <= size[0] and top + height <= size[1]
    return [("crop", (round(left), round(top), round(width), round(height)))] if inside else []


def _exif_item(data: bytes, at: int, end: int) -> int | None:
    """Number of the item that contains the EXIF block."""
    start = at + (6 if data[at] == 0 else 8)
    for kind, begin, _ in boxes(data, start, end):
        version = data[begin]
        if kind == b"infe" and version >= 2:
            size = 2 if version == 2 else 4
            if data[begin + 6 + size : begin + 10 + size] == b"Exif":
                return _uint(data, begin + 4, size)
    return None


def _item(data: bytes, at: int, end: int, item: int, inside: int) -> bytes | None:
    """Returns the bytes of an item (ISO/IEC 14496-12, 8.11.3), which lies in the file or in the box `idat` that begins
    at `inside`."""
    version = data[at]
    offset, length = data[at + 4] >> 4, data[at + 4] & 15
    base, index = data[at + 5] >> 4, data[at + 5] & 15 if version in (1, 2) else 0
    wide = 4 if version == 2 else 2
    count, at = _uint(data, at + 6, wide), at + 6 + wide
    for _ in range(min(count, _MOST_BOXES)):
        if at >= end:
            return None
        number, at = _uint(data, at, wide), at + wide
        method = 0
        if version in (1, 2):
            method, at = _uint(data, at, 2) & 15, at + 2
        origin, at = _uint(data, at + 2, base), at + 2 + base
        extents, at = _uint(data, at, 2), at + 2
        pieces = []
        for _ in range(min(extents, 64)):
            begin = origin + _uint(data, at + index, offset) + (inside if method == 1 else 0)
            size = _uint(data, at + index + offset, length)
            pieces.append(data[begin : begin + size])
            at += index + offset + length
        if number == item:
            return b"".join(pieces) if method in (0, 1) else None
    return None
