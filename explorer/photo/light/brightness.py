"""The learned rule for the amplification: how bright photographers would make a picture.

The right gain depends on the picture's content: a white room needs more than a stage. The rule uses a map of at most 48
x 48 mean values of linear light, and only features of it that do not change with gain: the distribution of the light
around its logarithmic mean. So a photo with half the light gets twice the ratio, unless clipping or rounding limits it.

From these features, a shallow network predicts the target level of the logarithmic mean. Its hidden units are drawn at
random and only its output is fitted, in closed form: Rahimi and Recht, "Weighted Sums of Random Kitchen Sinks", NIPS
2008. `explorer.training.brightness` fits it and writes `brightness.npz`; nothing here needs torch.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from explorer.photo.light.cfa import TILES
from explorer.photo.light.curves import gain_to_step, linear_of
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray

PARAMETERS = "brightness.npz"
SIDE = 48
"""Largest number of cells of a light map along each side."""
_SAMPLES = 500_000
"""Largest number of pixels, or cells of a mosaic, for a light map; larger photos use every second or third one."""
_WEIGHTS = np.array([0.25, 0.5, 0.25], dtype=np.float32)
"""Weights of red, green and blue: one set for camera light and sRGB."""
_SHARES = (1, 3, 10, 25, 50, 75, 90, 97, 99, 99.7)
_FLOOR = 0.01
"""Fraction of the mean light below which the logarithm flattens, because deeper shadows are noise."""
_DARKEST = 1e-7
_CLIPPED = 0.95
_WHITE_SHARE = 0.25
"""Fraction of a picture that may become brighter than white; one in ten of SICE's references clips more."""
LARGEST_STEP = 0.04
"""Linear light: largest size of one step in a file's darkest tones; beyond it, rounding dominates."""


def light_map(photo: Photo) -> FloatArray:
    """Returns H x W x 3 mean linear light of at most 48 x 48 parts of a photo: sRGB, or white-balanced camera RGB."""
    if isinstance(photo, RawPhoto):
        return cell_means(_cells(photo))
    step = _step(photo.image.shape[0] * photo.image.shape[1])
    return cell_means(linear_of(photo.image[::step, ::step]))


def _step(count: int) -> int:
    return max(1, int((count / _SAMPLES) ** 0.5))


def _cells(raw: RawPhoto) -> FloatArray:
    """Returns H x W x 3: mean red, green and blue of each cell of the mosaic; without a mosaic, the pixels."""
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
    """Averages an H x W x 3 array over at most 48 x 48 equal parts."""
    for axis in (0, 1):
        length = light.shape[axis]
        edges = np.linspace(0, length, min(SIDE, length) + 1).astype(int)
        sums = np.add.reduceat(light, edges[:-1], axis)
        light = (sums / np.expand_dims(np.diff(edges), (1, 2) if axis == 0 else (0, 2))).astype(np.float32)
    return light


def light_figures(light: FloatArray) -> tuple[float, NDArray[np.float64]]:
    """Computes the rule's features from a light map.

    Args:
        light: H x W x 3, from `light_map`.

    Returns:
        The logarithmic mean of the light, in stops below 1, and 13 features that do not change with gain: in stops
        above that mean, the mean, ten percentiles and the mean step between neighbours; and the fraction of clipped
        parts.
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
    """Maps N x 13 features to the terms of the output's weighted sum: 1, the features, and the hidden units."""
    scaled = np.clip((figures - rule["mean"]) / rule["deviation"], -3, 3)
    units = np.tanh(scaled @ rule["weights"] + rule["biases"])
    return np.concatenate([np.ones((len(figures), 1)), scaled / 3, units], axis=1)


def wanted_gain(photo: Photo) -> float:
    """Returns the gain that a photo should get, in stops; any finite number.

    Two limits guard against cases that the rule was not trained on: at most a quarter of the picture becomes brighter
    than white, and the steps of an 8-bit file stay small. On the training pictures they change almost nothing.
    """
    light, rule = light_map(photo), _shipped()
    level, figures = light_figures(light)
    gain = float((hidden(figures[None], rule) @ rule["output"])[0]) - level
    bright = float(np.quantile(light @ _WEIGHTS, 1 - _WHITE_SHARE))
    gain = min(gain, -float(np.log2(max(bright, _DARKEST))))
    if isinstance(photo, RgbPhoto):
        gain = min(gain, float(np.log2(gain_to_step(LARGEST_STEP, photo.bits))))
    return gain


@cache
def _shipped() -> dict[str, NDArray[np.float64]]:
    with (files("explorer.photo.light") / PARAMETERS).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}
