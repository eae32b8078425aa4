"""Converts CIE L*a*b* under D50, as stored in TIFF, to sRGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.files.color import D65, SRGB_PRIMARIES, rgb_to_xyz, xyz_of
from explorer.photo.files.decoded import Decoded, divided
from explorer.photo.light.chromatic_adaptation import D50, adaptation
from explorer.photo.light.curves import linear_to_srgb
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.values import FloatArray

_CIE_LAB, _ICC_LAB = 8, 9


def lab_to_srgb(lab: FloatArray) -> FloatArray:
    """Converts H x W x 3, L* from 0 to 100, to sRGB in [0, 1]; colours outside sRGB are clipped."""
    adapted = adaptation(D50, xyz_of(*D65))
    assert adapted is not None
    matrix = (np.linalg.inv(rgb_to_xyz(SRGB_PRIMARIES)) @ adapted @ np.diag(D50)).astype(np.float32)
    out = np.empty_like(lab)

    def work(top: int, bottom: int) -> None:
        light, a, b = (lab[top:bottom, :, channel] for channel in range(3))
        y = (light + np.float32(16)) / np.float32(116)
        roots = np.stack([y + a / np.float32(500), y, y - b / np.float32(200)], axis=-1)
        xyz = np.where(roots > 6 / 29, roots**3, (roots - np.float32(4 / 29)) * np.float32(3 * (6 / 29) ** 2))
        out[top:bottom] = linear_to_srgb(np.clip(xyz @ matrix.T, 0, 1))

    in_bands(lab.shape[0], rows_of_band(lab.shape[1], 1), work)
    return out


def decoded(
    samples: NDArray, photometric: int, depth: int, name: str, multiplied_by: FloatArray | None = None
) -> Decoded:
    """Converts the Lab picture of a TIFF to sRGB.

    Args:
        samples: H x W x 3 or more, as stored.
        photometric: 8, CIELab (a* and b* are signed); 9, ICCLab (they have an offset); 10, ITULab.
        depth: bits of a sample.
        name: the file's name in messages.
        multiplied_by: H x W x 1, the opacity, if the stored samples are multiplied by it.

    Raises:
        PhotoError: ITULab, which has the ranges of fax machines, or a depth other than 8, 16 or float.
    """
    if photometric not in (_CIE_LAB, _ICC_LAB) or samples.shape[2] < 3:
        raise PhotoError(code="error.fax_lab", name=name)
    lab = samples[..., :3]
    if lab.dtype.kind == "f":
        values, bits = lab.astype(np.float32), 32
    elif depth in (8, 16):
        bits, step = depth, float(2 ** (depth - 8))
        stored = lab.view(f"u{depth // 8}") if lab.dtype.kind == "i" else lab
        # In 16 bits, ICC.1 codes 100 as FF00, TIFF's own Lab as FFFF.
        white = 255 * step if photometric == _ICC_LAB and depth == 16 else 2**depth - 1
        light = stored[..., :1].astype(np.float32) * np.float32(100 / white)
        if photometric == _CIE_LAB:
            ab = np.ascontiguousarray(stored[..., 1:]).view(f"i{depth // 8}").astype(np.float32) / np.float32(step)
        else:
            offset = np.float32(128) if multiplied_by is None else np.float32(128) * multiplied_by
            ab = stored[..., 1:].astype(np.float32) / np.float32(step) - offset
        values = np.concatenate([light, ab], axis=-1)
    else:
        raise PhotoError(code="error.lab_bits", name=name, bits=depth)
    if multiplied_by is not None:
        values = divided(values, multiplied_by).clip((0, -128, -128), (100, 128, 128)).astype(np.float32)
    return Decoded(lab_to_srgb(values), 1.0, bits)
