"""Reads AVIF with imagecodecs (libavif) and, if installed, HEIC with pillow-heif (libheif), at full bit depth.

The orientation comes from the file's boxes, not from its EXIF block (ISO/IEC 23008-12, annex A.2.1). libheif applies it
by itself; libavif leaves it to the caller.
"""

from __future__ import annotations

import importlib

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.files.bmff import Container, is_cut_off, read_container
from explorer.photo.files.color import ColorSpace, coded_space, is_hdr
from explorer.photo.files.decoded import SEQUENCE, Decoded, Model, damaged, exif_of, through_pillow
from explorer.photo.files.endings import END_MISSING, bmff_picture
from explorer.photo.limits import Limits


def arranged(samples: NDArray, container: Container) -> NDArray:
    """Crops, rotates and mirrors the picture as the boxes say, in their order."""
    for step, values in container.steps:
        if step == "crop":
            left, top, width, height = values
            samples = samples[top : top + height, left : left + width]
        elif step == "turn":
            samples = np.rot90(samples, values[0])
        else:
            samples = samples[:, ::-1] if values[0] == 1 else samples[::-1]
    return samples


def _check_size(container: Container, name: str, limits: Limits) -> None:
    if container.size is not None:
        limits.check_pixels(*container.size, name)


def _made(samples: NDArray, peak: int, bits: int, container: Container, space: ColorSpace | None) -> Decoded:
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    model: Model = "grey" if channels <= 2 else "rgb"
    profile = None if space is not None and is_hdr(space.transfer) else container.profile
    return Decoded(
        samples, float(peak), bits, model, channels in (2, 4), space=space, profile=profile,
        exif=exif_of(container.exif),
    )  # fmt: skip


def read_avif(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes an AVIF; for a sequence, the first picture.

    Raises:
        PhotoError: damaged, truncated or too large.
    """
    import imagecodecs

    container = read_container(data)
    _check_size(container, name, limits)
    if container.sequence and not container.picture:
        decoded = through_pillow(data, ["AVIF"], name, "AVIF", limits)
        decoded.orientation, decoded.exif, decoded.notes = 1, None, [SEQUENCE]
        return decoded
    cut = is_cut_off(data)
    try:
        # For a sequence, imagecodecs writes all pictures into the memory of one and crashes the process.
        samples = imagecodecs.avif_decode(bmff_picture(data) if container.sequence or cut else data, index=0)
    except Exception as error:  # decoders raise all kinds of exceptions on damaged data
        raise damaged(error, name, "AVIF") from error
    bits = 8
    if samples.dtype != np.uint8:
        bits = container.bits if container.bits in (10, 12, 16) else 12 if samples.max() > 1023 else 10
    decoded = _made(arranged(samples, container), 2**bits - 1, bits, container, container.space)
    decoded.notes += [note for note, told in ((END_MISSING, cut), (SEQUENCE, container.sequence)) if told]
    return decoded


def read_heic(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes the primary picture of a HEIC.

    Raises:
        PhotoError: damaged, truncated, too large, or pillow-heif is not installed.
    """
    try:
        pillow_heif = importlib.import_module("pillow_heif")
    except ImportError as error:
        raise PhotoError(code="error.heic", name=name) from error
    container = read_container(data)
    _check_size(container, name, limits)
    try:
        opened = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
        limits.check_pixels(int(opened.size[0]), int(opened.size[1]), name)
        samples, mode, info = np.asarray(opened), str(opened.mode), dict(opened.info)
        stored = int(info.get("bit_depth") or 8)
    except PhotoError:
        raise
    except Exception as error:
        raise damaged(error, name, "HEIC") from error
    bits = 8
    if samples.dtype != np.uint8:  # pillow-heif shifts the samples to the upper bits of 16
        bits = min(max(stored, 9), 16)
        samples = samples >> (16 - bits)
    container.profile = info.get("icc_profile") or container.profile
    container.exif = info.get("exif") or container.exif
    space = container.space
    nclx = info.get("nclx_profile")
    if space is None and nclx:  # stated in the picture's stream, not in a box
        try:
            space = coded_space(int(nclx["color_primaries"]), int(nclx["transfer_characteristics"]))
        except (ValueError, KeyError):
            space = None
    decoded = _made(samples, 2**bits - 1, bits, container, space)
    decoded.premultiplied = container.premultiplied or mode.startswith("RGBa")
    return decoded
