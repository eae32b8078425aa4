"""The noise of a camera's file in the units of its mosaic, from the table of measured sensors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.darkroom.sensors import noise_of_file
from explorer.photo.types import RawPhoto
from explorer.photo.values import Gains

_ROUNDING = 1 / 12
"""Variance of rounding to whole counts."""


def noise_of_mosaic(raw: RawPhoto, gains: Gains) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Returns the variance k x + s of a mosaic's planes R, G, G, B: shot noise, and read and row noise with rounding.

    Args:
        raw: at the sensor's own size.
        gains: factors of red, green and blue: white balance times ratio. x is the product.

    Returns:
        k and s, four values each; None if the camera was not measured at the file's ISO.
    """
    noise = noise_of_file(raw.camera, raw.exposure.iso)
    span = raw.white_level - float(np.mean(raw.black_level))
    if noise is None or raw.cfa != "bayer" or span <= 0:
        return None
    # The table's counts are those of its converter; a file of fewer bits has larger ones.
    counts = 2.0**raw.bits / (noise.white + 1)
    read = (noise.read_deviation**2 + noise.row**2) * counts**2 + _ROUNDING
    factors = np.array([gains[0], gains[1], gains[1], gains[2]], dtype=np.float64)
    return noise.gain * counts / span * factors, read / span**2 * factors**2
