"""Reduces a photo to what a file with fewer bits keeps, for networks trained on that."""

from __future__ import annotations

import numpy as np

from explorer.messages import say
from explorer.photo.light.develop import load_rendering
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray


def rounded(image: FloatArray, bits: int) -> FloatArray:
    """sRGB in [0, 1] at the nearest of 2 ** bits levels."""
    levels = np.float32(2**bits - 1)
    return (np.round(image * levels) / levels).astype(np.float32)


def at_bit_depth(photo: Photo, bits: int) -> RgbPhoto:
    """The photo as a developed picture of so many bits per channel, not amplified.

    What lies below half a step of such a picture is lost, as in a camera's JPEG: amplification does not bring it back.

    Args:
        photo: a RAW photo is developed with its white balance; a picture of no more bits is given back as it is.
        bits: 1 to 16.
    """
    if isinstance(photo, RgbPhoto) and photo.bits <= bits:
        return photo
    if isinstance(photo, RawPhoto):
        image, what = load_rendering(photo), "RAW photo was developed to sRGB and"
    else:
        image, what = photo.image, "picture was"
    note = say("note.rounded_before", what=what, bits=bits)
    return RgbPhoto(
        image=rounded(image, bits),
        bits=bits,
        exposure=photo.exposure,
        camera=photo.camera,
        name=photo.name,
        exif=photo.exif,
        notes=(*photo.notes, note),
    )
