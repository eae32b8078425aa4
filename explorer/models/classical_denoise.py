"""Denoisers as separate models: develop, amplify and denoise a dark photo without learning. Networks on RAW must beat
these baselines."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from explorer.models.classical import ClassicalMethod
from explorer.models.denoise import MARGINS, Array, Denoise, denoised, noise_level


class Denoiser(ClassicalMethod):
    """A denoiser of the amplified picture, with a strength that follows the noise of the whole picture.

    Args:
        method: see `explorer.models.denoise.denoised`.
    """

    brightens = False

    def __init__(self, method: Denoise) -> None:
        super().__init__()
        self.method = method
        self.sigma: float | None = None

    def fitted(self, planes: NDArray[np.float32]) -> Denoiser:
        """Returns a copy with the noise of the whole picture, which can be applied to tiles.

        Without this, it measures the noise of its input and needs the whole picture.
        """
        net = copy(self)
        net.sigma = noise_level(np.clip(np.moveaxis(planes, 0, 2), 0, 1))
        net.halo = MARGINS[self.method]
        return net

    def enhance(self, picture: Array) -> dict[str, Array]:
        return {"image": denoised(picture, self.method, self.sigma)}


def non_local_means() -> Denoiser:
    """Fast non-local means of scikit-image: patches of 5 x 5 pixels within 6 pixels."""
    return Denoiser("nlm")


def bilateral() -> Denoiser:
    """The bilateral filter of scikit-image, in windows of 7 x 7 pixels."""
    return Denoiser("bilateral")
