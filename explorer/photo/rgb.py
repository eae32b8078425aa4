"""Developed pictures: JPEG, PNG, TIFF, WebP, GIF, BMP, and HEIC or AVIF where their decoders are there."""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.photo.icc import picture_to_srgb, to_srgb
from explorer.photo.limits import Limits
from explorer.photo.metadata import Metadata, metadata_of_exif, metadata_of_tiff_block
from explorer.photo.types import FloatArray, RgbPhoto

_FORMATS = {"jpeg": ["JPEG", "MPO"], "png": ["PNG"], "webp": ["WEBP"], "gif": ["GIF"], "bmp": ["BMP"],
            "heic": ["HEIF"], "avif": ["AVIF"], "tiff": ["TIFF"]}  # fmt: skip
_ORIENTATION = 274


def _orientation(value: Any) -> int:
    """An EXIF orientation code; 1, upright, for whatever else the tag holds."""
    return int(value) if isinstance(value, int) else 1


def turned(image: NDArray, orientation: int) -> NDArray:
    """Applies an EXIF orientation code (1 to 8; others leave the picture as it is)."""
    if orientation in (5, 6, 7, 8):
        image = np.swapaxes(image, 0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return image


def _three_channels(samples: FloatArray, *, premultiplied: bool = False) -> FloatArray:
    """Grey, grey + alpha, RGB or RGB + alpha, H x W (x C) -> H x W x 3.

    Transparent parts are composited over black: they send no light. Over white, as pages do it, they would be the
    brightest surface of a dark picture, and decide its amplification.
    """
    if samples.ndim == 2:
        samples = samples[..., None]
    channels = samples.shape[2]
    color = samples[..., : 1 if channels <= 2 else 3]
    if channels in (2, 4) and not premultiplied:
        color = color * samples[..., -1:]
    return np.repeat(color, 3, axis=2) if color.shape[2] == 1 else color


def _in_srgb(image: FloatArray, profile: bytes) -> tuple[FloatArray, str | None]:
    """The picture by its profile, or as it is where a damaged profile cannot be followed; and a note of that."""
    # NumPy need not warn of the infinite and undefined values of damaged curves: they are looked for below.
    with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, struct.error), np.errstate(all="ignore"):
        converted, note = to_srgb(image, profile)
        if converted is image or np.isfinite(converted).all():
            return converted, note
    return image, "The embedded colour profile cannot be used and was ignored."


def _finished(
    image: FloatArray,
    name: str,
    bits: int,
    orientation: int,
    profile: bytes | None,
    metadata: Metadata,
    notes: list[str],
) -> RgbPhoto:
    if profile:
        image, note = _in_srgb(image, profile)
        if note:
            notes.append(note)
    return RgbPhoto(
        image=np.ascontiguousarray(turned(image, orientation), dtype=np.float32),
        bits=bits,
        exposure=metadata.exposure,
        camera=metadata.camera,
        name=name,
        exif=metadata.exif,
        notes=tuple(notes),
    )


