"""Measures the noise of the user's own camera, from dark and flat frames of one ISO.

Dark frames are taken with the lens cap on, flat ones of an evenly lit surface, out of focus. The gain is the slope of
the photon transfer curve: the variance of the noise grows with the mean by K (Janesick, "Photon Transfer", SPIE 2007,
chapters 2 and 5). Two frames of the same light are subtracted, so that neither uneven light nor fixed patterns of the
sensor count as noise; in a single frame, neighbours of the same colour are. Rows and the shape of the read noise are
measured on dark frames as in ELD (Wei et al., CVPR 2020, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explorer.darkroom.noise import SensorNoise, tukey_deviation, tukey_lambda
from explorer.errors import DataError
from explorer.photo.types import Photo, RawPhoto

_CELL = 32
"""Side of the parts of a frame, in samples of one colour; each gives a mean and a variance."""
_DARK = 0.002
"""Mean light of a frame, a fraction of saturation, up to which it can be a dark frame."""
_CLIPPED = 0.9
"""Mean light of a part above which samples may be clipped."""
_SHAPES = np.arange(-0.4, 0.305, 0.01)
_ROUNDING = 1 / 12
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A measurement from a set of frames."""

    noise: SensorNoise
    dark_frames: int
    flat_frames: int
    means: Array = field(repr=False)
    """Means of the parts of the flat frames, in counts above black."""
    variances: Array = field(repr=False)
    """Variances in counts squared, one for each mean."""
    notes: tuple[str, ...] = ()


def calibrate(frames: Sequence[Photo], name: str | None = None) -> Calibration:
    """Measures a camera's noise at one ISO.

    Args:
        frames: RAW photos with a mosaic, of one camera and one ISO: at least one dark frame and one flat one; two of
            each give better figures. Their light tells which is which.
        name: the camera's name; by default that in the files.

    Raises:
        DataError: developed pictures, mixed cameras, sizes or ISO, no dark or no flat frame, or frames without noise.
    """
    raws = _checked(frames)
    counts = [_planes(raw) for raw in raws]
    full = raws[0].white_level - _black(raws[0])
    darks = [planes for planes in counts if planes.mean() < _DARK * full]
    flats = [planes for planes in counts if planes.mean() >= _DARK * full]
    if not darks or not flats:
        kind, how = ("dark", "taken with the lens cap on") if not darks else ("flat", "taken of an evenly lit surface")
        files = "The file is not" if len(raws) == 1 else f"None of the {len(raws)} files is"
        raise DataError(f"{files} a {kind} frame; add one of the same camera and ISO, {how}.")
    read_variance = _row_free_variance(darks)
    means, variances = _transfer(flats, full)
    if len(means) < 8:
        raise DataError("The flat frames are too small or too bright to measure; take larger ones, half exposed.")
    gain = _slope(means, variances, read_variance)
    if not gain > 0:
        raise DataError("The variance of the flat frames does not grow with their light; use unprocessed RAW files.")
    shape = _shape(darks)
    read = np.sqrt(max(read_variance - _ROUNDING, 1e-6)) / tukey_deviation(shape)
    bias = np.mean([planes.mean(axis=(1, 2)) for planes in darks], axis=0)
    raw = raws[0]
    noise = SensorNoise(
        camera=name or raw.camera or "own camera",
        gain=float(gain),
        read=float(read),
        shape=float(shape),
        row=float(np.sqrt(max(_row_variance(darks), 0.0))),
        bias=(float(bias[0]), float(bias[1]), float(bias[2]), float(bias[3])),
        black=float(_black(raw)),
        white=float(raw.white_level),
        iso=raw.exposure.iso,
        xyz_to_camera=_matrix(raw),
        source=f"measured on {len(darks)} dark and {len(flats)} flat frames",
    )
    few = [f"one {kind} frame" for kind, each in (("dark", darks), ("flat", flats)) if len(each) < 2]
    notes = (f"There is only {' and '.join(few)}: fixed patterns of the sensor count as noise.",) if few else ()
    return Calibration(noise, len(darks), len(flats), means, variances, notes)


def _checked(frames: Sequence[Photo]) -> list[RawPhoto]:
    raws = [frame for frame in frames if isinstance(frame, RawPhoto) and frame.cfa == "bayer"]
    if len(raws) < len(frames) or not raws:
        named = [f.name for f in frames if not (isinstance(f, RawPhoto) and f.cfa == "bayer")]
        raise DataError(
            f"{', '.join(named[:3]) or 'Nothing'} is not a RAW file with a Bayer mosaic; give dark and flat frames "
            "straight from the camera."
        )
    first = raws[0]
    for what, of in (
        ("size", lambda raw: raw.mosaic.shape),
        ("camera", lambda raw: raw.camera),
        ("ISO", lambda raw: raw.exposure.iso),
        ("white level", lambda raw: raw.white_level),
    ):
        other = next((raw for raw in raws if of(raw) != of(first)), None)
        if other is not None:
            raise DataError(f"{first.name} and {other.name} differ in {what}; give frames of one camera and one ISO.")
    return raws


def _black(raw: RawPhoto) -> float:
    return float(np.mean(raw.black_level))


