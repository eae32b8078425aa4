"""The temporal step: removes flicker and crawling noise where the picture is still.

Results are averaged recursively, each pixel with its own weight: 1/n after n frames that agree, so that the average is
optimal from the second frame on, down to a minimum weight. Stillness is judged on the amplified input, whose noise is
nearly white, and not on the result, whose noise the network has changed. Two measures are compared with the noise, in
each colour: the mean of the residual around a pixel, which shows faint large changes, and its energy, which shows fine
ones. If either exceeds what noise explains, the new frame is used unchanged, so that nothing leaves a ghost.

The noise is measured for several brightnesses at a time: within a frame (Immerkaer, "Fast Noise Variance Estimation",
1996), which texture inflates, and between frames, which motion inflates. The second is used while the camera is still,
the smaller of the two while it moves. Flicker of the whole light is removed first.

All of this is computed at half the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from explorer.photo.light.amplify import LUMINANCE
from explorer.photo.light.cfa import PERIODS, TILES
from explorer.photo.light.curves import display_of, linear_of
from explorer.photo.light.develop import upright
from explorer.photo.light.reduce import square_means
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.types import Photo, RawPhoto
from explorer.photo.values import FloatArray

MOST_FRAMES = 24
"""Maximum number of frames in an average."""
PRIMED = 8
"""Number of first frames that are averaged backwards, so that a clip does not start noisier than it continues."""
_WINDOW = 9
"""Side of the neighbourhood by which a pixel is judged, at half size."""
_BINS = 8
_BLOCK = 16
"""Side of the parts in which the whole light is compared, at half size."""
_MEAN_LIMITS, _ENERGY_LIMITS = (3.0, 4.4), (3.0, 4.6)
"""Deviation at which agreement begins to end, and at which it has ended, in standard deviations: of the mean, and of
the energy's logarithm."""
_SPREAD = (0.17, 0.45)
"""Least and greatest standard deviation of the energy's logarithm: for white noise over the window, and for noise in a
few large steps, like that of amplified 8-bit files."""
_FOLLOW = 0.06
"""Share of a change of the whole light that passes with each frame."""
_CUT = 0.45
"""Natural logarithm of the change of light beyond which it is a new scene."""
_SAMPLES = 1 << 15
"""Approximate number of pixels for the quantiles of a large frame."""
_LEAST = 0.3 / 255
"""Minimum noise: the rounding of an 8-bit frame."""


def seen_of(photo: Photo, ratio: float) -> FloatArray:
    """Returns the amplified colours of a photo at about half its size, upright, sRGB or balanced camera RGB in [0,
    1]."""
    if isinstance(photo, RawPhoto):
        light = _cells(photo) * np.float32(ratio)
        return upright(display_of(np.minimum(light, 1)), photo.rotation, photo.mirrored)
    half = _half(photo.image)
    return display_of(np.minimum(linear_of(half) * np.float32(ratio), 1))


