"""Classical Retinex methods: SSR, MSRCR and LIME. Each decomposes a picture into reflectance times illumination.

Their intermediates obey reflectance * illumination = picture, exactly up to rounding; a reflectance may exceed 1 where
the illumination is smoother than the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer import steps
from explorer.models.classical import Array, ClassicalMethod, Denoise, with_intensity

_FLOOR = np.float32(1 / 255)
"""Added before logarithms and divisions: one step of an 8-bit picture, so that quantisation does not count as
detail."""


def _frequencies(shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the angular frequencies of the type-II cosine transform, as a column and a row."""
    rows, columns = (np.float32(np.pi / n) * np.arange(n, dtype=np.float32) for n in shape)
    return rows[:, None], columns[None, :]


def _blurred(plane: Array, *sigmas: float) -> list[Array]:
    """Blurs a plane (H x W) by Gaussians of several widths in pixels, mirrored at its borders.

    Uses the cosine transform, whose cost does not grow with the width.
    """
    from scipy.fft import dctn, idctn

    rows, columns = _frequencies(plane.shape)
    squared = rows**2 + columns**2
    spectrum, blurred = dctn(plane, workers=-1), []
    for done, sigma in enumerate(sigmas, 1):
        narrowed = spectrum * np.exp(-0.5 * np.float32(sigma) ** 2 * squared)
        blurred.append(np.clip(idctn(narrowed, workers=-1), plane.min(), plane.max()))
        steps.step(done / len(sigmas))
    return blurred


def _stretched(values: Array, low: float, high: float) -> Array | None:
    """Maps the two percentiles to 0 and 1, clipped; None if they are equal.

    The "simplest colour balance" of Limare et al., IPOL 2011.
    """
    bottom, top = np.percentile(values, (low, high))
    if not top > bottom:
        return None
    return np.clip((values - bottom) / (top - bottom), 0, 1).astype(np.float32)


def _checked_strength(strength: float) -> np.float32:
    if not 0 <= strength <= 1:
        raise TypeError(f"strength must be in 0..1, not {strength!r}")
    return np.float32(strength)


class SingleScaleRetinex(ClassicalMethod):
    """log(V) - log(Gaussian blur of V) on the intensity V (mean of the channels), stretched to the display's range.

    Args:
        sigma: of the Gaussian, in pixels; 80 in the paper.
        strength: the share of the blur's logarithm that is subtracted, 0 to 1. The paper's 1 turns every large uniform
            area mid-grey, even a night sky.
    """

    def __init__(self, sigma: float = 80.0, strength: float = 0.8, denoise: Denoise = "none") -> None:
        super().__init__(denoise)
        if not sigma > 0:
            raise TypeError(f"sigma must be a positive number of pixels, not {sigma!r}")
        self.sigma = sigma
        self.strength = _checked_strength(strength)

    def at_scale(self, factor: int) -> SingleScaleRetinex:
        """Returns a copy with a narrower Gaussian."""
        return SingleScaleRetinex(self.sigma / factor, float(self.strength), self.denoise).eval()

    def enhance(self, picture: Array) -> dict[str, Array]:
        """Returns "image", "reflectance" (H x W x 3) and "illumination" (H x W x 1, in (0, 1])."""
        intensity = picture.mean(-1)
        with steps.part(0, 0.3):
            illumination = np.minimum(_blurred(intensity, self.sigma)[0] + _FLOOR, 1)
        level = _stretched(np.log(intensity + _FLOOR) - self.strength * np.log(illumination), 1, 99)
        with steps.part(0.5, 1):
            image = picture if level is None else with_intensity(picture, intensity, level)
        return {
            "image": image,
            "reflectance": picture / illumination[..., None],
            "illumination": illumination[..., None],
        }


class MultiScaleRetinex(ClassicalMethod):
    """The mean of log(S) - log(Gaussian blur of S) over scales, times a colour restoration factor.

    Each channel S is processed separately; the factor is log(1 + 125 S / sum of S), scaled to 1 on grey.

    Args:
        sigmas: of the Gaussians, in pixels; 15, 80 and 250 in the paper.
        strength: as in SingleScaleRetinex.
    """

    def __init__(
        self, sigmas: tuple[float, ...] = (15.0, 80.0, 250.0), strength: float = 0.8, denoise: Denoise = "none"
    ) -> None:
        super().__init__(denoise)
        if not sigmas or not all(s > 0 for s in sigmas):
            raise TypeError(f"sigmas must be positive numbers of pixels, not {sigmas!r}")
        self.sigmas = tuple(sigmas)
        self.strength = _checked_strength(strength)

    def at_scale(self, factor: int) -> MultiScaleRetinex:
        """Returns a copy with narrower Gaussians."""
        sigmas = tuple(sigma / factor for sigma in self.sigmas)
        return MultiScaleRetinex(sigmas, float(self.strength), self.denoise).eval()

    def enhance(self, picture: Array) -> dict[str, Array]:
        """Gives "image", "reflectance" and "illumination" (H x W x 3, in (0, 1])."""
        surround = []
        for c in range(3):
            with steps.part(0.2 * c, 0.2 * (c + 1)):
                blurred = _blurred(picture[..., c], *self.sigmas)
            surround.append(np.mean([np.log(b + _FLOOR) for b in blurred], axis=0))
        illumination = np.minimum(np.exp(np.stack(surround, -1)), 1).astype(np.float32)
        ratio = np.log(picture + _FLOOR) - self.strength * np.log(illumination)
        share = (picture + _FLOOR) / (picture + _FLOOR).sum(-1, keepdims=True)
        restored = ratio * np.log1p(125 * share) / np.log1p(125 / 3)
        level = _stretched(restored, 1, 99)
        return {
            "image": picture if level is None else level,
            "reflectance": picture / illumination,
            "illumination": illumination,
        }


