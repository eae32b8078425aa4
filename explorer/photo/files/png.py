"""Reads PNG (W3C, third edition) of all depths. Decoders only get the chunks that pixels need, so that text, times and
other chunks cannot harm, however large or wrong they are."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.errors import PhotoError
from explorer.messages import say
from explorer.photo.files.color import Chromaticities, ColorSpace, coded_space
from explorer.photo.files.decoded import (
    STATED_UNUSABLE,
    Decoded,
    by_pillow,
    damaged,
    exif_of,
    pillow_samples,
    truncated,
)
from explorer.photo.files.endings import END_MISSING
from explorer.photo.files.icc import UNUSABLE
from explorer.photo.limits import Limits

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3
_SIDE = frozenset({b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"acTL", b"zTXt", b"tEXt"})
"""Ancillary chunks that are read; the first of each kind counts."""
_SRGB_GAMMA = 45455
_SAME_GAMMA = 0.05
"""Largest relative difference for which a gAMA chunk means sRGB's curve, as in libpng: writers of sRGB state 1/2.2."""
_GAMMAS = (10_000, 1_000_000)
"""Smallest and largest accepted gAMA, for exponents from 10 to 0.1."""
_MOST_PROFILE = 16 * 2**20
_MOST_NAMED = 8
"""Kinds of damaged chunks that a note names; a file may have millions."""
_RAW_EXIF = (b"Raw profile type exif\0", b"Raw profile type APP1\0")


@dataclass
class _Chunks:
    header: bytes
    palette: bytes
    samples: list[bytes]
    """Contents of the IDAT chunks, which together form one zlib stream."""
    side: dict[bytes, bytes]
    ended: bool
    damaged: list[str]
    """Kinds of chunks that no pixel needs and whose checksums are wrong."""


def _walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, start and end of each chunk's data; an end beyond the file means a truncated chunk."""
    position = len(SIGNATURE)
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        yield kind, position + 8, position + 8 + length
        position += 12 + length
        if kind == b"IEND":
            return


