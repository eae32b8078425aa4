"""From a mosaic to a picture (white balance, demosaic, matrix, transfer curve), and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.photo.cameras import NOMINAL_CAMERA_TO_SRGB, NOMINAL_GAINS
from explorer.photo.cfa import TILES, Cfa, mosaic_from_rgb, scale_channels
from explorer.photo.demosaic import demosaic
from explorer.photo.types import FloatArray, Photo, RawPhoto, RgbPhoto, WhiteBalance


def srgb_to_linear(array: NDArray[np.floating]) -> FloatArray:
    """Undoes the sRGB transfer curve (IEC 61966-2-1). Values below 0 are taken as 0; those above 1 follow the curve."""
    value = np.maximum(array, 0).astype(np.float32, copy=False)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32, copy=False)


def linear_to_srgb(array: NDArray[np.floating]) -> FloatArray:
    """Applies the sRGB transfer curve (IEC 61966-2-1). Values below 0 are taken as 0; those above 1 follow the
    curve."""
    value = np.maximum(array, 0).astype(np.float32, copy=False)
    curve = 1.055 * value ** np.float32(1 / 2.4) - 0.055
    return np.where(value <= 0.0031308, value * 12.92, curve).astype(np.float32, copy=False)


def apply_matrix(image: FloatArray, matrix: FloatArray) -> FloatArray:
    """H x W x 3 times a 3x3 matrix, pixel by pixel."""
    return image @ np.asarray(matrix, dtype=np.float32).T


def camera_rgb(raw: RawPhoto) -> FloatArray:
    """H x W x 3 linear, white-balanced camera RGB: the mosaic with its gains, demosaicked; nothing is clipped."""
    return demosaic(scale_channels(raw.mosaic, raw.white_balance.gains, raw.cfa), raw.cfa)


def _developed_camera_rgb(raw: RawPhoto, ratio: float, ceiling: float) -> FloatArray:
    """Camera RGB in which every channel ends at the level where the first one saturates.

    Beyond that level a surface's colour is not known; without the common ceiling, saturated highlights turn magenta,
    because green, whose gain is smallest, stays behind red and blue.
    """
    gains = raw.white_balance.gains
    level = np.float32(min(ratio * min(gains), ceiling))
    red, green, blue = (float(gain * ratio) for gain in gains)
    balanced = scale_channels(raw.mosaic, (red, green, blue), raw.cfa)
    image = demosaic(np.minimum(balanced, level, out=balanced), raw.cfa)
    return np.minimum(image, level, out=image)


def develop_linear(raw: RawPhoto, ratio: float = 1.0) -> FloatArray:
    """A mosaic as linear sRGB.

    Args:
        raw: the photo.
        ratio: multiplies the light.

    Returns:
        H x W x 3, sensor orientation. Not clipped to [0, 1]: noise leaves negative values, amplified light goes past 1.
        Saturated samples are brought to the smallest saturated channel, so that blown highlights are neutral.
    """
    return apply_matrix(_developed_camera_rgb(raw, ratio, np.inf), raw.camera_to_srgb)


def develop(raw: RawPhoto, ratio: float = 1.0) -> FloatArray:
    """A mosaic as a display-referred picture: white balance, demosaic, colour matrix, sRGB transfer curve.

    Args:
        raw: the photo.
        ratio: multiplies the light before it is clipped at white.

    Returns:
        H x W x 3 sRGB in [0, 1], sensor orientation.
    """
    linear = apply_matrix(_developed_camera_rgb(raw, ratio, 1.0), raw.camera_to_srgb)
    return linear_to_srgb(np.clip(linear, 0, 1, out=linear))


def camera_to_display(image: FloatArray, camera_to_srgb: FloatArray) -> FloatArray:
    """White-balanced camera RGB that carries the sRGB transfer curve -> sRGB.

    For networks that were trained to give camera colours.

    Args:
        image: H x W x 3 in [0, 1].
        camera_to_srgb: 3x3, as in `ModelInput`.

    Returns:
        H x W x 3 sRGB in [0, 1].
    """
    linear = apply_matrix(srgb_to_linear(np.clip(image, 0, 1)), camera_to_srgb)
    return linear_to_srgb(np.clip(linear, 0, 1, out=linear))


def upright(image: FloatArray, rotation: int) -> FloatArray:
    """Turns a picture counter-clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image, rotation // 90))


def load_rendering(photo: Photo) -> FloatArray:
    """The picture as the camera shows it: H x W x 3 sRGB in [0, 1], upright, not amplified."""
    return upright(develop(photo), photo.rotation) if isinstance(photo, RawPhoto) else photo.image


def unprocess(rgb: RgbPhoto, cfa: Cfa = "bayer") -> RawPhoto:
    """A mosaic from which `develop` gives the picture back: the nominal camera's view of it.

    The inverse transfer curve, matrix and gains of the nominal camera (`explorer.photo.cameras`; after Brooks et al.,
    CVPR 2019), then sampling through the colour-filter array. What the picture's own camera did besides (tone curve,
    denoising, compression) is not undone. Nothing is clipped: white becomes a sample of 1 / gain in each channel, which
    development brings back to white, and colours that the nominal camera cannot see become samples below 0 or above 1.

    Args:
        rgb: the picture; rows and columns beyond whole tiles (2 or 6) are cropped.
        cfa: "bayer" (RGGB) or "xtrans".

    Raises:
        PhotoError: the picture is smaller than one tile.
    """
    from explorer.errors import PhotoError

    period = TILES[cfa].shape[0]
    height, width = rgb.image.shape[:2]
    if height < period or width < period:
        raise PhotoError(f"{rgb.name} has {width} x {height} pixels, fewer than a mosaic needs ({period} x {period}).")
    camera = apply_matrix(srgb_to_linear(rgb.image), np.linalg.inv(NOMINAL_CAMERA_TO_SRGB))
    camera /= np.asarray(NOMINAL_GAINS, dtype=np.float32)
    note = (
        "The picture was unprocessed to a mosaic with a nominal camera (Brooks et al. 2019), because the model takes "
        "RAW; what compression and the camera's own processing removed is not brought back."
    )
    return RawPhoto(
        mosaic=mosaic_from_rgb(camera, cfa),
        cfa=cfa,
        phase="RGGB" if cfa == "bayer" else "X-Trans",
        white_balance=WhiteBalance(NOMINAL_GAINS, "the nominal camera of the unprocessing"),
        as_shot=NOMINAL_GAINS,
        daylight=NOMINAL_GAINS,
        camera_to_srgb=NOMINAL_CAMERA_TO_SRGB,
        matrix_source="the nominal camera of the unprocessing",
        exposure=rgb.exposure,
        camera=rgb.camera,
        black_level=(0.0,),
        white_level=float(2**rgb.bits - 1 if rgb.bits <= 16 else 1),
        bits=rgb.bits,
        name=rgb.name,
        exif=rgb.exif,
        notes=(*rgb.notes, note),
    )


__all__ = [
    "apply_matrix", "camera_rgb", "camera_to_display", "develop", "develop_linear", "linear_to_srgb",
    "load_rendering", "srgb_to_linear", "unprocess", "upright",
]  # fmt: skip
