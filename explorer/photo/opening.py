"""Opens a file or its bytes as a `Photo`: detects the format, checks completeness, chooses the decoder."""

from __future__ import annotations

import io
import logging
import os
import re
import struct
from pathlib import Path
from typing import IO

import numpy as np

from explorer.errors import PhotoError
from explorer.formats import RAW_SUFFIXES, described, format_of, suffix_of
from explorer.messages import say
from explorer.photo.files.bmff import kind_of
from explorer.photo.files.dng_tags import inner_directories
from explorer.photo.files.headerless import open_mosaic
from explorer.photo.files.pictures import read_picture
from explorer.photo.files.raw import read_dng_on_disk, read_raw
from explorer.photo.files.simple import is_bmp
from explorer.photo.light.masked import BlackChoice, checked_choice
from explorer.photo.limits import Limits, told_by_environment
from explorer.photo.types import Photo, RawPhoto

# tifffile logs every odd tag to standard error; serious problems reach the user as a PhotoError.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)

_RAW_COMPRESSIONS = frozenset({32767, 32769, 32770, 34713, 65535})
"""TIFF compressions of Sony, Epson, Samsung, Nikon and Pentax."""
_CFA, _LINEAR_RAW, _DNG_VERSION = 32803, 34892, 50706
_MOSAIC_NAME = re.compile(
    r"_(?P<width>\d{1,5})x(?P<height>\d{1,5})_(?P<phase>rggb|bggr|grbg|gbrg|xtrans)"
    r"(?:_b(?P<black>\d{1,5}))?(?:_w(?P<white>\d{1,5}))?\.raw$",
    re.IGNORECASE,
)


def read_once(file: IO[bytes], most: int) -> bytes:
    """Reads a pipe or a device, which has no size and can only be read once: to its end, or until there are more than
    `most` bytes."""
    data = bytearray()
    while len(data) <= most and (block := file.read(1 << 20)):
        data += block
    return bytes(data)


def _path_or_bytes(source: str | Path | bytes, name: str | None) -> tuple[Path | bytes, str]:
    """Returns the source to read a photo from, and its name in messages."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), name or "photo"
    try:
        path = Path(source)
    except TypeError as error:
        raise PhotoError(
            f"A photo must be a path or a file's bytes, not {type(source).__name__}; give one of these."
        ) from error
    return path, name or path.name


def _read(path: Path, name: str, limits: Limits) -> bytes:
    try:
        if path.is_dir():
            raise PhotoError(f"{path} is a folder; give a photo inside it.")
        if not os.path.isfile(path) and path.exists():
            with path.open("rb", buffering=0) as file:
                return read_once(file, limits.max_bytes)
        limits.check_bytes(path.stat().st_size, name)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoError(f"{path} does not exist; check the path.") from error
    except PermissionError as error:
        raise PhotoError(f"{path} is not readable; change its permissions.") from error
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}; check the path."
        ) from error


def _tiff_is_raw(data: bytes, name: str) -> bool:
    """True if a TIFF structure is a camera's; refuses one with truncated samples."""
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            first = tiff.pages.first
            pages = [first, *inner_directories(first)]
            raw = _DNG_VERSION in first.tags or any(
                getattr(page, "photometric", None) in (_CFA, _LINEAR_RAW) or int(page.compression) in _RAW_COMPRESSIONS
                for page in pages
            )
            largest = max(pages, key=lambda page: page.imagewidth * page.imagelength)
            spans = zip(largest.dataoffsets, largest.databytecounts, strict=False)
            if raw and any(start + count > len(data) for start, count in spans):
                raise PhotoError(code="error.cut_samples", name=name)
            return raw
    except PhotoError:
        raise
    except Exception as error:  # tifffile raises many kinds of errors on damaged structures
        if suffix_of(name) in RAW_SUFFIXES:
            return True
        raise PhotoError(code="error.tiff_tags", name=name) from error


def _kind(data: bytes, name: str) -> str:
    """Returns the kind of the content, whatever the suffix: "raw", "mosaic", "unknown", or a key of `READERS`."""
    suffix = suffix_of(name)
    found = format_of(data)
    if found is not None and found.group == "raw":
        return "raw"
    if found is not None and found.key == "tiff":
        return "raw" if _tiff_is_raw(data, name) or (suffix in RAW_SUFFIXES) else "tiff"
    key = found.key if found is not None else kind_of(data)
    if key is not None and (key != "bmp" or is_bmp(data)):
        return key
    if suffix == "raw":
        return "mosaic"
    return "raw" if suffix in RAW_SUFFIXES and b"\0" in data[:512] else "unknown"


