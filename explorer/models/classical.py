"""Textbook methods without weights: identity, gamma, histogram equalisation, CLAHE.

They are modules like every other architecture, so that all pictures take the same path. They compute with NumPy, SciPy
and scikit-image, imported on first use. `ClassicalMethod` is also the base of the Retinex methods in
`explorer.models.classical_retinex`.
"""

from __future__ import annotations

import numpy as np
import torch

from explorer import steps
from explorer.models.base import RestorationNet
from explorer.models.denoise import DENOISERS, Array, Denoise, denoised
from explorer.models.light import LUMA

# ITU-R BT.601, the luma of the transfer-encoded picture.
_LUMA = np.array(LUMA, dtype=np.float32)
_BAND = 128
"""Rows of a picture that are worked on at once."""


class ClassicalMethod(RestorationNet):
    """A method that works on one H x W x 3 float32 array in [0, 1] at a time.

    Args:
        denoise: denoiser of the result: "none", "bilateral" or "nlm"; see `explorer.models.denoise.denoised`.
            Intermediates are not denoised.
    """

    def __init__(self, denoise: Denoise = "none") -> None:
        super().__init__()
        if denoise not in DENOISERS:
            raise TypeError(f"denoise must be 'none', 'bilateral' or 'nlm', not {denoise!r}")
        self.denoise = denoise

    def forward_intermediates(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Maps N x 3 x H x W sRGB to "image" in [0, 1] and intermediates, on the device and in the type of x.

        Values outside [0, 1] are clipped first.
        """
        pictures = x.detach().clamp(0, 1).permute(0, 2, 3, 1).to("cpu", torch.float32).numpy()
        results = [self._restored(np.ascontiguousarray(picture)) for picture in pictures]
        return {
            name: torch.from_numpy(np.stack([result[name] for result in results])).permute(0, 3, 1, 2).to(x)
            for name in results[0]
        }

    def _restored(self, picture: Array) -> dict[str, Array]:
        with steps.part(0, 1 if self.denoise == "none" else 0.5):
            result = self.enhance(picture)
        image = denoised(np.clip(result["image"], 0, 1), self.denoise)
        return result | {"image": np.clip(image, 0, 1).astype(np.float32)}

    def enhance(self, picture: Array) -> dict[str, Array]:
        """Maps H x W x 3 in [0, 1] to "image" (before denoising) and intermediates, each H x W x C float32."""
        raise AssertionError("subclasses define it")


def luma(picture: Array) -> Array:
    """Maps H x W x 3 to H x W by the weighted sum of ITU-R BT.601."""
    return picture @ _LUMA


def with_intensity(picture: Array, old: Array, new: Array) -> Array:
    """Changes every pixel's intensity from `old` to `new` (both H x W in [0, 1]) by its own power curve.

    The power p solves old ** p = new and is applied to all three channels. So a picture stays in [0, 1] without
    clipping, and colours become no more saturated than with a gamma curve; a common gain would make strongly brightened
    pixels glaring.
    """
    # Half a step of an 8-bit picture; below it is rounding error, which a steep curve would turn into coloured speckle.
    step = np.float32(0.5 / 255)
    result = np.empty(picture.shape, np.float32)
    for first in range(0, len(picture), _BAND):
        band = slice(first, first + _BAND)
        power = np.log(np.clip(new[band], step, 1 - step)) / np.log(np.clip(old[band], step, 1 - step))
        result[band] = np.maximum(picture[band], step) ** power[..., None]
        steps.step(min(1.0, (first + _BAND) / len(picture)))
    return result


class Identity(RestorationNet):
    """The unchanged picture: the baseline for every method."""

    brightens = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the N x 3 x H x W input itself."""
        return x


class Gamma(ClassicalMethod):
    """x ** (1 / gamma).

    Args:
        gamma: above 1 brightens.
    """

    def __init__(self, gamma: float = 2.2, denoise: Denoise = "none") -> None:
        super().__init__(denoise)
        if not (np.isfinite(gamma) and gamma > 0):
            raise TypeError(f"gamma must be a positive number, not {gamma!r}")
        self.gamma = float(gamma)
        self.halo = 0 if denoise == "none" else None  # only the curve itself is local

    def enhance(self, picture: Array) -> dict[str, Array]:
        return {"image": picture ** np.float32(1 / self.gamma)}


class HistogramEqualisation(ClassicalMethod):
    """Uses the cumulative histogram of the luma as its tone curve.

    Args:
        bins: of the histogram; more than 256, because a RAW photo developed to sRGB has more levels than that.
    """

    def __init__(self, bins: int = 4096, denoise: Denoise = "none") -> None:
        super().__init__(denoise)
        if bins < 2:
            raise TypeError(f"bins must be at least 2, not {bins!r}")
        self.bins = bins

    def enhance(self, picture: Array) -> dict[str, Array]:
        old = luma(picture)
        level = np.minimum((old * self.bins).astype(np.int64), self.bins - 1)
        cumulative = np.cumsum(np.bincount(level.ravel(), minlength=self.bins)).astype(np.float64)
        darkest = cumulative[level.min()]
        if darkest == cumulative[-1]:  # only one level, so there is nothing to spread
            return {"image": picture}
        curve = (cumulative - darkest) / (cumulative[-1] - darkest)
        with steps.part(0.3, 1):
            return {"image": with_intensity(picture, old, curve[level].astype(np.float32))}


class Clahe(ClassicalMethod):
    """Contrast-limited adaptive histogram equalisation of the luma.

    Args:
        tiles: along each side.
        clip_limit: 0 to 1; largest share of a tile's pixels in one histogram bin, before the excess is spread over all
            bins. Larger values give more contrast, and more noise.
    """

    def __init__(self, tiles: int = 8, clip_limit: float = 0.03, denoise: Denoise = "none") -> None:
        super().__init__(denoise)
        if tiles < 1 or not 0 < clip_limit <= 1:
            raise TypeError(f"tiles must be at least 1 and clip_limit in (0, 1], not {tiles!r} and {clip_limit!r}")
        self.tiles = tiles
        self.clip_limit = clip_limit

    def enhance(self, picture: Array) -> dict[str, Array]:
        from skimage.exposure import equalize_adapthist

        old = luma(picture)
        if np.ptp(old) == 0:
            return {"image": picture}
        tile = tuple(max(1, -(-side // self.tiles)) for side in old.shape)
        new = equalize_adapthist(np.clip(old, 0, 1), kernel_size=tile, clip_limit=self.clip_limit, nbins=256)
        with steps.part(0.5, 1):
            return {"image": with_intensity(picture, old, new.astype(np.float32))}
