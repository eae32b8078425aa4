"""Reads camera RAW files with LibRaw."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from explorer.choices import Turn
from explorer.errors import PhotoError
from explorer.messages import say
from explorer.photo.files.carried import block_of
from explorer.photo.files.containers import fuji_black_level, is_truncated, metadata_of_jpeg, metadata_of_raw
from explorer.photo.files.dng_tags import COMPRESSION, DNG_VERSION, JPEG_XL, inner_directories, raw_tags
from explorer.photo.files.metadata import Metadata, exif_block, metadata_of_tiff, positive
from explorer.photo.files.opcodes import apply_opcodes
from explorer.photo.files.quiet import without_librarys_lines
from explorer.photo.light.cameras import (
    NOMINAL_CAMERA_TO_SRGB,
    NOMINAL_GAINS,
    camera_to_srgb,
    usable_camera_to_srgb,
    usable_xyz_to_camera,
)
from explorer.photo.light.cfa import (
    BAYER_PHASES,
    PERIODS,
    Cfa,
    bayer_shift,
    completed,
    completing_inset,
    xtrans_shift,
)
from explorer.photo.light.levels import BlackLevel, dng_black_level, normalized, tile_levels
from explorer.photo.light.masked import Area, BlackChoice, Sensor, believed, checked_black_level
from explorer.photo.light.white_balance import usable_gains
from explorer.photo.limits import Limits
from explorer.photo.types import Exposure, RawPhoto
from explorer.photo.values import FloatArray, Gains, WhiteBalance

if TYPE_CHECKING:
    import rawpy

_ACTIVE_AREA, _MASKED_AREAS = 50829, 50830
_MOST_MASKED = 64
"""Masked areas that are measured; a small file may state 100,000, each as large as the picture."""
_GREY: Gains | None = (1.0, 1.0, 1.0)
_ORIENTATIONS: dict[int, tuple[Turn, bool]] = {
    0: (0, False), 1: (0, True), 2: (180, True), 3: (180, False), 4: (90, True), 5: (90, False), 6: (270, False),
    7: (270, True),
}  # fmt: skip
"""LibRaw's `flip` -> counter-clockwise degrees for display, and whether the picture is mirrored left to right first."""

_LINEAR = say("note.linear_raw")
_MONOCHROME = say("note.monochrome")
NOMINAL_MATRIX = say("source.nominal_matrix")


def _message(error: BaseException) -> str:
    """Decodes LibRaw's messages, which are bytes."""
    text = error.args[0] if error.args else error
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _picture_area(raw: rawpy.RawPy, tags: Mapping[int, Any]) -> Area:
    """Position of the picture on the sensor: a DNG's active area, which LibRaw starts at even rows and columns, else
    LibRaw's values for the camera."""
    sizes = raw.sizes
    top, left = sizes.top_margin, sizes.left_margin
    known = (top, left, top + sizes.height, left + sizes.width)
    stated = tuple(int(n) for n in np.ravel(tags.get(_ACTIVE_AREA, ())))
    if len(stated) != 4 or min(stated) < 0 or stated[2] > sizes.raw_height or stated[3] > sizes.raw_width:
        return known
    near = all(abs(mine - theirs) <= 1 for mine, theirs in zip(stated, known, strict=True))
    return (stated[0], stated[1], stated[2], stated[3]) if near else known


def _black_and_white(
    raw: rawpy.RawPy, pattern: _Pattern, samples: NDArray[np.uint16], source: bytes | Path, tags: Mapping[int, Any],
    name: str,
) -> tuple[BlackLevel, float]:  # fmt: skip
    levels = tuple(float(level) for level in raw.black_level_per_channel)
    height, width = samples.shape[:2]
    linear = samples.ndim == 3
    stated = dng_black_level(tags, height, width, 3 if linear else 1) if tags else fuji_black_level(source)
    if stated is not None:
        black = stated
    elif linear:
        black = BlackLevel(np.array(levels[:3]).reshape(1, 1, 3))
    else:
        black = BlackLevel(tile_levels(pattern.colors, levels if pattern.colors.max() else levels[:1]))
    white = float(raw.white_level)
    low, high = black.limits()
    # A file's own saturation levels, if plausible, are more accurate than LibRaw's for the model.
    own = [float(level) for level in raw.camera_white_level_per_channel or [] if level]
    if own and high < min(own) and white / 2 < min(own) <= white:
        white = min(own)
    if not white > high >= low >= 0:
        raise PhotoError(
            f"{name} states a black level of {high:g} and a white level of {white:g}, which leaves no room for "
            "light, so the file is damaged; copy it again."
        )
    return black, white


