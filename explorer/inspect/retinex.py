"""Retinex decompositions as arrays: parts, residual, profiles, recombination, and the two photos of a pair.

Land and McCann, "Lightness and Retinex Theory", JOSA 1971: the seen picture S is reflectance times illumination, R * I.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import explorer
from explorer.errors import ModelNotFoundError
from explorer.models.registry import ILLUMINATION, ILLUMINATION_ENHANCED, REFLECTANCE, Intermediate
from explorer.photo import Photo
from explorer.photo.values import FloatArray
from explorer.restorer import as_model, prepared

if TYPE_CHECKING:
    from explorer.models import RestorationNet
    from explorer.restoration import Restoration
    from explorer.weights.store import LoadedModel


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A model's decomposition of a photo. Pictures are sRGB values, as used by the model."""

    model: str
    seen: FloatArray
    """S, H x W x 3 in [0, 1]: the model's amplified input."""
    image: FloatArray
    """H x W x 3 in [0, 1]: the result."""
    maps: Mapping[str, FloatArray]
    """The model's intermediates, H x W x C by name."""
    described: tuple[Intermediate, ...]
    """Descriptions of the maps, in reading order."""
    restoration: Restoration

    @property
    def reflectance(self) -> FloatArray | None:
        """R, H x W x 3; None if the model has none (Zero-DCE)."""
        return self.maps.get(REFLECTANCE.name)

    @property
    def illumination(self) -> FloatArray | None:
        """I, H x W x 1 or x 3."""
        return self.maps.get(ILLUMINATION.name)

    @property
    def enhanced(self) -> FloatArray | None:
        """The enhanced illumination, H x W x 1 or x 3."""
        return self.maps.get(ILLUMINATION_ENHANCED.name)

    @property
    def residual(self) -> FloatArray | None:
        """|R * I - S|, H x W, the mean over channels; None without reflectance or illumination."""
        if self.reflectance is None or self.illumination is None:
            return None
        return np.abs(self.reflectance * self.illumination - self.seen).mean(axis=2)


def decompose(
    photo: Photo, model: str | LoadedModel | RestorationNet, ratio: float | str = "auto", *, max_side: int | None = None
) -> Decomposition:
    """Splits a photo into reflectance and illumination, or the model's other intermediates.

    A model with only an illumination (SCI) divides by it, so its result is the reflectance.

    Raises:
        ModelNotFoundError: the model has no intermediates.
        RatioError, WeightsError: as `explorer.restore`.

    Examples:
        >>> import explorer
        >>> cat = explorer.open_photo(explorer.examples.examples()[2].path)
        >>> parts = explorer.decompose(cat, "lime", max_side=64)
        >>> parts.reflectance.shape, parts.illumination.shape
        ((43, 64, 3), (43, 64, 1))
    """
    loaded = as_model(model)
    result = explorer.restore(photo, loaded, ratio, max_side=max_side)
    if not result.intermediates:
        raise ModelNotFoundError(code="error.no_intermediates", model=result.model)
    # The identity gets the same preparation, so its picture is exactly the model's input.
    amplified = 1.0 if loaded.traits.takes_ratio else result.ratio
    seen = explorer.restore(prepared(photo, loaded), "identity", amplified, max_side=max_side).image
    maps, described = result.intermediates, result.described
    if ILLUMINATION.name in maps and REFLECTANCE.name not in maps:
        maps, described = {REFLECTANCE.name: result.image, **maps}, (REFLECTANCE, *described)
    return Decomposition(result.model, seen, result.image, maps, described, result)


def recombined(
    reflectance: FloatArray, illumination: FloatArray, *, gamma: float = 1.0, gain: float = 1.0
) -> FloatArray:
    """Computes R * clip(gain * I ** gamma), clipped to [0, 1].

    Args:
        reflectance: H x W x 3.
        illumination: H x W x 1 or x 3, of the same size.
        gamma: below 1 raises dark light, 0 makes all light equal.
        gain: multiplies the light.

    Raises:
        ValueError: the sizes differ.
    """
    if reflectance.shape[:2] != illumination.shape[:2]:
        raise ValueError(f"A reflectance of {reflectance.shape[:2]} does not fit a light of {illumination.shape[:2]}.")
    light = np.clip(np.float32(gain) * np.clip(illumination, 0, None) ** np.float32(gamma), 0, 1)
    return np.clip(reflectance * light, 0, 1).astype(np.float32)


def profile(plane: FloatArray, start: tuple[float, float], end: tuple[float, float], points: int = 256) -> FloatArray:
    """Returns values along a line, bilinearly interpolated.

    Args:
        plane: H x W or H x W x C.
        start, end: (x, y) as shares of width and height, 0 to 1.
        points: number of values, evenly spaced.

    Returns:
        `points` values, or points x C.
    """
    from scipy.ndimage import map_coordinates

    height, width = plane.shape[:2]
    x = np.linspace(start[0], end[0], points) * (width - 1)
    y = np.linspace(start[1], end[1], points) * (height - 1)
    if plane.ndim == 2:
        return map_coordinates(plane, [y, x], order=1, mode="nearest").astype(np.float32)
    channels = [map_coordinates(plane[..., c], [y, x], order=1, mode="nearest") for c in range(plane.shape[2])]
    return np.stack(channels, axis=-1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Pair:
    """Decompositions of the two photos of a pair, which should differ only in illumination."""

    low: Decomposition
    high: Decomposition

    @property
    def difference(self) -> FloatArray | None:
        """|R_low - R_high|, H x W, which RetinexNet's invariance loss drives to 0; None without reflectances."""
        if self.low.reflectance is None or self.high.reflectance is None:
            return None
        return np.abs(self.low.reflectance - self.high.reflectance).mean(axis=2)


def decompose_pair(
    low: Photo,
    high: Photo,
    model: str | LoadedModel | RestorationNet,
    ratio: float | str = "auto",
    *,
    max_side: int | None = None,
) -> Pair:
    """Decomposes a dark photo and a well-lit one of the same scene; the well-lit one is not amplified.

    Raises:
        ModelNotFoundError: see `decompose`.
        ValueError: the results differ in size.
    """
    dark = decompose(low, model, ratio, max_side=max_side)
    bright = decompose(high, model, 1.0, max_side=max_side)
    if dark.seen.shape != bright.seen.shape:
        raise ValueError(f"The photos of a pair have {dark.seen.shape[:2]} and {bright.seen.shape[:2]} pixels.")
    return Pair(dark, bright)
