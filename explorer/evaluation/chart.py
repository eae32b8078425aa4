"""Colour error on a photographed ColorChecker: CIEDE2000 between a model's picture and the manufacturer's values.

The model does not have to guess light or exposure: the photo's white point is set on the chart's second lightest
neutral patch (the lightest may be clipped), the amplification fits the neutral ramp to its published luminances, and
the result's remaining brightness error is corrected by one gain in linear light, fitted on the same ramp. What remains
is the error of colour, and of tone along the ramp.

Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula", Color Research and Application 30, 2005, as scikit-image
computes it. The picture's sRGB is adapted to D50, the manufacturer's illuminant, by the Bradford transform.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.photo import Photo, RawPhoto, develop_linear, srgb_to_linear, upright
from explorer.photo.light.cameras import SRGB_TO_XYZ
from explorer.photo.light.chromatic_adaptation import adaptation
from explorer.restorer import restore
from explorer.weights.store import LoadedModel

Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""Centres of the corner patches in the upright picture, (column, row) in pixels: dark skin, bluish green, black, white,
which is clockwise from the top left of an upright chart."""

_D50 = np.array([0.96422, 1.0, 0.82521])
_ROWS = 4
_WHITE_POINT = 19
_SHARE = 0.5
"""Side of the averaged square, as a fraction of the distance between two patches. Patches fill about 0.85 of it."""


@dataclass(frozen=True)
class ChartResult:
    """One model on one chart."""

    model: str
    ratio: float
    """Amplification, fitted on the neutral ramp of the photo."""
    gain: float
    """Factor in linear light, fitted on the result's neutral ramp."""
    mean: float
    """CIEDE2000 over all 24 patches."""
    colours: float
    """Over the 18 colours."""
    neutrals: float
    """Over the 6 neutral patches."""
    worst: float
    worst_patch: str
    patches: dict[str, float]
    """By patch."""
    seconds: float
    sha256: str


@cache
def _facts() -> dict[str, Any]:
    text = (files("explorer.evaluation") / "colorchecker.json").read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts


def known_corners(name: str) -> Corners:
    """Returns the corners of the chart in a photo that is known by its name.

    Raises:
        DataError: an unknown photo.
    """
    found = _facts()["photographs"].get(name.rsplit(".", 1)[0])
    if found is None:
        raise DataError(
            f"The position of the chart in {name} is unknown; give the centres of its corner patches with --corners: "
            "dark skin, bluish green, black, white."
        )
    a, b, c, d = (tuple(map(float, corner)) for corner in found["corners"])
    return (a, b, c, d)  # type: ignore[return-value]


def reference_lab() -> NDArray[np.float64]:
    """Returns 24 x 3 L*a*b* (D50) of the patches, row by row."""
    return np.array([patch["lab"] for patch in _facts()["patches"]], dtype=np.float64)


def patch_names() -> list[str]:
    """Returns the names of the patches, row by row."""
    return [str(patch["name"]) for patch in _facts()["patches"]]


def patch_centres(corners: Corners) -> NDArray[np.float64]:
    """Returns 24 x 2 centres (column, row) of the patches, in the plane's perspective.

    Raises:
        DataError: the corners do not span a chart.
    """
    columns = _facts()["columns"]
    plane = np.array([(0, 0), (columns - 1, 0), (columns - 1, _ROWS - 1), (0, _ROWS - 1)], dtype=np.float64)
    equations, values = [], []
    for (u, v), (x, y) in zip(plane, corners, strict=True):
        equations += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        values += [x, y]
    try:
        matrix = np.append(np.linalg.solve(np.array(equations), np.array(values)), 1).reshape(3, 3)
    except np.linalg.LinAlgError as error:
        raise DataError("The four corners do not span a chart; give the centres of the corner patches.") from error
    places = np.array([(u, v, 1) for v in range(_ROWS) for u in range(columns)], dtype=np.float64) @ matrix.T
    if not (places[:, 2] > 0).all():
        raise DataError("The corners are out of order; give them in this order: dark skin, bluish green, black, white.")
    return places[:, :2] / places[:, 2:]


def patch_side(corners: Corners) -> int:
    """Returns the even side, in pixels, of the square that is measured in the middle of each patch.

    Raises:
        DataError: the corners do not span a chart.
    """
    grid = patch_centres(corners).reshape(_ROWS, -1, 2)
    steps = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min() for axis in (0, 1)]
    return 2 * round(_SHARE * min(steps) / 2)


