"""Strength of a restoration: blends the developed and the restored picture, returning detail before noise.

The residual, which the network removed, is noise and some fine detail. It is split into undecimated wavelet bands
(Starck and Murtagh, "Image restoration with noise suppression using the wavelet transform", Astronomy and Astrophysics
288, 1994: the a trous algorithm with a B3 spline). In each band and at each brightness, the quietest fifth of the
positions gives the noise level; where the energy around a coefficient is clearly larger, there is structure, weighted
as in a Wiener filter. Less strength returns structure along t (2 - t) and noise along t^2, where t is the fraction
returned: both are 0 at 0 and 1 at 1.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import SettingsError
from explorer.photo.light.curves import display_of, linear_of
from explorer.photo.light.demosaic import each_developed_band
from explorer.photo.parallel import in_bands
from explorer.photo.types import RawPhoto
from explorer.photo.validation import finite_number, shown
from explorer.photo.values import FloatArray

FULL = 100.0
Codes = NDArray[np.uint16]
_TOP = np.float32(65535)
_LEVELS = 4
HALO = 2 * (2**_LEVELS - 1) + 2**_LEVELS
"""Reach, in pixels, of the bands and of the energy around their coefficients."""
_ROWS = 128
_SAMPLED = 16
"""Bands of rows from which the noise is measured."""
_BINS = 64
"""Number of brightness bins, evenly spaced in its square root, in which shot noise is nearly constant."""
_FEWEST = 400
"""Smallest number of coefficients for a noise estimate."""
_QUIET, _OF_QUIET = 0.2, 1.4
"""Fraction of the positions that is assumed to be free of structure, and the ratio of the variance of normal noise to
its energy at that quantile (1.34 to 1.45 in the four bands)."""
_CLEARLY = 1.5
"""Multiple of the noise's energy from which there is structure."""


def check_strength(value: Any) -> float:
    """Converts a strength to a number and checks it.

    Raises:
        SettingsError: not a number from 0 to 100.
    """
    number = None if isinstance(value, bool) else finite_number(value)
    if number is None or not 0 <= number <= FULL:
        raise SettingsError(code="error.strength", value=shown(value))
    return number


def developed_camera(raw: RawPhoto, ratio: float) -> FloatArray:
    """Develops a photo without a network, to white-balanced camera RGB.

    Args:
        ratio: multiplies the light.

    Returns:
        H x W x 3 linear light in [0, 1], sensor orientation; saturated samples end at the level of the channel that
        saturates first, as in `explorer.photo.light.develop.develop`.
    """
    image = np.empty((*raw.sensor_size, 3), dtype=np.float32)

    def keep(rows: slice, inside: Any, band: FloatArray) -> None:
        image[rows] = np.moveaxis(np.maximum(band[inside], 0), 0, 2)

    each_developed_band(raw, ratio, keep, 1.0)
    return image


def blended(restored: Codes, developed: FloatArray, strength: float) -> FloatArray:
    """A picture between the developed one and the restored one.

    Args:
        restored: H x W x 3 under the sRGB transfer curve, 65535 for 1.
        developed: H x W x 3 linear light in the same colours, [0, 1].
        strength: above 0, at most 100, which returns `restored` itself.

    Returns:
        H x W x 3 in [0, 1] under the sRGB transfer curve.
    """
    if strength >= FULL:
        return np.divide(restored, _TOP, dtype=np.float32)
    back = 1 - strength / FULL
    height = len(restored)
    noise = _noise(restored, developed)
    result = np.empty(restored.shape, dtype=np.float32)

    def work(top: int, bottom: int) -> None:
        first, stop = max(0, top - HALO), min(height, bottom + HALO)
        inside = slice(top - first, bottom - first)
        for channel in range(restored.shape[2]):
            light = _light()[restored[first:stop, :, channel]]
            residual = developed[first:stop, :, channel] - light
            mixed = light[inside].copy()
            bins = _bins(mixed)
            for level in range(_LEVELS):
                smooth = _smoothed(residual, 2**level)
                detail = residual - smooth
                energy = _mean(detail * detail, 2 ** (level + 1))[inside]
                share = 1 - _CLEARLY * noise[level, channel][bins] / np.maximum(energy, 1e-20)
                weight = np.clip(share, 0, 1, out=share)
                weight *= np.float32(2 * back * (1 - back))
                weight += np.float32(back * back)
                mixed += weight * detail[inside]
                residual = smooth
            mixed += np.float32(back) * residual[inside]
            result[top:bottom, :, channel] = display_of(np.clip(mixed, 0, 1, out=mixed))

    in_bands(height, _ROWS, work)
    return result