class Lime(ClassicalMethod):
    """Illumination map estimation by the paper's exact solver (section III-B), weights by strategy III.

    The image is reflectance * illumination ** (1 - gamma), which is the paper's picture / illumination ** gamma.

    Args:
        alpha: weight of smoothness against fidelity. The paper's 0.15 smooths lit objects together with their
            surroundings, which burns them out.
        gamma: share of the illumination that is divided out, 0 to 1; 0.8 in the paper.
        sigma: of the Gaussian window of the weights, in pixels; 2 in the paper.
    """

    def __init__(self, alpha: float = 0.02, gamma: float = 0.8, sigma: float = 2.0, denoise: Denoise = "none") -> None:
        super().__init__(denoise)
        if not (alpha > 0 and 0 <= gamma <= 1 and sigma > 0):
            raise TypeError(f"alpha and sigma must be positive and gamma in 0..1, not {alpha!r}, {sigma!r}, {gamma!r}")
        self.alpha = alpha
        self.gamma = gamma
        self.sigma = sigma

    def enhance(self, picture: Array) -> dict[str, Array]:
        """Returns "image", "reflectance" (H x W x 3), "illumination" and "illumination_enhanced" (H x W x 1)."""
        refined = refine_illumination(picture.max(-1), self.alpha, self.sigma)
        illumination = np.clip(refined, _FLOOR, 1)[..., None]
        enhanced = illumination ** np.float32(1 - self.gamma)
        reflectance = picture / illumination
        return {
            "image": reflectance * enhanced,
            "reflectance": reflectance,
            "illumination": illumination,
            "illumination_enhanced": enhanced,
        }


_LARGEST_PENALTY = 300.0
"""The paper lets the penalty grow without bound, which freezes the iteration before it is near the minimum."""


def refine_illumination(
    initial: Array, alpha: float = 0.02, sigma: float = 2.0, *, iterations: int = 30, tolerance: float = 3e-4
) -> Array:
    """Minimises ||T - T0||^2 + alpha * ||W grad T||_1 by the alternating direction method (LIME, algorithm 1).

    W is large where the windowed gradient of T0 is small (texture) and small at structure (equation 18). The picture is
    mirrored at its borders, so that the cosine transform solves the linear step exactly (the paper uses the Fourier
    transform), and nothing leaks from one border to the opposite one.

    Args:
        initial: T0, H x W in [0, 1].
        alpha: weight of smoothness.
        sigma: of the Gaussian window of the weights, in pixels.
        iterations: the largest number, which bounds the time.
        tolerance: ends when both ||grad T - G|| and the change of T are below this times ||T0||.

    Returns:
        T, H x W, not clipped.
    """
    from scipy.fft import dctn, idctn

    strength = float(np.linalg.norm(initial))
    if strength == 0:
        return initial.copy()
    gradient = _gradient(initial)
    with steps.part(0, 0):
        weights = [1 / (np.abs(_blurred(g, sigma)[0]) + np.float32(1e-3)) for g in gradient]
    thresholds = [np.float32(0.5 * alpha) * w for w in weights]
    rows, columns = _frequencies(initial.shape)
    laplacian = (2 - 2 * np.cos(rows)) + (2 - 2 * np.cos(columns))

    split = [np.zeros_like(initial) for _ in range(2)]
    dual = [np.zeros_like(initial) for _ in range(2)]
    refined, penalty = np.zeros_like(initial), 1.0
    for round_ in range(iterations):
        pulled = [g - z / np.float32(penalty) for g, z in zip(split, dual, strict=True)]
        spectrum = dctn(initial + np.float32(penalty) * _adjoint(pulled), workers=-1)
        steps.step(round_ / iterations)
        before, refined = refined, idctn(spectrum / (1 + np.float32(penalty) * laplacian), workers=-1)
        gradient = _gradient(refined)
        for i in range(2):
            moved = gradient[i] + dual[i] / np.float32(penalty)
            split[i] = np.sign(moved) * np.maximum(np.abs(moved) - thresholds[i] / np.float32(penalty), 0)
            dual[i] += np.float32(penalty) * (gradient[i] - split[i])
        gap = np.sqrt(sum(float(np.sum((a - b) ** 2)) for a, b in zip(gradient, split, strict=True)))
        if max(float(gap), float(np.linalg.norm(refined - before))) < tolerance * strength:
            break
        penalty = min(2 * penalty, _LARGEST_PENALTY)
    return refined


def _gradient(plane: Array) -> list[Array]:
    """Returns forward differences down and across; 0 in the last row and column, where the mirrored picture is flat."""
    return [np.diff(plane, axis=axis, append=plane.take([-1], axis=axis)) for axis in (0, 1)]


def _adjoint(gradient: list[Array]) -> Array:
    """Applies the transpose of `_gradient`."""
    down, across = gradient[0].copy(), gradient[1].copy()
    down[-1], across[:, -1] = 0, 0
    return -np.diff(down, axis=0, prepend=np.float32(0)) - np.diff(across, axis=1, prepend=np.float32(0))
