"""Amplification: a gain in linear light from 1 to 300, and the rules that suggest it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import RatioError
from explorer.messages import say
from explorer.photo.light.brightness import wanted_gain
from explorer.photo.light.cfa import scale_channels
from explorer.photo.light.curves import display_of, gain_to_step, linear_of, srgb_to_linear
from explorer.photo.light.develop import unprocess
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.validation import finite_number, shown
from explorer.photo.values import FloatArray

MINIMUM_RATIO = 1.0
MAXIMUM_RATIO = 300.0

RatioRule = Literal["auto", "learned", "percentile", "dark_bin"]

MIDDLE_GREY = 0.18
"""Linear reflectance of middle grey: the percentile rule's target for the median."""
LARGEST_STEP = 0.02
"""Linear light: largest size of one step in the file's darkest tones; beyond it, rounding dominates."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Luminance weights of linear sRGB (ITU-R BT.709)."""


@dataclass(frozen=True)
class Suggestion:
    """A ratio and a phrase that names its source."""

    ratio: float
    source: str


def check_ratio(value: Any) -> float:
    """Converts a ratio to a number and checks it.

    Args:
        value: a number, or a string that contains one.

    Raises:
        RatioError: not a finite number from 1 to 300.
    """
    try:
        if isinstance(value, bool | np.bool_ | bytes):
            raise TypeError
        ratio = float(value)
    except (TypeError, ValueError, OverflowError):
        ratio = math.nan
    if not MINIMUM_RATIO <= ratio <= MAXIMUM_RATIO:
        raise RatioError(code="error.ratio", value=shown(value), low=f"{MINIMUM_RATIO:g}", high=f"{MAXIMUM_RATIO:g}")
    return ratio


