"""Reduces a photo's bit depth, for networks trained on fewer bits."""

from __future__ import annotations

import numpy as np

from explorer.messages import say
from explorer.photo.light.develop import load_rendering
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray


def rounded(image: FloatArray, bits: int) -> FloatArray:
    """Rounds sRGB in [0, 1] to the nearest of 2 ** bits levels."""
    levels = np.float32(2**bits - 1)
    return (np.round(image * levels) / levels).astype(np.float32)


def at_bit_depth(photo: Photo, bits: int) -> RgbPhoto:
    """Converts a photo to a developed picture with a number of bits per channel, not amplified.

    Light below half a step of such a picture is lost, as in a camera's JPEG; amplification does not recover it.

    Args:
        photo: a RAW photo is developed with its white balance; a picture with no more bits is returned unchanged.
        bits: 1 to 16.
    """
    if isinstance(photo, RgbPhoto) and photo.bits <= bits:
        return photo
    if isinstance(photo, RawPhoto):
        image, note = load_rendering(photo), say("note.developed_rounded_before", bits=bits)
    else:
        image, note = photo.image, say("note.rounded_before", bits=bits)
    return RgbPhoto(
        image=rounded(image, bits),
        bits=bits,
        exposure=photo.exposure,
        camera=photo.camera,
        name=photo.name,
        exif=photo.exif,
        notes=(*photo.notes, note),
    )
