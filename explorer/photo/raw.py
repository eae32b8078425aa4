"""Camera RAW files through LibRaw, and headerless mosaics."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.cameras import (
    NOMINAL_CAMERA_TO_SRGB,
    NOMINAL_GAINS,
    camera_to_srgb,
    usable_camera_to_srgb,
    usable_xyz_to_camera,
)
from explorer.photo.cfa import BAYER_PHASES, TILES, Cfa, bayer_shift, completed, completing_inset, xtrans_shift
from explorer.photo.levels import normalized_mosaic, tile_levels
from explorer.photo.limits import Limits
from explorer.photo.metadata import Metadata, exif_block, metadata_of_raw, metadata_of_tiff, positive
from explorer.photo.numbers import finite_number, shown
from explorer.photo.types import Exposure, FloatArray, Gains, RawPhoto, WhiteBalance
from explorer.photo.white_balance import given_gains, usable_gains

if TYPE_CHECKING:
    import rawpy

_DNG_VERSION = 50706
"""The TIFF tag that every DNG has."""
_ORIENTATIONS: dict[int, tuple[Literal[0, 90, 180, 270], bool]] = {
    0: (0, False), 1: (0, True), 2: (180, True), 3: (180, False), 4: (90, True), 5: (90, False), 6: (270, False),
    7: (270, True),
}  # fmt: skip
"""LibRaw's `flip` -> counter-clockwise degrees for display, and whether the picture is mirrored left to right first."""

_NO_MOSAIC = (
    "{name} holds no sensor mosaic ({why}); export it as a TIFF or JPEG and open that, "
    "or use the camera's original RAW."
)
_NOMINAL_MATRIX = (
    "the nominal camera (mean of four cameras, Brooks et al. 2019), because the file gives none that is usable"
)


def _message(error: BaseException) -> str:
    """LibRaw's messages are bytes."""
    text = error.args[0] if error.args else error
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _black_and_white(raw: rawpy.RawPy, name: str) -> tuple[tuple[float, ...], float]:
    black = tuple(float(level) for level in raw.black_level_per_channel)
    white = float(raw.white_level)
    # A file's own saturation levels are nearer than LibRaw's for the model, where they are believable.
    levels = [float(level) for level in raw.camera_white_level_per_channel or [] if level]
    if levels and max(black) < min(levels) and white / 2 < min(levels) <= white:
        white = min(levels)
    if not white > max(black) >= 0:
        raise PhotoError(
            f"{name} states a black level of {max(black):g} and a white level of {white:g}, between which no light "
            "fits; the file is damaged."
        )
    return black, white


def _pattern(raw: rawpy.RawPy, name: str) -> tuple[Cfa, str, tuple[int, int], NDArray[np.uint8]]:
    """Colour-filter array, phase as in the file, crop that brings the canonical phase, and LibRaw's colour numbers
    of the canonical tile (0 red, 1 green, 2 blue, 3 the green of blue's row)."""
    from rawpy import RawType

    if raw.raw_type != RawType.Flat:
        raise PhotoError(_NO_MOSAIC.format(name=name, why="its pixels already have all their colours"))
    letters = raw.color_desc.decode("ascii", "replace")
    try:
        period = 0 if raw.raw_pattern is None else raw.raw_pattern.shape[0]
    except NotImplementedError:  # rawpy's answer to a pattern that it does not know
        period = 0
    if raw.num_colors == 1 or period == 1:
        raise PhotoError(_NO_MOSAIC.format(name=name, why="its sensor is monochrome"))
    if period not in (2, 6) or letters != "RGBG":
        raise PhotoError(
            f"The sensor of {name} has a colour-filter array other than Bayer or X-Trans ({letters}); "
            "export it as a TIFF or JPEG and open that."
        )
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    tile = np.array([[raw.raw_color(top + y, left + x) for x in range(period)] for y in range(period)], dtype=np.uint8)
    if period == 6:
        tile = np.where(tile == 3, 1, tile).astype(np.uint8)
        shift = xtrans_shift(tile)
        if shift is None:
            raise PhotoError(f"The 6x6 colour-filter array of {name} is not X-Trans; export it as a TIFF or JPEG.")
        return "xtrans", "X-Trans", shift, TILES["xtrans"]
    phase = "".join(letters[color] for color in tile.ravel())
    if phase not in BAYER_PHASES:
        raise PhotoError(f"The 2x2 colour-filter array of {name} is {phase}, not Bayer; export it as a TIFF or JPEG.")
    shift = bayer_shift(phase)
    return "bayer", phase, shift, np.roll(tile, (-shift[0], -shift[1]), axis=(0, 1))


