"""Encodes samples as PNG and TIFF files, compressed on all cores.

A PNG's samples are one zlib stream. Deflate (RFC 1951) allows it to consist of independent blocks, so bands of rows are
filtered and compressed independently and then joined: each block loses its mark as the last one and is followed by an
empty stored block, which ends on a byte boundary. A TIFF's strips are independent anyway.
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
"""Bytes that are compressed at once (at least one row). libdeflate's fastest level makes a single block of them,
without references to earlier data, which costs 0.2 % on noise."""
_BAND = 1 << 17
"""Bytes of filtered rows that are processed at once; with the predictor's steps they fit into a second-level cache."""
_PROBED = 8
"""Bands sampled to decide how to compress a picture."""
_WORTH = 0.97
"""Size from which a longer search pays off. In noise it finds nothing, in clean pictures it saves a tenth."""
_THOROUGH = 4
"""Lowest zlib level that compares several matches."""
_PAETH = 4
_EMPTY = b"\0\0\xff\xff"
"""The rest of an empty stored block, after its three header bits and the padding."""
_LAST = b"\1" + _EMPTY
"""The same as the last block of a stream."""
_ZLIB = b"\x78\x01"
_ADLER = 65521


def png_of(samples: Samples, exif: bytes | None = None, profile: bytes | None = None) -> bytes:
    """Encodes a PNG (third edition) with Paeth's predictor in every row.

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
    """Encodes a little-endian, single-page TIFF: Deflate after the horizontal predictor, in strips.

    Args:
        samples: H x W x 3 or H x W.
        profile: an ICC profile.
    """
    probe = _probe(samples)
    quick, thorough = _tiff(probe, True), _tiff(probe, False)
    return _tiff(samples, len(quick.getbuffer()) * _WORTH <= len(thorough.getbuffer()), profile)


def _probe(samples: Samples) -> Samples:
    """Samples bands of rows from all over a picture, or all of a small one."""
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
    """Yields the IDAT chunks: one for each band, and the end of the stream."""
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
    """Compresses bytes to deflate blocks that end on a byte boundary, none marked as the last, so that more may follow.

    libdeflate ends a stream inside a byte and does not say where. The three bits of the empty block's header either fit
    into the rest of that byte or not; its two lengths, each the complement of the other, show whether they did.

    Args:
        quick: use libdeflate's fastest level, otherwise zlib, which searches longer.
    """
    import imagecodecs

    found = bytearray(imagecodecs.deflate_encode(data, 1, raw=True)) if quick else bytearray(1)
    if not found[0] & 1:  # or several blocks, with the mark in the last one, anywhere
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
    """Combines the Adler-32 checksums (RFC 1950) of consecutive parts, given each part's checksum and length."""
    low, high = 1, 0
    for value, length in sums:
        high += (value >> 16) + length * (low - 1)
        low += (value & 0xFFFF) - 1
    return high % _ADLER << 16 | low % _ADLER


def _filtered(samples: Samples, top: int, bottom: int, step: int) -> NDArray[np.uint8]:
    """Filters rows top to bottom: each row's filter type and the residuals of Paeth's predictor, most significant byte
    first (PNG specification, 9.4).

    Of left (a), above (b) and corner (c), the predictor takes the one nearest to a + b - c. The distances are |b - c|,
    |a - c| and, if c lies between a and b, the difference of those two; otherwise c is farthest. So bytes suffice.
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
