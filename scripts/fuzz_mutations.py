"""Seeded damage to files: blind (bits, blocks, ends), and aware of TIFF, PNG, JPEG, RIFF and ICC."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

INTERESTING = (0, 1, 2, 3, 7, 8, 15, 16, 127, 128, 255, 256, 1000, 32767, 32768, 65535, 65536, 0x7FFFFFFF, 0x80000000,
               0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip
"""Numbers at which counts, sizes and offsets often break."""
SUFFIXES = ("dng", "nef", "arw", "cr2", "cr3", "raf", "orf", "rw2", "tif", "png", "jpg", "webp", "gif", "bmp", "raw")
_TAGS = (256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347, 33421,
         33422, 34665, 34675, 34853, 37500, 50706, 50713, 50714, 50717, 50721, 50829, 51008)  # fmt: skip
"""TIFF tags that decide how samples are read."""
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

Mutation = Callable[[Random, bytearray], None]


def _place(random: Random, data: bytearray, length: int = 1) -> int:
    """Returns a random position, mostly near the ends of a file, because headers and directories matter more than
    samples."""
    last = max(0, len(data) - length)
    choice = random.random()
    if choice < 0.4:
        return random.randint(0, min(last, 600))
    if choice < 0.55:
        return random.randint(max(0, last - 600), last)
    return random.randint(0, last)


def _number(random: Random) -> int:
    return random.choice(INTERESTING) if random.random() < 0.6 else random.getrandbits(random.choice((4, 8, 16, 32)))


def flip_bits(random: Random, data: bytearray) -> None:
    for _ in range(random.choice((1, 1, 2, 4, 16, 64))):
        if data:
            data[_place(random, data)] ^= 1 << random.randrange(8)


def set_number(random: Random, data: bytearray) -> None:
    length = random.choice((1, 2, 4, 8))
    place = _place(random, data, length)
    value = _number(random) & ((1 << 8 * length) - 1)
    data[place : place + length] = value.to_bytes(length, random.choice(("little", "big")))


def cut(random: Random, data: bytearray) -> None:
    del data[random.randint(0, len(data)) :]
    if random.random() < 0.3:
        data += bytes(random.choice((1, 16, 5000)))


def block(random: Random, data: bytearray) -> None:
    """Removes, repeats, zeroes or overwrites a block, or inserts noise."""
    length = random.choice((1, 2, 4, 12, 64, 512))
    start = _place(random, data, length)
    piece = bytes(data[start : start + length])
    action = random.randrange(5)
    if action == 0:
        del data[start : start + length]
    elif action == 1:
        data[start:start] = piece * random.choice((1, 2, 40))
    elif action == 2:
        data[start : start + length] = bytes(len(piece))
    elif action == 3:
        data[start:start] = random.randbytes(length)
    else:
        elsewhere = _place(random, data, length)
        data[elsewhere : elsewhere + length] = piece


@dataclass(frozen=True)
class _Entry:
    """One entry of a TIFF directory, by the positions of its parts."""

    order: str
    at: int
    big: bool

    @property
    def length(self) -> int:
        return 20 if self.big else 12


def tiff_entries(data: bytes | bytearray, start: int = 0) -> list[_Entry]:
    """Yields the entries of the first directories of a TIFF structure that begins at `start`."""
    magic = bytes(data[start : start + 4])
    if magic not in _TIFF_MAGIC:
        return []
    order, big = "<" if magic[:1] == b"I" else ">", b"+" in magic
    found: list[_Entry] = []
    try:
        at = struct.unpack_from(order + ("Q" if big else "I"), data, start + (8 if big else 4))[0]
        for _ in range(4):
            if not 0 < at < len(data):
                break
            count = struct.unpack_from(order + ("Q" if big else "H"), data, start + at)[0]
            first, step = start + at + (8 if big else 2), 20 if big else 12
            entries = [_Entry(order, first + step * k, big) for k in range(min(count, 100))]
            found += [entry for entry in entries if entry.at + step <= len(data)]
            at = struct.unpack_from(order + ("Q" if big else "I"), data, first + step * count)[0]
    except (struct.error, OverflowError):  # an address beyond the file
        pass
    return found


def tiff_tag(random: Random, data: bytearray) -> None:
    """Changes the code, type, count or value of a tag, wherever the TIFF structure begins in the file."""
    starts = [0, *(k for k in (data.find(m, 1, 4096) for m in _TIFF_MAGIC) if k > 0)]
    entries = [entry for start in starts for entry in tiff_entries(data, start)]
    if not entries:
        return set_number(random, data)
    entry = random.choice(entries)
    wide = "Q" if entry.big else "I"
    count_at, value_at = entry.at + 4, entry.at + (12 if entry.big else 8)
    action = random.randrange(6)
    if action == 0:
        struct.pack_into(entry.order + "H", data, entry.at, random.choice(_TAGS))
    elif action == 1:
        struct.pack_into(entry.order + "H", data, entry.at + 2, random.choice((*range(0, 20), 65535)))
    elif action == 2:
        struct.pack_into(entry.order + wide, data, count_at, _number(random))
    elif action == 3:
        struct.pack_into(entry.order + wide, data, value_at, _number(random))
    elif action == 4:
        struct.pack_into(entry.order + wide, data, value_at, random.randrange(len(data) + 16))
    else:
        other = random.choice(entries)
        data[entry.at : entry.at + entry.length] = data[other.at : other.at + other.length]
    return None


def png_chunk(random: Random, data: bytearray) -> None:
    """Changes a chunk and corrects its checksum, so that decoders read its content."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append([bytes(data[at + 4 : at + 8]), bytes(data[at + 8 : at + 8 + length])])
        at += 12 + length
    if not data.startswith(b"\x89PNG") or not chunks:
        return flip_bits(random, data)
    which = random.randrange(len(chunks))
    kind, body = chunks[which]
    action = random.randrange(6)
    if action == 0:
        changed = bytearray(body)
        random.choice((flip_bits, set_number, cut))(random, changed) if changed else None
        chunks[which][1] = bytes(changed)
    elif action == 1:
        chunks.insert(random.randrange(len(chunks) + 1), [kind, body])
    elif action == 2:
        del chunks[which]
    elif action == 3:
        chunks[which][0] = random.choice((b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"IDAT", b"IEND", b"gAMA"))
    elif action == 4 and kind == b"IDAT":
        try:
            changed = bytearray(zlib.decompress(body))
        except zlib.error:
            changed = bytearray(body)
        random.choice((flip_bits, cut, block))(random, changed)
        chunks[which][1] = zlib.compress(bytes(changed))
    else:
        bomb = zlib.compress(bytes(random.choice((10, 100_000, 3_000_000))))
        chunks.insert(1, random.choice(([b"iCCP", b"x\0\0" + bomb], [b"zTXt", b"x\0\0" + bomb], [b"tEXt", b"x\0" * 9])))
    parts = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks]
    data[:] = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    return None


