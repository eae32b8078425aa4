"""Develops a mosaic to a picture (white balance, demosaicking, matrix, transfer curve), and back."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.messages import say
from explorer.photo.light.cameras import NOMINAL_CAMERA_TO_SRGB, NOMINAL_GAINS, SRGB_TO_XYZ
from explorer.photo.light.cfa import PERIODS, Cfa, completing_inset, mosaic_from_rgb, scale_channels, without_inset
from explorer.photo.light.curves import CurveMemory, display_of, linear_of, linear_to_srgb, srgb_to_linear
from explorer.photo.light.demosaic import demosaic, each_developed_band
from explorer.photo.parallel import in_bands, rows_of_band, square_of_band
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray, WhiteBalance


def apply_matrix(image: FloatArray, matrix: FloatArray) -> FloatArray:
    """Multiplies the pixels of an H x W x 3 picture by a 3x3 matrix."""
    return image @ _contiguous(matrix)


def _contiguous(matrix: FloatArray) -> FloatArray:
    """Transposes a matrix in memory: a product with a view of the transposed one takes twice as long."""
    return np.ascontiguousarray(matrix.T, dtype=np.float32)


def _mixed(band: FloatArray, matrix: FloatArray) -> FloatArray:
    """Multiplies 3 x rows x W by a 3x3 matrix."""
    return (np.asarray(matrix, dtype=np.float32) @ band.reshape(3, -1)).reshape(band.shape)


def camera_rgb(raw: RawPhoto) -> FloatArray:
    """Returns H x W x 3 linear, white-balanced camera RGB: the mosaic with its gains, demosaicked, without clipping."""
    image = demosaic(scale_channels(raw.mosaic, raw.white_balance.gains, raw.cfa), raw.cfa)
    return without_inset(image, raw.inset)


def _developed(
    raw: RawPhoto, ratio: float, display: bool, out: FloatArray | None, beyond_white: bool = False
) -> FloatArray:
    """Converts camera RGB to linear or display-referred sRGB, clipped where the first channel saturates: above that
    level a surface's colour is unknown."""
    white = 1.0 if display and not beyond_white else np.inf
    image = np.empty((*raw.sensor_size, 3), dtype=np.float32) if out is None else out
    matrix = raw.color_matrix

    def finish(rows: slice, inside: Any, band: FloatArray) -> None:
        mixed = _mixed(band, matrix)
        if display:
            mixed = display_of(np.clip(mixed, 0, white, out=mixed))
        image[rows] = np.moveaxis(mixed[inside], 0, 2)

    each_developed_band(raw, ratio, finish, white)
    return image


def develop_linear(raw: RawPhoto, ratio: float = 1.0) -> FloatArray:
    """Develops a mosaic to linear sRGB.

    Args:
        raw: the photo.
        ratio: multiplies the light.

    Returns:
        H x W x 3, sensor orientation. Not clipped to [0, 1]: noise leaves negative values, amplified light exceeds 1.
        Saturated samples are clipped to the smallest saturated channel, so that blown highlights are neutral.
    """
    return _developed(raw, ratio, False, None)


def develop(
    raw: RawPhoto, ratio: float = 1.0, *, beyond_white: bool = False, out: FloatArray | None = None
) -> FloatArray:
    """Develops a mosaic to a display-referred picture: white balance, demosaicking, colour matrix, sRGB transfer curve.

    Args:
        raw: the photo.
        ratio: multiplies the light before it is clipped at white.
        beyond_white: keep amplified light above white, under the same curve, instead of clipping it to 1.
        out: H x W x 3 float32 to write to, in any memory order.

    Returns:
        H x W x 3 sRGB in [0, 1], or from 0 up, sensor orientation.
    """
    return _developed(raw, ratio, True, out, beyond_white)


def camera_to_display(image: FloatArray, camera_to_srgb: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Converts white-balanced camera RGB under the sRGB transfer curve to sRGB.

    For networks that were trained to return camera colours.

    Args:
        image: H x W x 3 in [0, 1].
        camera_to_srgb: 3x3, as in `ModelInput`.
        out: H x W x 3 float32 to write to, which may be the image itself.

    Returns:
        H x W x 3 sRGB in [0, 1].
    """
    result = np.empty(image.shape, dtype=np.float32) if out is None else out
    finish(image, camera_to_srgb, result)
    return result


def finish(image: FloatArray, camera_to_srgb: FloatArray | None, out: NDArray[Any]) -> None:
    """Finishes a network's picture in one pass: clips it, converts camera colours to sRGB, rounds it if asked.

    Each thread reuses its memory for all its pieces, because allocating it for each step takes longer than the step.

    Args:
        image: H x W x 3 under the sRGB transfer curve; H x W without a matrix.
        camera_to_srgb: 3x3, as in `ModelInput`; None for a picture that is sRGB already.
        out: the same shape, for sRGB: float32 in [0, 1], or unsigned integers, the largest for 1. May be the image
            itself, or a view of a rotated picture.
    """
    image, out = _along(image, out)
    height, width, *colors = image.shape
    depth = math.prod(colors)
    turned = image.strides[1] != image.itemsize * depth
    # Pixels of a turned picture are read down its columns, so pieces are as high as they are wide.
    rows, columns = (square_of_band(depth),) * 2 if turned else (rows_of_band(depth * width, 1), width)
    matrix = None if camera_to_srgb is None else _contiguous(camera_to_srgb)
    direct = out.dtype == np.float32
    places = [(top, left) for top in range(0, height, rows) for left in range(0, width, columns)]
    own = threading.local()

    def work(first: int, stop: int) -> None:
        if not hasattr(own, "memory"):
            own.memory = CurveMemory((min(rows, height), min(columns, width), *colors))
        for top, left in places[first:stop]:
            part, target = (each[top : top + rows, left : left + columns] for each in (image, out))
            memory = own.memory.shaped(part.shape)
            part = _copied(part, memory.value) if turned else part
            np.clip(part, 0, 1, out=target if direct and matrix is None else memory.value)
            if matrix is not None:
                memory.linear()
                np.matmul(memory.value.reshape(-1, 3), matrix, out=memory.spare.reshape(-1, 3))
                np.clip(memory.spare, 0, 1, out=memory.value)
                memory.display(target if direct else None)
            if not direct:
                memory.value *= np.float32(np.iinfo(out.dtype).max)
                memory.value += np.float32(0.5)
                target[...] = memory.value

    in_bands(len(places), 1, work)


def _along(image: FloatArray, out: NDArray[Any]) -> tuple[FloatArray, NDArray[Any]]:
    """Views two arrays of H x W (x 3) alike, so that the second one's rows are forward and one piece in memory."""
    if abs(out.strides[0]) < abs(out.strides[1]):
        image, out = image.swapaxes(0, 1), out.swapaxes(0, 1)
    forward = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in out.strides[:2])
    return image[forward], out[forward]


