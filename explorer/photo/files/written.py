"""PNG and TIFF files from samples, compressed on all cores.

A PNG's samples are one zlib stream. Deflate (RFC 1951) lets it consist of blocks that know nothing of each other, so
bands of rows are filtered and compressed independently and joined: each block loses its mark of being the last one and
is followed by an empty stored block, which ends at a byte's border. A TIFF's strips are independent anyway.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from explorer.machine import cores
from explorer.photo.parallel import in_bands

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_BLOCK = 1 << 15
"""Bytes that are compressed at once, or a row. libdeflate's fastest level makes a single block of them, which refers to
nothing before it: noise loses 0.2 % by that."""
_BAND = 1 << 17
"""Bytes of filtered rows that are at work at once; with the predictor's steps they fit a second-level cache."""
_PROBED = 8
"""Bands sampled to decide how to compress a picture."""
_WORTH = 0.97
"""Size from which on it is worth while to search longer. In noise, nothing is found; in clean pictures, a tenth."""
_THOROUGH = 4
"""The first of zlib's levels that compares several matches."""
_PAETH = 4
_EMPTY = b"\0\0\xff\xff"
"""The rest of an empty stored block, after its three header bits and the padding."""
_LAST = b"\1" + _EMPTY
"""The same as the last block of a stream."""
_ZLIB = b"\x78\x01"
_ADLER = 65521


def png_of(samples: Samples, exif: bytes | None = None, profile: bytes | None = None) -> bytes:
    """A PNG (third edition) with Paeth's predictor in every row.

    Args:
        samples: H x W x 3 or H x W.
        exif: a TIFF structure for the eXIf chunk.
        profile: an ICC profile for the iCCP chunk.
    """
    probe = _probe(samples)
    quick = sum(map(len, _png_data(probe, True))) * _WORTH <= sum(map(len, _png_data(probe, False)))
    height, width = samples.shape[:2]
    header = struct.pack(">2I5B", width, height, 8 * samples.dtype.itemsize, 2 if samples.ndim == 3 else 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            *([_chunk(b"iCCP", b"ICC profile\0\0", zlib.compress(profile))] if profile else []),
            *([_chunk(b"eXIf", exif)] if exif else []),
            *_png_data(samples, quick),
            _chunk(b"IEND"),
        )
    )


def tiff_of(samples: Samples, profile: bytes | None = None) -> io.BytesIO:
    """A little-endian TIFF of one page: Deflate after the horizontal predictor, in strips.

    Args:
        samples: H x W x 3 or H x W.
        profile: an ICC profile.
    """
    probe = _probe(samples)
    quick, thorough = _tiff(probe, True), _tiff(probe, False)
    return _tiff(samples, len(quick.getbuffer()) * _WORTH <= len(thorough.getbuffer()), profile)