def patch_means(image: NDArray[np.floating], corners: Corners) -> NDArray[np.float64]:
    """Returns 24 x 3 mean colours of an H x W x 3 picture in the middle of each patch.

    Raises:
        DataError: a patch lies outside the picture, or is too small to be measured.
    """
    centres, half = patch_centres(corners), patch_side(corners) // 2
    height, width = image.shape[:2]
    if half < 1:
        raise DataError("The chart's patches are less than 4 pixels apart; give a larger picture of it.")
    if (centres < half).any() or (centres + half > (width, height)).any():
        raise DataError(f"The chart reaches beyond the picture of {width} x {height} pixels; correct its corners.")
    means = [
        image[round(y) - half : round(y) + half, round(x) - half : round(x) + half].reshape(-1, 3).mean(0, np.float64)
        for x, y in centres
    ]
    return np.array(means)


def neutral_gain(linear: NDArray[np.float64]) -> float:
    """Fits the gain of the neutral ramp of 24 x 3 linear sRGB means to its published luminances, by least squares.

    Raises:
        DataError: the ramp has no light.
    """
    lightness = reference_lab()[-6:, 0]
    wanted = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)
    found = linear[-6:] @ SRGB_TO_XYZ[1]
    power = float(found @ found)
    if not np.isfinite(power) or power <= 1e-12:
        raise DataError("The chart's neutral patches are black, so no exposure fits them; check its corners.")
    return float(found @ wanted) / power


def colour_differences(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns 24 CIEDE2000 differences of linear sRGB means from the manufacturer's values."""
    from skimage.color import deltaE_ciede2000, xyz2lab

    to_d50 = adaptation(SRGB_TO_XYZ.sum(axis=1), _D50)
    assert to_d50 is not None
    xyz = np.asarray(linear, dtype=np.float64) @ (to_d50 @ SRGB_TO_XYZ).T
    lab = xyz2lab(xyz[None], illuminant="D50")[0]
    return np.asarray(deltaE_ciede2000(reference_lab(), lab), dtype=np.float64)


def _linear(photo: Photo) -> NDArray[np.floating]:
    """Returns the photo as linear sRGB, upright, not amplified."""
    if isinstance(photo, RawPhoto):
        return upright(develop_linear(photo), photo.rotation, photo.mirrored)
    return srgb_to_linear(photo.image)


def neutral_photo(photo: Photo, corners: Corners) -> tuple[Photo, float]:
    """Sets a photo's white point on the chart, and returns it with the ratio that exposes the neutral ramp correctly.

    Raises:
        DataError: the corners do not fit the picture, or the chart has no light.
        WhiteBalanceError: the neutral patch is clipped or too dark.
    """
    x, y = patch_centres(corners)[_WHITE_POINT]
    patch_means(np.zeros((photo.size[1], photo.size[0], 3), dtype=np.float32), corners)
    side = float(np.linalg.norm(np.subtract(corners[1], corners[0]))) / (_facts()["columns"] - 1)
    photo = photo.with_neutral_point(float(x), float(y), max(2, round(_SHARE * side)))
    return photo, float(np.clip(neutral_gain(patch_means(_linear(photo), corners)), 1, 300))


def evaluate_chart(
    photo: Photo,
    corners: Corners,
    models: Sequence[LoadedModel],
    advance: Callable[[str], None] = lambda what: None,
) -> list[ChartResult]:
    """Measures models on a photo of a chart.

    Args:
        photo: of a ColorChecker Classic, from `explorer.open_photo`.
        corners: corners of the chart in it; see `known_corners`.
        models: from `explorer.load_model`.
        advance: called with a description after each model.

    Raises:
        DataError: the corners do not fit the picture, or the chart has no light.
        WhiteBalanceError: the neutral patch is clipped or too dark.
    """
    photo, ratio = neutral_photo(photo, corners)
    names, results = patch_names(), []
    for model in models:
        restoration = restore(photo, model, ratio, intermediates=False)
        linear = patch_means(srgb_to_linear(restoration.image), corners)
        gain = neutral_gain(linear)
        differences = colour_differences(linear * gain)
        worst = int(differences.argmax())
        results.append(
            ChartResult(
                model=model.name,
                ratio=ratio,
                gain=gain,
                mean=float(differences.mean()),
                colours=float(differences[:-6].mean()),
                neutrals=float(differences[-6:].mean()),
                worst=float(differences[worst]),
                worst_patch=names[worst],
                patches=dict(zip(names, differences.round(3).tolist(), strict=True)),
                seconds=restoration.seconds,
                sha256=model.identity.sha256,
            )
        )
        advance(model.name)
    return results