def _chunks(data: bytes, name: str) -> _Chunks:
    found = _Chunks(b"", b"", [], {}, False, [])
    cut = False
    for kind, start, end in _walk(data):
        found.ended |= kind == b"IEND"
        needed = kind in (b"IHDR", b"IDAT") or (kind == b"PLTE" and found.header[9:10] == bytes([_PALETTE]))
        if end + 4 > len(data):
            cut = needed or not found.samples
            break
        if zlib.crc32(memoryview(data)[start - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            if needed:
                raise PhotoError(
                    f"{name} is a damaged PNG: the checksum of its chunk {kind.decode('ascii')} is wrong; copy the "
                    "file again."
                )
            found.damaged.append(kind.decode("ascii", "backslashreplace"))
        elif kind == b"IHDR":
            found.header = found.header or data[start:end]
        elif kind == b"IDAT":
            found.samples.append(data[start:end])
        elif needed:
            found.palette = found.palette or data[start:end]
        elif kind in _SIDE:
            text = kind in (b"zTXt", b"tEXt")
            if not text or data.startswith(_RAW_EXIF, start):
                found.side.setdefault(kind, data[start:end])
    if cut or not (found.ended or found.samples):
        raise truncated("png", name)
    return found


def _inflated(data: bytes, most: int = _MOST_PROFILE) -> bytes:
    """Inflates zlib data; empty if it is damaged or larger than `most`."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, most)
    except zlib.error:
        return b""
    return out if stream.eof else b""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _color(side: dict[bytes, bytes], depth: int, notes: list[str]) -> tuple[ColorSpace | None, bytes | None]:
    """Returns colour space and profile, by precedence: cICP, iCCP, sRGB, then gAMA and cHRM."""
    if len(side.get(b"cICP", b"")) == 4:
        primaries, transfer, matrix, full = side[b"cICP"]
        try:
            if matrix != 0:
                raise ValueError("PNG holds RGB")
            return coded_space(primaries, transfer, narrow=None if full else depth), None
        except ValueError:
            notes.append(STATED_UNUSABLE)
    if b"iCCP" in side:
        _, _, rest = side[b"iCCP"].partition(b"\0")
        profile = _inflated(rest[1:])
        if profile:
            return None, profile
        notes.append(UNUSABLE)
    if b"sRGB" in side:
        return None, None
    gamma = int.from_bytes(side[b"gAMA"], "big") if len(side.get(b"gAMA", b"")) == 4 else 0
    if gamma and not _GAMMAS[0] <= gamma <= _GAMMAS[1]:
        notes.append(STATED_UNUSABLE)
        gamma = 0
    own = gamma == 0 or abs(gamma / _SRGB_GAMMA - 1) <= _SAME_GAMMA
    space = ColorSpace(gamma=None if own else 100000 / gamma)
    if len(side.get(b"cHRM", b"")) == 32:
        white_red_green_blue = [each / 100000 for each in struct.unpack(">8I", side[b"cHRM"])]
        primaries_first: Chromaticities = tuple(white_red_green_blue[2:] + white_red_green_blue[:2])  # type: ignore[assignment]
        space = ColorSpace(primaries_first, gamma=space.gamma)
    return space, None


def _transparency(header: bytes, value: bytes) -> bytes | None:
    """Returns the tRNS chunk if the colour type allows it with this length; decoders fail on others."""
    kind = header[9]
    fits = len(value) == 2 if kind == _GREY else len(value) == 6 if kind == _RGB else 0 < len(value) <= 256
    return value if fits and kind in (_GREY, _RGB, _PALETTE) else None


def _exif(side: dict[bytes, bytes]) -> Any:
    """Reads EXIF from eXIf, or from the text chunk that older versions of ImageMagick write."""
    if b"eXIf" in side:
        return exif_of(side[b"eXIf"])
    for kind in (b"zTXt", b"tEXt"):
        if kind in side:
            _, _, value = side[kind].partition(b"\0")
            text = _inflated(value[1:], 2**20) if kind == b"zTXt" else value[: 2**20]
            try:  # a line with the name, one with the length, then hexadecimal digits
                return exif_of(bytes.fromhex("".join(text.decode("ascii").split("\n")[3:])))
            except ValueError:
                return None
    return None


def read_png(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes a PNG; for an animation, the picture that plain viewers show.

    Raises:
        PhotoError: damaged, truncated or too large.
    """
    if len(data) >= 24 and data[12:16] == b"IHDR":
        limits.check_pixels(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"), name)
    if data[12:16] == b"CgBI":
        raise PhotoError(code="error.iphone_png", name=name)
    chunks = _chunks(data, name)
    header, side = chunks.header, chunks.side
    if len(header) != 13:
        raise PhotoError(f"{name} is a damaged PNG, whose header cannot be read; copy the file again.")
    body = [SIGNATURE, _chunk(b"IHDR", header)]
    if chunks.palette:
        body.append(_chunk(b"PLTE", chunks.palette))
    if b"tRNS" in side and (value := _transparency(header, side[b"tRNS"])) is not None:
        body.append(_chunk(b"tRNS", value))
    bare = b"".join([*body, _chunk(b"IDAT", b"".join(chunks.samples)), _chunk(b"IEND", b"")])
    damaged_kinds = list(dict.fromkeys(chunks.damaged))[:_MOST_NAMED]
    notes = [say("note.parts_damaged", chunks=", ".join(damaged_kinds))] if damaged_kinds else []
    notes += [] if chunks.ended else [END_MISSING]
    if len(side.get(b"acTL", b"")) == 8 and (count := int.from_bytes(side[b"acTL"][:4], "big")) > 1:
        notes.append(say("note.pictures_first", count=count))
    depth = header[8]
    try:
        if depth == 16:  # Pillow returns only 8 bits of a 16-bit RGB PNG
            import imagecodecs

            samples = imagecodecs.png_decode(bare)
            channels = 1 if samples.ndim == 2 else samples.shape[2]
            model, alpha = "grey" if channels <= 2 else "rgb", channels in (2, 4)
        else:
            with by_pillow(bare, ["PNG"], name, "PNG") as picture:
                picture.decodermaxblock = len(bare)  # zlib's own checksum is checked when the end is reached
                picture.load()
                samples, model, alpha = pillow_samples(picture)
    except PhotoError:
        raise
    except Exception as error:  # decoders raise all kinds of exceptions on damaged data
        raise damaged(error, name, "PNG") from error
    bits = 16 if depth == 16 else 8
    space, profile = _color(side, bits, notes)
    return Decoded(
        np.asarray(samples), float(2**bits - 1), bits, "grey" if model == "grey" else "rgb", alpha, space=space,
        profile=profile, orientation=None, exif=_exif(side), notes=notes,
    )  # fmt: skip
