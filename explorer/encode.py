"""Writes images as PNG, TIFF, JPEG or WebP, at 8 or 16 bits per channel, atomically."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from explorer.atomic import replacing
from explorer.errors import OutputError
from explorer.photo.files.exif_writer import add_exif_to_tiff, srgb_profile
from explorer.photo.files.metadata import without_place
from explorer.photo.files.written import png_of, tiff_of
from explorer.photo.light.develop import quantise as quantise
from explorer.saving import WITHOUT_BITS, Saving, check_destination

FORMATS = {".png": (8, 16), ".tif": (8, 16), ".tiff": (8, 16), ".jpg": (8,), ".jpeg": (8,), ".webp": (8,)}
_FLUSHED = 1 << 24
"""Bytes after which the disk is told to begin."""


def check_output(path: Path, bits: int = 8) -> None:
    """Refuses a path that cannot be written, before any work is done.

    Raises:
        OutputError: unknown suffix, a bit depth that the format lacks; as `check_destination`.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*FORMATS, *WITHOUT_BITS):
        known = ", ".join((*FORMATS, *WITHOUT_BITS))
        raise OutputError(f"{path.name} does not have a picture's suffix; end it in {known}.")
    Saving().check(suffix)
    if bits not in (8, 16):
        raise OutputError(f"A picture has 8 or 16 bits per channel, not {bits}.")
    if suffix not in WITHOUT_BITS and bits not in FORMATS[suffix]:
        raise OutputError(f"A {suffix} file holds 8 bits per channel; use .png or .tiff for {bits} bits.")
    check_destination(path)


def encode(
    image: NDArray[Any], suffix: str, bits: int = 8, exif: bytes | None = None, *, keep_gps: bool = False
) -> bytes:
    """Encodes an image as the bytes of a file; colour images get an sRGB profile.

    Args:
        image: H x W x 3 or H x W: floats in [0, 1], or unsigned integers of `bits`.
        suffix: one of `FORMATS`, with its dot.
        exif: a TIFF-structured EXIF block to keep: camera, exposure, date, author (`explorer.photo.files.metadata`).
        keep_gps: also keep the place where the photo was taken.

    Raises:
        OutputError: the format does not have that bit depth.
    """
    suffix = suffix.lower()
    if bits not in FORMATS.get(suffix, ()):
        raise OutputError(f"A {suffix} file cannot hold {bits} bits per channel; use .png or .tiff.")
    exif = exif if keep_gps else without_place(exif)
    samples = image if image.dtype.kind == "u" else quantise(image, bits)
    profile = srgb_profile() if samples.ndim == 3 else None
    if suffix == ".png":
        return png_of(samples, exif, profile)
    if suffix in (".tif", ".tiff"):
        buffer = tiff_of(samples, profile)
        if exif:
            add_exif_to_tiff(buffer, exif)
    else:
        from PIL import Image

        buffer = io.BytesIO()
        kind = "WEBP" if suffix == ".webp" else "JPEG"
        options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {"quality": 95, "subsampling": 0}
        if profile:
            options["icc_profile"] = profile
        if exif:
            options["exif"] = b"Exif\0\0" + exif
        Image.fromarray(samples).save(buffer, format=kind, **options)
    return buffer.getvalue()


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file atomically.

    Raises: as `write_file`.
    """
    write_file(path, lambda file: file.write(data))


class _Flowing(io.FileIO):
    """A file that the disk begins to write before it is complete, so that the wait at its end is short."""

    _unwritten = 0

    def write(self, data: Any) -> int:
        count = super().write(data)
        self._unwritten += count
        if self._unwritten >= _FLUSHED and hasattr(os, "posix_fadvise"):
            # Linux begins to write what it is told that nobody will read.
            os.posix_fadvise(self.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self._unwritten = 0
        return count


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Lets a function write a file, atomically.

    Raises:
        OutputError: as `check_destination`; the folder may not be written, or the disk is full.
    """
    path = Path(path)
    check_destination(path)
    try:
        with replacing(path) as temporary, io.BufferedWriter(_Flowing(temporary, "wb")) as file:
            write(file)
    except OSError as error:
        raise OutputError(f"{path} could not be written ({error.strerror}); choose another place.") from error