@dataclass(frozen=True)
class _Pattern:
    """Colour-filter array of the picture's area."""

    cfa: Cfa
    colors: NDArray[np.uint8]
    """LibRaw's colour numbers (0 red, 1 green, 2 blue, 3 the green of blue's row) of the tile at the top left."""
    phase: str = ""
    shift: tuple[int, int] = (0, 0)
    """Rows and columns to crop to reach the canonical tile."""
    monochrome: bool = False


_ALL_COLORS = np.zeros((1, 1), dtype=np.uint8)


def _pattern(raw: rawpy.RawPy, area: Area, name: str) -> _Pattern:
    """Returns the colour-filter array, starting at the picture's first pixel.

    Raises:
        PhotoError: a colour-filter array other than Bayer or X-Trans.
    """
    from rawpy import RawType

    letters = raw.color_desc.decode("ascii", "replace")
    if raw.raw_type != RawType.Flat and raw.num_colors == 3 and letters[:3] == "RGB":
        return _Pattern("none", _ALL_COLORS)
    try:
        period = 0 if raw.raw_pattern is None else raw.raw_pattern.shape[0]
    except NotImplementedError:  # rawpy's result for an unknown pattern
        period = 0
    if raw.raw_type == RawType.Flat and (raw.num_colors == 1 or period == 1):
        return _Pattern("none", _ALL_COLORS, monochrome=True)
    if raw.raw_type != RawType.Flat or period not in (2, 6) or letters != "RGBG":
        raise PhotoError(
            f"The sensor of {name} has a colour-filter array other than Bayer or X-Trans ({letters}); "
            "export it as a TIFF or JPEG and open that."
        )
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    tile = np.array([[raw.raw_color(top + y, left + x) for x in range(period)] for y in range(period)], dtype=np.uint8)
    # LibRaw begins at even rows and columns.
    tile = np.roll(tile, (top - area[0], left - area[1]), axis=(0, 1))
    if period == 6:
        tile = np.where(tile == 3, 1, tile).astype(np.uint8)
        shift = xtrans_shift(tile)
        if shift is None:
            raise PhotoError(f"The 6x6 colour-filter array of {name} is not X-Trans; export it as a TIFF or JPEG.")
        return _Pattern("xtrans", tile, "X-Trans", shift)
    phase = "".join(letters[color] for color in tile.ravel())
    if phase not in BAYER_PHASES:
        raise PhotoError(f"The 2x2 colour-filter array of {name} is {phase}, not Bayer; export it as a TIFF or JPEG.")
    return _Pattern("bayer", tile, phase, bayer_shift(phase))


def initial_balance(as_shot: Gains | None, daylight: Gains | None) -> WhiteBalance:
    """Chooses as-shot gains, else the camera's daylight, else the nominal camera's daylight.

    Not grey world, which would turn a picture of one red rose cyan.
    """
    if as_shot is not None:
        return WhiteBalance(as_shot, "as shot")
    if daylight is not None:
        return WhiteBalance(daylight, say("source.daylight_instead"))
    return WhiteBalance(NOMINAL_GAINS, say("source.nominal_daylight"))


def _matrix(raw: rawpy.RawPy) -> tuple[FloatArray, str]:
    xyz = np.asarray(raw.rgb_xyz_matrix, dtype=np.float64)[:3]
    if usable_xyz_to_camera(xyz):
        return camera_to_srgb(xyz), "the file or LibRaw's table for the camera"
    direct = np.asarray(raw.color_matrix, dtype=np.float64)[:, :3]
    if usable_camera_to_srgb(direct):
        return (direct / direct.sum(axis=1, keepdims=True)).astype(np.float32), "the file"
    return NOMINAL_CAMERA_TO_SRGB.copy(), NOMINAL_MATRIX


