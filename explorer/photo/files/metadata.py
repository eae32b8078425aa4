"""Shooting data in files: camera, exposure, and the EXIF block that is copied into results.

The block keeps the tags that say how, when and by whom the picture was taken. It leaves out tags that would be wrong
for a result (size, orientation, storage, thumbnails, colour space), that cannot be moved (maker notes contain addresses
inside the original file), and private data (the camera's and the lens's serial numbers, the owner's name). The place
(GPS) stays in the block; writers of results leave it out unless asked to keep it, see `without_place`.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from explorer.photo.files.directories import EXIF_IFD, GPS_IFD, structure
from explorer.photo.types import Exposure

_MAKE, _MODEL, _ORIENTATION = 271, 272, 274
_DATE, _DATE_TAKEN = 306, 36867
_SECONDS, _APERTURE, _ISO, _FOCAL_LENGTH = 33434, 33437, 34855, 37386
_KEPT = (270, _MAKE, _MODEL, 305, 306, 315, 33432)
"""Description, make, model, software, date, artist, copyright."""
_LEFT_OUT = frozenset({
    37500, 40965,  # maker note, interoperability
    37121, 37122, 40960, 40961, 40962, 40963, 41486, 41487, 41488,  # how samples are stored, colour space, sizes
    37396, 41492,  # positions in the original's pixels
    42016, 42032, 42033, 42037,  # identifier, owner, serial numbers
    *_KEPT, EXIF_IFD, GPS_IFD,
})  # fmt: skip
"""Tags of the EXIF directory that are not copied into results."""
_MOST_BYTES = 60_000
"""Largest block; JPEG has 65533 bytes for it."""
_LONGEST_NAME = 100
"""Characters of a camera's make and model that are kept; a file may have millions, and pages show them."""


@dataclass(frozen=True)
class Metadata:
    """Camera and exposure as stated in a file."""

    camera: str | None = None
    exposure: Exposure = field(default_factory=Exposure)
    exif: bytes | None = None
    """A TIFF-structured EXIF block; the module's docstring describes its contents."""


def positive(value: Any) -> float | None:
    """Returns a number above 0, or None for anything else that a tag can contain (0/0, empty, text)."""
    if isinstance(value, tuple | list):
        if len(value) == 2 and all(isinstance(part, int) for part in value):  # a rational that was not divided
            value = value[0] / value[1] if value[1] else None
        else:
            value = value[0] if value else None
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def camera_name(make: Any, model: Any) -> str | None:
    """Joins make and model, without repeating the make."""
    parts = [str(part)[:_LONGEST_NAME].replace("\0", " ").strip() for part in (make, model) if part]
    parts = [part for part in parts if part]
    if len(parts) == 2 and parts[1].lower().startswith(parts[0].lower().split()[0]):
        parts = parts[1:]
    return " ".join(parts) or None


def metadata_of_exif(exif: Any) -> Metadata:
    """Reads metadata from a `PIL.Image.Exif`, which is not changed."""
    return metadata_of_directories(exif, dict(exif.get_ifd(EXIF_IFD)), dict(exif.get_ifd(GPS_IFD)))


def metadata_of_directories(main: Mapping[int, Any], details: Mapping[int, Any], place: Mapping[int, Any]) -> Metadata:
    """Reads metadata from the main, EXIF and GPS directories (tag number -> value)."""
    exposure = Exposure(
        seconds=positive(details.get(_SECONDS, main.get(_SECONDS))),
        aperture=positive(details.get(_APERTURE, main.get(_APERTURE))),
        iso=positive(details.get(_ISO, main.get(_ISO))),
        focal_length=positive(details.get(_FOCAL_LENGTH, main.get(_FOCAL_LENGTH))),
    )
    block = _block({code: main[code] for code in _KEPT if code in main}, details, place)
    return Metadata(camera_name(main.get(_MAKE), main.get(_MODEL)), exposure, block)


def _block(main: Mapping[int, Any], details: Mapping[int, Any], place: Mapping[int, Any]) -> bytes | None:
    """Builds a TIFF structure of three directories; None if nothing is left of them, or they cannot be written."""
    details = {code: value for code, value in details.items() if code not in _LEFT_OUT and code < 50000}
    for parts in ((main, details, place), (main, {}, {})):
        with contextlib.suppress(Exception):  # a tag that cannot be written again is no reason to lose the picture
            block = structure(parts[0], {EXIF_IFD: parts[1], GPS_IFD: parts[2]}) if any(parts) else b""
            if len(block) <= _MOST_BYTES:
                return block or None
    return None


def directories(block: bytes) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    """Returns the main, EXIF and GPS directories of a block (tag number -> value); empty if it is damaged."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load_from_fp(io.BytesIO(block.removeprefix(b"Exif\0\0")))
        main = {code: exif[code] for code in exif if code not in (EXIF_IFD, GPS_IFD)}
        return main, dict(exif.get_ifd(EXIF_IFD)), dict(exif.get_ifd(GPS_IFD))
    except Exception:  # damaged tags are no reason to refuse the picture
        return {}, {}, {}


def without_place(block: bytes | None) -> bytes | None:
    """Removes the place where the picture was taken from an EXIF block; None if nothing else is in it."""
    if not block:
        return None
    main, details, _ = directories(block)
    return _block(main, details, {})


def metadata_of_tiff_block(block: bytes) -> Metadata:
    """Reads metadata from a TIFF structure (a whole TIFF-based RAW file, or the block inside another container)."""
    return metadata_of_tiff(io.BytesIO(block))  # shares the bytes


def metadata_of_tiff(file: IO[bytes]) -> Metadata:
    """Reads metadata from an open TIFF; only the tags are read."""
    from PIL import Image

    if file.read(4) not in (b"II*\0", b"MM\0*"):  # Pillow takes a BigTIFF's header for a damaged one
        return Metadata()
    file.seek(0)
    exif = Image.Exif()
    try:
        exif.load_from_fp(file)
        return metadata_of_exif(exif)
    except Exception:  # damaged tags are no reason to refuse the picture
        return Metadata()


def exif_block(
    camera: str | None, exposure: Exposure, found: bytes | None = None, taken: datetime | None = None
) -> bytes | None:
    """Builds an EXIF block (TIFF structure) of the known facts; None if there are none.

    Args:
        camera: its name.
        exposure: how the picture was taken.
        found: the block of the file's own tags, which are kept where they are more detailed.
        taken: date and time on the camera's clock.
    """
    main, details, place = directories(found) if found else ({}, {}, {})
    if camera and _MODEL not in main:
        main[_MODEL] = camera
    if taken is not None and _DATE not in main and _DATE_TAKEN not in details:
        main[_DATE] = details[_DATE_TAKEN] = taken.strftime("%Y:%m:%d %H:%M:%S")
    known = {
        _SECONDS: exposure.seconds,
        _APERTURE: exposure.aperture,
        _ISO: None if exposure.iso is None else min(round(exposure.iso), 65535),
        _FOCAL_LENGTH: exposure.focal_length,
    }
    return _block(main, {code: value for code, value in known.items() if value is not None} | details, place)