def _damaged(error: Exception, name: str, kind: str) -> Exception:
    """What to raise for an exception of a decoder: it may mean the file, or that the memory did not suffice."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    if isinstance(error, MemoryError) or "out of memory" in reason.lower():
        return MemoryError("not enough memory")
    return PhotoError(f"{name} is a damaged or truncated {kind} ({reason[:300]}); copy the file again.")


def _check_whole(data: bytes, kind: str, name: str) -> None:
    """Refuses files whose end is missing, which decoders fill with grey or let pass."""
    whole = True
    if kind == "png":
        position, last = 8, b""
        while whole and last != b"IEND":
            whole = position + 12 <= len(data)
            last = data[position + 4 : position + 8]
            position += 12 + int.from_bytes(data[position : position + 4], "big")
        whole = whole and position <= len(data)
    elif kind == "jpeg":
        position = 2
        while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != 0xDA:
            marker = data[position + 1]
            alone = marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7
            position += (
                (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(data[position + 2 : position + 4], "big")
            )
        whole = data.find(b"\xff\xd9", position) >= 0
    elif kind == "webp":
        whole = int.from_bytes(data[4:8], "little") + 8 <= len(data)
    elif kind == "gif":
        whole = data.rstrip(b"\0").endswith(b";")
    if not whole:
        raise PhotoError(f"{name} is truncated: the end of the {kind.upper()} is missing; copy the file again.")


def _plugin(kind: str, name: str) -> None:
    """Makes Pillow able to read HEIC, or says how the user can."""
    from PIL import features

    if kind == "avif" and features.check("avif"):
        return
    try:
        heif = importlib.import_module("pillow_heif")
    except ImportError:
        heif = None
    if kind == "heic" and heif is not None:
        heif.register_heif_opener()
        return
    raise PhotoError(
        f"{name} is {kind.upper()}, which needs a decoder that is not installed; "
        + ("run `pip install pillow-heif`, or " if kind == "heic" else "")
        + "convert it to JPEG, PNG or TIFF."
    )


def _opened(data: bytes, kind: str, name: str) -> Any:
    from PIL import Image

    try:
        with warnings.catch_warnings():  # Pillow's own limit; ours is checked by the caller
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=_FORMATS[kind])
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} has too many pixels to be opened; make it smaller first.") from error
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, EOFError, OverflowError) as error:
        raise PhotoError(
            f"{name} is a damaged {kind.upper()}, whose header cannot be read; copy the file again."
        ) from error


def _pillow_samples(picture: Any, profile: bytes | None, notes: list[str]) -> tuple[FloatArray, bytes | None]:
    """H x W x 3 in [0, 1], and the profile that is still to be applied."""
    mode = picture.mode
    if mode in ("CMYK", "LAB", "YCbCr", "HSV"):
        converted, note = picture_to_srgb(picture, profile)
        if mode == "CMYK" and (not profile or note):
            note = "The picture is CMYK without a usable profile; its colours are approximate."
        if note:
            notes.append(note)
        return np.asarray(converted, dtype=np.float32) / np.float32(255), None
    if mode in ("P", "PA", "1") or "transparency" in picture.info:
        transparent = mode == "PA" or "transparency" in picture.info
        picture = picture.convert("RGBA" if transparent else "RGB")
    elif mode not in ("L", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    return _three_channels(np.asarray(picture, dtype=np.float32) / np.float32(255)), profile


def read_picture(data: bytes, kind: str, name: str, limits: Limits) -> RgbPhoto:
    """Decodes a developed picture other than TIFF.

    Args:
        data: the whole file.
        kind: "jpeg", "png", "webp", "gif", "bmp", "heic" or "avif", as the content says.
        name: what messages call it.
        limits: the size in the header is checked before decoding.

    Raises:
        PhotoError: damaged, truncated, too large, or a kind whose decoder is not installed.
    """
    if kind == "png" and len(data) >= 24:
        limits.check_pixels(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"), name)
    if kind in ("heic", "avif"):
        _plugin(kind, name)
    picture = _opened(data, kind, name)
    limits.check_pixels(picture.width, picture.height, name)
    _check_whole(data, kind, name)
    notes: list[str] = []
    if kind != "jpeg" and getattr(picture, "n_frames", 1) > 1:
        notes.append(f"The file holds {picture.n_frames} pictures; the first one is shown.")
    deep = kind == "png" and data[24] == 16
    bits = 16 if deep else 8
    try:
        picture.load()
        profile = picture.info.get("icc_profile")
        exif = picture.getexif()
        if deep:  # Pillow gives 8 bits of a 16-bit RGB PNG
            import imagecodecs

            image = _three_channels(imagecodecs.png_decode(data).astype(np.float32) / np.float32(65535))
        else:
            image, profile = _pillow_samples(picture, profile, notes)
    except Exception as error:  # decoders raise what they like on damaged data: OSError, struct.error, their own
        raise _damaged(error, name, kind.upper()) from error
    metadata = Metadata()
    with contextlib.suppress(Exception):  # damaged tags are no reason to refuse the picture
        metadata = metadata_of_exif(exif)
    # A HEIF decoder turns the picture by itself.
    orientation = 1 if kind in ("heic", "avif") else _orientation(exif.get(_ORIENTATION))
    return _finished(image, name, bits, orientation, profile, metadata, notes)


def _tiff_samples(page: Any, name: str, notes: list[str]) -> tuple[FloatArray, int]:
    """A TIFF page as H x W x 3 in [0, 1], and its bits a channel."""
    samples = page.asarray()
    if page.planarconfig == 2 and samples.ndim == 3:
        samples = np.moveaxis(samples, 0, -1)
    if samples.ndim not in (2, 3) or (samples.ndim == 3 and samples.shape[2] > 5):
        raise PhotoError(f"{name} is a TIFF of shape {samples.shape}, not a grey or RGB picture; export it as RGB.")
    kind = samples.dtype.kind
    if kind == "f":
        if not np.isfinite(samples).all():
            raise PhotoError(f"{name} holds NaN or infinite values; replace them and save the TIFF again.")
        bits, values = 32, samples.astype(np.float32)
        notes.append("The floating-point samples were taken as sRGB values from 0 to 1.")
        if values.min() < 0 or values.max() > 1:
            notes.append("Samples below 0 or above 1 were clipped.")
            values = np.clip(values, 0, 1)
    elif kind in "ub":
        depth = 1 if kind == "b" else int(page.bitspersample)
        bits = 8 if depth <= 8 else 16 if depth <= 16 else 32
        # Writers scale 8-bit palettes to 16 bits by 256 or by 257; the upper byte is right in both cases.
        if page.photometric == 3 and page.colormap is not None:
            return np.moveaxis((page.colormap[:, samples] >> 8).astype(np.float32) / np.float32(255), 0, -1), 8
        values = samples.astype(np.float32) / np.float32(2**depth - 1)
    else:
        raise PhotoError(
            f"{name} holds samples of the kind {samples.dtype}; save the TIFF with 8 or 16 bits or as float."
        )
    if page.photometric == 0:  # MinIsWhite
        values = 1 - values
    colors = 3 if page.photometric == 2 else 1
    alpha = next((place for place, extra in enumerate(page.extrasamples) if int(extra) in (1, 2)), None)
    if values.ndim == 3:
        keep = list(range(min(colors, values.shape[2]))) + ([colors + alpha] if alpha is not None else [])
        values = values[..., keep]
    premultiplied = alpha is not None and int(page.extrasamples[alpha]) == 1
    return _three_channels(values, premultiplied=premultiplied), bits


def _check_unpacked(page: Any, name: str, limits: Limits) -> None:
    """Refuses pages whose samples, or whose tiles or strips, are larger than any picture's."""
    size = max(1, page.dtype.itemsize if page.dtype is not None else page.bitspersample // 8)
    if page.is_tiled:
        height, width, depth = page.tilelength, page.tilewidth, page.tiledepth
    else:  # writers of one strip may give it any number of rows
        height, width, depth = min(page.rowsperstrip, page.imagelength), page.imagewidth, 1
    chunk = height * width * depth * (page.samplesperpixel if page.planarconfig == 1 else 1)
    limits.check_unpacked(max(page.size, chunk) * size, name)


def read_tiff(data: bytes, name: str, limits: Limits) -> RgbPhoto:
    """Decodes the first page of a TIFF: grey, palette, RGB, with or without alpha; 8 or 16 bits or float.

    Args:
        data: the whole file.
        name: what messages call it.
        limits: the size in the header is checked before decoding.

    Raises:
        PhotoError: damaged, truncated, too large, holding NaN or infinite values, or of an unsupported kind.
    """
    import tifffile

    notes: list[str] = []
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page = tiff.pages.first
            limits.check_pixels(page.imagewidth, page.imagelength, name)
            _check_unpacked(page, name, limits)
            spans = zip(page.dataoffsets, page.databytecounts, strict=False)
            if not page.dataoffsets or any(start + count > len(data) for start, count in spans):
                raise PhotoError(
                    f"{name} is truncated: samples that its header names are missing; copy the file again."
                )
            if len(tiff.pages) > 1:
                notes.append(f"The file holds {len(tiff.pages)} pages; the first one is shown.")
            tag = page.tags.get(34675)
            profile = bytes(tag.value) if tag is not None else None
            orientation = _orientation(page.tags[_ORIENTATION].value) if _ORIENTATION in page.tags else 1
            metadata = metadata_of_tiff_block(data)
            if int(page.photometric) in (0, 1, 2, 3):
                image, bits = _tiff_samples(page, name, notes)
            else:
                with _opened(data, "tiff", name) as picture:
                    picture.load()
                    image, profile = _pillow_samples(picture, profile, notes)
                    bits, orientation = 8, 1 if picture.size != (page.imagewidth, page.imagelength) else orientation
    except PhotoError:
        raise
    except Exception as error:  # decoders raise what they like on damaged data
        raise _damaged(error, name, "TIFF") from error
    return _finished(image, name, bits, orientation, profile, metadata, notes)
