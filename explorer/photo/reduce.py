"""A smaller photo for a quick preview."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.photo.types import Photo, RawPhoto


def reduced(photo: Photo, max_side: int) -> Photo:
    """The photo with its longest side at most `max_side` pixels; the same object where it already is.

    Mosaics are reduced by an integer factor, each colour-filter cell taking the means of the same-coloured samples of
    the cells that it covers, so that the result is a mosaic again (with less noise than the full one). Pictures are
    averaged over areas in linear light.

    Args:
        max_side: pixels, at least 32.
    """
    width, height = photo.size
    if max(width, height) <= max_side:
        return photo
    if isinstance(photo, RawPhoto):
        return _reduced_raw(photo, -(-max(width, height) // max_side))
    from PIL import Image

    from explorer.photo.develop import linear_to_srgb, srgb_to_linear

    scale = max_side / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    linear = srgb_to_linear(photo.image)
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(linear[..., c])).resize(size, Image.Resampling.BOX))
        for c in range(3)
    ]
    image = linear_to_srgb(np.clip(np.stack(planes, axis=2), 0, 1).astype(np.float32))
    return replace(photo, image=image, as_opened=None)


def _reduced_raw(raw: RawPhoto, factor: int) -> RawPhoto:
    cell = 2 if raw.cfa == "bayer" else 6
    height, width = (n // (cell * factor) for n in raw.mosaic.shape)
    if height == 0 or width == 0:
        return raw
    cropped = raw.mosaic[: height * factor * cell, : width * factor * cell]
    cells = cropped.reshape(height, factor, cell, width, factor, cell)
    mosaic = cells.mean(axis=(1, 4)).reshape(height * cell, width * cell)
    return replace(raw, mosaic=np.ascontiguousarray(mosaic, dtype=np.float32))
