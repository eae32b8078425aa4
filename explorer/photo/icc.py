"""Embedded colour profiles (ICC.1:2010) to sRGB.

Profiles of the matrix and curve kind, which nearly all pictures carry, are applied here in floating point, so that
16-bit pictures keep their depth; others (lookup tables, CMYK, Lab) go through LittleCMS, which Pillow offers at 8
bits only.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.photo.develop import linear_to_srgb
from explorer.photo.types import FloatArray

_D50_TO_LINEAR_SRGB = np.linalg.inv(
    np.array(
        [
            [0.4360747, 0.3850649, 0.1430804],
            [0.2225045, 0.7168786, 0.0606169],
            [0.0139322, 0.0971045, 0.7141733],
        ]
    )
)
"""Inverse of sRGB's primaries adapted to D50 (Bradford), the white point of the profile connection space."""

_Curve = Callable[[FloatArray], NDArray[np.floating]]
_UNCHANGED = 1.5 / 255
"""Largest change of a colour below which a profile is taken for sRGB itself, and the samples are left as they are."""


def _fixed(data: bytes, count: int) -> NDArray[np.float64]:
    return np.frombuffer(data[: 4 * count], dtype=">i4").astype(np.float64) / 65536


def _parametric(kind: int, data: bytes) -> _Curve:
    """Function types 0 to 4 of parametricCurveType (ICC.1:2010, 10.16)."""
    count = (1, 3, 4, 5, 7)[kind]
    g, a, b, c, d, e, f = np.concatenate([_fixed(data, count), np.zeros(7 - count)])
    if kind == 0:
        return lambda x: x**g
    if kind in (1, 2):  # below -b/a the curve is the constant c (0 in type 1)
        return lambda x: np.where(x >= -b / a, np.maximum(a * x + b, 0) ** g + c, c)
    return lambda x: np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)


def _curve(data: bytes) -> _Curve:
    kind = data[:4]
    if kind == b"para":
        return _parametric(struct.unpack(">H", data[8:10])[0], data[12:])
    if kind != b"curv":
        raise ValueError(f"curve type {kind!r}")
    count = struct.unpack(">I", data[8:12])[0]
    if count == 0:
        return lambda x: x
    if len(data) < 12 + 2 * count:  # a count beyond the data would ask for gigabytes
        raise ValueError("curve table")
    table = np.frombuffer(data[12 : 12 + 2 * count], dtype=">u2").astype(np.float32)
    if count == 1:
        gamma = float(table[0]) / 256
        return lambda x: x**gamma
    table /= 65535
    places = np.linspace(0, 1, count, dtype=np.float32)
    return lambda x: np.interp(x, places, table)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    count = struct.unpack(">I", profile[128:132])[0]
    if count > 200:
        raise ValueError("tag table")
    table = {}
    for index in range(count):
        code, offset, size = struct.unpack(">4sII", profile[132 + 12 * index : 144 + 12 * index])
        table[code] = profile[offset : offset + size]
    return table


def shaper(profile: bytes) -> Callable[[FloatArray], FloatArray] | None:
    """The conversion to sRGB of a matrix-and-curve profile (RGB) or a grey profile.

    Returns:
        A function of H x W x 3 in [0, 1] (grey pictures have three equal channels), or None if the profile is of
        another kind or damaged.
    """
    try:
        tags, space, connection = _tags(profile), profile[16:20], profile[20:24]
        if space == b"GRAY":
            grey = _curve(tags[b"kTRC"])
            return lambda image: linear_to_srgb(np.clip(grey(image), 0, 1))
        if space != b"RGB " or connection != b"XYZ " or b"A2B0" in tags:
            return None
        curves = [_curve(tags[code]) for code in (b"rTRC", b"gTRC", b"bTRC")]
        primaries = np.stack([_fixed(tags[code][8:], 3) for code in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
        matrix = (_D50_TO_LINEAR_SRGB @ primaries).astype(np.float32)
        if not np.isfinite(matrix).all():
            return None
    except (KeyError, ValueError, IndexError, struct.error):
        return None

    def convert(image: FloatArray) -> FloatArray:
        linear = np.empty_like(image)
        for channel, curve in enumerate(curves):
            linear[..., channel] = curve(image[..., channel])
        linear = linear @ matrix.T
        return linear_to_srgb(np.clip(linear, 0, 1, out=linear))

    return convert


def to_srgb(image: FloatArray, profile: bytes) -> tuple[FloatArray, str | None]:
    """An RGB or grey picture with an embedded profile -> sRGB.

    Args:
        image: H x W x 3 in [0, 1].
        profile: the ICC profile.

    Returns:
        The picture in sRGB, and a note for the user where something was lost.
    """
    convert = shaper(profile)
    if convert is None:
        return _through_lcms(image, profile)
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    probe = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    if profile[16:20] == b"GRAY":
        probe = np.repeat(steps[None, :, None], 3, axis=2)
    if np.abs(convert(probe) - probe).max() < _UNCHANGED:
        return image, None
    return convert(image), None


def _through_lcms(image: FloatArray, profile: bytes) -> tuple[FloatArray, str | None]:
    from PIL import Image

    picture = Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8))
    converted, note = picture_to_srgb(picture, profile)
    if converted is picture:
        return image, note
    return np.asarray(converted, dtype=np.float32) / np.float32(
        255
    ), "The colour profile was applied at 8 bits a channel."


def picture_to_srgb(picture: Any, profile: bytes | None) -> tuple[Any, str | None]:
    """A Pillow picture (RGB, CMYK, Lab) through LittleCMS to 8-bit sRGB, and a note where the profile cannot be
    used."""
    from PIL import ImageCms

    note = None
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted, None
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            note = "The embedded colour profile cannot be used and was ignored."
    return (picture if picture.mode == "RGB" else picture.convert("RGB")), note