def _initial_balance(as_shot: Gains | None, daylight: Gains | None) -> WhiteBalance:
    """As shot, else the camera's daylight, else the nominal camera's daylight.

    Not the grey world: a picture of one red rose would come out cyan.
    """
    if as_shot is not None:
        return WhiteBalance(as_shot, "as shot")
    if daylight is not None:
        return WhiteBalance(daylight, "daylight (the file's as-shot gains are absent or not usable)")
    return WhiteBalance(NOMINAL_GAINS, "daylight of a nominal camera (the file gives no usable gains)")


def _matrix(raw: rawpy.RawPy) -> tuple[FloatArray, str]:
    xyz = np.asarray(raw.rgb_xyz_matrix, dtype=np.float64)[:3]
    if usable_xyz_to_camera(xyz):
        return camera_to_srgb(xyz), "the file or LibRaw's table for the camera"
    direct = np.asarray(raw.color_matrix, dtype=np.float64)[:, :3]
    if usable_camera_to_srgb(direct):
        return (direct / direct.sum(axis=1, keepdims=True)).astype(np.float32), "the file"
    return NOMINAL_CAMERA_TO_SRGB.copy(), _NOMINAL_MATRIX


def _exposure(raw: rawpy.RawPy, found: Exposure) -> Exposure:
    """The container's tags first; LibRaw's reading where they are silent.

    LibRaw gives exactly 1 s at f/1 with ISO 0 for a file that says nothing.
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


def _decoded(raw: rawpy.RawPy, name: str, metadata: Metadata) -> RawPhoto:
    cfa, phase, shift, colors = _pattern(raw, name)
    black, white = _black_and_white(raw, name)
    visible = raw.raw_image_visible
    if min(visible.shape) < TILES[cfa].shape[0]:
        raise PhotoError(f"{name} is smaller than one tile of its colour-filter array; open a larger picture.")
    inset = completing_inset(visible.shape, shift, cfa)
    # This also copies the samples out of LibRaw's memory, which ends with the reader.
    mosaic = normalized_mosaic(completed(visible, inset, cfa), tile_levels(colors, black), white)
    levels = (black[0],) if len(set(black)) == 1 else black
    as_shot = usable_gains(raw.camera_whitebalance)
    daylight = usable_gains(raw.daylight_whitebalance)
    matrix, matrix_source = _matrix(raw)
    exposure = _exposure(raw, metadata.exposure)
    rotation, mirrored = _ORIENTATIONS[int(raw.sizes.flip) & 7]
    notes = []
    if as_shot is None:
        notes.append("The file's as-shot white balance is absent or not usable; see the white balance's source.")
    if matrix_source == _NOMINAL_MATRIX:
        notes.append(
            "The file gives no usable colour matrix; a nominal camera's stands in, so colours are approximate."
        )
    if not math.isclose(raw.sizes.pixel_aspect, 1.0, abs_tol=0.01):
        notes.append(
            f"The sensor's pixels are not square (aspect {raw.sizes.pixel_aspect:.3g}); the picture is not resized."
        )
    return RawPhoto(
        mosaic=mosaic,
        cfa=cfa,
        phase=phase,
        white_balance=_initial_balance(as_shot, daylight),
        as_shot=as_shot,
        daylight=daylight,
        camera_to_srgb=matrix,
        matrix_source=matrix_source,
        exposure=exposure,
        camera=metadata.camera,
        black_level=levels,
        white_level=white,
        bits=max(1, int(white).bit_length()),
        rotation=rotation,
        mirrored=mirrored,
        inset=inset,
        name=name,
        exif=exif_block(metadata.camera, exposure, metadata.exif),
        notes=tuple(notes),
    )


def read_raw(source: bytes | Path, name: str, limits: Limits) -> RawPhoto:
    """Decodes a camera RAW file.

    Args:
        source: the whole file, or the path of a TIFF-based one, which LibRaw then reads by itself.
        name: what messages call it.
        limits: its size is checked before its samples are decoded.

    Raises:
        PhotoError: damaged, truncated, too large, or without a Bayer or X-Trans mosaic.
    """
    import rawpy

    try:
        with rawpy.RawPy() as raw:
            if isinstance(source, Path):
                raw.open_file(str(source))
                with source.open("rb") as file:
                    metadata = metadata_of_tiff(file)
            else:
                raw.open_buffer(io.BytesIO(source))
                metadata = metadata_of_raw(source)
            limits.check_pixels(raw.sizes.raw_width, raw.sizes.raw_height, name)
            raw.unpack()
            return _decoded(raw, name, metadata)
    except (rawpy.LibRawError, rawpy.NotSupportedError, OSError, ValueError, MemoryError) as error:
        raise PhotoError(
            f"{name} cannot be decoded as a RAW photo (LibRaw: {_message(error)}); "
            "it is truncated, damaged or of a kind that LibRaw does not know, so copy it again from the camera."
        ) from error


def read_dng_on_disk(path: Path, name: str, limits: Limits) -> RawPhoto | None:
    """Decodes a DNG that LibRaw reads from the disk by itself, which spares a copy of the file; these files may be
    uncompressed, and then the copy takes a third of the time of all the rest.

    Returns:
        None for every other file, and for one whose samples are cut off: who reads it whole can tell what it is.

    Raises:
        PhotoError: a DNG that is too long, or as `read_raw`.
    """
    import tifffile

    try:
        size = path.stat().st_size
        str(path).encode()  # LibRaw wants names in UTF-8
        with path.open("rb") as file:
            if file.read(4) not in (b"II*\0", b"MM\0*"):
                return None
            file.seek(0)
            with tifffile.TiffFile(file) as tiff:
                first = tiff.pages.first
                pages = [first, *list(first.pages or [])[:8]] if first.subifds else [first]
                spans = [span for page in pages for span in zip(page.dataoffsets, page.databytecounts, strict=False)]
                if _DNG_VERSION not in first.tags or any(start + count > size for start, count in spans):
                    return None
    except Exception:  # tifffile raises many kinds on damaged structures
        return None
    limits.check_bytes(size, name)
    return read_raw(path, name, limits)


def open_mosaic(
    samples: NDArray[np.uint16],
    *,
    phase: str = "RGGB",
    black: float | tuple[float, ...] = 0.0,
    white: float = 16383.0,
    name: str = "mosaic",
    gains: Gains | None = None,
    xyz_to_camera: Any = None,
    exposure: Exposure | None = None,
    camera: str | None = None,
    rotation: Literal[0, 90, 180, 270] = 0,
    mirrored: bool = False,
    notes: tuple[str, ...] = (),
) -> RawPhoto:
    """A mosaic that comes without a header.

    Args:
        samples: H x W sensor counts, uint16.
        phase: the 2x2 cell at the top left ("RGGB", "BGGR", "GRBG", "GBRG"), or "X-Trans" if the mosaic begins at the
            canonical tile (`explorer.photo.cfa.XTRANS_TILE`).
        black: sensor counts without light; one number, or four in the order R, G1 (red's row), B, G2 (Bayer only).
        white: sensor counts at saturation.
        name: what messages call it.
        gains: white balance as shot; without it, the nominal camera's daylight gains are used.
        xyz_to_camera: 3x3, CIE XYZ (D65) to camera RGB; without it, the nominal camera's.
        exposure: how it was taken.
        camera: its name.
        rotation: counter-clockwise degrees for display.
        mirrored: the picture is mirrored left to right before it is turned.
        notes: sentences for the user.

    Raises:
        PhotoError: an array that is not H x W uint16, an unknown phase or rotation, levels that are no numbers or leave
            no room, or too few pixels.
        WhiteBalanceError: gains that are not three positive numbers, or beyond 16:1.
    """
    array = np.asarray(samples)
    if array.ndim != 2 or array.dtype != np.uint16:
        raise PhotoError(f"{name} is not a mosaic: give an H x W array of uint16, not {array.shape} of {array.dtype}.")
    known = {**{each.lower(): each for each in BAYER_PHASES}, "xtrans": "X-Trans"}
    given, phase = phase, known.get(phase.lower().replace("-", ""), "") if isinstance(phase, str) else ""
    if not phase:
        raise PhotoError(
            f"The phase {shown(given)} of {name} is not known; give one of {', '.join(BAYER_PHASES)} or X-Trans."
        )
    cfa: Cfa = "xtrans" if phase == "X-Trans" else "bayer"
    if rotation not in (0, 90, 180, 270):
        raise PhotoError(f"{name} cannot be turned by {shown(rotation)} degrees; give 0, 90, 180 or 270.")
    saturation = finite_number(white)
    try:
        black_level = tuple(float(level) for level in np.ravel(np.asarray(black, dtype=np.float64)))
    except (TypeError, ValueError, OverflowError):
        black_level = (math.nan,)
    if saturation is None or not all(math.isfinite(level) for level in black_level):
        raise PhotoError(
            f"The black level {shown(black)} and the white level {shown(white)} of {name} cannot be used; "
            "give numbers of sensor counts."
        )
    white = saturation
    if len(black_level) not in ((1, 4) if cfa == "bayer" else (1,)):
        raise PhotoError(
            f"{len(black_level)} black levels are given for {name}; give one, or four (R, G1, B, G2) for Bayer."
        )
    if not white > max(black_level):
        raise PhotoError(f"The white level {white:g} of {name} must be above its black level {max(black_level):g}.")
    shift = bayer_shift(phase) if cfa == "bayer" else (0, 0)
    if min(array.shape) < TILES[cfa].shape[0]:
        raise PhotoError(f"{name} is smaller than one tile of its colour-filter array; give a larger mosaic.")
    colors = np.array([[0, 1], [3, 2]], dtype=np.uint8) if cfa == "bayer" else TILES[cfa]
    inset = completing_inset(array.shape, shift, cfa)
    mosaic = normalized_mosaic(completed(array, inset, cfa), tile_levels(colors, black_level), white)
    as_shot = None if gains is None else given_gains(gains)
    balance = _initial_balance(None, None) if as_shot is None else WhiteBalance(as_shot, "as given")
    usable = xyz_to_camera is not None and usable_xyz_to_camera(xyz_to_camera)
    exposure = exposure or Exposure()
    return RawPhoto(
        mosaic=mosaic,
        cfa=cfa,
        phase=phase,
        white_balance=balance,
        as_shot=as_shot,
        daylight=None,
        camera_to_srgb=camera_to_srgb(xyz_to_camera) if usable else NOMINAL_CAMERA_TO_SRGB.copy(),
        matrix_source="as given" if usable else _NOMINAL_MATRIX,
        exposure=exposure,
        camera=camera,
        black_level=black_level,
        white_level=float(white),
        bits=max(1, int(white).bit_length()),
        rotation=rotation,
        mirrored=mirrored,
        inset=inset,
        name=name,
        exif=exif_block(camera, exposure),
        notes=notes,
    )
