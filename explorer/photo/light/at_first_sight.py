"""Quick facts about a photo: whether it is dark, black or grey."""

from __future__ import annotations

import numpy as np

from explorer.messages import say
from explorer.photo.light.brightness import wanted_gain
from explorer.photo.types import Photo, RgbPhoto
from explorer.photo.values import FloatArray

DARK_STOPS = 0.5
"""Smallest gain, in stops, that the learned rule suggests for a photo that counts as dark. For well-exposed photos of a
scene, it suggests up to that."""
_BLOCK = 16
_ERRORS = 4.0


def is_dark(photo: Photo) -> bool:
    """True if a photo would benefit from more light."""
    return wanted_gain(photo) > DARK_STOPS


def holds_light(photo: Photo) -> bool:
    """False if a photo is completely black: a picture of only zeros, or a RAW photo that is nowhere brighter than the
    noise around its black level."""
    if isinstance(photo, RgbPhoto):
        return bool(photo.image.any())
    values = photo.mosaic.reshape(photo.mosaic.shape[0], -1)
    if not (values > 0).any():
        return False
    # Hot pixels are not light, so medians are used: half of each block is above its median, whatever single pixels
    # contain.
    height, width = (side // _BLOCK * _BLOCK for side in values.shape)
    if not (height and width):
        return True
    blocks = values[:height, :width].reshape(height // _BLOCK, _BLOCK, -1, _BLOCK).swapaxes(1, 2)
    medians = np.median(blocks.reshape(-1, _BLOCK * _BLOCK), axis=1)
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    # The median of n normal samples has a standard deviation of 1.25 of theirs over the root of n.
    error = 1.2533 * spread / _BLOCK
    many = float(np.sqrt(2 * np.log(max(2, medians.size))))
    return bool(medians.max() > (_ERRORS + many) * error or medians.mean() > _ERRORS * error / np.sqrt(medians.size))


def is_grey(image: FloatArray) -> bool:
    """True if all three channels of an H x W x 3 picture are the same."""
    first = image[:: max(1, len(image) // 8)]  # in most pictures, the first rows already differ
    return all(bool(np.array_equal(part[..., 0], part[..., k])) for part in (first, image) for k in (1, 2))


def stays_as_it_is(photo: Photo) -> str | None:
    """Returns a sentence that says why a photo should be left unchanged; None if it is dark."""
    if not holds_light(photo):
        return say("note.no_light")
    return None if is_dark(photo) else say("note.not_dark")
