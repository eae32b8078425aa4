"""Reads JPEG XL (ISO/IEC 18181) with imagecodecs (libjxl), which returns samples but not their meaning; that is read
from the codestream's header here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.errors import PhotoError
from explorer.messages import say
from explorer.photo.files.bmff import boxes, is_cut_off
from explorer.photo.files.color import Chromaticities, ColorSpace, coded_space
from explorer.photo.files.decoded import SEQUENCE, Decoded, damaged, exif_of
from explorer.photo.files.endings import END_MISSING
from explorer.photo.limits import Limits

SIGNATURES = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_SIDE, _PREVIEW_SIDE8 = ((1, 6), (65, 8), (321, 10), (1345, 12)), ((16, 0), (32, 0), (1, 5), (33, 9))
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
_COORDINATE = ((0, 19), (524288, 19), (1048576, 20), (2097152, 21))
_WHITES = {1: (0.3127, 0.3290), 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
_GREY, _XYB = 1, 2
_ALPHA, _SPOT, _CFA = 0, 2, 5
_PROFILE_NOTE = say("note.jxl_profile")

_Choices = tuple[tuple[int, int], ...]


class _Bits:
    """Fields of the codestream, least significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def u(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the header ends")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value

    def flag(self) -> bool:
        return bool(self.u(1))

    def u32(self, choices: _Choices) -> int:
        offset, count = choices[self.u(2)]
        return offset + self.u(count)

    def enum(self) -> int:
        return self.u32(_ENUM)

    def xy(self) -> tuple[float, float]:
        pair = []
        for _ in range(2):
            coded = self.u32(_COORDINATE)
            pair.append((-(coded + 1) // 2 if coded & 1 else coded // 2) / 1e6)
        return pair[0], pair[1]


@dataclass
class Header:
    """The contents of the codestream's header."""

    width: int
    height: int
    bits: int = 8
    floating: bool = False
    premultiplied: bool = False
    animated: bool = False
    space: ColorSpace | None = None
    unknown_profile: bool = False
    """True if the colours are those of a compressed ICC profile, which cannot be read here."""


def _size(bits: _Bits, side: _Choices = _SIDE, small: _Choices | None = None) -> tuple[int, int]:
    eighths = bits.flag()

    def length() -> int:
        if eighths:
            return 8 * (bits.u32(small) if small else 1 + bits.u(5))
        return bits.u32(side)

    height = length()
    ratio = bits.u(3)
    if ratio == 0:
        return length(), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _depth(bits: _Bits) -> tuple[int, bool]:
    if not bits.flag():
        return bits.u32(((8, 0), (10, 0), (12, 0), (1, 6))), False
    depth = bits.u32(((32, 0), (16, 0), (24, 0), (1, 6)))
    bits.u(4)
    return depth, True


def _extra_channel(bits: _Bits, header: Header) -> None:
    if bits.flag():
        return
    kind = bits.enum()
    _depth(bits)
    bits.u32(((0, 0), (3, 0), (4, 0), (1, 3)))
    for _ in range(bits.u32(((0, 0), (0, 4), (16, 5), (48, 10)))):
        bits.u(8)
    if kind == _ALPHA:
        header.premultiplied |= bits.flag()
    elif kind == _SPOT:
        bits.u(64)
    elif kind == _CFA:
        bits.u32(((1, 0), (0, 2), (3, 4), (19, 8)))


def _color(bits: _Bits, header: Header, xyb: bool) -> None:
    if bits.flag():
        return
    has_profile, kind = bits.flag(), bits.enum()
    if has_profile or kind > _GREY:
        header.unknown_profile = has_profile and not xyb  # libjxl converts XYB to sRGB if it cannot keep the profile
        if xyb and header.floating:
            header.space = ColorSpace(transfer=8)
        return
    which = bits.enum()
    white = bits.xy() if which == 2 else _WHITES[which]
    primaries: Chromaticities | None = None
    if kind != _GREY:
        which = bits.enum()
        if which == 2:
            primaries = (*bits.xy(), *bits.xy(), *bits.xy(), *white)
        else:
            named = coded_space({11: 12}.get(which, which), 13)
            primaries = None if named is None else (*named.primaries[:6], *white)  # type: ignore[assignment]
    gamma = bits.u(24) / 1e7 if bits.flag() else None
    transfer = 13 if gamma else bits.enum()
    space = coded_space(1, transfer)
    if space is not None:
        header.space = ColorSpace(primaries or space.primaries, transfer, gamma=1 / gamma if gamma else None)


def read_header(codestream: bytes) -> Header:
    """Reads SizeHeader and ImageMetadata (ISO/IEC 18181-1, annex D).

    Raises:
        ValueError, KeyError: the header is damaged.
    """
    bits = _Bits(codestream[2:4096])
    header = Header(*_size(bits))
    if bits.flag():
        return header
    if bits.flag():
        bits.u(3)
        if bits.flag():
            _size(bits)
        if bits.flag():
            _size(bits, _PREVIEW_SIDE, _PREVIEW_SIDE8)
        header.animated = bits.flag()
        if header.animated:
            bits.u32(((100, 0), (1000, 0), (1, 10), (1, 30)))
            bits.u32(((1, 0), (1001, 0), (1, 8), (1, 10)))
            bits.u32(((0, 0), (0, 3), (0, 16), (0, 32)))
            bits.flag()
    header.bits, header.floating = _depth(bits)
    bits.flag()
    for _ in range(bits.u32(((0, 0), (1, 0), (2, 4), (1, 12)))):
        _extra_channel(bits, header)
    _color(bits, header, bits.flag())
    return header


def read_jxl(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes a JPEG XL, upright; for an animation, the first picture.

    Raises:
        PhotoError: damaged, truncated or too large.
    """
    import imagecodecs

    stream, exif = data[:4096], None
    if data.startswith(SIGNATURES[1]):
        stream = b""
        for kind, start, end in boxes(data):
            if kind in (b"jxlc", b"jxlp"):
                stream += data[start + (4 if kind == b"jxlp" else 0) : end][:4096]
            elif kind == b"Exif" and end - start > 8:
                exif = data[start + 4 + int.from_bytes(data[start : start + 4], "big") : end]
    try:
        header = read_header(stream)
    except (ValueError, KeyError) as error:
        raise PhotoError(f"{name} is a damaged JPEG XL, whose header cannot be read; copy the file again.") from error
    limits.check_pixels(header.width, header.height, name)
    try:
        samples = imagecodecs.jpegxl_decode(data, index=0)
    except Exception as error:  # decoders raise all kinds of exceptions on damaged data
        raise damaged(error, name, "JPEG XL") from error
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    peak, bits = 1.0, 32
    if samples.dtype.kind == "u":
        peak, bits = float(2**header.bits - 1), max(8, header.bits)
    else:
        samples = np.clip(np.nan_to_num(samples.astype(np.float32)), 0, 1)
    cut = data.startswith(SIGNATURES[1]) and is_cut_off(data)
    notes = ((_PROFILE_NOTE, header.unknown_profile), (SEQUENCE, header.animated), (END_MISSING, cut))
    return Decoded(
        samples, peak, bits, "grey" if channels <= 2 else "rgb", channels in (2, 4), header.premultiplied,
        header.space, exif=exif_of(exif), notes=[note for note, told in notes if told],
    )  # fmt: skip
