"""How bright photographers would make a picture: the learnt rule for the amplification.

What brings middle grey to where photographers put it depends on what is in a picture: a white room asks for more than a
stage. The rule looks at a map of at most 48 x 48 mean values of linear light, and of that only at what a gain leaves as
it is: how the light is spread around its own logarithmic mean. So a photo of half the light gets twice the ratio,
wherever neither white nor rounding stands in the way.

From these figures a shallow network tells the level that the logarithmic mean should come to. Its hidden units are
drawn at random and only its output is fitted, in closed form: Rahimi and Recht, "Weighted Sums of Random Kitchen
Sinks", NIPS 2008. `explorer.training.brightness` fits it and writes `brightness.npz`; nothing here needs torch.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from explorer.photo.light.cfa import TILES
from explorer.photo.light.curves import linear_of
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray

PARAMETERS = "brightness.npz"
SIDE = 48
"""Cells of a light map along each side, at most."""
_SAMPLES = 500_000
"""Pixels, or cells of a mosaic, that a light map is made from, at most; of larger photos every second one, or third."""
_WEIGHTS = np.array([0.25, 0.5, 0.25], dtype=np.float32)
"""Weights of red, green and blue: one set for camera light and sRGB."""
_SHARES = (1, 3, 10, 25, 50, 75, 90, 97, 99, 99.7)
_FLOOR = 0.01
"""Part of the mean light below which the logarithm bends: deeper shadows are noise."""
_DARKEST = 1e-7
_CLIPPED = 0.95
_WHITE_SHARE = 0.25
"""Part of a picture that may become brighter than white: on SICE, every tenth reference lets more."""
LARGEST_STEP = 0.04
"""Linear light: how large one step of a file's darkest tones may become before its rounding is all that is seen."""


def light_map(photo: Photo) -> FloatArray:
    """H x W x 3 mean linear light of at most 48 x 48 parts of a photo: sRGB, or white-balanced camera light."""
    if isinstance(photo, RawPhoto):
        return cell_means(_cells(photo))
    step = _step(photo.image.shape[0] * photo.image.shape[1])
    return cell_means(linear_of(photo.image[::step, ::step]))


def _step(count: int) -> int:
    return max(1, int((count / _SAMPLES) ** 0.5))


def _cells(raw: RawPhoto) -> FloatArray:
    """H x W x 3: the mean red, green and blue of each cell of the mosaic; of a file without one, its own pixels."""
    gains = np.asarray(raw.white_balance.gains, dtype=np.float32)
    if raw.cfa == "none":
        step = _step(raw.mosaic.shape[0] * raw.mosaic.shape[1])
        return raw.mosaic[::step, ::step] * gains
    tile = TILES[raw.cfa]
    period = tile.shape[0]
    height, width = (n // period for n in raw.mosaic.shape)
    cells = raw.mosaic[: height * period, : width * period].reshape(height, period, width, period)
    step = _step(height * width)
    cells = cells[::step, :, ::step]
    light = np.zeros((cells.shape[0], cells.shape[2], 3), dtype=np.float32)
    for (row, column), colour in np.ndenumerate(tile):
        light[..., colour] += cells[:, row, :, column]
    counts = np.bincount(tile.ravel(), minlength=3)
    factors: FloatArray = np.divide(gains, counts).astype(np.float32)
    return light * factors


def cell_means(light: FloatArray) -> FloatArray:
    """Means over at most 48 x 48 equal parts of an H x W x 3 array."""
    for axis in (0, 1):
        length = light.shape[axis]
        edges = np.linspace(0, length, min(SIDE, length) + 1).astype(int)
        sums = np.add.reduceat(light, edges[:-1], axis)
        light = (sums / np.expand_dims(np.diff(edges), (1, 2) if axis == 0 else (0, 2))).astype(np.float32)
    return light


def light_figures(light: FloatArray) -> tuple[float, NDArray[np.float64]]:
    """The rule's features of a light map.

    Args:
        light: H x W x 3, from `light_map`.

    Returns:
        The logarithmic mean of the light, in stops below 1, and 13 figures that a gain leaves as they are, in stops
        above that mean: the mean, ten percentiles and the mean step between neighbours; and the share of clipped parts.
    """
    luminance = (np.asarray(light, dtype=np.float64) @ _WEIGHTS).clip(min=0)
    mean = max(float(luminance.mean()), _DARKEST)
    stops = np.log2(luminance + _FLOOR * mean)
    level = float(stops.mean())
    steps = [float(np.abs(np.diff(stops, axis=axis)).mean()) if stops.shape[axis] > 1 else 0.0 for axis in (0, 1)]
    clipped = float((light.max(axis=2) >= _CLIPPED).mean())
    spread = np.percentile(stops, _SHARES) - level
    return level, np.array([np.log2(mean) - level, *spread, sum(steps) / 2, min(5 * clipped, 1)])


def hidden(figures: NDArray[np.float64], rule: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """N x 13 figures to what the output is a weighted sum of: 1, the figures, and the hidden units."""
    scaled = np.clip((figures - rule["mean"]) / rule["deviation"], -3, 3)
    units = np.tanh(scaled @ rule["weights"] + rule["biases"])
    return np.concatenate([np.ones((len(figures), 1)), scaled / 3, units], axis=1)


def wanted_gain(photo: Photo) -> float:
    """By how many stops a photo's light should grow; any finite number.

    Two limits guard what the rule has not learnt: no more than a quarter of the picture becomes brighter than white,
    and the steps of an 8-bit file stay small. On the pictures that it learnt from they change next to nothing.
    """
    light, rule = light_map(photo), _shipped()
    level, figures = light_figures(light)
    gain = float((hidden(figures[None], rule) @ rule["output"])[0]) - level
    bright = float(np.quantile(light @ _WEIGHTS, 1 - _WHITE_SHARE))
    gain = min(gain, -float(np.log2(max(bright, _DARKEST))))
    if isinstance(photo, RgbPhoto):
        # Near black the transfer curve is a line of slope 12.92, so one step of the file is 1 / (12.92 x levels).
        gain = min(gain, float(np.log2(LARGEST_STEP * 12.92 * (2.0**photo.bits - 1))))
    return gain


@cache
def _shipped() -> dict[str, NDArray[np.float64]]:
    with (files("explorer.photo.light") / PARAMETERS).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}