def jpeg_segment(random: Random, data: bytearray) -> None:
    """Changes a segment's marker, length or content, or drops or repeats it."""
    segments, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        segments.append((at, min(at + length, len(data))))
        at += length
    if not data.startswith(b"\xff\xd8") or not segments:
        return flip_bits(random, data)
    start, end = random.choice(segments)
    action = random.randrange(6)
    if action == 0:
        data[start + 1] = random.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC9, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE))
    elif action == 1:
        data[start + 2 : start + 4] = (_number(random) & 0xFFFF).to_bytes(2, "big")
    elif action == 2:
        del data[start:end]
    elif action == 3:
        data[start:start] = data[start:end] * random.choice((1, 3, 200))
    elif end - start > 5:
        for _ in range(random.choice((1, 2, 8))):
            data[random.randrange(start + 4, end)] = random.choice((0, 1, 2, 3, 255, random.randrange(256)))
    return None


def riff_chunk(random: Random, data: bytearray) -> None:
    """Changes a chunk of a WebP file: its kind, size or content, or drops or repeats it."""
    chunks, at = [], 12
    while at + 8 <= len(data):
        length = 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        chunks.append((at, min(len(data), at + length + length % 2)))
        at += length + length % 2
    if not data.startswith(b"RIFF") or not chunks:
        return flip_bits(random, data)
    start, end = random.choice(chunks)
    action = random.randrange(6)
    if action == 0:
        data[start : start + 4] = random.choice(
            (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF")
        )
    elif action == 1:
        data[start + 4 : start + 8] = _number(random).to_bytes(4, "little")
    elif action == 2:
        del data[start:end]
    elif action == 3:
        data[end:end] = data[start:end]
    else:
        for _ in range(random.choice((1, 2, 8))):
            data[random.randrange(start, end)] = random.randrange(256)
    if random.random() < 0.7:
        data[4:8] = (len(data) - 8).to_bytes(4, "little")
    return None


def icc_profile(random: Random, data: bytearray) -> None:
    """Changes an uncompressed colour profile in the file: its tag table, or a curve's kind and length."""
    start = data.find(b"acsp") - 36
    if start < 0 or start + 144 > len(data):
        return flip_bits(random, data)
    curves = [at for kind in (b"curv", b"para") if (at := data.find(kind, start + 128)) > 0]
    action = random.randrange(4)
    if action == 0 and curves:
        at = random.choice(curves) + random.choice((0, 8, 10))
        data[at : at + 4] = random.choice((b"curv", b"para", _number(random).to_bytes(4, "big")))
    elif action == 1:
        data[start + 128 : start + 132] = _number(random).to_bytes(4, "big")
    elif action == 2:
        at = start + 132 + 4 * random.randrange(30)
        data[at : at + 4] = _number(random).to_bytes(4, "big")
    else:
        data[start + 16 : start + 24] = random.choice((b"GRAYXYZ ", b"RGB Lab ", b"CMYKLab ", b"RGB XYZ ", b"Lab XYZ "))
    return None


_BLIND: tuple[Mutation, ...] = (flip_bits, set_number, cut, block)
_KNOWING: dict[str, Mutation] = {
    "dng": tiff_tag,
    "camera": tiff_tag,
    "tiff": tiff_tag,
    "png": png_chunk,
    "jpeg": jpeg_segment,
    "webp": riff_chunk,
}


def mutated(random: Random, kind: str, name: str, data: bytes, other: bytes) -> tuple[str, bytes]:
    """Makes one damaged file.

    Args:
        random: random generator; the same state gives the same file.
        kind: the format, which selects the container's rules.
        name: of the original file; sometimes the result has another suffix.
        other: a second file, whose end is sometimes appended to the first one's beginning.

    Returns:
        The name and the bytes.
    """
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        knowing = _KNOWING.get(kind)
        if knowing is not None and random.random() < 0.6:
            # A picture's EXIF block is a TIFF structure, and its colour profile is another container.
            if kind in ("jpeg", "png", "webp", "tiff") and random.random() < 0.3:
                knowing = random.choice((tiff_tag, icc_profile))
            knowing(random, changed)
        elif changed:
            random.choice(_BLIND)(random, changed)
    if random.random() < 0.03:
        changed[random.randint(0, len(changed)) :] = other[random.randint(0, len(other)) :]
    if random.random() < 0.1:
        name = f"{name.rsplit('.', 1)[0]}.{random.choice(SUFFIXES)}"
    return name, bytes(changed)
