"""Reads JPEG: 8-bit kinds with Pillow, 12-bit and lossless ones with imagecodecs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from explorer.errors import PhotoError
from explorer.photo.files.decoded import Decoded, Model, damaged, exif_of, through_pillow, truncated
from explorer.photo.files.endings import END_MISSING, jpeg_is_whole
from explorer.photo.files.scans import check_scans
from explorer.photo.limits import Limits

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS = 0xC3
_JPEG_LS = 0xF7
_EOI = b"\xff\xd9"
_DCT = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})


@dataclass
class _Header:
    """The contents of the segments before the samples."""

    frame: int = 0
    """The marker of the frame header; 0 if there is none."""
    precision: int = 8
    width: int = 0
    height: int = 0
    components: int = 0
    adobe: bool = False
    exif: bytes | None = None
    profile: dict[int, bytes] = field(default_factory=dict)
    scan: int = 0
    """Position of the first scan."""


def _header(data: bytes) -> _Header:
    found = _Header()
    position = 2
    while position + 4 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xFF or marker in (0x00, 0xFF):  # fill bytes and stray data
            position += 1
            continue
        if marker == 0xDA:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        segment = data[position + 4 : end]
        if (marker in _FRAMES or marker == _JPEG_LS) and not found.frame and len(segment) >= 6:
            found.frame, found.precision, found.components = marker, segment[0], segment[5]
            found.height, found.width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
        elif marker == 0xE1 and segment.startswith(b"Exif\0") and found.exif is None:
            found.exif = segment[6:]
        elif marker == 0xE2 and segment.startswith(b"ICC_PROFILE\0") and len(segment) > 14:
            found.profile.setdefault(segment[12], segment[14:])
        elif marker == 0xEE and segment.startswith(b"Adobe"):
            found.adobe = True
        position = end
    found.scan = position
    return found


def read_jpeg(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes a JPEG; for files with several (MPO, previews after the picture), the first.

    Raises:
        PhotoError: damaged, truncated, too large, or of a kind that no installed decoder supports.
    """
    header = _header(data)
    if header.frame and header.height:
        limits.check_pixels(header.width, header.height, name)
    by_codec = header.frame in (_LOSSLESS, _JPEG_LS) or header.precision != 8
    if header.frame and not by_codec and header.frame not in _DCT:
        raise PhotoError(code="error.hierarchical_jpeg", name=name)
    check_scans(data, name, limits)
    decode = partial(through_pillow, formats=["JPEG", "MPO"], name=name, kind="JPEG", limits=limits)
    if by_codec:
        decode = partial(_by_codec, header=header, name=name)
    ended = not header.frame or data.find(_EOI, header.scan) >= 0
    if not ended and not jpeg_is_whole(data, header.frame, lambda continued: decode(continued).samples):
        raise truncated("jpeg", name)
    decoded = decode(data if ended else data + _EOI)
    decoded.notes += [] if ended else [END_MISSING]
    decoded.profile = b"".join(header.profile[number] for number in sorted(header.profile)) or None
    decoded.exif = exif_of(header.exif)
    decoded.orientation, decoded.exif_color = None, True
    return decoded


def _by_codec(data: bytes, header: _Header, name: str) -> Decoded:
    import imagecodecs

    try:
        if header.frame == _JPEG_LS:
            samples = imagecodecs.jpegls_decode(data)
        else:
            samples = imagecodecs.jpeg8_decode(data)
    except Exception as error:
        raise damaged(error, name, f"JPEG of {header.precision} bits") from error
    peak = float(2**header.precision - 1)
    models: dict[int, Model] = {1: "grey", 3: "rgb", 4: "cmyk"}
    if header.components not in models:
        raise PhotoError(code="error.jpeg_channels", name=name, count=header.components)
    if header.components == 4 and header.adobe:  # Adobe stores the light of the paper, not the ink
        samples = int(peak) - samples
    return Decoded(samples, peak, max(8, header.precision), models[header.components])
