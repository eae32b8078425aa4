"""A camera's colour matrix under other lights than the measured one."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.photo.light.cameras import BROOKS_XYZ_TO_CAMERA, SRGB_TO_XYZ, camera_to_srgb
from explorer.photo.light.chromatic_adaptation import adaptation, matrix_under

D65 = SRGB_TO_XYZ.sum(axis=1)
ILLUMINANT_A = np.array([1.09850, 1.0, 0.35585])


def gains_under(xyz_to_camera: np.ndarray, white: np.ndarray) -> tuple[float, float, float]:
    """What makes a white surface neutral for a camera."""
    red, green, blue = xyz_to_camera @ white
    return float(green / red), 1.0, float(green / blue)


def test_the_bradford_transform_takes_one_white_to_the_other() -> None:
    transform = adaptation(ILLUMINANT_A, D65)
    assert transform is not None and np.allclose(transform @ ILLUMINANT_A, D65)
    # Lindbloom's published matrix from A to D65.
    published = [[0.8447, -0.1179, 0.3948], [-0.1366, 1.1041, 0.1292], [0.0798, -0.1349, 3.1924]]
    assert np.allclose(transform, published, atol=2e-3)
    assert adaptation((1.0, 1.0, -3.0), D65) is None


@pytest.mark.parametrize("camera", range(4))
def test_surfaces_under_a_lamp_come_out_as_the_dng_specification_has_them(camera: int) -> None:
    """Any XYZ under illuminant A, seen by the camera, balanced, comes out as its Bradford-adapted self."""
    matrix = BROOKS_XYZ_TO_CAMERA[camera]
    daylight, lamp = gains_under(matrix, D65), gains_under(matrix, ILLUMINANT_A)
    seen = np.random.default_rng(camera).uniform(0.05, 0.9, (50, 3)) * ILLUMINANT_A
    balanced = (seen @ matrix.T) * lamp
    scale = 1 / (matrix @ ILLUMINANT_A)[1]
    found = (balanced * scale) @ matrix_under(camera_to_srgb(matrix), daylight, lamp).astype(float).T
    transform = adaptation(ILLUMINANT_A, D65)
    assert transform is not None
    assert np.allclose(found, seen @ (np.linalg.inv(SRGB_TO_XYZ) @ transform).T, atol=1e-5)


def test_neutral_stays_neutral_under_every_light() -> None:
    matrix = camera_to_srgb(BROOKS_XYZ_TO_CAMERA[1])
    for gains in ((1.2, 1.0, 2.8), (2.6, 1.0, 1.2), (1.9, 1.0, 1.9)):
        assert np.allclose(matrix_under(matrix, (2.0, 1.0, 1.5), gains).sum(axis=1), 1, atol=1e-5)


def test_daylight_and_what_is_not_known_leave_the_matrix_alone() -> None:
    matrix = camera_to_srgb(BROOKS_XYZ_TO_CAMERA[0])
    assert matrix_under(matrix, (2.0, 1.0, 1.5), (2.0, 1.0, 1.5)) is matrix
    assert matrix_under(matrix, None, (1.2, 1.0, 2.8)) is matrix
    assert matrix_under(matrix, (2.0, 1.0, 1.5), (16.0, 1.0, 1 / 16)) is matrix  # no light has such a white
