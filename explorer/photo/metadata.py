"""What files say about how a picture was taken: camera, exposure, and the EXIF block that results carry on."""

from __future__ import annotations

import contextlib
import io
import math
import re
from dataclasses import dataclass, field
from typing import Any

from explorer.photo.types import Exposure

_MAKE, _MODEL, _ORIENTATION, _DATE, _ARTIST, _COPYRIGHT = 271, 272, 274, 306, 315, 33432
_EXIF_IFD, _GPS_IFD, _THUMBNAIL_IFD = 34665, 34853, 1
_SECONDS, _APERTURE, _ISO, _DATE_TAKEN, _FOCAL_LENGTH = 33434, 33437, 34855, 36867, 37386
_MAKER_NOTE = 37500
_STORAGE_TAGS = frozenset(range(254, 271)) | {273, 277, 278, 279, 284, 301, 317, 320, 322, 323, 324, 325, 330, 338, 339,
                                              347, 513, 514, 529, 530, 531, 532, 34377, 34675, 700}  # fmt: skip
"""Tags that describe how the file stores its samples, and would be untrue of a result."""


@dataclass(frozen=True)
class Metadata:
    """Camera and exposure as a file states them."""

    camera: str | None = None
    exposure: Exposure = field(default_factory=Exposure)
    exif: bytes | None = None
    """A TIFF-structured EXIF block without orientation and thumbnails."""


def positive(value: Any) -> float | None:
    """A number above 0, or None for anything else that a tag can hold (0/0, empty, text)."""
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
    """Make and model as one name, without saying the make twice."""
    parts = [str(part).replace("\0", " ").strip() for part in (make, model) if part]
    parts = [part for part in parts if part]
    if len(parts) == 2 and parts[1].lower().startswith(parts[0].lower().split()[0]):
        parts = parts[1:]
    return " ".join(parts) or None


def metadata_of_exif(exif: Any) -> Metadata:
    """From a `PIL.Image.Exif`, which is left as it was."""
    from PIL import Image

    details = dict(exif.get_ifd(_EXIF_IFD))
    exposure = Exposure(
        seconds=positive(details.get(_SECONDS, exif.get(_SECONDS))),
        aperture=positive(details.get(_APERTURE, exif.get(_APERTURE))),
        iso=positive(details.get(_ISO, exif.get(_ISO))),
        focal_length=positive(details.get(_FOCAL_LENGTH, exif.get(_FOCAL_LENGTH))),
    )
    kept = Image.Exif()
    for code, value in exif.items():
        if code not in _STORAGE_TAGS and code not in (_ORIENTATION, _EXIF_IFD, _GPS_IFD) and code < 50000:
            kept[code] = value
    # Maker notes hold addresses inside the original file, and their own thumbnails.
    details.pop(_MAKER_NOTE, None)
    if details:
        kept.get_ifd(_EXIF_IFD).update(details)
    place = dict(exif.get_ifd(_GPS_IFD))
    if place:
        kept.get_ifd(_GPS_IFD).update(place)
    block = None
    if len(kept) or details or place:
        with contextlib.suppress(Exception):  # a tag that cannot be written again must not cost the picture
            block = kept.tobytes().removeprefix(b"Exif\0\0")
    return Metadata(camera_name(exif.get(_MAKE), exif.get(_MODEL)), exposure, block)


def metadata_of_tiff_block(block: bytes) -> Metadata:
    """From a TIFF structure (a whole TIFF-based RAW file, or the block inside another container)."""
    from PIL import Image

    if block[:4] not in (b"II*\0", b"MM\0*"):  # Pillow reads a BigTIFF's header as a damaged one
        return Metadata()
    exif = Image.Exif()
    try:
        exif.load(b"Exif\0\0" + block)
        return metadata_of_exif(exif)
    except Exception:  # damaged tags are no reason to refuse the picture
        return Metadata()


def metadata_of_raw(data: bytes) -> Metadata:
    """Camera and exposure from the containers that RAW files use; empty where the container is another one."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return metadata_of_tiff_block(data)
    if data[:15] == b"FUJIFILMCCD-RAW":
        from PIL import Image

        camera = camera_name("Fujifilm", data[28:60].split(b"\0")[0].decode("ascii", "replace"))
        start, length = int.from_bytes(data[84:88], "big"), int.from_bytes(data[88:92], "big")
        with contextlib.suppress(Exception), Image.open(io.BytesIO(data[start : start + length])) as preview:
            found = metadata_of_exif(preview.getexif())
            return Metadata(found.camera or camera, found.exposure, found.exif)
        return Metadata(camera)
    if data[6:14] == b"HEAPCCDR":  # CIFF record 0x080a: make and model, each ended by a zero
        match = re.search(rb"Canon\0(Canon [\x20-\x7e]{2,30})\0", data)
        return Metadata(match[1].decode("ascii") if match else None)
    if data[4:11] == b"ftypcrx":
        blocks = [
            metadata_of_tiff_block(data[found.end() : found.end() + 65536])
            for found in re.finditer(b"CMT[12]", data[:65536])
        ]
        camera = next((block.camera for block in blocks if block.camera), None)
        return Metadata(camera)
    return Metadata()


def exif_block(camera: str | None, exposure: Exposure) -> bytes | None:
    """A small EXIF block (TIFF structure) from what is known; None if nothing is."""
    from PIL import Image

    exif = Image.Exif()
    if camera:
        exif[_MODEL] = camera
    known = {
        _SECONDS: exposure.seconds,
        _APERTURE: exposure.aperture,
        _ISO: None if exposure.iso is None else min(round(exposure.iso), 65535),
        _FOCAL_LENGTH: exposure.focal_length,
    }
    details = {code: value for code, value in known.items() if value is not None}
    if details:
        exif.get_ifd(_EXIF_IFD).update(details)
    return exif.tobytes().removeprefix(b"Exif\0\0") if camera or details else None
