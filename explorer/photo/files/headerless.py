"""Mosaics without a header."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.choices import Turn
from explorer.errors import PhotoError
from explorer.photo.files.metadata import exif_block
from explorer.photo.files.raw import NOMINAL_MATRIX, initial_balance
from explorer.photo.light.cameras import NOMINAL_CAMERA_TO_SRGB, camera_to_srgb, usable_xyz_to_camera
from explorer.photo.light.cfa import BAYER_PHASES, TILES, Cfa, bayer_shift, completed, completing_inset
from explorer.photo.light.levels import BlackLevel, normalized_mosaic, tile_levels
from explorer.photo.light.white_balance import given_gains
from explorer.photo.types import Exposure, RawPhoto
from explorer.photo.validation import finite_number, shown
from explorer.photo.values import FloatArray, Gains, Inset, WhiteBalance


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
    rotation: Turn = 0,
    mirrored: bool = False,
    notes: tuple[str, ...] = (),
) -> RawPhoto:
    """Opens a mosaic without a header.

    Args:
        samples: H x W sensor counts, uint16.
        phase: "RGGB", "BGGR", "GRBG" or "GBRG" at the top left, or "X-Trans" if `cfa.XTRANS_TILE` begins there.
        black: sensor counts without light; one number, or four in the order R, G1 (red's row), B, G2 (Bayer only).
        white: sensor counts at saturation.
        name: its name in messages.
        gains: white balance as shot; without it, the nominal camera's daylight gains are used.
        xyz_to_camera: 3x3, CIE XYZ (D65) to camera RGB; without it, the nominal camera's.
        exposure: how it was taken.
        camera: its name.
        rotation: counter-clockwise degrees for display.
        mirrored: the picture is mirrored left to right before it is turned.
        notes: sentences for the user.

    Raises:
        PhotoError: not H x W uint16, an unknown phase or rotation, levels that leave no room, or too few pixels.
        WhiteBalanceError: gains that are not three positive numbers, or beyond 16:1.

    Examples:
        >>> import explorer, numpy
        >>> explorer.open_mosaic(numpy.full((64, 96), 600, numpy.uint16), black=512).cfa
        'bayer'
    """
    array = np.asarray(samples)
    if array.ndim != 2 or array.dtype != np.uint16:
        raise PhotoError(f"{name} is not a mosaic: give an H x W array of uint16, not {array.shape} of {array.dtype}.")
    phase = _known_phase(phase, name)
    cfa: Cfa = "xtrans" if phase == "X-Trans" else "bayer"
    if rotation not in get_args(Turn):
        raise PhotoError(f"{name} cannot be rotated by {shown(rotation)} degrees; give 0, 90, 180 or 270.")
    black_level, white = _levels(black, white, cfa, name)
    mosaic, inset = _whole_cells(array, phase, cfa, black_level, white, name)
    as_shot = None if gains is None else given_gains(gains)
    usable = xyz_to_camera is not None and usable_xyz_to_camera(xyz_to_camera)
    exposure = exposure or Exposure()
    return RawPhoto(
        name=name, notes=notes, mosaic=mosaic, cfa=cfa, phase=phase, inset=inset, rotation=rotation, mirrored=mirrored,
        black_level=black_level, white_level=white, bits=max(1, int(white).bit_length()),
        white_balance=initial_balance(None, None) if as_shot is None else WhiteBalance(as_shot, "as given"),
        camera_to_srgb=camera_to_srgb(xyz_to_camera) if usable else NOMINAL_CAMERA_TO_SRGB.copy(),
        matrix_source="as given" if usable else NOMINAL_MATRIX, as_shot=as_shot, daylight=None,
        exposure=exposure, camera=camera, exif=exif_block(camera, exposure),
    )  # fmt: skip


def _known_phase(phase: str, name: str) -> str:
    """Normalizes a phase's spelling: any case, with or without the hyphen."""
    known = {**{each.lower(): each for each in BAYER_PHASES}, "xtrans": "X-Trans"}
    found = known.get(phase.lower().replace("-", "")) if isinstance(phase, str) else None
    if found is None:
        raise PhotoError(
            f"The phase {shown(phase)} of {name} is not known; give one of {', '.join(BAYER_PHASES)} or X-Trans."
        )
    return found


def _levels(black: float | tuple[float, ...], white: float, cfa: Cfa, name: str) -> tuple[tuple[float, ...], float]:
    """Checks the black levels, one or four, and the white level above them."""
    saturation = finite_number(white)
    try:
        blacks = tuple(float(level) for level in np.ravel(np.asarray(black, dtype=np.float64)))
    except (TypeError, ValueError, OverflowError):
        blacks = (math.nan,)
    if saturation is None or not all(math.isfinite(level) for level in blacks):
        raise PhotoError(
            f"The black level {shown(black)} and the white level {shown(white)} of {name} cannot be used; "
            "give numbers of sensor counts."
        )
    if len(blacks) not in ((1, 4) if cfa == "bayer" else (1,)):
        raise PhotoError(
            f"{len(blacks)} black levels are given for {name}; give one, or four (R, G1, B, G2) for Bayer."
        )
    if not saturation > max(blacks):
        raise PhotoError(f"The white level {saturation:g} of {name} must be above its black level {max(blacks):g}.")
    return blacks, saturation


def _whole_cells(
    samples: NDArray[np.uint16], phase: str, cfa: Cfa, black: tuple[float, ...], white: float, name: str
) -> tuple[FloatArray, Inset]:
    """Returns the canonical mosaic between black (0) and white (1), and the inset that only completes its cells."""
    if min(samples.shape) < TILES[cfa].shape[0]:
        raise PhotoError(f"{name} is smaller than one cell of its colour-filter array; give a larger mosaic.")
    inset = completing_inset(samples.shape, bayer_shift(phase) if cfa == "bayer" else (0, 0), cfa)
    colors = np.array([[0, 1], [3, 2]], dtype=np.uint8) if cfa == "bayer" else TILES[cfa]
    levels = BlackLevel(tile_levels(colors, black))
    return normalized_mosaic(completed(samples, inset, cfa), levels, white), inset
