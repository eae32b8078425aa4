"""Denoisers as models of their own: what developing a dark photograph, amplifying and denoising it gives without
learning. The baselines that a network on RAW must beat."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from explorer.models.classical import ClassicalMethod
from explorer.models.denoise import MARGINS, Array, Denoise, denoised, noise_level


class Denoiser(ClassicalMethod):
    """A denoiser of the amplified picture; its strength follows the noise of the whole picture.

    Args:
        method: see `explorer.models.denoise.denoised`.
    """

    brightens = False

    def __init__(self, method: Denoise) -> None:
        super().__init__()
        self.method = method
        self.sigma: float | None = None

    def fitted(self, planes: NDArray[np.float32]) -> Denoiser:
        """Knowing the noise of the whole picture, and therefore free to be applied to its tiles.

        Without that it measures the noise of what it is given, and takes the picture whole.
        """
        net = copy(self)
        net.sigma = noise_level(np.clip(np.moveaxis(planes, 0, 2), 0, 1))
        net.halo = MARGINS[self.method]
        return net

    def enhance(self, picture: Array) -> dict[str, Array]:
        return {"image": denoised(picture, self.method, self.sigma)}


def non_local_means() -> Denoiser:
    """Fast non-local means as scikit-image has it: patches of 5 x 5 pixels within 6 pixels."""
    return Denoiser("nlm")


def bilateral() -> Denoiser:
    """The bilateral filter as scikit-image has it, in windows of 7 x 7 pixels."""
    return Denoiser("bilateral")