def _copied(image: FloatArray, out: FloatArray) -> FloatArray:
    """Copies a turned picture channel by channel, because NumPy's inner loop would be over its few channels."""
    for channel in np.ndindex(image.shape[2:]):
        at = (..., *channel)
        out[at] = image[at]
    return out


def quantise(image: FloatArray, bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Clips floats, H x W x 3 or H x W, to [0, 1] and rounds them to integers of 8 or 16 bits."""
    samples = np.empty(image.shape, dtype=np.uint8 if bits == 8 else np.uint16)
    finish(image, None, samples)
    return samples


def upright(image: FloatArray, rotation: int, mirrored: bool = False) -> FloatArray:
    """Mirrors a picture left to right if asked, then turns it counter-clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, rotation // 90))


def lying_in(picture: FloatArray, rotation: int, mirrored: bool = False) -> FloatArray:
    """Returns a writable view of an upright picture in sensor orientation; undoes `upright`."""
    lying = np.rot90(picture, -(rotation // 90))
    return lying[:, ::-1] if mirrored else lying


def grey_of(image: FloatArray) -> FloatArray:
    """Returns H x W x 3 sRGB with its luminance in all three channels."""
    light = srgb_to_linear(image) @ SRGB_TO_XYZ[1].astype(np.float32)
    return np.repeat(linear_to_srgb(light)[..., None], 3, axis=2)


def load_rendering(photo: Photo) -> FloatArray:
    """Renders a photo as the camera shows it: H x W x 3 sRGB in [0, 1], upright, not amplified."""
    return upright(develop(photo), photo.rotation, photo.mirrored) if isinstance(photo, RawPhoto) else photo.image


def unprocess(rgb: RgbPhoto, cfa: Cfa = "bayer") -> RawPhoto:
    """Makes a mosaic from which `develop` restores the picture: what the nominal camera would have recorded.

    Applies the inverse transfer curve, matrix and gains of the nominal camera (`explorer.photo.light.cameras`; after
    Brooks et al., CVPR 2019), then samples through the colour-filter array. Other processing by the picture's own
    camera (tone curve, denoising, compression) is not undone. Nothing is clipped: white becomes a sample of 1 / gain in
    each channel, which development turns back into white, and colours outside the nominal camera's gamut become samples
    below 0 or above 1.

    Args:
        rgb: the picture; if its sides are not whole tiles (2 or 6), its reflection completes the mosaic.
        cfa: "bayer" (RGGB) or "xtrans".
    """
    height, width = rgb.image.shape[:2]
    inset = completing_inset((height, width), (0, 0), cfa)
    mosaic = np.empty((height + inset[2], width + inset[3]), dtype=np.float32)
    to_camera = np.linalg.inv(NOMINAL_CAMERA_TO_SRGB)

    def sample(top: int, bottom: int) -> None:
        # The last band is completed by reflecting its own rows, since fewer rows are missing than a tile has.
        first = max(0, min(top, height - PERIODS[cfa]) // PERIODS[cfa] * PERIODS[cfa])
        camera = apply_matrix(linear_of(rgb.image[first:bottom]), to_camera)
        camera /= np.asarray(NOMINAL_GAINS, dtype=np.float32)
        mosaic[top : None if bottom == height else bottom] = mosaic_from_rgb(camera, cfa)[top - first :]

    in_bands(height, rows_of_band(3 * width, PERIODS[cfa]), sample)
    note = say("note.unprocessed_for_model")
    return RawPhoto(
        mosaic=mosaic,
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
        inset=inset,
        name=rgb.name,
        exif=rgb.exif,
        notes=(*rgb.notes, note),
    )


__all__ = [
    "apply_matrix", "camera_rgb", "camera_to_display", "develop", "develop_linear", "finish", "linear_to_srgb",
    "load_rendering", "lying_in", "quantise", "srgb_to_linear", "unprocess", "upright",
]  # fmt: skip