def _exposure(raw: rawpy.RawPy, found: Exposure) -> Exposure:
    """Reads the exposure from the container's tags; LibRaw's values fill in missing ones.

    For a file without these tags, LibRaw returns exactly 1 s at f/1 with ISO 0.
    """
    other = raw.other
    silent = other.iso_speed == 0 and other.shutter_speed == 1 and other.aperture == 1
    if silent:
        return found
    return Exposure(
        seconds=found.seconds or positive(other.shutter_speed),
        aperture=found.aperture or positive(other.aperture),
        iso=found.iso or positive(other.iso_speed),
        focal_length=found.focal_length or positive(other.focal_length),
    )


def _taken(raw: rawpy.RawPy) -> datetime | None:
    """LibRaw's date and time of the photo, for containers whose own tags lack it."""
    taken = raw.other.timestamp
    return taken if taken is not None and taken.year > 1970 else None


def _with_preview(raw: rawpy.RawPy, found: Metadata) -> Metadata:
    """Adds the preview's EXIF if the file's own tags do not name the camera."""
    import rawpy

    if found.camera is not None:
        return found
    with contextlib.suppress(rawpy.LibRawError, OSError):
        preview = raw.extract_thumb()
        if preview.format == rawpy.ThumbFormat.JPEG:
            more = metadata_of_jpeg(bytes(preview.data))
            return more if more.camera else found
    return found


