"""Colour matrices of cameras, and the nominal camera used if a picture does not name one.

The four matrices and the ranges of white-balance gains are those of Brooks et al., "Unprocessing Images for Learned Raw
Denoising", CVPR 2019 (supplement and published code): CIE XYZ (D65) to camera RGB, as in the DNG tag ColorMatrix2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.photo.values import FloatArray, Gains

BROOKS_XYZ_TO_CAMERA: NDArray[np.float64] = np.array(
    [
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
        [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[0.8380, -0.2630, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
        [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.0970, 0.1581, 0.5181]],
    ]
)
"""4 x 3 x 3."""

SRGB_TO_XYZ: NDArray[np.float64] = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""Linear sRGB to CIE XYZ, D65 (IEC 61966-2-1)."""

RED_GAINS = (1.9, 2.4)
BLUE_GAINS = (1.5, 1.9)
"""Ranges of the white-balance gains in Brooks et al. (green is 1)."""

NOMINAL_GAINS: Gains = (sum(RED_GAINS) / 2, 1.0, sum(BLUE_GAINS) / 2)
"""Daylight gains of the nominal camera: the middle of those ranges."""

BROOKS_XYZ_TO_CAMERA.setflags(write=False)
SRGB_TO_XYZ.setflags(write=False)

_WORST_CONDITION = 50.0
"""Largest condition number of linear sRGB -> camera for a plausible matrix; real cameras are below 10."""


def srgb_to_camera(xyz_to_camera: ArrayLike) -> NDArray[np.float64]:
    """Computes the matrix from linear sRGB to white-balanced camera RGB, from a camera's XYZ-to-camera matrix.

    Args:
        xyz_to_camera: ... x 3 x 3.

    Returns:
        ... x 3 x 3, each row summing to 1, so that white stays white.
    """
    matrix = np.asarray(xyz_to_camera, dtype=np.float64) @ SRGB_TO_XYZ
    return matrix / matrix.sum(axis=-1, keepdims=True)


def camera_to_srgb(xyz_to_camera: ArrayLike) -> FloatArray:
    """Computes the inverse of `srgb_to_camera`: white-balanced camera RGB to linear sRGB (rows sum to 1)."""
    matrix = np.linalg.inv(srgb_to_camera(xyz_to_camera))
    return (matrix / matrix.sum(axis=-1, keepdims=True)).astype(np.float32)


def usable_xyz_to_camera(matrix: ArrayLike) -> bool:
    """True if a 3x3 XYZ-to-camera matrix is finite, maps white to positive values and can be inverted."""
    array = np.asarray(matrix, dtype=np.float64)
    if array.shape != (3, 3) or not np.isfinite(array).all():
        return False
    white = (array @ SRGB_TO_XYZ).sum(axis=1)
    return bool((white > 1e-3).all() and np.linalg.cond(srgb_to_camera(array)) < _WORST_CONDITION)


def usable_camera_to_srgb(matrix: ArrayLike) -> bool:
    """True if a 3x3 camera-to-sRGB matrix is finite, invertible and has rows that sum to about 1."""
    array = np.asarray(matrix, dtype=np.float64)
    if array.shape != (3, 3) or not np.isfinite(array).all():
        return False
    return bool(np.abs(array.sum(axis=1) - 1).max() < 0.05 and np.linalg.cond(array) < _WORST_CONDITION)


NOMINAL_CAMERA_TO_SRGB: FloatArray = camera_to_srgb(BROOKS_XYZ_TO_CAMERA.mean(axis=0))
"""The nominal camera's matrix, from the mean of the four matrices of Brooks et al."""
NOMINAL_CAMERA_TO_SRGB.setflags(write=False)
