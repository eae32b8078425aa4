"""Writes pictures in a camera's own colours as linear DNGs: all three colours at every pixel, nothing developed.

Adobe, "Digital Negative (DNG) Specification", version 1.4: chapters 2 (structure), 4 (tags) and 6 (camera colour).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from explorer import __version__
from explorer.errors import OutputError
from explorer.photo.files.carried import (
    BASELINE_EXPOSURE,
    CAMERA_MODEL,
    COLOR_MATRICES,
    CROP_ORIGIN,
    CROP_SIZE,
    D65,
    ILLUMINANTS,
    OPCODES,
    PROFILE,
    SCALE,
    entries_of,
    numbers,
)
from explorer.photo.files.directories import (
    ASCII,
    BYTE,
    DOUBLE,
    EXIF_IFD,
    GPS_IFD,
    HEADER,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    copied,
    directory,
    text_of,
)
from explorer.photo.files.dng import ORIENTATIONS
from explorer.photo.files.lossless import encode_tiles, places_of, tile_sides
from explorer.photo.files.metadata import directories, without_place
from explorer.photo.light.cameras import SRGB_TO_XYZ, usable_xyz_to_camera
from explorer.photo.types import RawPhoto
from explorer.photo.values import Sliceable

WHITE = 65535
_LINEAR_RAW, _YCBCR, _JPEG = 34892, 6, 7
_SUB_IFDS, _XMP = 330, 700
_STRIP, _TILES, _TILE_LENGTHS = 273, 324, 325
_KEPT_TEXTS = (270, 271, 272, 306, 315, 33432)
"""Description, make, model, date, artist, copyright."""
_SOFTWARE = f"Lowlight Explorer {__version__}"


@dataclass(frozen=True, eq=False)
class LinearDng:
    """The contents of a linear DNG."""

    samples: Sliceable = field(repr=False)
    """H x W x 3 camera RGB before white balance, or H x W x 1 for a monochrome sensor, in sensor orientation: 0 is no
    light, 65535 is white."""
    photo: RawPhoto = field(repr=False)
    """The source photo: white balance, matrices, orientation, metadata."""
    preview: Callable[[], tuple[bytes, tuple[int, int]]] = field(repr=False)
    """Waits for a JPEG of the picture in sensor orientation, without chroma subsampling, and its width and height."""
    exposure: float = 0.0
    """Stops that RAW developers add to their baseline (BaselineExposure)."""
    noise: Sequence[tuple[float, float]] = ()
    """Slope and offset of each channel's variance over its mean (NoiseProfile)."""
    xmp: bytes = b""
    """An XMP packet."""
    keep_gps: bool = False
    """Keep the place where the photo was taken."""


def _color_tags(photo: RawPhoto, found: dict[int, tuple[int, Any]]) -> dict[int, tuple[int, Any]]:
    """Matrices and neutral colour; if the file has no usable matrices, the inverse of the one in use."""
    if photo.monochrome:
        return {}
    red, green, blue = photo.white_balance.gains
    tags: dict[int, tuple[int, Any]] = {50728: (RATIONAL, [1 / red, 1 / green, 1 / blue])}
    own = [np.array(numbers(found.get(code))) for code in COLOR_MATRICES]
    if any(each.size == 9 and usable_xyz_to_camera(each.reshape(3, 3)) for each in own):
        return tags | {code: found[code] for code in PROFILE if code in found}
    # Rows of `camera_to_srgb` sum to 1, so the daylight gains give the ratios between the channels.
    daylight = np.array(photo.daylight or photo.white_balance.gains, dtype=np.float64)
    to_camera = np.linalg.inv(photo.camera_to_srgb.astype(np.float64)) @ np.linalg.inv(SRGB_TO_XYZ)
    matrix = to_camera / daylight[:, None]
    return tags | {COLOR_MATRICES[0]: (SRATIONAL, matrix), ILLUMINANTS[0]: (SHORT, D65)}