def _read_mosaic(data: bytes, name: str, limits: Limits) -> RawPhoto:
    """Reads a headerless mosaic, described by its name: little-endian uint16, row by row."""
    match = _MOSAIC_NAME.search(name)
    if match is None:
        raise PhotoError(code="error.no_header", name=name)
    width, height = int(match["width"]), int(match["height"])
    limits.check_pixels(width, height, name)
    if len(data) != 2 * width * height:
        raise PhotoError(
            code="error.headerless_size",
            name=name,
            count=len(data),
            width=width,
            height=height,
            needed=2 * width * height,
        )
    samples = np.frombuffer(data, dtype="<u2").reshape(height, width).astype(np.uint16, copy=False)
    notes = [say("note.size_from_name")]
    white = float(match["white"] or 2 ** max(8, int(samples.max()).bit_length()) - 1)
    if match["white"] is None:
        notes.append(say("note.white_from_bits", white=f"{white:g}"))
    if match["black"] is not None:
        black = float(match["black"])
    else:
        black = min(float(np.percentile(samples, 0.1)), white - 1)
        notes.append(say("note.black_estimated", black=f"{black:g}"))
    phase = match["phase"].upper()
    return open_mosaic(samples, phase=phase, black=black, white=white, name=name, notes=tuple(notes))


def isolated_by_default() -> bool:
    """True if EXPLORER_ISOLATED asks for decoding in a separate process (1, true, yes or on)."""
    return bool(told_by_environment("EXPLORER_ISOLATED"))


def open_photo(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    isolated: bool | None = None,
    black_level: BlackChoice = "auto",
) -> Photo:
    """Opens a photo.

    Args:
        source: a path (which may be a pipe, read once), or a file's bytes. The content decides the format: camera RAW
            (DNG, CR2, CR3, CRW, NEF, ARW, RAF, ...), or a picture in a format of docs/formats.md. The name of a
            headerless mosaic of little-endian 16-bit samples states its layout: `rose_768x512_rggb.raw`, optionally
            with `_b600` and `_w16383` (black and white level) before the suffix.
        name: for messages and results; by default the file's name, or "photo" for bytes.
        limits: largest file and picture; by default those of the environment, see `Limits.from_environment`.
        isolated: decode in a separate process with limited memory and time (`explorer.sandbox.processes`), for files
            from untrusted sources. The app always does. Off by default, unless EXPLORER_ISOLATED is set, because
            starting the process takes a second and your own files are trusted.
        black_level: for camera RAW: "file" uses the file's level, "masked" that of its masked pixels if it has any, and
            "auto" the latter if the two clearly differ, with a note.

    Returns:
        `RawPhoto` for camera RAW, `RgbPhoto` for developed pictures.

    Raises:
        PhotoError: neither a path nor bytes; a file that does not exist, is empty, truncated, damaged, too large, in an
            unknown format, or RAW with a colour-filter array other than Bayer or X-Trans; with `isolated` also one that
            crashes its decoder or takes too much time or memory; an unknown `black_level`.
        SettingsError: an environment variable for the limits is not a number.

    Examples:
        >>> import explorer
        >>> photo = explorer.open_photo(explorer.examples.examples()[0].path)
        >>> photo.name, photo.cfa, photo.camera is None
        ('still_life.dng', 'bayer', False)
    """
    limits = limits or Limits.from_environment()
    black_level = checked_choice(black_level)
    isolated = isolated_by_default() if isolated is None else isolated
    given, name = _path_or_bytes(source, name)
    if isinstance(given, Path) and not isolated and os.path.isfile(given):
        dng = read_dng_on_disk(given, name, limits, black_level)
        if dng is not None:
            return dng
    data = _read(given, name, limits) if isinstance(given, Path) else given
    limits.check_bytes(len(data), name)
    if not data:
        raise PhotoError(code="error.empty", name=name)
    if isolated:
        from explorer.sandbox.processes import pool

        return pool().open(data, name, limits, black_level)
    return _decoded(data, name, limits, black_level)


def _decoded(data: bytes, name: str, limits: Limits, black_level: BlackChoice) -> Photo:
    try:
        kind = _kind(data, name)
        if kind == "raw":
            return read_raw(data, name, limits, black_level)
        if kind == "mosaic":
            return _read_mosaic(data, name, limits)
        if kind != "unknown":
            return read_picture(data, kind, name, limits)
    except (MemoryError, struct.error) as error:
        raise PhotoError(code="error.undecoded_memory", name=name, reason=error or type(error).__name__) from error
    raise PhotoError(code="error.unknown_kind", name=name, formats=described())
