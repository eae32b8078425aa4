"""Where a photo and the domain of a model meet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from explorer.photo.amplify import amplify, check_ratio
from explorer.photo.cfa import Cfa, PlaneOrder, mosaic_from_rgb, pack_bayer, pack_xtrans, scale_channels
from explorer.photo.demosaic import demosaic
from explorer.photo.develop import develop, unprocess
from explorer.photo.types import FloatArray, Photo, RawPhoto

Domain = Literal["bayer", "packed", "xtrans", "rgb"]
DOMAINS: tuple[Domain, ...] = ("bayer", "packed", "xtrans", "rgb")


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What a network takes, without the batch axis."""

    planes: FloatArray
    """C x H x W: 1 (bayer), 4 (packed, half size), 9 (xtrans, a third of the size) or 3 (rgb) planes, amplified."""
    camera_to_srgb: FloatArray
    """3x3, rows summing to 1: white-balanced camera RGB to linear sRGB, for networks whose output is camera RGB (see
    `explorer.photo.develop.camera_to_display`); the identity for "rgb"."""
    rotation: Literal[0, 90, 180, 270]
    """Counter-clockwise degrees that turn the network's output upright."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was done so that this model could take this photo."""


def _with_cfa(raw: RawPhoto, cfa: Cfa) -> tuple[RawPhoto, tuple[str, ...]]:
    """The photo on another colour-filter array, through all three colours of every pixel."""
    if raw.cfa == cfa:
        return raw, ()
    names = {"bayer": "Bayer", "xtrans": "X-Trans"}
    note = (
        f"The {names[raw.cfa]} mosaic was demosaicked and sampled again as {names[cfa]}, because the model takes no "
        f"{names[raw.cfa]} mosaic; its noise differs from a real one's."
    )
    # Colours correlate best when balanced, so they are interpolated balanced and brought back.
    red, green, blue = raw.white_balance.gains
    image = demosaic(scale_channels(raw.mosaic, (red, green, blue), raw.cfa), raw.cfa)
    mosaic = scale_channels(mosaic_from_rgb(image, cfa), (1 / red, 1 / green, 1 / blue), cfa)
    return replace(raw, mosaic=mosaic, cfa=cfa), (note,)


def model_input(
    photo: Photo,
    domain: Domain,
    ratio: float,
    *,
    white_balance: Literal["before", "none"] = "before",
    clip: tuple[float, float] | None = None,
    plane_order: PlaneOrder = "sid",
    highlights: Literal["clip", "keep"] = "clip",
) -> ModelInput:
    """Brings any photo into any domain.

    A RAW photo is developed for "rgb"; a developed picture is unprocessed to a mosaic for the other domains; a
    mosaic of the other colour-filter array is demosaicked and sampled again.

    Args:
        photo: the picture.
        domain: "bayer", "packed", "xtrans" or "rgb".
        ratio: 1 to 300; multiplies linear light.
        white_balance: "before" multiplies mosaics by the photo's gains; "none" leaves camera values. "rgb" is always
            white-balanced.
        clip: limits of the amplified values; None leaves them (noise below 0, light above 1). "rgb" is never below 0,
            and not above 1 unless `highlights` are kept.
        plane_order: of the four planes of "packed"; see `explorer.photo.cfa.pack_bayer`.
        highlights: "keep" leaves amplified light above white in "rgb", under the same curve; "clip" ends it at 1.

    Raises:
        RatioError: the ratio is not a number from 1 to 300.
        PhotoError: the picture is smaller than one tile of the colour-filter array.
        ValueError: unknown domain.
    """
    ratio = check_ratio(ratio)
    if domain not in DOMAINS:
        raise ValueError(f"There is no domain {domain!r}; the known ones are {', '.join(DOMAINS)}.")
    notes: tuple[str, ...] = ()
    if domain == "rgb":
        beyond_white = highlights == "keep"
        if isinstance(photo, RawPhoto):
            note = "The RAW photo was developed to sRGB, because the model takes developed pictures."
            planes = np.empty((3, *photo.mosaic.shape), dtype=np.float32)
            develop(photo, ratio, beyond_white=beyond_white, out=np.moveaxis(planes, 0, 2))
            rotation, notes = photo.rotation, (note,)
        else:
            planes = np.empty((3, *photo.image.shape[:2]), dtype=np.float32)
            amplify(photo.image, ratio, beyond_white=beyond_white, out=np.moveaxis(planes, 0, 2))
            rotation = 0
        if clip is not None and clip != (0.0, 1.0):
            np.clip(planes, *clip, out=planes)
        return ModelInput(planes, np.eye(3, dtype=np.float32), rotation, notes)

    cfa: Cfa = "xtrans" if domain == "xtrans" else "bayer"
    if isinstance(photo, RawPhoto):
        raw, notes = _with_cfa(photo, cfa)
    else:
        raw = unprocess(photo, cfa)
        notes = raw.notes[len(photo.notes) :]
    gains = raw.white_balance.gains if white_balance == "before" else (1.0, 1.0, 1.0)
    red, green, blue = (gain * ratio for gain in gains)
    factors = red, green, blue
    # Packing multiplies and limits on its way: the mosaic is read once, and nothing but the planes is written.
    if domain == "bayer":
        planes = scale_channels(raw.mosaic, factors, cfa, clip)[None]
    elif domain == "xtrans":
        planes = pack_xtrans(raw.mosaic, factors=factors, clip=clip)
    else:
        planes = pack_bayer(raw.mosaic, plane_order, factors=factors, clip=clip)
    return ModelInput(planes, raw.color_matrix, raw.rotation, notes)
