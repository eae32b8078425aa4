"""Denoisers without weights, and noise estimation for them.

Pictures are processed on all cores, in tiles with a margin as wide as the denoiser's reach, so that a full-size photo
needs little memory and the result is the same as for the whole picture. For non-local means, small tiles are also more
exact: scikit-image sums patches by integral images in single precision, which grow with the tile.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer import steps
from explorer.machine import cores

Denoise = Literal["none", "bilateral", "nlm"]
DENOISERS = ("none", "bilateral", "nlm")
Array = NDArray[np.float32]
_NOISE_FLOOR = 0.004
"""Estimated noise below which a denoiser would only blur, in units of the picture's range: about 1/255."""
_CORRELATED = 2.2
"""Ratio of the actual noise to the result of `noise_level`: interpolating a mosaic spreads a sample's noise over its
neighbours, which a mask for white noise partly misses. Chosen, with the strength below, on dark exposures of six
training pictures (192 pixels a side, ratios 10 to 100)."""
_PATCH, _DISTANCE, _STRENGTH = 5, 6, 0.8
_WINDOW, _SPATIAL, _COLOUR = 7, 2.0, 1.2
_TILE = 256
MARGINS = {"bilateral": _WINDOW // 2, "nlm": _DISTANCE + _PATCH // 2 + 1}
"""Reach of each denoiser, in pixels."""


def noise_level(picture: Array) -> float:
    """Estimates the standard deviation of the noise in an H x W x 3 picture, averaged over its channels.

    Uses a mask that ignores planes and straight edges (Immerkaer, "Fast Noise Variance Estimation", 1996), and the
    median of its responses instead of the mean, so that texture has little effect. Exact for white noise.
    """
    from scipy.ndimage import convolve

    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    answers = []
    for c in range(3):
        answers.append(np.median(np.abs(convolve(picture[..., c], mask, mode="mirror"))))
        steps.step(0)  # a large picture takes seconds, during which the user may cancel
    # The mask's norm is 6; 0.6745 is the median of |x| for a standard normal x.
    return float(np.mean(answers)) / (6 * 0.6745)


def denoised(picture: Array, method: Denoise, sigma: float | None = None) -> Array:
    """Denoises a picture with a strength that follows its noise.

    Args:
        picture: H x W x 3 in [0, 1].
        method: "none", "bilateral" (Tomasi and Manduchi, ICCV 1998) or "nlm" (Buades, Coll and Morel, CVPR 2005).
        sigma: the noise as measured by `noise_level`; measured unless given.

    Returns:
        H x W x 3; the picture itself if it is too small to measure noise (8 pixels), or has none.
    """
    if method == "none" or min(picture.shape[:2]) < 8:
        return picture
    sigma = noise_level(picture) if sigma is None else sigma
    if sigma < _NOISE_FLOOR:
        return picture
    noise = _CORRELATED * sigma
    if method == "bilateral":
        from skimage.restoration import denoise_bilateral

        def work(tile: Array) -> Array:
            return denoise_bilateral(
                tile, sigma_color=_COLOUR * noise, sigma_spatial=_SPATIAL, win_size=_WINDOW, channel_axis=-1
            )
    else:
        from skimage.restoration import denoise_nl_means

        def work(tile: Array) -> Array:
            return denoise_nl_means(
                tile, patch_size=_PATCH, patch_distance=_DISTANCE, h=_STRENGTH * noise, sigma=noise, fast_mode=True,
                channel_axis=-1,
            )  # fmt: skip

    return _in_tiles(picture, MARGINS[method], work)


def _in_tiles(picture: Array, margin: int, work: Callable[[Array], Array]) -> Array:
    """Applies a local method to overlapping tiles and joins their middles."""
    height, width = picture.shape[:2]
    result = np.empty_like(picture)

    def one(top: int, left: int) -> None:
        bottom, right = min(top + _TILE, height), min(left + _TILE, width)
        first, start = max(0, top - margin), max(0, left - margin)
        tile = work(np.ascontiguousarray(picture[first : bottom + margin, start : right + margin]))
        result[top:bottom, left:right] = tile[top - first : bottom - first, left - start : right - start]

    # Both denoisers release the interpreter lock while they compute.
    pool = ThreadPoolExecutor(cores())
    try:
        jobs = [pool.submit(one, top, left) for top in range(0, height, _TILE) for left in range(0, width, _TILE)]
        for done, job in enumerate(jobs, 1):
            job.result()
            steps.step(done / len(jobs))
    finally:
        pool.shutdown(cancel_futures=True)
    return result