def amplify(
    image_srgb: FloatArray, ratio: float, *, beyond_white: bool = False, out: FloatArray | None = None
) -> FloatArray:
    """Multiplies the light of a display-referred picture.

    Args:
        image_srgb: ... x 3 sRGB in [0, 1].
        ratio: 1 to 300; 1 returns the picture itself.
        beyond_white: keep amplified light above white, under the same curve, instead of clipping it to 1.
        out: float32 of the picture's shape to write to, in any memory order.

    Returns:
        sRGB in [0, 1], or from 0 up: the transfer curve is undone, the light multiplied, clipped at white unless
        `beyond_white`, and the curve applied again.

    Raises:
        RatioError: the ratio is not a number from 1 to 300.
    """
    ratio = check_ratio(ratio)
    if ratio == 1.0:
        if out is None:
            return image_srgb
        out[...] = image_srgb
        return out
    given = np.asarray(image_srgb)
    result = np.empty(given.shape, dtype=np.float32) if out is None else out
    rows = len(given) if given.ndim > 1 else 1
    white = np.inf if beyond_white else 1.0
    source, target = (array if array.ndim > 1 else array[None] for array in (given, result))

    def work(top: int, bottom: int) -> None:
        linear = linear_of(source[top:bottom])
        linear *= np.float32(ratio)
        target[top:bottom] = display_of(np.clip(linear, 0, white, out=linear))

    in_bands(rows, rows_of_band(max(1, given.size // max(1, rows)), 1), work)
    return result


_EDGES = ((np.exp2(np.linspace(0, 8, 128)) - 1) / 255).astype(np.float32)
_WEIGHTS = np.append((lambda weights: weights / weights.max())(10 ** np.linspace(0, 5, 127))[::-1], 0.0)
_CELL_BITS = 13
"""Number of low bits of a float32 that are dropped to find its cell, so few that no cell contains two edges."""
_CHUNK = 1 << 16


@cache
def _cells() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Returns the bin of the lowest number of every cell of [0, 1], and the upper edge of every bin.

    Looking up the bin takes a fifth of the time of a search.
    """
    lowest = (np.arange((0x3F800000 >> _CELL_BITS) + 1, dtype=np.uint32) << _CELL_BITS).view(np.float32)
    return np.searchsorted(_EDGES, lowest, side="right") - 1, np.append(_EDGES[1:], np.float32(np.inf))


def _binned(samples: FloatArray) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Counts and sums of the samples in each of the 128 bins; samples outside [0, 1] are clipped."""
    bins_of_cells, next_edge = _cells()
    chunks = range(0, samples.size, _CHUNK)
    counts, sums = np.zeros((len(chunks), 128), dtype=np.int64), np.zeros((len(chunks), 128))

    def work(first: int, stop: int) -> None:
        x = np.clip(samples[first:stop], 0, 1)
        x += np.float32(0)  # a negative zero becomes a plain one
        bins = bins_of_cells.take(x.view(np.uint32) >> np.uint32(_CELL_BITS), mode="clip")
        bins += x >= next_edge[bins]
        counts[first // _CHUNK] = np.bincount(bins, minlength=128)
        sums[first // _CHUNK] = np.bincount(bins, weights=x, minlength=128)

    in_bands(samples.size, _CHUNK, work)
    return counts.sum(0), sums.sum(0)


def _check_factor(m: Any) -> float:
    factor = finite_number(m)
    if factor is None or factor <= 0:
        raise RatioError(f"The amplifier's factor m is {shown(m)}; give a positive number, e.g. 1.")
    return factor


def dark_bin_ratio(x: FloatArray, m: float = 1.0) -> float:
    """The amplifier of Lamba & Mitra, "Restoring Extremely Dark Images in Real Time", CVPR 2021, section 3.2.

    Samples fall into 127 bins whose edges grow exponentially; the darkest bin weighs most. The ratio is
    0.01 m sum(w) / sum(x w), limited to 1 to 300.

    Args:
        x: mosaic, any shape; 0 is the black level, 1 saturation. Values outside [0, 1] are clipped, so that noise below
            the black level counts in the darkest bin.
        m: the paper's factor m; 1, 5 and 8 in its demonstration.

    Returns:
        300 if all samples are 0; 1 for an empty array.

    Raises:
        RatioError: m is not a positive number.
    """
    m = _check_factor(m)
    samples = np.asarray(x, dtype=np.float32).reshape(-1)
    if samples.size == 0:
        return MINIMUM_RATIO
    counts, sums = _binned(samples)
    weight, light = float(counts @ _WEIGHTS), float(sums @ _WEIGHTS)
    if weight == 0:
        return MINIMUM_RATIO
    if light == 0:
        return MAXIMUM_RATIO
    return float(np.clip(0.01 * m * weight / light, MINIMUM_RATIO, MAXIMUM_RATIO))


def _step(count: int) -> int:
    step = max(1, count // 500_000) | 1
    return step + 2 * (step % 3 == 0)


def _percentile_ratio(photo: Photo) -> float:
    # A few hundred thousand samples give both percentiles to well under 1 %; a step prime to 2 and 3 covers all
    # colours.
    if isinstance(photo, RawPhoto):
        light = scale_channels(photo.mosaic, photo.white_balance.gains, photo.cfa).ravel()
        samples = light[:: _step(light.size)]
    else:
        pixels = photo.image.reshape(-1, 3)
        samples = srgb_to_linear(pixels[:: _step(len(pixels))]) @ LUMINANCE
    median, bright = np.percentile(samples, (50, 98))
    wanted = MIDDLE_GREY / max(float(median), 1e-6)
    permitted = 1.0 / max(float(bright), 1e-6)
    if isinstance(photo, RgbPhoto):
        permitted = min(permitted, gain_to_step(LARGEST_STEP, photo.bits))
    return float(np.clip(min(wanted, permitted), MINIMUM_RATIO, MAXIMUM_RATIO))


def _exposure_pair_ratio(short: Photo, long: Photo | float) -> Suggestion:
    seconds = short.exposure.seconds
    long_seconds = long.exposure.seconds if isinstance(long, RawPhoto | RgbPhoto) else finite_number(long)
    if not isinstance(long, RawPhoto | RgbPhoto) and (long_seconds is None or long_seconds <= 0):
        raise RatioError(
            f"The long exposure {shown(long)} cannot be used; give a photo, or its exposure time as a positive number "
            "of seconds."
        )
    if not seconds or not long_seconds or not math.isfinite(long_seconds) or long_seconds <= 0:
        raise RatioError(
            "An exposure pair needs the exposure time of both pictures; give the ratio as a number instead."
        )
    ratio = long_seconds / seconds
    parts = [f"{long_seconds:g} s / {seconds:g} s"]
    if isinstance(long, RawPhoto | RgbPhoto):
        if short.exposure.iso and long.exposure.iso and short.exposure.iso != long.exposure.iso:
            ratio *= long.exposure.iso / short.exposure.iso
            parts.append(f"ISO {long.exposure.iso:g} / {short.exposure.iso:g}")
        if short.exposure.aperture and long.exposure.aperture and short.exposure.aperture != long.exposure.aperture:
            ratio *= (short.exposure.aperture / long.exposure.aperture) ** 2
            parts.append(f"f/{long.exposure.aperture:g} / f/{short.exposure.aperture:g}")
    limited = float(np.clip(ratio, MINIMUM_RATIO, MAXIMUM_RATIO))
    note = "" if limited == ratio else f", limited from {ratio:g}"
    return Suggestion(limited, say("source.exposure_pair", parts=", ".join(parts) + note))


def suggest_ratio(
    photo: Photo, rule: RatioRule = "auto", m: float = 1.0, long_exposure: Photo | float | None = None
) -> Suggestion:
    """Suggests a ratio for a photo, and names its source.

    Args:
        photo: the dark picture.
        rule: "learned" puts middle grey where photographers put it (`explorer.photo.light.brightness`); "percentile"
            maps the median of linear light to middle grey (0.18), but clips at most 2 % of it and stays below the ratio
            at which the steps of an 8-bit file would show (66); "dark_bin" is `dark_bin_ratio` of the mosaic (an sRGB
            photo is unprocessed first); "auto" is "learned".
        m: factor of the dark-bin rule.
        long_exposure: a well-exposed picture of the same scene, or its exposure time in seconds: then the ratio is that
            of the two exposures (time, and ISO and aperture if both are known), as in Chen et al., CVPR 2018.

    Raises:
        RatioError: unknown rule, an m that is not a positive number, or an exposure pair without exposure times.

    Examples:
        >>> import explorer
        >>> cat = explorer.open_photo(explorer.examples.examples()[2].path)
        >>> explorer.suggest_ratio(cat, "percentile").ratio > 1
        True
    """
    m = _check_factor(m)
    if long_exposure is not None:
        return _exposure_pair_ratio(photo, long_exposure)
    if rule in ("auto", "learned"):
        ratio = float(np.clip(2.0 ** wanted_gain(photo), MINIMUM_RATIO, MAXIMUM_RATIO))
        return Suggestion(ratio, say("source.learned_rule"))
    if rule == "dark_bin":
        mosaic = photo.mosaic if isinstance(photo, RawPhoto) else unprocess(photo).mosaic
        code = "source.dark_bin" if isinstance(photo, RawPhoto) else "source.dark_bin_unprocessed"
        return Suggestion(dark_bin_ratio(mosaic, m), say(code, m=f"{m:g}"))
    if rule == "percentile":
        return Suggestion(_percentile_ratio(photo), say("source.percentile_rule"))
    raise RatioError(
        f"There is no rule {rule!r} for the ratio; the known ones are auto, learned, percentile and dark_bin."
    )