def _planes(raw: RawPhoto) -> Array:
    """Returns 4 x h x w counts above black in the order R, G1, B, G2, without cells that only complete the mosaic."""
    levels = raw.black_level if len(raw.black_level) == 4 else (raw.black_level[0],) * 4
    top, left, bottom, right = (n + n % 2 for n in raw.inset)
    height, width = raw.mosaic.shape
    mosaic = raw.mosaic[top : height - bottom, left : width - right]
    places = ((0, 0), (0, 1), (1, 1), (1, 0))
    scaled = [
        mosaic[dy::2, dx::2].astype(np.float64) * (raw.white_level - level)
        for (dy, dx), level in zip(places, levels, strict=True)
    ]
    return np.stack(scaled)


def _differences(frames: list[Array]) -> list[Array]:
    """Returns noise with the deviation of one frame: half differences of frame pairs; a single frame's own,
    high-passed."""
    if len(frames) < 2:
        return [(frames[0][..., 1:] - frames[0][..., :-1]) / np.sqrt(2)]
    return [(one - other) / np.sqrt(2) for one, other in zip(frames[::2], frames[1::2], strict=False)]


def _row_free_variance(darks: list[Array]) -> float:
    """Returns the variance of the read noise."""
    values = [each - each.mean(axis=-1, keepdims=True) for each in _differences(darks)]
    return float(np.mean([each.var() for each in values])) * _lost(values[0].shape[-1], darks)


def _lost(width: int, frames: list[Array]) -> float:
    """Returns the factor that corrects the variance after removing each row's mean; negligible for differences of
    neighbours."""
    return width / (width - 1) if len(frames) > 1 else 1.0


def _row_variance(darks: list[Array]) -> float:
    """Returns the variance shared by all samples of a sensor row, of both its colours: the covariance of their means,
    which does not contain the samples' own noise."""
    if len(darks) > 1:
        pairs = [(one - other) / np.sqrt(2) for one, other in zip(darks[::2], darks[1::2], strict=False)]
    else:
        pairs = [darks[0]]
    found = []
    for each in pairs:
        rows = each.mean(axis=-1)
        rows = rows - rows.mean(axis=-1, keepdims=True)
        found += [float(np.mean(rows[0] * rows[1])), float(np.mean(rows[2] * rows[3]))]
    return float(np.mean(found))


def _transfer(flats: list[Array], full: float) -> tuple[Array, Array]:
    """Returns means and variances of the parts of flat frames, with frames of equal light paired."""
    ordered = sorted(flats, key=lambda planes: float(planes.mean()))
    means, variances = [], []
    at = 0
    while at < len(ordered):
        pair = ordered[at : at + 2]
        levels = [float(planes.mean()) for planes in pair]
        if len(pair) == 2 and abs(levels[1] / levels[0] - 1) > 0.02:  # another exposure: each by itself
            pair = pair[:1]
        at += len(pair)
        light = np.mean(pair, axis=0)
        noise = _differences(pair)[0]
        height, width = (n // _CELL * _CELL for n in noise.shape[1:])
        if not height or not width:
            continue
        light, noise = light[:, :height, :width], noise[:, :height, :width]
        blocks = [
            each.reshape(4, height // _CELL, _CELL, width // _CELL, _CELL).swapaxes(2, 3) for each in (light, noise)
        ]
        # Without each row's own mean, because row noise is not shot noise.
        inner = blocks[1] - blocks[1].mean(axis=-1, keepdims=True)
        spread = inner.var(axis=(-2, -1)) * _lost(_CELL, pair)
        mean = blocks[0].mean(axis=(-2, -1))
        kept = mean < _CLIPPED * full
        means.append(mean[kept])
        variances.append(spread[kept])
    if not means:
        return np.empty(0), np.empty(0)
    return np.concatenate(means), np.concatenate(variances)


def _slope(means: Array, variances: Array, at_dark: float) -> float:
    """Fits the slope of variance over mean through the dark frames' variance, with parts weighted by their accuracy."""
    gain = float(np.sum(variances - at_dark) / max(np.sum(means), 1e-9))
    for _ in range(3):
        weights = 1 / np.maximum(at_dark + gain * means, 1e-9) ** 2
        gain = float(np.sum(weights * means * (variances - at_dark)) / np.sum(weights * means**2))
        # Drops dust, hot pixels and edges: parts that noise does not explain.
        error = np.abs(variances - at_dark - gain * means) / np.maximum(at_dark + gain * means, 1e-9)
        kept = error <= 6 * np.sqrt(2) / _CELL
        if kept.sum() >= 8:
            means, variances = means[kept], variances[kept]
    return gain


def _shape(darks: list[Array]) -> float:
    """Finds the Tukey lambda whose quantiles are closest to a line against those of the read noise (Filliben's
    plot)."""
    first = darks[0] - np.median(darks[0], axis=(1, 2), keepdims=True)
    values = np.sort((first - first.mean(axis=-1, keepdims=True)).ravel())
    if values.std() < 1:  # only rounding is visible
        return 0.14
    share = (np.arange(2000) + 0.5) / 2000
    measured = np.quantile(values, share)
    straight = [np.corrcoef(measured, tukey_lambda(share, float(shape)))[0, 1] for shape in _SHAPES]
    return float(_SHAPES[int(np.argmax(straight))])


def _matrix(raw: RawPhoto) -> list[list[float]] | None:
    """Estimates XYZ to camera RGB under daylight from white-balanced colours and daylight gains."""
    from explorer.photo.light.cameras import SRGB_TO_XYZ

    gains = raw.daylight or raw.as_shot
    if gains is None:
        return None
    to_camera = np.linalg.inv(raw.camera_to_srgb.astype(np.float64)) / np.asarray(gains)[:, None]
    return [[float(n) for n in row] for row in to_camera @ np.linalg.inv(SRGB_TO_XYZ)]
