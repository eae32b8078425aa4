"""Files whose end is missing although the shown picture is complete, because a transfer was interrupted or the writer
forgot the last marker. Data after the picture is removed or completed, so that decoders accept the file."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from explorer.messages import say
from explorer.photo.files.bmff import boxes

END_MISSING = say("note.end_missing")

_EOI = b"\xff\xd9"
_FILLS = (b"", b"\x55" * 64, b"\xaa" * 64)
_ARITHMETIC = frozenset({0xC9, 0xCA})
_JPEG_LS = 0xF7


def jpeg_is_whole(data: bytes, frame: int, decode: Callable[[bytes], NDArray]) -> bool:
    """True if a JPEG without its last marker (EOI) has all its samples.

    Decoders fill missing data from whatever comes next, so the samples are complete if they do not depend on it: the
    file is decoded with several continuations. In a progressive JPEG, the scans must also contain every coefficient
    down to its last bit (ITU-T T.81, G.1).

    Args:
        frame: the marker of the frame header.
        decode: may raise any exception.
    """
    if frame in _ARITHMETIC:  # whose writers omit zeros at the end, so that any continuation is valid data
        return False
    body = data.rstrip(b"\xff")
    if frame == _JPEG_LS:  # whose decoder asks for all samples
        return _quietly(decode, body + _EOI) is not None
    if not _all_scans(body):
        return False
    # If the samples end at a restart interval, the next interval must begin with its marker, or it would be filled in,
    # too.
    scan = body.rfind(b"\xff\xda")
    restarts = sum(body.count(bytes([0xFF, 0xD0 + number]), scan) for number in range(8))
    marker = bytes([0xFF, 0xD0 + restarts % 8])
    first: NDArray | None = None
    for fill in _FILLS:
        samples = _quietly(decode, body + fill + marker + fill + _EOI)
        if samples is None or (first is not None and not np.array_equal(first, samples)):
            return False
        first = samples
    return True


def _quietly(decode: Callable[[bytes], NDArray], data: bytes) -> NDArray | None:
    try:
        return decode(data)
    except Exception:  # decoders raise all kinds of exceptions on damaged data
        return None


def _all_scans(data: bytes) -> bool:
    """True if the scans that begin in a JPEG contain all coefficients of all components down to the last bit."""
    missing: dict[int, set[int]] = {}
    position = 2
    while 0 <= (position := data.find(b"\xff", position)) < len(data) - 4:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        segment = data[position + 4 : position + 2 + length]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(segment) >= 6 and not missing:
            lossless = marker == 0xC3
            missing = {number: set(range(1 if lossless else 64)) for number in segment[6::3][: segment[5]]}
        elif marker == 0xDA and segment:
            numbers = segment[1 : 1 + 2 * segment[0] : 2]
            first, last, bits = (*segment[1 + 2 * segment[0] :][:3], 0, 0, 1)[:3]
            sequential = all(len(missing.get(number, ())) == 1 for number in numbers)  # in lossless JPEG: a predictor
            for number in numbers:
                done = {0} if sequential else range(first, last + 1) if bits & 15 == 0 else ()
                missing.get(number, set()).difference_update(done)
        position += 2 + length
    return bool(missing) and not any(missing.values())


def whole_gif_picture(data: bytes) -> tuple[bool, bool]:
    """Returns whether the blocks of a GIF reach the end of the first picture, and whether they reach the trailer
    (GIF89a, 27), whatever follows it."""

    def after_colors(flags: int, position: int) -> int:
        return position + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)

    def after_blocks(position: int) -> int:
        while position < len(data) and data[position]:
            position += 1 + data[position]
        return position + 1

    picture = False
    if len(data) < 14:
        return False, False
    position = after_colors(data[10], 13)
    while position < len(data):
        kind = data[position]
        if kind == 0x3B:
            return picture, True
        if kind == 0x21:
            position = after_blocks(position + 2)
        elif kind == 0x2C and position + 9 < len(data):
            position = after_blocks(after_colors(data[position + 9], position + 10) + 1)
            picture |= position <= len(data)
        elif kind == 0:  # stray block terminators, which decoders skip
            position += 1
        else:
            return picture, False
    return picture, False


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields kind and contents of the complete chunks."""
    position = 12
    while position + 8 <= len(data):
        end = position + 8 + int.from_bytes(data[position + 4 : position + 8], "little")
        if end > len(data):
            return
        yield data[position : position + 4], data[position + 8 : end]
        position = end + end % 2


_ANIMATED, _XMP, _EXIF = 2, 4, 8
"""Bits of a WebP's VP8X chunk."""


def webp_of_whole_chunks(data: bytes) -> bytes | None:
    """Shortens a truncated WebP to its first picture; None if that one is truncated itself."""
    kept: list[tuple[bytes, bytes]] = []
    seen = False
    for kind, body in _webp_chunks(data):
        if kind in (b"ANMF", b"VP8 ", b"VP8L"):
            if seen:
                break
            seen = True
        kept.append((kind, body))
    if not seen:
        return None
    flags = {b"EXIF": _EXIF, b"XMP ": _XMP}
    absent = sum(bit for kind, bit in flags.items() if kind not in [each for each, _ in kept])
    out = b""
    for kind, body in kept:
        if kind == b"VP8X" and body:
            body = bytes([body[0] & ~absent]) + body[1:]
        out += kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(out) + 4) + b"WEBP" + out


def bmff_picture(data: bytes) -> bytes:
    """Reduces an ISO base media file to its primary picture: hides image sequences from the decoder, and ends truncated
    boxes at the end of the file."""
    out = bytearray(data)
    for kind, start, end in boxes(data):
        head = 16 if data[start - 16 : start - 12] == b"\0\0\0\1" and data[start - 12 : start - 8] == kind else 8
        if kind == b"ftyp":
            out[start:end] = data[start:end].replace(b"avis", b"avif")
        elif kind == b"moov":
            out[start - head + 4 : start - head + 8] = b"skip"
        if end == len(data):
            length = end - start + head
            out[start - head : start] = (
                struct.pack(">I4s", length, bytes(out[start - 4 : start])) if head == 8
                else struct.pack(">I4sQ", 1, bytes(out[start - 12 : start - 8]), length)
            )  # fmt: skip
    return bytes(out)


def codestream_without_end(data: bytes, at: int) -> bytes | None:
    """Adds the last marker (EOC) to a JPEG 2000 that lacks it but has all tile parts; None for any other file.

    Args:
        at: start of the codestream (ISO/IEC 15444-1, annex A).
    """
    body = data[:-1] if data[-1:] == b"\xff" else data
    width, height, left, top, tile_width, tile_height, tile_left, tile_top = struct.unpack_from(">8I", body, at + 8)
    if not (tile_width and tile_height):
        return None
    tiles = -(-(width - tile_left) // tile_width) * -(-(height - tile_top) // tile_height)
    left_over: dict[int, int] = {}
    position = at + 2
    while position + 12 <= len(body) and body[position] == 0xFF:
        if body[position + 1] != 0x90:
            position += 2 + int.from_bytes(body[position + 2 : position + 4], "big")
            continue
        tile, length, part, parts = struct.unpack_from(">HIBB", body, position + 4)
        if length < 14:
            return None
        left_over[tile] = (parts or left_over.get(tile, 0) + part + 1) - part - 1
        position += length
    whole = position == len(body) and len(left_over) == tiles and not any(left_over.values())
    return body + b"\xff\xd9" if whole else None