def _sensor(raw: rawpy.RawPy, pattern: _Pattern, area: Area, tags: Mapping[int, Any]) -> Sensor:
    areas = np.ravel(tags.get(_MASKED_AREAS, ()))[: 4 * _MOST_MASKED].astype(int)
    masked = tuple(tuple(int(n) for n in areas[k : k + 4]) for k in range(0, len(areas) // 4 * 4, 4))
    return Sensor(
        raw.raw_image,
        area,
        cast(tuple[Area, ...], masked),
        known=not tags,
        period=2 if pattern.cfa == "bayer" else 1,
    )


def _light(
    raw: rawpy.RawPy, pattern: _Pattern, area: Area, source: bytes | Path, tags: Mapping[int, Any], name: str,
    choice: BlackChoice,
) -> tuple[FloatArray, tuple[float, ...], float, list[str], bool]:  # fmt: skip
    """Returns the picture's linear light, black levels, white level, notes, and whether masked pixels are usable."""
    visible = raw.raw_image[area[0] : area[2], area[1] : area[3]]
    if visible.ndim == 3:
        visible = visible[..., :3]
    if min(visible.shape[:2]) < PERIODS[pattern.cfa]:
        raise PhotoError(code="error.below_a_tile", name=name)
    black, white = _black_and_white(raw, pattern, visible, source, tags, name)
    notes, measured = [], None
    if visible.ndim == 2:
        measured = believed(black, white, _sensor(raw, pattern, area, tags))
        black, note = checked_black_level(black, white, measured, choice)
        notes += [note] if note else []
    # This also copies the samples out of LibRaw's memory, which is freed with the reader.
    light = normalized(visible, black, white)
    notes += apply_opcodes(light, np.where(pattern.colors == 3, 1, pattern.colors), tags, visible, area[:2])
    if visible.ndim == 3:
        levels = tuple(float(each) for each in black.cell.mean(axis=(0, 1)))
        levels = levels[:1] if len(set(levels)) == 1 else levels
    else:
        # R, G1, B, G2 for Bayer.
        levels = black.of_places(pattern.colors, int(pattern.colors.max()) + 1)
    return light, levels, white, notes, measured is not None


def _decoded(raw: rawpy.RawPy, source: bytes | Path, name: str, metadata: Metadata, choice: BlackChoice) -> RawPhoto:
    tags = raw_tags(source)
    area = _picture_area(raw, tags)
    pattern = _pattern(raw, area, name)
    mosaic, levels, white, notes, masked = _light(raw, pattern, area, source, tags, name, choice)
    inset = completing_inset(mosaic.shape[:2], pattern.shift, pattern.cfa)
    if pattern.monochrome:
        mosaic = np.repeat(mosaic[..., None], 3, axis=2)
        as_shot = daylight = _GREY
        matrix, matrix_source = np.eye(3, dtype=np.float32), "none is needed"
        notes.append(_MONOCHROME)
    else:
        mosaic = completed(mosaic, inset, pattern.cfa)
        as_shot = usable_gains(raw.camera_whitebalance)
        daylight = usable_gains(raw.daylight_whitebalance)
        matrix, matrix_source = _matrix(raw)
        notes += [_LINEAR] if pattern.cfa == "none" else []
    exposure = _exposure(raw, metadata.exposure)
    rotation, mirrored = _ORIENTATIONS[int(raw.sizes.flip) & 7]
    if as_shot is None:
        notes.append(say("note.as_shot_unusable"))
    if matrix_source == NOMINAL_MATRIX:
        notes.append(say("note.nominal_camera"))
    if not math.isclose(raw.sizes.pixel_aspect, 1.0, abs_tol=0.01):
        notes.append(say("note.pixel_aspect", aspect=f"{raw.sizes.pixel_aspect:.3g}"))
    return RawPhoto(
        mosaic=mosaic,
        cfa=pattern.cfa,
        phase=pattern.phase,
        white_balance=initial_balance(as_shot, daylight),
        as_shot=as_shot,
        daylight=daylight,
        camera_to_srgb=matrix,
        matrix_source=matrix_source,
        exposure=exposure,
        camera=metadata.camera,
        black_level=levels,
        white_level=white,
        masked=masked,
        bits=max(1, int(white).bit_length()),
        rotation=rotation,
        mirrored=mirrored,
        inset=inset,
        monochrome=pattern.monochrome,
        name=name,
        exif=exif_block(metadata.camera, exposure, metadata.exif, _taken(raw)),
        carried=block_of(
            source,
            raw.rgb_xyz_matrix[:3],
            metadata.camera,
            (area[2] - area[0], area[3] - area[1]),
            raw.sizes.pixel_aspect,
        ),  # fmt: skip
        notes=tuple(notes),
    )


def read_raw(source: bytes | Path, name: str, limits: Limits, black_level: BlackChoice = "auto") -> RawPhoto:
    """Decodes a camera RAW file.

    Args:
        source: the whole file, or the path of a TIFF-based one, which LibRaw then reads itself.
        name: its name in messages.
        limits: checked before the samples are decoded.
        black_level: see `explorer.photo.light.masked.checked_black_level`.

    Raises:
        PhotoError: damaged, truncated, too large, or with a colour-filter array other than Bayer or X-Trans.
    """
    import rawpy

    try:
        with without_librarys_lines(), rawpy.RawPy() as raw:
            if isinstance(source, Path):
                raw.open_file(str(source))
                with source.open("rb") as file:
                    metadata = metadata_of_tiff(file)
            else:
                if is_truncated(source):
                    raise PhotoError(code="error.cut_part", name=name)
                raw.open_buffer(io.BytesIO(source))
                metadata = _with_preview(raw, metadata_of_raw(source))
            limits.check_pixels(raw.sizes.raw_width, raw.sizes.raw_height, name)
            raw.unpack()
            return _decoded(raw, source, name, metadata, black_level)
    except (rawpy.LibRawError, rawpy.NotSupportedError, OSError, ValueError, MemoryError) as error:
        if raw_tags(source).get(COMPRESSION) == JPEG_XL:
            raise PhotoError(code="error.dng_jpeg_xl", name=name) from error
        raise PhotoError(code="error.libraw", name=name, reason=_message(error)) from error


def read_dng_on_disk(path: Path, name: str, limits: Limits, black_level: BlackChoice = "auto") -> RawPhoto | None:
    """Decodes a DNG that LibRaw reads directly from disk. This saves a copy of the file, which for uncompressed files
    takes a third as long as everything else.

    Returns:
        None for any other file, and for one with truncated samples; reading all of it can tell what is wrong.

    Raises:
        PhotoError: a DNG that is too long, or as `read_raw`.
    """
    import tifffile

    try:
        size = path.stat().st_size
        str(path).encode()  # LibRaw expects names in UTF-8
        with path.open("rb") as file:
            if file.read(4) not in (b"II*\0", b"MM\0*"):
                return None
            file.seek(0)
            with tifffile.TiffFile(file) as tiff:
                first = tiff.pages.first
                pages = [first, *inner_directories(first)]
                spans = [span for page in pages for span in zip(page.dataoffsets, page.databytecounts, strict=False)]
                if DNG_VERSION not in first.tags or any(start + count > size for start, count in spans):
                    return None
    except Exception:  # tifffile raises many kinds of errors on damaged structures
        return None
    limits.check_bytes(size, name)
    return read_raw(path, name, limits, black_level)