def _probe(samples: Samples) -> Samples:
    """Bands of rows from all over a picture, or all of a small one."""
    rows = max(1, _BAND // samples[0].nbytes)
    if len(samples) <= 2 * _PROBED * rows:
        return samples
    tops = np.linspace(0, len(samples) - rows, _PROBED).astype(int)
    return np.concatenate([samples[top : top + rows] for top in tops])


def _tiff(samples: Samples, quick: bool, profile: bytes | None = None) -> io.BytesIO:
    import tifffile

    options = {"compressionargs": {"level": 1}, "rowsperstrip": max(1, _BLOCK // samples[0].nbytes)} if quick else {}
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, samples, photometric="rgb" if samples.ndim == 3 else "minisblack", compression="zlib", predictor=True,
        maxworkers=cores(), metadata=None, byteorder="<", iccprofile=profile, **options,
    )  # fmt: skip
    return buffer


def _png_data(samples: Samples, quick: bool) -> list[bytes]:
    """The IDAT chunks: one for each band, and the end of the stream."""
    height, width = samples.shape[:2]
    step = samples.dtype.itemsize * (samples.shape[2] if samples.ndim == 3 else 1)
    rows = max(1, _BAND // (width * step + 1))
    chunks: list[bytes] = [b""] * -(-height // rows)
    sums: list[tuple[int, int]] = [(1, 0)] * len(chunks)

    def work(top: int, bottom: int) -> None:
        data = _filtered(samples, top, bottom, step).tobytes()
        parts = [data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK)] if quick else [data]
        blocks = [deflated(part, quick) for part in parts]
        band = top // rows
        sums[band] = zlib.adler32(data), len(data)
        chunks[band] = _chunk(b"IDAT", *([_ZLIB] if top == 0 else []), *blocks)

    in_bands(height, rows, work)
    return [*chunks, _chunk(b"IDAT", _LAST, struct.pack(">I", _joined(sums)))]


def deflated(data: bytes, quick: bool = True) -> bytes:
    """Bytes as deflate blocks none of which is the last, ending at a byte's border, so that others may follow.

    libdeflate ends a stream inside a byte and does not say where. The three bits of the empty block's header go into
    what is left of that byte or do not; its two lengths, each the other's complement, tell whether they did.

    Args:
        quick: by libdeflate's fastest level; else by zlib, which searches longer.
    """
    import imagecodecs

    found = bytearray(imagecodecs.deflate_encode(data, 1, raw=True)) if quick else bytearray(1)
    if not found[0] & 1:  # or several blocks, of which the mark is in the last one, anywhere
        stream = zlib.compressobj(_THOROUGH, zlib.DEFLATED, -zlib.MAX_WBITS)
        return stream.compress(data) + stream.flush(zlib.Z_FULL_FLUSH)
    found[0] &= 0xFE
    try:
        imagecodecs.deflate_decode(bytes(found + _EMPTY + _LAST), raw=True, out=len(data))
    except imagecodecs.DeflateError:
        found += b"\0"
    return bytes(found + _EMPTY)


def _chunk(name: bytes, *parts: bytes) -> bytes:
    data = b"".join((name, *parts))
    return struct.pack(">I", len(data) - len(name)) + data + struct.pack(">I", zlib.crc32(data))


def _joined(sums: list[tuple[int, int]]) -> int:
    """Adler-32 (RFC 1950) of bytes after each other, from that of each part and its length."""
    low, high = 1, 0
    for value, length in sums:
        high += (value >> 16) + length * (low - 1)
        low += (value & 0xFFFF) - 1
    return high % _ADLER << 16 | low % _ADLER


def _filtered(samples: Samples, top: int, bottom: int, step: int) -> NDArray[np.uint8]:
    """Rows top to bottom as their filter's type and what Paeth's predictor leaves of their bytes, most significant
    first (PNG specification, 9.4).

    The predictor takes of left (a), above (b) and corner (c) the one nearest to a + b - c. Its distances are |b - c|,
    |a - c| and, where c lies between a and b, the difference of those two; elsewhere c is farthest. So bytes suffice.
    """
    band = samples[max(0, top - 1) : bottom]
    rows = band.astype(band.dtype.newbyteorder(">"), order="C").view(np.uint8).reshape(len(band), -1)
    x = rows[-(bottom - top) :]
    b = rows[:-1] if top else np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
    a, c = np.zeros_like(x), np.zeros_like(x)
    a[:, step:], c[:, step:] = x[:, :-step], b[:, :-step]
    to_a = np.maximum(b, c) - np.minimum(b, c)
    to_b = np.maximum(a, c) - np.minimum(a, c)
    to_c = np.maximum(to_a, to_b) - np.minimum(to_a, to_b)
    to_c |= _mask((a > c) == (b > c))
    take_a, take_b = _mask((to_a <= to_b) & (to_a <= to_c)), _mask(to_b <= to_c)
    out = np.empty((len(x), x.shape[1] + 1), dtype=np.uint8)
    out[:, 0] = _PAETH
    # c ^ (b ^ c) is b, and so on.
    predicted = c ^ ((b ^ c) & take_b)
    predicted ^= (a ^ predicted) & take_a
    np.subtract(x, predicted, out=out[:, 1:])
    return out


def _mask(condition: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """255 where true, else 0."""
    return np.negative(condition.view(np.uint8))
