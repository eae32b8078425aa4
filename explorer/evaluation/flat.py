"""Pattern on flat surfaces: power at periods of 2, 4 and 8 pixels, relative to neighbouring frequencies.

A network that works on packed planes or at reduced scales can leave its own grid in the result. On a flat surface
nothing else has these periods, since sensor noise has a smooth spectrum. Measured on grey steps from synthetic cameras,
and on the patches of a photographed chart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.evaluation.chart import Corners, neutral_photo, patch_centres, patch_side
from explorer.evaluation.synthetic import make_scene
from explorer.photo import Photo
from explorer.restorer import restore
from explorer.weights.store import LoadedModel

PERIODS = (2, 4, 8)
"""Pixels: the cell of a mosaic, and the size of a pixel after two and three halvings."""
LARGEST = 1.5
"""Relative power below which a spectrum has no visible pattern."""
_STEP, _STEPS = 96, 4
"""Side of a grey step in pixels, and steps per side of the picture."""
_MARGIN = 16
_CLIPPED = (0.004, 0.996)


@dataclass(frozen=True)
class FlatResult:
    """One model on the flat surfaces of one picture."""

    model: str
    surface: str
    """"grey", or the name of the chart's photo."""
    ratio: float
    patches: int
    """Number of patches that are neither black nor white, and so are counted."""
    rows: dict[int, float]
    """By period in pixels: power along rows (from left to right), relative to its surroundings."""
    columns: dict[int, float]
    sha256: str

    def weave(self, period: int) -> float:
        """Returns the larger value of both directions."""
        return max(self.rows[period], self.columns[period])


def spectrum(patch: NDArray[np.floating], axis: int) -> NDArray[np.float64] | None:
    """Returns power by frequency along an axis, averaged over the other axis and the channels, scaled to a mean of 1.

    Args:
        patch: N x N x C, N a multiple of 16; shading is removed as a plane.
        axis: 1 along rows, 0 along columns.

    Returns:
        N / 2 + 1 values, 0 for the constant part; None if the patch does not vary at all.
    """
    side = patch.shape[0]
    places = np.linspace(-1, 1, side)
    plane = np.stack([np.ones((side, side)), *np.meshgrid(places, places)], axis=2).reshape(-1, 3)
    values = np.asarray(patch, dtype=np.float64).reshape(side * side, -1)
    flat = (values - plane @ np.linalg.lstsq(plane, values, rcond=None)[0]).reshape(side, side, -1)
    power = np.square(np.abs(np.fft.rfft(flat, axis=axis))).mean(axis=(1 - axis, 2))
    power[0] = 0
    return power / power[1:].mean() if power[1:].mean() > 1e-12 else None


def relative_power(power: NDArray[np.floating], period: int) -> float:
    """Returns power at a period over the geometric mean of the two nearest frequencies on each side (at 2, on one)."""
    place = 2 * (len(power) - 1) // period
    beside = [k for k in (place - 2, place - 1, place + 1, place + 2) if 0 < k < len(power)]
    return float(power[place] / np.exp(np.log(np.maximum(power[beside], 1e-12)).mean()))


def flatness(patches: Sequence[NDArray[np.floating]]) -> tuple[int, dict[int, float], dict[int, float]]:
    """Returns the number of counted patches, and by period the relative power along rows and along columns.

    All patches have the same weight, however noisy. Black or white ones are skipped.

    Raises:
        DataError: no patch is left.
    """
    seen = [each for each in patches if _CLIPPED[0] < each.mean() < _CLIPPED[1]]
    found: list[dict[int, float]] = []
    for axis in (1, 0):
        spectra = [power for each in seen if (power := spectrum(each, axis)) is not None]
        if not spectra:
            raise DataError("Every flat patch is black or white; choose another ratio.")
        mean = np.mean(spectra, axis=0)
        found.append({period: relative_power(mean, period) for period in PERIODS})
    return len(seen), found[0], found[1]


def grey_steps() -> NDArray[np.uint8]:
    """Returns a picture of 16 grey squares, 384 x 384 x 3 sRGB, in an order without a steady rise."""
    levels = np.linspace(40, 225, _STEPS**2)[np.random.default_rng(0).permutation(_STEPS**2)]
    steps = np.repeat(np.repeat(levels.reshape(_STEPS, _STEPS), _STEP, 0), _STEP, 1)
    return np.repeat(np.rint(steps)[..., None], 3, 2).astype(np.uint8)


def _cut(image: NDArray[np.float32], centres: NDArray[np.floating], side: int) -> list[NDArray[np.float32]]:
    corners = np.rint(centres - side / 2).astype(int)
    return [image[top : top + side, left : left + side] for left, top in corners]


def _on_grey(model: LoadedModel, ratio: float) -> FlatResult:
    image = restore(make_scene(grey_steps(), ratio, "grey").photo, model, ratio, intermediates=False).image
    middles = (np.arange(_STEPS) + 0.5) * _STEP
    centres = np.stack(np.meshgrid(middles, middles), axis=2).reshape(-1, 2)
    counted, rows, columns = flatness(_cut(image, centres, _STEP - 2 * _MARGIN))
    return FlatResult(model.name, "grey", ratio, counted, rows, columns, model.identity.sha256)


def _on_chart(photo: Photo, corners: Corners, model: LoadedModel) -> FlatResult:
    side = patch_side(corners) // 16 * 16
    if side < 16:
        raise DataError("The chart's patches are too small to show a pattern; give a larger picture of it.")
    photo, ratio = neutral_photo(photo, corners)
    image = restore(photo, model, ratio, intermediates=False).image
    counted, rows, columns = flatness(_cut(image, patch_centres(corners), side))
    return FlatResult(model.name, photo.name, ratio, counted, rows, columns, model.identity.sha256)


def evaluate_flat(
    models: Sequence[LoadedModel],
    ratios: Sequence[float],
    chart: tuple[Photo, Corners] | None = None,
    advance: Callable[[str], None] = lambda what: None,
) -> list[FlatResult]:
    """Measures models on synthetic grey and, if given, on a photographed chart.

    Args:
        models: from `explorer.load_model`.
        ratios: of the synthetic mosaics, 1 to 300 each.
        chart: a photo of a ColorChecker Classic, and the chart's corners in it.
        advance: called with a description after each picture of each model.

    Raises:
        DataError: the chart cannot be measured, or everything is black or white.
    """
    results = []
    for model in models:
        for ratio in ratios:
            results.append(_on_grey(model, ratio))
            advance(f"{model.name}: grey at {ratio:g}")
        if chart is not None:
            results.append(_on_chart(*chart, model))
            advance(f"{model.name}: {chart[0].name}")
    return results