@cache
def _light() -> FloatArray:
    """Linear light by code."""
    return linear_of(np.arange(2**16) / _TOP)


def _bins(light: FloatArray) -> NDArray[np.uint8]:
    return (np.sqrt(np.clip(light, 0, 1)) * np.float32(_BINS - 1)).astype(np.uint8)


def _padded(image: FloatArray, reach: int, axis: int) -> FloatArray:
    widths = [(0, 0), (0, 0)]
    widths[axis] = (reach, reach)
    return np.pad(image, widths, mode="symmetric" if image.shape[axis] < reach + 1 else "reflect")


def _smoothed(image: FloatArray, step: int) -> FloatArray:
    """Convolves with the B3 spline (1, 4, 6, 4, 1) / 16, `step` samples apart, along both axes."""
    for axis in (0, 1):
        length = image.shape[axis]
        wide = np.moveaxis(_padded(image, 2 * step, axis), axis, 0)
        parts = [wide[k * step : k * step + length] for k in range(5)]
        out = parts[1] + parts[3]
        out *= np.float32(4)
        out += np.float32(6) * parts[2]
        out += parts[0]
        out += parts[4]
        out *= np.float32(1 / 16)
        image = np.moveaxis(out, 0, axis)
    return image


def _mean(image: FloatArray, reach: int) -> FloatArray:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(image, 2 * reach + 1, mode="reflect"), dtype=np.float32)


def _noise(restored: Codes, developed: FloatArray) -> FloatArray:
    """Variance of the residual's noise: levels x 3 x bins of brightness."""
    height = len(restored)
    tops = np.unique(np.linspace(0, max(0, height - _ROWS), _SAMPLED).astype(int))

    def of_band(top: int) -> list[FloatArray]:
        rows = slice(top, min(height, top + _ROWS // 4))
        found = []
        for channel in range(restored.shape[2]):
            light = _light()[restored[rows, :, channel]]
            residual = developed[rows, :, channel] - light
            bins = _bins(light).ravel()
            for level in range(_LEVELS):
                smooth = _smoothed(residual, 2**level)
                found.append(np.stack([bins, _mean(np.square(residual - smooth), 2 ** (level + 1)).ravel()]))
                residual = smooth
        return found

    sizes = [of_band(int(top)) for top in tops]
    noise = np.zeros((_LEVELS, restored.shape[2], _BINS), dtype=np.float32)
    for index in range(_LEVELS * restored.shape[2]):
        channel, level = divmod(index, _LEVELS)
        bins, values = np.concatenate([band[index] for band in sizes], axis=1)
        noise[level, channel] = _by_brightness(bins.astype(np.uint8), values)
    return noise


def _by_brightness(bins: NDArray[np.uint8], values: FloatArray) -> FloatArray:
    """Computes variances from the energies of each bin's quiet positions; bins with too few are interpolated."""
    places, found = [], []
    order = np.argsort(bins, kind="stable")
    edges = np.searchsorted(bins[order], np.arange(_BINS + 1))
    for place in range(_BINS):
        inside = values[order[edges[place] : edges[place + 1]]]
        if inside.size >= _FEWEST:
            places.append(place)
            found.append(_OF_QUIET * float(np.quantile(inside, _QUIET)))
    if not places:
        places, found = [0], [_OF_QUIET * float(np.quantile(values, _QUIET))]
    return np.interp(np.arange(_BINS), places, found).astype(np.float32)
