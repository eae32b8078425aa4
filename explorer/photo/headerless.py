"""Mosaics that come without a header."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.cameras import NOMINAL_CAMERA_TO_SRGB, camera_to_srgb, usable_xyz_to_camera
from explorer.photo.cfa import BAYER_PHASES, TILES, Cfa, bayer_shift, completed, completing_inset
from explorer.photo.levels import BlackLevel, normalized_mosaic, tile_levels
from explorer.photo.metadata import exif_block
from explorer.photo.numbers import finite_number, shown
from explorer.photo.raw import NOMINAL_MATRIX, initial_balance
from explorer.photo.types import Exposure, Gains, RawPhoto, WhiteBalance
from explorer.photo.white_balance import given_gains


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
    levels = BlackLevel(tile_levels(colors, black_level))
    mosaic = normalized_mosaic(completed(array, inset, cfa), levels, white)
    as_shot = None if gains is None else given_gains(gains)
    balance = initial_balance(None, None) if as_shot is None else WhiteBalance(as_shot, "as given")
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
        matrix_source="as given" if usable else NOMINAL_MATRIX,
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
