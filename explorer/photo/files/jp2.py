"""Reads JPEG 2000 (ISO/IEC 15444) with imagecodecs (OpenJPEG): files with boxes, and bare codestreams."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.files.bmff import boxes
from explorer.photo.files.decoded import CHANNELS, Decoded, Model, damaged, exif_of
from explorer.photo.files.endings import END_MISSING, codestream_without_end
from explorer.photo.limits import Limits

SIGNATURES = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_CMYK, _SRGB, _GREY, _SYCC = 12, 16, 17, 18
_KNOWN = (_CMYK, _SRGB, _GREY, _SYCC)
_OPACITY, _PREMULTIPLIED = 1, 2
"""Kinds of channels in the box cdef."""
_EXIF_UUID = b"JpgTiffExif->JP2"


def _from_ycc(samples: NDArray, peak: float) -> NDArray:
    """sYCC (IEC 61966-2-1, amendment 1) -> RGB."""
    y, blue, red = (samples[..., i].astype(np.float32) for i in range(3))
    blue, red = blue - np.float32((peak + 1) / 2), red - np.float32((peak + 1) / 2)
    rgb = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    return np.dstack([np.clip(rgb, 0, peak), samples[..., 3:]])


def read_jp2(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes a JPEG 2000.

    Raises:
        PhotoError: damaged, truncated, too large, or in a colour space other than grey, RGB and CMYK.
    """
    import imagecodecs

    profile, space, exif, at = None, None, None, 0
    kinds: dict[int, int] = {}
    if data.startswith(SIGNATURES[0]):
        for kind, start, end in boxes(data):
            if kind == b"jp2h":
                for inner, begin, stop in boxes(data, start, end):
                    if inner == b"colr" and data[begin] == 1 and space is None:
                        space = int.from_bytes(data[begin + 3 : begin + 7], "big")
                    elif inner == b"colr" and data[begin] in (2, 3) and profile is None:
                        profile = data[begin + 3 : stop]
                    elif inner == b"cdef":
                        entries = struct.iter_unpack(">3H", data[begin + 2 : stop - (stop - begin - 2) % 6])
                        kinds = {channel: kind for channel, kind, _ in entries}
            elif kind == b"uuid" and data[start : start + 16] == _EXIF_UUID:
                exif = data[start + 16 : end]
            elif kind == b"jp2c":
                at = start
                break
    if data[at : at + 4] != SIGNATURES[1] or len(data) < at + 43:
        raise PhotoError(f"{name} is a damaged JPEG 2000, whose header cannot be read; copy the file again.")
    right, bottom, left, top = struct.unpack(">4I", data[at + 8 : at + 24])
    limits.check_pixels(max(0, right - left), max(0, bottom - top), name)
    count = int.from_bytes(data[at + 40 : at + 42], "big")
    limits.check_unpacked(max(0, right - left) * max(0, bottom - top) * count * 4, name)
    stored = data[at + 42] & 0x7F
    if space is not None and space not in _KNOWN:
        raise PhotoError(code="error.jp2_space", name=name, number=space)
    with_end = codestream_without_end(data, at)
    try:
        samples = imagecodecs.jpeg2k_decode(with_end or data)
    except Exception as error:  # decoders raise all kinds of exceptions on damaged data
        raise damaged(error, name, "JPEG 2000") from error
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    bits = stored + 1 if channels == count else 8 * samples.itemsize  # a palette's entries have their own depth
    peak = float(2**bits - 1)
    if samples.dtype.kind == "i":
        samples = samples.astype(np.int64) + 2 ** (bits - 1)
    if space == _SYCC and channels >= 3:
        samples = _from_ycc(samples, peak)
    model: Model = "cmyk" if space == _CMYK and channels >= 4 else "grey" if channels <= 2 else "rgb"
    beside = kinds.get(CHANNELS[model], _OPACITY)
    alpha = channels > CHANNELS[model] and beside in (_OPACITY, _PREMULTIPLIED)
    return Decoded(
        samples, peak, max(8, bits), model, alpha, beside == _PREMULTIPLIED, profile=profile, orientation=None,
        exif=exif_of(exif), notes=[END_MISSING] if with_end else [],
    )  # fmt: skip