def _cells(photo: RawPhoto) -> FloatArray:
    """H' x W' x 3: mean of each colour in each 2x2 of the mosaic (3x3 of X-Trans), balanced."""
    gains = np.asarray(photo.white_balance.gains, dtype=np.float32)
    if photo.cfa == "none":
        return square_means(photo.mosaic, 2) * gains
    tile, period = TILES[photo.cfa], PERIODS[photo.cfa]
    side = 2 if period == 2 else 3
    height, width = (n // period * period for n in photo.mosaic.shape)
    sums = np.zeros((height // side, width // side, 3), dtype=np.float32)
    counts = np.zeros((period // side, period // side, 3), dtype=np.float32)
    step = period // side
    for (y, x), colour in np.ndenumerate(tile):
        sums[y // side :: step, x // side :: step, colour] += photo.mosaic[y:height:period, x:width:period]
        counts[y // side, x // side, colour] += 1
    scale = (gains / counts).astype(np.float32)
    cells: FloatArray = sums * np.tile(scale, (sums.shape[0] // step, sums.shape[1] // step, 1))
    return cells


@dataclass
class Steady:
    """The averages so far; `step` returns each frame's result."""

    seen: FloatArray | None = None
    """Average of the amplified input, H' x W' x 3."""
    image: FloatArray | None = None
    """Average of the results, H x W x 3."""
    count: FloatArray | None = None
    """Number of frames in each pixel's average."""
    still_noise: NDArray[np.float32] | None = None
    """Variance by colour and brightness (3 x 8) when the camera was last still."""
    shares: list[float] = field(default_factory=list)
    """Share of still pixels, per frame."""

    def prime(self, frames: list[tuple[FloatArray, FloatArray]]) -> None:
        """Averages the first frames of a clip backwards.

        Args:
            frames: input (from `seen_of`) and result of each, in order.
        """
        for seen, image in reversed(frames):
            self.step(seen, image)
        self.shares.clear()

    def step(self, seen: FloatArray, image: FloatArray) -> FloatArray:
        """Returns a frame's steadied result.

        Args:
            seen: its input, from `seen_of`.
            image: its result, H x W x 3 in [0, 1].
        """
        if self.seen is None or self.image is None or self.count is None or self.image.shape != image.shape:
            return self._begin(seen, image)
        if min(seen.shape[:2]) < 3:  # no surroundings to judge by
            return self._begin(seen, image)
        luma = self.seen @ LUMINANCE
        change, whole = _change_of_light(seen @ LUMINANCE, luma)
        if abs(change) > _CUT:
            return self._begin(seen, image)
        if whole:
            seen = seen * np.float32(np.exp(-(1 - _FOLLOW) * change))
            own, whole_too = _change_of_light(_half_luma(image), _half_luma(self.image))
            if whole_too and abs(own) <= _CUT:
                image = image * np.float32(np.exp(-(1 - _FOLLOW) * own))
        still = self._still(seen, luma)
        self.shares.append(float(still.mean()))
        self.count = np.minimum(still * self.count + 1, MOST_FRAMES)
        weight = np.reciprocal(self.count)
        self.seen, self.image = _averaged(self.seen, seen, weight), _averaged(self.image, image, weight)
        return self.image

    def _begin(self, seen: FloatArray, image: FloatArray) -> FloatArray:
        self.seen, self.image, self.count = seen, image, np.ones(seen.shape[:2], np.float32)
        self.still_noise = None
        return image

    def _still(self, seen: FloatArray, luma: FloatArray) -> FloatArray:
        """H' x W': 1 where a pixel agrees with its average, whose luma is given, within the noise; 0 where it does
        not."""
        assert self.seen is not None and self.count is not None
        scale = np.sqrt(1 + 1 / self.count)
        moves = _camera_moves(seen @ LUMINANCE, luma)
        still = np.ones_like(self.count)
        noise = []
        for c in range(3):  # a pixel of equal luma may have changed its colour
            average, new = (np.ascontiguousarray(each[..., c]) for each in (self.seen, seen))
            residual = (new - average) / scale
            energy, mean = (ndimage.uniform_filter(each, _WINDOW) for each in (residual * residual, residual))
            edges = np.quantile(average[::3, ::3], np.linspace(0, 1, _BINS + 1)[1:-1]).astype(np.float32)
            bins = np.zeros(average.shape, dtype=np.uint8)
            for edge in edges:
                bins += average > edge
            parts = _parts(bins)
            within = (_by_bin(_response(new), parts, 0.5)[0] / 0.6745) ** 2
            last = None if self.still_noise is None else self.still_noise[c]
            low, least = _by_bin(_sampled(energy), parts, 0.3, 0.1)
            # From the lower quantiles, which moving objects do not reach: 0.757 lies between them for a normal
            # variable.
            spread: Any = _SPREAD[0]
            if not moves:
                spread = np.clip(np.log(np.maximum(low, 1e-12) / np.maximum(least, 1e-12)) / 0.757, *_SPREAD)
            variance = _variance(within, low * np.exp(0.524 * spread), last, moves)
            noise.append(variance)
            of_mean = _by_bin(np.abs(_sampled(mean)), parts, 0.4)[0] / 0.5244  # the 40 % quantile of |x| for a normal x
            # White noise averages out over the window; rows and compression less, but always to some extent.
            of_mean = np.clip(of_mean, np.sqrt(variance) / _WINDOW, np.sqrt(variance) / 2.5)
            still *= _falling(np.abs(mean) / of_mean[bins], _MEAN_LIMITS)
            still *= _falling(np.log(np.maximum(energy, 1e-12) / variance[bins]) / _at(spread, bins), _ENERGY_LIMITS)
        if not moves:
            self.still_noise = np.stack(noise)
        return ndimage.minimum_filter(still, 5).astype(np.float32)


def _variance(
    within: NDArray[np.float32], between: NDArray[np.float32], last: NDArray[np.float32] | None, moves: bool
) -> NDArray[np.float32]:
    """Estimates the noise's variance by brightness, from one frame, from two, and from when the camera was last
    still."""
    if moves:
        found = np.minimum(within, between)
    else:
        # Compressed noise is smoother than white, so there is more of it than the mask sees.
        found = np.minimum(between, 9 * within + _LEAST**2)
    if last is not None:
        found = np.minimum(found, (1.2 if moves else 1.15) * last)
    return np.maximum(found, np.float32(_LEAST**2)).astype(np.float32)


def _places(length: int, height: int, width: int, shift: int = 0) -> slice:
    """Selects, along one side, the pixels for the quantiles, or their neighbours."""
    return slice(1 + shift, length - 1 + shift, max(2, round((height * width / _SAMPLES) ** 0.5)))


def _sampled(values: NDArray[Any], down: int = 0, across: int = 0) -> NDArray[Any]:
    """Selects some of the pixels, never at the border, or their neighbours."""
    height, width = values.shape
    return values[_places(height, height, width, down), _places(width, height, width, across)]


def _response(seen: FloatArray) -> FloatArray:
    """Computes the magnitude of Immerkaer's mask at the sampled pixels, scaled to the noise's standard deviation."""
    total = np.zeros_like(_sampled(seen))
    for down, across in np.ndindex(3, 3):
        weight = (1, -2, 1)[down] * (1, -2, 1)[across]
        total += np.float32(weight) * _sampled(seen, down - 1, across - 1)
    return np.abs(total) / 6


def _parts(bins: NDArray[np.uint8]) -> list[NDArray[np.intp]]:
    """Groups the sampled pixels by brightness; takes all of them where there are too few."""
    sampled = _sampled(bins).ravel()
    order = np.argsort(sampled, kind="stable")
    edges = np.searchsorted(sampled[order], np.arange(_BINS + 1))
    parts = [order[first:stop] for first, stop in pairwise(edges)]
    return [part if part.size >= 64 else order for part in parts]


def _by_bin(sampled: FloatArray, parts: list[NDArray[np.intp]], *quantiles: float) -> NDArray[np.float32]:
    """Returns quantiles (one per row) of the sampled values of each brightness."""
    values = sampled.ravel()
    return np.array([np.quantile(values[part], quantiles) for part in parts], dtype=np.float32).T


def _at(spread: NDArray[np.floating] | float, bins: NDArray[np.integer]) -> NDArray[np.floating] | float:
    return spread if isinstance(spread, float) else spread[bins]


def _falling(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    low, high = limits
    return np.clip((high - values) / (high - low), 0, 1)


def _change_of_light(new: FloatArray, old: FloatArray) -> tuple[float, bool]:
    """Returns the logarithm of the change in brightness, and whether the whole picture changed: most parts alike."""
    one, other = (square_means(each, min(_BLOCK, *each.shape)) for each in (new, old))
    ratios = np.log((one + 0.01) / (other + 0.01))
    change = float(np.median(ratios))
    # How much parts differ because of noise is not known here; a few per cent is not motion.
    alike = float(np.mean(np.abs(ratios - change) < 0.02 + 0.25 * abs(change)))
    return change, alike > 0.6


def _camera_moves(seen: FloatArray, average: FloatArray) -> bool:
    """True if a shift of the whole picture explains the residual: large ones by trying, small ones by the gradient
    (Lucas and Kanade, IJCAI 1981)."""
    new, old = (_half(each) for each in (seen, average))
    down, across = np.gradient(ndimage.gaussian_filter(old, 1.0))
    smooth = ndimage.gaussian_filter(new - old, 1.0)
    system = np.array([[np.sum(a * b) for b in (down, across)] for a in (down, across)])
    wanted = np.array([np.sum(a * smooth) for a in (down, across)])
    if np.linalg.cond(system) < 1e6:
        shift = np.linalg.solve(system, wanted)
        explained = float(shift @ wanted) / max(float(np.sum(smooth * smooth)), 1e-12)
        if explained > 0.15 and float(np.abs(shift).max()) > 0.05:
            return True
    small, before = (_half(each) for each in (new, old))
    reach = 4
    if min(small.shape) < 4 * reach:
        return False
    inner = small[reach:-reach, reach:-reach]
    errors = {}
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            moved = before[reach + dy : reach + dy + inner.shape[0], reach + dx : reach + dx + inner.shape[1]]
            errors[dy, dx] = float(np.mean((inner - moved) ** 2))
    best = min(errors, key=lambda shift: errors[shift])
    return best != (0, 0) and errors[best] < 0.8 * errors[0, 0]


def _half(values: FloatArray) -> FloatArray:
    return square_means(values, min(2, *values.shape[:2]))


def _half_luma(image: FloatArray) -> FloatArray:
    return image[::2, ::2] @ LUMINANCE


def _averaged(average: FloatArray, new: FloatArray, weight: FloatArray) -> FloatArray:
    """Blends a new frame into an average (H x W x 3), with the weight (H' x W') of the nearest pixel."""
    (height, width), (rows, columns) = average.shape[:2], weight.shape
    column = np.repeat(np.minimum(np.arange(width) * columns // width, columns - 1), 3)
    row = np.minimum(np.arange(height) * rows // height, rows - 1)
    result = np.empty_like(average)
    old, given, out = (each.reshape(height, 3 * width) for each in (average, new, result))

    def work(top: int, bottom: int) -> None:
        part = out[top:bottom]
        np.subtract(given[top:bottom], old[top:bottom], out=part)
        first = row[top]
        part *= np.take(weight[first : row[bottom - 1] + 1], column, axis=1)[row[top:bottom] - first]
        part += old[top:bottom]

    in_bands(height, rows_of_band(3 * width, 2), work)
    return result
