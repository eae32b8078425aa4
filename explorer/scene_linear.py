"""Writes a restoration as linear light for compositing: TIFF or OpenEXR, 32-bit floats in Rec. 2020 (ITU-R BT.2020)."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.photo.files.exif_writer import add_exif_to_tiff
from explorer.photo.files.metadata import without_place
from explorer.photo.light.cameras import SRGB_TO_XYZ
from explorer.photo.light.chromatic_adaptation import D50, adaptation
from explorer.photo.light.curves import linear_of
from explorer.photo.light.develop import apply_matrix, upright
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.validation import finite_number
from explorer.photo.values import FloatArray

if TYPE_CHECKING:
    from explorer.restoration import Restoration

_PRIMARIES = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
"""Chromaticities of red, green and blue (BT.2020, table 3); white is D65."""
_WHITE = (0.3127, 0.3290)
_PROFILE = "Linear Rec. 2020"
_NEARLY, _SATURATED = np.float32(0.9), np.float32(0.99)
"""Fractions of a sensor's white at which a sample begins to count as saturated, and at which it fully does."""


def _to_xyz() -> NDArray[np.float64]:
    """3x3, linear Rec. 2020 to CIE XYZ, D65."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in _PRIMARIES]).T
    return np.asarray(columns * np.linalg.solve(columns, SRGB_TO_XYZ.sum(axis=1)))


def from_srgb() -> FloatArray:
    """3x3, linear sRGB to linear Rec. 2020."""
    return np.asarray(np.linalg.inv(_to_xyz()) @ SRGB_TO_XYZ, dtype=np.float32)


def linear_light(restoration: Restoration) -> FloatArray:
    """Returns a result as H x W x 3 linear Rec. 2020, upright, 1 for white.

    For a RAW photo, this includes colours outside sRGB and amplified light above white. The latter comes from the photo
    itself, because networks end at white; where the sensor was saturated, see `_without_casts`.
    """
    matrix, scene = from_srgb(), restoration.scene
    if scene is None:
        image = restoration.image
        light = np.empty(image.shape, dtype=np.float32)

        def of_picture(top: int, bottom: int) -> None:
            light[top:bottom] = apply_matrix(linear_of(image[top:bottom]), matrix)

        in_bands(len(image), rows_of_band(image.shape[1] * 3, 1), of_picture)
        return light
    photo = scene.photo
    light = np.empty((*photo.sensor_size, 3), dtype=np.float32)
    white = np.array(photo.white_balance.gains, dtype=np.float32) * np.float32(restoration.ratio)
    to_display = matrix @ (np.eye(3, dtype=np.float32) if photo.monochrome else photo.color_matrix)

    def of_scene(top: int, bottom: int, band: FloatArray) -> None:
        light[top:bottom] = apply_matrix(band if photo.monochrome else _without_casts(band, white), to_display)

    scene.each_band(restoration.ratio, of_scene, highlights=True)
    return upright(light, photo.rotation, photo.mirrored)


def _without_casts(light: FloatArray, white: FloatArray) -> FloatArray:
    """Raises saturated channels, which would leave a lamp magenta: to the mean of the others, since that much light was
    there at least, and to the brightest where all are saturated, which makes them neutral.

    Args:
        light: rows x W x 3 white-balanced camera RGB.
        white: what a saturated sample becomes in each channel.
    """
    share = np.clip((light / white - _NEARLY) / (_SATURATED - _NEARLY), 0, 1)
    brightest = light.max(axis=2, keepdims=True)
    others = (light.sum(axis=2, keepdims=True) - light) / 2
    target = others + share.min(axis=2, keepdims=True) * (brightest - others)
    return np.asarray(light + share * np.maximum(target - light, 0))


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(each) * 65536) for each in values))


def profile() -> bytes:
    """Builds an ICC profile (ICC.1:2001-04, a matrix and straight curves) of linear Rec. 2020."""
    text = _PROFILE.encode("ascii") + b"\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    adapted = adaptation(SRGB_TO_XYZ.sum(axis=1), D50)
    assert adapted is not None
    primaries = adapted @ _to_xyz()
    contents = {
        b"desc": description,
        b"cprt": b"text\0\0\0\0No copyright\0",
        b"wtpt": _xyz(D50),
        **{name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv\0\0\0\0\0\0\0\0"),
    }
    start = 128 + 4 + 12 * len(contents)
    table, data = struct.pack(">I", len(contents)), b""
    for name, content in contents.items():
        table += name + struct.pack(">2I", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(data), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _xyz(D50)[8:]
    return header.ljust(128, b"\0") + table + data


def encode_linear(restoration: Restoration, keep_gps: bool = False) -> bytes:
    """Encodes a result as the bytes of a floating-point TIFF."""
    import tifffile

    exif = restoration.exif if keep_gps else without_place(restoration.exif)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, linear_light(restoration), photometric="rgb", compression="zlib", predictor=True, metadata=None,
        byteorder="<", iccprofile=profile(),
    )  # fmt: skip
    if exif:
        add_exif_to_tiff(buffer, exif)
    return buffer.getvalue()


_EXIF, _EXPOSURE = 34665, {"expTime": 33434, "aperture": 33437, "isoSpeed": 34855}
"""Tag of the EXIF directory, and OpenEXR's attributes with the EXIF tags that they hold."""


def encode_openexr(restoration: Restoration) -> bytes:
    """Encodes a result as an OpenEXR file: R, G and B as 32-bit floats, their chromaticities, camera and exposure.

    Needs the library OpenEXR; `explorer.saving.Saving.check` reports if it is not installed.
    """
    import OpenEXR

    chromaticities = tuple(value for point in (*_PRIMARIES, _WHITE) for value in point)
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "chromaticities": chromaticities,
        **_attributes(restoration.exif),
    }
    # The library writes to paths only.
    with TemporaryDirectory(prefix="lowlight-exr-") as folder:
        path = Path(folder) / "light.exr"
        light = np.ascontiguousarray(linear_light(restoration))
        OpenEXR.File(header, {"RGB": light}).write(str(path))
        del light
        return path.read_bytes()


def _attributes(exif: bytes | None) -> dict[str, object]:
    """Camera and exposure as OpenEXR's standard attributes, without the place."""
    from PIL import Image

    tags = Image.Exif()
    if exif:
        tags.load(b"Exif\0\0" + exif)
    found: dict[str, object] = {"software": "Lowlight Explorer"}
    for name, tag in (("cameraMake", 271), ("cameraModel", 272)):
        if isinstance(tags.get(tag), str):
            found[name] = tags[tag]
    inside = tags.get_ifd(_EXIF)
    for name, tag in _EXPOSURE.items():
        number = finite_number(inside.get(tag))
        if number is not None and number > 0:
            found[name] = number
    return found
