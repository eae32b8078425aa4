"""Converts photos to the input domains of models."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.choices import DOMAINS, PLANE_STEP, BalancePlace, Domain, Highlights, PlaneOrder, Turn
from explorer.messages import say
from explorer.photo.light.amplify import amplify, check_ratio
from explorer.photo.light.cameras import NOMINAL_CAMERA_TO_SRGB, NOMINAL_GAINS
from explorer.photo.light.cfa import (
    TILES,
    Cfa,
    completing_inset,
    mosaic_from_rgb,
    pack_bayer,
    pack_xtrans,
    plane_places,
    reflected,
    scale_channels,
    unpack_xtrans,
    without_inset,
)
from explorer.photo.light.develop import camera_rgb, develop, unprocess, upright
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.types import Photo, RawPhoto
from explorer.photo.values import FloatArray, Inset, WhiteBalance


@dataclass(frozen=True)
class Placement:
    """Position of a network's output in the displayed photo."""

    sides: tuple[int, int]
    """Height and width of the network's input, in pixels of the photo."""
    rotation: Turn = 0
    """Counter-clockwise degrees that turn the output upright."""
    mirrored: bool = False
    """True if it is mirrored left to right before it is turned."""
    inset: Inset = (0, 0, 0, 0)
    """Border pixels that only complete a mosaic's cells."""

    def cropped(self, image: FloatArray) -> FloatArray:
        """Returns a view of a picture or map of any scale (H x W x C) without its inset, in sensor orientation."""
        height, width = image.shape[:2]
        top, left, bottom, right = (round(n * image.shape[k % 2] / self.sides[k % 2]) for k, n in enumerate(self.inset))
        return image[top : max(height - bottom, top + 1), left : max(width - right, left + 1)]

    def lying(self, image: FloatArray, photo: Photo) -> FloatArray:
        """`cropped`, rotated back to sensor orientation if the network got the upright picture."""
        image = self.cropped(image)
        if not isinstance(photo, RawPhoto) or (self.rotation, self.mirrored) == (photo.rotation, photo.mirrored):
            return image
        image = np.rot90(image, -(photo.rotation // 90))
        return np.ascontiguousarray(image[:, ::-1] if photo.mirrored else image)

    def upright(self, image: FloatArray) -> FloatArray:
        """Returns a picture or map of any scale (H x W x C) without its inset, mirrored and rotated for display."""
        return upright(self.cropped(image), self.rotation, self.mirrored)


@dataclass(frozen=True, eq=False)
class ModelInput:
    """A network's input, without the batch axis."""

    planes: FloatArray
    """C x H x W: 1 (bayer), 4 (packed, half size), 9 (xtrans, a third of the size) or 3 (rgb) planes, amplified."""
    camera_to_srgb: FloatArray
    """3x3, rows summing to 1: white-balanced camera RGB to linear sRGB, for networks whose output is camera RGB (see
    `explorer.photo.light.develop.camera_to_display`); the identity for "rgb"."""
    placement: Placement
    """Crop, mirroring and rotation of the network's output."""
    notes: tuple[str, ...] = ()
    """Sentences for the user about the conversion of the photo for this model."""
    domain: Domain = "rgb"
    plane_order: PlaneOrder = "sid"

    def region(self, top: int, bottom: int, left: int, right: int) -> FloatArray:
        """Returns rows top to bottom and columns left to right of the planes, which may lie beyond the picture.

        There, a picture is reflected about its first and last pixel. For a mosaic, its samples are reflected, not its
        planes, in which the mirror image would be shifted by a cell.

        Returns:
            C x (bottom - top) x (right - left); a view if nothing lies beyond.
        """
        _, height, width = self.planes.shape
        if min(top, left) >= 0 and bottom <= height and right <= width:
            return self.planes[:, top:bottom, left:right]
        if self.domain == "rgb":
            beyond = (max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width))
            return np.pad(self.planes[:, max(0, top) : bottom, max(0, left) : right], ((0, 0), *beyond), mode="reflect")
        if self.domain == "xtrans":
            return self._xtrans_region(top, bottom, left, right)
        step = PLANE_STEP[self.domain]
        rows, columns = self._sources(top * step, bottom * step, 0), self._sources(left * step, right * step, 1)
        region = np.empty((len(self.planes), bottom - top, right - left), dtype=np.float32)
        inside = slice(max(0, -left), min(right, width) - left)

        def work(first: int, stop: int) -> None:
            for plane, out, (dy, dx) in zip(self.planes, region, plane_places(step, self.plane_order), strict=True):
                lines = plane[rows[dy::step][first:stop] // step]
                out[first:stop, inside] = lines[:, max(0, left) : min(right, width)]
                for outside in (slice(0, inside.start), slice(inside.stop, right - left)):
                    out[first:stop, outside] = lines[:, columns[dx::step][outside] // step]

        in_bands(bottom - top, rows_of_band(right - left, 1), work)
        return region

    def _xtrans_region(self, top: int, bottom: int, left: int, right: int) -> FloatArray:
        """Reads the region from the mosaic itself, because a reflected sample may belong to another plane."""
        first_row, first_column = top // 2 * 2, left // 2 * 2
        rows = self._sources(3 * first_row, 3 * (bottom + bottom % 2), 0)
        columns = self._sources(3 * first_column, 3 * (right + right % 2), 1)
        low, high = rows.min() // 6 * 6, rows.max() // 6 * 6 + 6
        mosaic = unpack_xtrans(self.planes[:, low // 3 : high // 3])
        packed = pack_xtrans(mosaic[rows - low][:, columns])
        return packed[:, top - first_row :, left - first_column :][:, : bottom - top, : right - left]

    def _sources(self, first: int, stop: int, along: int) -> NDArray[np.intp]:
        """Rows (0) or columns (1) of the mosaic for those of a region."""
        step, cfa = PLANE_STEP[self.domain], cfa_of(self.domain)
        length = step * self.planes.shape[1 + along]
        start, end = self.placement.inset[along], length - self.placement.inset[2 + along]
        if end - start < TILES[cfa].shape[0]:  # too narrow to be reflected
            start, end = 0, length
        places = reflected(first, stop, (start, end), cfa, along)
        # The inset is already there and is not reflected.
        here = np.arange(first, stop)
        return np.where((here >= 0) & (here < length), here, places)


def cfa_of(domain: Domain) -> Cfa:
    """Returns the colour-filter array of a domain's mosaics."""
    return "xtrans" if domain == "xtrans" else "bayer"


def _with_cfa(raw: RawPhoto, cfa: Cfa) -> tuple[RawPhoto, tuple[str, ...]]:
    """Resamples a photo for another colour-filter array, through all three colours of every pixel."""
    if raw.cfa == cfa:
        return raw, ()
    names = {"bayer": "Bayer", "xtrans": "X-Trans"}
    if raw.monochrome:
        # Like a neutral surface in daylight seen by the nominal camera: grey after white balance.
        daylight = WhiteBalance(NOMINAL_GAINS, "the nominal camera's daylight")
        raw = replace(raw, white_balance=daylight, daylight=NOMINAL_GAINS, camera_to_srgb=NOMINAL_CAMERA_TO_SRGB)
        note = say("note.grey_as_mosaic", cfa=names[cfa])
        image = without_inset(raw.mosaic, raw.inset)
    elif raw.cfa == "none":
        note = say("note.colours_as_mosaic", cfa=names[cfa])
        image = camera_rgb(raw)
    else:
        note = say("note.sampled_again", first=names[raw.cfa], second=names[cfa], third=names[raw.cfa])
        # Colours correlate best when balanced, so the balance is applied for interpolation and undone afterwards.
        image = camera_rgb(raw)
    red, green, blue = raw.white_balance.gains
    mosaic = scale_channels(mosaic_from_rgb(image, cfa), (1 / red, 1 / green, 1 / blue), cfa)
    inset = completing_inset(image.shape[:2], (0, 0), cfa)
    return replace(raw, mosaic=mosaic, cfa=cfa, inset=inset), (note,)


def model_input(
    photo: Photo,
    domain: Domain,
    ratio: float,
    *,
    white_balance: BalancePlace = "before",
    clip: tuple[float, float] | None = None,
    plane_order: PlaneOrder = "sid",
    highlights: Highlights = "clip",
) -> ModelInput:
    """Converts any photo to any domain.

    A RAW photo is developed for "rgb"; a developed picture is unprocessed to a mosaic for the other domains; a mosaic
    of the other colour-filter array is demosaicked and resampled.

    Args:
        photo: the picture.
        domain: "bayer", "packed", "xtrans" or "rgb".
        ratio: 1 to 300; multiplies linear light.
        white_balance: "before" multiplies mosaics by the photo's gains; "none" leaves camera values. "rgb" is always
            white-balanced.
        clip: limits of the amplified values; None does not clip (noise below 0, light above 1). "rgb" is never below 0,
            and not above 1 unless `highlights` are kept.
        plane_order: of the four planes of "packed"; see `explorer.photo.light.cfa.pack_bayer`.
        highlights: "keep" keeps amplified light above white in "rgb", under the same curve; "clip" clips it to 1.

    Raises:
        RatioError: the ratio is not a number from 1 to 300.
        ValueError: unknown domain.
    """
    ratio = check_ratio(ratio)
    if domain not in DOMAINS:
        raise ValueError(f"There is no domain {domain!r}; the known ones are {', '.join(DOMAINS)}.")
    if domain == "rgb":
        return _picture_input(photo, ratio, clip, beyond_white=highlights == "keep")
    cfa = cfa_of(domain)
    if isinstance(photo, RawPhoto):
        raw, notes = _with_cfa(photo, cfa)
    else:
        raw = unprocess(photo, cfa)
        notes = raw.notes[len(photo.notes) :]
    gains = raw.white_balance.gains if white_balance == "before" else (1.0, 1.0, 1.0)
    factors = (gains[0] * ratio, gains[1] * ratio, gains[2] * ratio)
    # Packing also multiplies and clips: the mosaic is read once, and only the planes are written.
    if domain == "bayer":
        planes = scale_channels(raw.mosaic, factors, cfa, clip)[None]
    elif domain == "xtrans":
        planes = pack_xtrans(raw.mosaic, factors=factors, clip=clip)
    else:
        planes = pack_bayer(raw.mosaic, plane_order, factors=factors, clip=clip)
    height, width = raw.mosaic.shape
    placement = Placement((height, width), raw.rotation, raw.mirrored, raw.inset)
    return ModelInput(planes, raw.color_matrix, placement, notes, domain, plane_order)


def _picture_input(photo: Photo, ratio: float, clip: tuple[float, float] | None, *, beyond_white: bool) -> ModelInput:
    """Converts to "rgb", developing and amplifying directly in the planes."""
    notes: tuple[str, ...] = ()
    if isinstance(photo, RawPhoto):
        notes = (say("note.developed_for_model"),)
        placement = Placement(photo.sensor_size, photo.rotation, photo.mirrored)
        planes = np.empty((3, *placement.sides), dtype=np.float32)
        develop(photo, ratio, beyond_white=beyond_white, out=np.moveaxis(planes, 0, 2))
    else:
        height, width = photo.image.shape[:2]
        placement = Placement((height, width))
        planes = np.empty((3, height, width), dtype=np.float32)
        amplify(photo.image, ratio, beyond_white=beyond_white, out=np.moveaxis(planes, 0, 2))
    if clip is not None and clip != (0.0, 1.0):
        np.clip(planes, *clip, out=planes)
    return ModelInput(planes, np.eye(3, dtype=np.float32), placement, notes)