def _main_tags(dng: LinearDng, found: dict[int, tuple[int, Any]], texts: dict[int, Any]) -> dict[int, tuple[int, Any]]:
    """The first directory: kind of file, colour development, and the preview, whose size and place are still 0."""
    photo = dng.photo
    name = (photo.camera or "Lowlight Explorer").encode("ascii", "replace").decode("ascii")
    tags: dict[int, tuple[int, Any]] = {
        254: (LONG, 1), 256: (LONG, 0), 257: (LONG, 0), 258: (SHORT, [8, 8, 8]), 259: (SHORT, _JPEG),
        262: (SHORT, _YCBCR), _STRIP: (LONG, 0), 277: (SHORT, 3), 278: (LONG, 0), 279: (LONG, 0),
        284: (SHORT, 1), 530: (SHORT, [1, 1]), 271: (ASCII, name.split(" ")[0]), 272: (ASCII, name),
        274: (SHORT, ORIENTATIONS[photo.rotation, photo.mirrored]), 305: (ASCII, _SOFTWARE), _SUB_IFDS: (LONG, 0),
        50706: (BYTE, [1, 4, 0, 0]), 50707: (BYTE, [1, 3, 0, 0]),
        CAMERA_MODEL: found.get(CAMERA_MODEL, (ASCII, name)), 50827: (ASCII, photo.name),
        50966: (ASCII, "Lowlight Explorer"), 50967: (ASCII, __version__), 50970: (LONG, 2),
    }  # fmt: skip
    tags |= {code: (ASCII, text_of(str(texts[code])) + b"\0") for code in _KEPT_TEXTS if code in texts}
    own = numbers(found.get(BASELINE_EXPOSURE))
    tags[BASELINE_EXPOSURE] = SRATIONAL, dng.exposure + (own[0] if own else 0.0)
    if 50736 in found:
        tags[50736] = found[50736]
    if dng.xmp:
        tags[_XMP] = BYTE, dng.xmp
    return tags | _color_tags(photo, found)


def _raw_tags(dng: LinearDng, found: dict[int, tuple[int, Any]]) -> dict[int, tuple[int, Any]]:
    """The directory of the samples, without the places and lengths of its tiles."""
    height, width, depth = dng.samples.shape
    rows, columns = tile_sides(height, width)
    unknown = LONG, [0] * len(places_of(height, width))
    tags: dict[int, tuple[int, Any]] = {
        254: (LONG, 0), 256: (LONG, width), 257: (LONG, height), 258: (SHORT, [16] * depth), 259: (SHORT, _JPEG),
        262: (SHORT, _LINEAR_RAW), 277: (SHORT, depth), 284: (SHORT, 1), 322: (LONG, columns), 323: (LONG, rows),
        _TILES: unknown, _TILE_LENGTHS: unknown,
        50713: (SHORT, [1, 1]), 50714: (SHORT, [0] * depth), 50717: (LONG, [WHITE] * depth),
        SCALE: (RATIONAL, [1, 1]), CROP_ORIGIN: (LONG, [0, 0]), CROP_SIZE: (LONG, [width, height]),
        50780: (RATIONAL, 1), 50829: (LONG, [0, 0, height, width]),
    }  # fmt: skip
    tags |= {code: found[code] for code in (SCALE, CROP_ORIGIN, CROP_SIZE, OPCODES) if code in found}
    if dng.noise:
        tags[51041] = DOUBLE, [number for pair in dng.noise for number in pair]
    return tags


def write_dng(file: BinaryIO, dng: LinearDng) -> None:
    """Writes the file: the tiles while others are encoded, then the preview; at the end, the directories before them.

    Raises:
        OutputError: it would be larger than a TIFF can be.
    """
    height, width = dng.samples.shape[:2]
    found = entries_of(dng.photo.carried, (height, width))
    block = dng.photo.exif if dng.keep_gps else without_place(dng.photo.exif)
    texts, details, place = directories(block) if block else ({}, {}, {})
    main, raw = _main_tags(dng, found, texts), _raw_tags(dng, found)
    groups = [(code, values) for code, values in ((EXIF_IFD, details), (GPS_IFD, place)) if values]
    main |= {code: (LONG, 0) for code, _ in groups}
    end = len(HEADER) + len(directory(main, 0))
    metadata = b""
    for code, values in groups:
        main[code] = LONG, end + len(metadata)
        metadata += copied(values, code, end + len(metadata))
    main[_SUB_IFDS] = LONG, end + len(metadata)
    end += len(metadata) + len(directory(raw, 0))
    file.seek(end)
    starts, lengths = list[int](), list[int]()

    def write(tile: bytes) -> None:
        nonlocal end
        starts.append(end)
        lengths.append(len(tile))
        end += _write_even(file, tile)
        if end >= 1 << 32:
            raise OutputError(code="error.dng_too_large")

    encode_tiles(dng.samples, write)
    raw[_TILES], raw[_TILE_LENGTHS] = (LONG, starts), (LONG, lengths)
    preview, (columns, rows) = dng.preview()
    _write_even(file, preview)
    for code, value in ((256, columns), (257, rows), (_STRIP, end), (278, rows), (279, len(preview))):
        main[code] = LONG, value
    file.seek(0)
    file.write(HEADER + directory(main, len(HEADER)) + metadata + directory(raw, main[_SUB_IFDS][1]))


def _write_even(file: BinaryIO, data: bytes) -> int:
    file.write(data)
    return len(data) + file.write(bytes(len(data) % 2))
