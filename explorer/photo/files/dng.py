"""Writes a mosaic as a digital negative (Adobe DNG 1.4, chapters 2 and 4) that any RAW reader opens."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.atomic import replacing
from explorer.errors import OutputError, PhotoError
from explorer.photo.files.directories import (
    ASCII,
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    Entries,
    directory,
    fractions_of,
)
from explorer.photo.light.cfa import BAYER_PHASES, XTRANS_TILE
from explorer.photo.validation import finite_number, shown

_Tag: TypeAlias = tuple[int, int, int, Any, bool]
"""Code, type, count, value, and whether it belongs to the first page, as tifffile expects."""
_COLOUR_CODE = {"R": 0, "G": 1, "B": 2}
_EXIF_IFD = 34665
_EXIF_PLACEHOLDER = 34664
"""tifffile does not write the tag ExifIFD; this unused neighbour is a placeholder until the address is known."""
_D65 = 21
"""EXIF LightSource code of the illuminant to which the colour matrix belongs."""
ORIENTATIONS = {
    (0, False): 1, (0, True): 2, (180, False): 3, (180, True): 4,
    (90, True): 5, (270, False): 6, (270, True): 7, (90, False): 8,
}  # fmt: skip
"""Counter-clockwise degrees for display, and whether it is mirrored first -> the TIFF orientation code."""


def _pattern(phase: str) -> NDArray[np.uint8]:
    if phase == "X-Trans":
        return np.asarray(XTRANS_TILE, dtype=np.uint8)
    if phase not in BAYER_PHASES:
        raise PhotoError(
            f"The phase {shown(phase)} cannot be written; give one of {', '.join(BAYER_PHASES)} or X-Trans."
        )
    return np.array([_COLOUR_CODE[letter] for letter in phase], dtype=np.uint8).reshape(2, 2)


def _black_cell(black: float | Sequence[float], phase: str) -> list[float]:
    """Reorders black levels from R, G1, B, G2 to the positions of the 2x2 cell, row by row (DNG BlackLevel)."""
    try:
        levels = [float(level) for level in np.ravel(np.asarray(black, dtype=np.float64))]
    except (TypeError, ValueError, OverflowError):
        levels = [-1.0]
    if not all(0 <= level <= 65535 for level in levels):
        raise PhotoError(f"The black level {shown(black)} cannot be written; give sensor counts from 0 to 65535.")
    if len(levels) == 1:
        return levels
    if len(levels) != 4 or phase not in BAYER_PHASES:
        raise PhotoError(
            f"{len(levels)} black levels cannot be written; give one number or, for a Bayer mosaic, four: R, G1, B, G2."
        )
    red, green_1, blue, green_2 = levels
    # G1 is the green of red's row (LibRaw's numbering), whichever row of the cell that is.
    cell = []
    for place, letter in enumerate(phase):
        row = phase[2 * (place // 2) : 2 * (place // 2) + 2]
        cell.append({"R": red, "B": blue}.get(letter, green_1 if "R" in row else green_2))
    return cell


def _white(white: Any, blacks: list[float]) -> int:
    level = finite_number(white)
    if level is None or not max(blacks) < level <= 65535:
        raise PhotoError(
            f"The white level {shown(white)} cannot be written; give sensor counts above the black level "
            f"{max(blacks):g}, at most 65535."
        )
    return int(level)


def _three_numbers(values: Any) -> list[float]:
    try:
        numbers = [finite_number(value) for value in values]
    except TypeError:
        numbers = []
    known = [number for number in numbers if number is not None and number >= 0]
    if not len(known) == len(numbers) == 3:
        raise PhotoError(
            f"The neutral colour {shown(values)} cannot be written; give three numbers (red, green, blue)."
        )
    return known


def _mosaic_tags(
    phase: str, black: float | Sequence[float], white: int, active_area: tuple[int, int, int, int] | None
) -> list[_Tag]:
    pattern = _pattern(phase)
    blacks = _black_cell(black, phase)
    tags: list[_Tag] = [
        (33421, SHORT, 2, tuple(pattern.shape), True),
        (33422, BYTE, pattern.size, pattern.tobytes(), True),
        (50713, SHORT, 2, (2, 2) if len(blacks) == 4 else (1, 1), True),
        (50714, RATIONAL, len(blacks), fractions_of(blacks), True),
        (50717, LONG, 1, _white(white, blacks), True),
    ]
    if active_area is not None:
        tags.append((50829, LONG, 4, tuple(int(side) for side in active_area), True))
    return tags


def _camera_tags(camera: str, rotation: int, mirrored: bool) -> list[_Tag]:
    if rotation not in (0, 90, 180, 270):
        raise PhotoError(f"A picture cannot be rotated by {shown(rotation)} degrees; give 0, 90, 180 or 270.")
    name = camera.encode("ascii", "replace").decode("ascii")
    return [
        (271, ASCII, 0, name.split(" ")[0], True),
        (272, ASCII, 0, name, True),
        (274, SHORT, 1, ORIENTATIONS[rotation, mirrored], True),
        (50706, BYTE, 4, bytes([1, 4, 0, 0]), True),
        (50707, BYTE, 4, bytes([1, 1, 0, 0]), True),
        (50708, ASCII, 0, name, True),
    ]


def _colour_tags(matrix: Any, neutral: Any) -> list[_Tag]:
    tags: list[_Tag] = []
    if matrix is not None:
        try:
            numbers = np.asarray(matrix, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            numbers = np.empty(0)
        if numbers.shape != (3, 3) or not np.isfinite(numbers).all():
            raise PhotoError(f"The colour matrix {shown(matrix)} cannot be written; give 3x3, XYZ to camera.")
        tags += [(50721, SRATIONAL, 9, fractions_of(numbers), True), (50778, SHORT, 1, _D65, True)]
    if neutral is not None:
        tags.append((50728, RATIONAL, 3, fractions_of(_three_numbers(neutral)), True))
    return tags


def _exif_directory(seconds: float | None, aperture: float | None, iso: int | None) -> Entries:
    """Returns the known facts of an exposure as entries of an EXIF directory."""
    for what, value in (("ISO value", iso), ("exposure time", seconds), ("F-number", aperture)):
        if value is not None and not 0 < (finite_number(value) or 0) < 2**31:
            raise PhotoError(f"The {what} {shown(value)} cannot be written; give a positive number or None.")
    facts = {33434: (RATIONAL, seconds), 33437: (RATIONAL, aperture), 34855: (SHORT, iso and min(int(iso), 65535))}
    return {code: (kind, value) for code, (kind, value) in facts.items() if value is not None}


def _append_exif(path: Path, entries: Entries) -> None:
    """Appends an EXIF directory to a little-endian TIFF and replaces the placeholder tag by its address."""
    import tifffile

    start = path.stat().st_size + path.stat().st_size % 2
    with tifffile.TiffFile(path) as tiff:
        entry = tiff.pages.first.tags[_EXIF_PLACEHOLDER]
        code_at, value_at = entry.offset, entry.valueoffset
    with path.open("r+b") as file:
        for place, data in (
            (start, directory(entries, start)),
            (code_at, struct.pack("<H", _EXIF_IFD)),
            (value_at, struct.pack("<I", start)),
        ):
            file.seek(place)
            file.write(data)


def _written(path: Path, mosaic: NDArray[np.uint16], tags: list[_Tag], exif: Entries) -> Path:
    """Writes the file atomically.

    Raises:
        OutputError: it cannot be written.
    """
    import tifffile

    if exif:
        tags = [*tags, (_EXIF_PLACEHOLDER, LONG, 1, 0, True)]
    try:
        with replacing(path) as temporary:
            # Not by its final name: tifffile derives the format from some suffixes.
            with temporary.open("wb") as file:
                tifffile.imwrite(
                    file, mosaic, photometric="CFA", extratags=sorted(tags), metadata=None, software=False,
                    byteorder="<",
                )  # fmt: skip
            if exif:
                _append_exif(temporary, exif)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; choose a folder that exists and has space."
        ) from error
    return path


def write_dng(
    path: str | Path,
    mosaic: NDArray[np.uint16],
    *,
    phase: str = "RGGB",
    black: float | Sequence[float] = 0,
    white: int = 16383,
    color_matrix: NDArray[np.floating] | Sequence[Sequence[float]] | None = None,
    as_shot_neutral: Sequence[float] | None = (1.0, 1.0, 1.0),
    iso: int | None = None,
    exposure_seconds: float | None = None,
    aperture: float | None = None,
    camera: str = "Lowlight Explorer",
    rotation: int = 0,
    mirrored: bool = False,
    active_area: tuple[int, int, int, int] | None = None,
) -> Path:
    """Writes a mosaic as an uncompressed 16-bit DNG that LibRaw opens.

    Args:
        path: the file to write; it is written atomically.
        mosaic: H x W sensor counts, black level included.
        phase: "RGGB", "BGGR", "GRBG", "GBRG", or "X-Trans" (the mosaic then begins at the canonical 6x6 tile).
        black: sensor counts without light; one number, or four in the order R, G1, B, G2 (Bayer only).
        white: sensor counts at saturation.
        color_matrix: 3x3, CIE XYZ (D65) to camera RGB (the DNG tag ColorMatrix1); None leaves it out.
        as_shot_neutral: camera RGB of a neutral surface, i.e. the reciprocals of the gains; None leaves it out.
        iso: sensitivity; None leaves it out.
        exposure_seconds: exposure time; None leaves it out.
        aperture: F-number; None leaves it out.
        camera: the camera's name (UniqueCameraModel, Make and Model).
        rotation: counter-clockwise degrees to turn the picture for display: 0, 90, 180 or 270.
        mirrored: the picture is mirrored left to right before it is turned.
        active_area: top, left, bottom, right of the part of the mosaic that contains the picture; None for all of it.
            The phase is that of the active area's first pixel, as the specification has it.

    Returns:
        The path.

    Raises:
        OutputError: the file cannot be written.
        PhotoError: a mosaic that is not H x W uint16, or an argument outside the values named above.
    """
    samples = np.ascontiguousarray(mosaic)
    if samples.ndim != 2 or samples.dtype != np.uint16:
        raise PhotoError(
            f"A mosaic is an H x W array of uint16, not {samples.shape} of {samples.dtype}; give such an array."
        )
    tags = [*_mosaic_tags(phase, black, white, active_area), *_camera_tags(camera, rotation, mirrored)]
    exif = _exif_directory(exposure_seconds, aperture, iso)
    tags += _colour_tags(color_matrix, as_shot_neutral)
    return _written(Path(path), samples, tags, exif)
