"""Darkens the open photo as a measured camera would have recorded it, with the original as the reference."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import explorer
from explorer.app import text
from explorer.app.holding import Again, bytes_to_restore
from explorer.app.open_photo import OpenPhoto, Reference, made, open_photo, reader
from explorer.app.session import Session
from explorer.app.sessions import room
from explorer.darkroom import CAMERAS, DarkLight, SensorNoise, camera_named, darken
from explorer.errors import DataError, OutputError, PhotoError
from explorer.photo import load_rendering, srgb_to_linear
from explorer.photo.light.amplify import MIDDLE_GREY
from explorer.photo.types import RgbPhoto
from explorer.views.pictures import luminance

KINDS = {"raw": ".dng", "jpeg": ".jpg"}
"""Suffix of the dark file, by kind."""
ISO, GAIN = 6400.0, 4.0
"""Initial values on the page: the ISO, and the counts per electron for cameras without a known ISO."""
DIM = MIDDLE_GREY / 4
"""A photo is too dark for a reference if half of it has less linear light than this, two stops below middle grey."""


@dataclass(frozen=True)
class Wish:
    """How dark a photo should become."""

    camera: str
    """A key of `explorer.darkroom.CAMERAS`."""
    sensitivity: float | None
    """ISO, or counts per electron if the camera's calibration has no ISO."""
    ratio: float
    """Factor by which the light is reduced, 1 to 300."""
    kind: str = "raw"
    """A key of `KINDS`."""


def has_iso(camera: str) -> bool:
    """True if a camera's sensitivity is given as ISO, False if as gain."""
    return camera in CAMERAS and CAMERAS[camera].iso is not None


def noise_of(wish: Wish) -> SensorNoise:
    """The camera's noise at the chosen sensitivity.

    Raises:
        DataError: an unknown camera, no sensitivity, or one far from the measured ones.
    """
    camera = camera_named(wish.camera)
    if wish.sensitivity is None:
        usual = ISO if has_iso(wish.camera) else GAIN
        raise DataError(code="darkroom.no_sensitivity", value=f"{usual:g}")
    return camera.at(iso=wish.sensitivity) if has_iso(wish.camera) else camera.at(gain=wish.sensitivity)


def is_dim(opened: OpenPhoto) -> bool:
    """True if a photo is dark already, so that it makes a poor reference. A well-lit photo may be one that more light
    would improve, which is what `OpenPhoto.left_alone` asks."""
    return float(np.median(luminance(srgb_to_linear(opened.as_taken)))) < DIM


def make_dark(session: Session, wish: Wish) -> DarkLight:
    """Darkens the open photo and shows it, with the original as its reference. A photo that was darkened here is
    darkened again from its original.

    Returns:
        How dark it is.

    Raises:
        PhotoError: no photo is open, or it has fewer than 6 x 6 pixels.
        DataError, RatioError: as `explorer.darken`.
        OutputError: an unknown kind of file.
    """
    if wish.kind not in KINDS:
        raise OutputError(text.DARKROOM_KIND.format(kind=str(wish.kind)[:40]))
    shown = session.require_open()
    well_lit = shown.well_lit or shown
    noise = noise_of(wish)
    with room(2 * bytes_to_restore(well_lit.size)):
        exposure = darken(well_lit.whole, noise, ratio=wish.ratio)
        path = session.folder / f"source-{secrets.token_hex(8)}{KINDS[wish.kind]}"
        try:
            exposure.save(path)
        except OutputError as error:  # the session ended meanwhile
            raise PhotoError(text.SESSION_GONE) from error
        name = f"{Path(well_lit.small.name).stem}-dark{KINDS[wish.kind]}"
        read = reader(path, name)
        opened = open_photo(read("auto"), read, source=path)
    if opened.size == well_lit.size:
        kept = Again(_rendering(well_lit), partial(_rendering, well_lit))
        opened = opened.with_reference(Reference(kept, source=well_lit.source))
    well_lit.work.let_go()
    session.open = replace(opened, well_lit=well_lit, dimmed=exposure.ratio)
    return exposure.light


def _rendering(well_lit: OpenPhoto) -> RgbPhoto:
    photo: explorer.Photo = made(well_lit.balanced)
    return RgbPhoto(load_rendering(photo), photo.bits, name=photo.name)


def back_to_light(session: Session) -> bool:
    """Shows the original of a darkened photo again; False if the open photo was not darkened."""
    well_lit = session.require_open().well_lit
    if well_lit is None:
        return False
    session.open = well_lit.again()
    return True
