"""The sRGB transfer curve (IEC 61966-2-1), there and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from explorer.photo.bands import in_bands
from explorer.photo.values import FloatArray

_CHUNK = 1 << 17


def _in_chunks(array: NDArray[np.floating], curve: Callable[[NDArray[np.floating]], FloatArray]) -> FloatArray:
    """A pointwise function of an array of any shape as float32, by chunks on all cores."""
    given = np.asarray(array)
    result = np.empty(given.shape, dtype=np.float32)
    flat, out = given.reshape(-1) if given.flags.c_contiguous else given.ravel(), result.reshape(-1)

    def work(first: int, stop: int) -> None:
        out[first:stop] = curve(flat[first:stop])

    in_bands(flat.size, _CHUNK, work)
    return result


def linear_of(display: NDArray[np.floating]) -> FloatArray:
    """`srgb_to_linear` in the calling thread, for one band of a larger pass; always a new array."""
    value = np.maximum(display, 0).astype(np.float32, copy=False)
    curve = value + np.float32(0.055)
    curve /= np.float32(1.055)
    curve **= np.float32(2.4)
    np.copyto(curve, value / np.float32(12.92), where=value <= np.float32(0.04045))
    return curve


def display_of(linear: NDArray[np.floating]) -> FloatArray:
    """`linear_to_srgb` in the calling thread, for one band of a larger pass; always a new array."""
    value = np.maximum(linear, 0).astype(np.float32, copy=False)
    curve = value ** np.float32(1 / 2.4)
    curve *= np.float32(1.055)
    curve -= np.float32(0.055)
    np.copyto(curve, value * np.float32(12.92), where=value <= np.float32(0.0031308))
    return curve


def srgb_to_linear(array: NDArray[np.floating]) -> FloatArray:
    """Undoes the sRGB transfer curve (IEC 61966-2-1). Values below 0 are taken as 0; those above 1 follow the curve."""
    return _in_chunks(array, linear_of)


def linear_to_srgb(array: NDArray[np.floating]) -> FloatArray:
    """Applies the sRGB transfer curve (IEC 61966-2-1). Values below 0 are taken as 0; those above 1 follow the
    curve."""
    return _in_chunks(array, display_of)
