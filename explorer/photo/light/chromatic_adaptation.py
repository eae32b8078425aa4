"""Adapts a camera's colour matrix to the light given by the white balance.

A camera's matrix is measured under one light, usually daylight. White-balance gains make neutral surfaces neutral under
any other light, but do not make other colours right: under a lamp, saturated colours keep errors that multiplying three
channels cannot undo. The DNG specification (version 1.7, chapter 6, "Mapping Camera Color Space to CIE XYZ Space")
therefore computes the light's white from the neutral values and adapts the scene to the display's white by the Bradford
transform. This module does so, for one matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explorer.photo.light.cameras import SRGB_TO_XYZ, usable_camera_to_srgb
from explorer.photo.values import FloatArray, Gains

# Lam, K. M., Metamerism and colour constancy, PhD thesis, University of Bradford, 1985.
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
BRADFORD.setflags(write=False)
D50 = np.array([0.9642, 1.0, 0.8249])
"""CIE XYZ of the white of ICC profiles, as they store it."""
D50.setflags(write=False)


def adaptation(white: ArrayLike, target: ArrayLike) -> FloatArray | None:
    """Returns the Bradford transform from XYZ under one white to XYZ under another, 3x3; None if a white is impossible.

    Args:
        white, target: XYZ of both whites, Y = 1.
    """
    source, wanted = BRADFORD @ np.asarray(white, dtype=np.float64), BRADFORD @ np.asarray(target, dtype=np.float64)
    if not (np.isfinite(source).all() and (source > 1e-3).all()):
        return None
    return (np.linalg.inv(BRADFORD) @ np.diag(wanted / source) @ BRADFORD).astype(np.float64)


def matrix_under(camera_to_srgb: FloatArray, daylight: Gains | None, gains: Gains) -> FloatArray:
    """Returns the matrix from white-balanced camera RGB to linear sRGB under the light that `gains` make neutral.

    Args:
        camera_to_srgb: 3x3 under daylight (D65), rows summing to 1.
        daylight: the camera's gains under daylight, green 1; None if unknown.
        gains: the white balance's gains, green 1.

    Returns:
        3x3, rows summing to 1; `camera_to_srgb` itself under daylight, if the daylight gains are unknown, or if the
        gains belong to no possible light.
    """
    if daylight is None or gains == daylight:
        return camera_to_srgb
    to_daylight = np.asarray(daylight, dtype=np.float64) / np.asarray(gains, dtype=np.float64)
    to_xyz = SRGB_TO_XYZ @ np.asarray(camera_to_srgb, dtype=np.float64) @ np.diag(to_daylight)
    white = to_xyz.sum(axis=1)
    if not white[1] > 1e-3:
        return camera_to_srgb
    to_display = adaptation(white / white[1], SRGB_TO_XYZ.sum(axis=1))
    if to_display is None:
        return camera_to_srgb
    matrix = np.linalg.inv(SRGB_TO_XYZ) @ to_display @ to_xyz
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    return matrix.astype(np.float32) if usable_camera_to_srgb(matrix) else camera_to_srgb
