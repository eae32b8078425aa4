"""Reads TIFF 6.0, its supplements and BigTIFF: finds the photograph in the file and interprets its samples."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import PhotoError
from explorer.messages import say
from explorer.photo.files import lab
from explorer.photo.files.decoded import (
    CHANNELS,
    ORIENTATION,
    Decoded,
    Model,
    damaged,
    divided,
    exif_of,
    turned,
)
from explorer.photo.files.dng_tags import inner_directories
from explorer.photo.files.endings import END_MISSING
from explorer.photo.limits import Limits

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 1, 2, 3, 5, 6
_LABS = (8, 9, 10)
"""CIELab, ICCLab, ITULab."""
_MODELS: dict[int, Model] = {_WHITE_IS_ZERO: "grey", _BLACK_IS_ZERO: "grey", _RGB: "rgb", _PALETTE: "grey",
                             _SEPARATED: "cmyk", _YCBCR: "rgb"}  # fmt: skip
_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""
_MOST_PAGES = 256
_JPEG = (7, 34892, 99)
"""Compressions whose decoder returns RGB for YCbCr."""
_LARGEST_FLOAT = (255.0, 65535.0)


def _tag(page: Any, code: int, default: Any = None) -> Any:
    tag = page.tags.get(code)
    return default if tag is None else tag.value


def _subfile(page: Any) -> int:
    """NewSubfileType, or its equivalent from the older tag; 0 for an independent picture."""
    value = _tag(page, 254)
    if isinstance(value, int):
        return value
    return _REDUCED if _tag(page, 255) == 2 else 0


def _pixels(page: Any) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def photograph(tiff: Any) -> tuple[Any, str | None]:
    """Returns the directory of the photograph, and a note if there are others.

    This is the first directory that is marked neither as reduced nor as a mask, unless a larger one has the same
    proportions: then the first is a preview that the writer did not mark.
    """
    pages = [tiff.pages[index] for index in range(min(len(tiff.pages), _MOST_PAGES))]
    inside = [each for page in pages[:4] for each in inner_directories(page)]
    everyone = [page for page in (*pages, *inside) if _pixels(page) > 0]
    whole = [page for page in everyone if not _subfile(page) & (_REDUCED | _MASK)] or everyone
    if not whole:
        return tiff.pages.first, None
    chosen = whole[0]
    larger = [page for page in whole if _same_shape(page, chosen) and _pixels(page) >= 4 * _pixels(chosen)]
    if larger:
        chosen = max(larger, key=_pixels)
    if chosen in inside or any(page is not chosen and _is_preview(page, chosen) for page in everyone[:1]):
        return chosen, say("note.preview_first")
    if len(tiff.pages) > 1:
        count = len(tiff.pages)
        if chosen is everyone[0]:
            return chosen, say("note.pages_first", count=count)
        return chosen, say("note.pages_which", count=count, which=pages.index(chosen) + 1)
    return chosen, None


def _is_cut_off(tiff: Any, data: bytes) -> bool:
    """True if a directory, or the samples that it refers to, lie beyond the end of the file."""
    pages = [tiff.pages[index] for index in range(min(len(tiff.pages), _MOST_PAGES))]
    for page in pages:
        if any(start + count > len(data) for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
            return True
    if len(pages) < len(tiff.pages):
        return False
    order, count, entry, size = ("<" if tiff.byteorder == "<" else ">"), "HQ"[tiff.is_bigtiff], 12, 4
    if tiff.is_bigtiff:
        entry, size = 20, 8
    start = pages[-1].offset
    (entries,) = struct.unpack_from(order + count, data, start)
    place = start + struct.calcsize(order + count) + entry * entries
    following = int.from_bytes(data[place : place + size], "little" if order == "<" else "big")
    return place + size > len(data) or following >= len(data)


def _same_shape(page: Any, other: Any) -> bool:
    across, down = page.imagewidth / other.imagewidth, page.imagelength / other.imagelength
    return abs(across / down - 1) < 0.05


def _is_preview(page: Any, chosen: Any) -> bool:
    return bool(_subfile(page) & _REDUCED) or _pixels(page) < _pixels(chosen)


def _check_unpacked(page: Any, name: str, limits: Limits) -> None:
    """Refuses pages whose samples, tiles or strips are larger than those of any picture."""
    size = max(1, page.dtype.itemsize if page.dtype is not None else _depth(page) // 8)
    if page.is_tiled:
        height, width, depth = page.tilelength, page.tilewidth, page.tiledepth
    else:  # writers of one strip may give it any number of rows
        height, width, depth = min(page.rowsperstrip, page.imagelength), page.imagewidth, 1
    chunk = height * width * depth * (page.samplesperpixel if page.planarconfig == 1 else 1)
    limits.check_unpacked(max(page.size, chunk) * size, name)


def _depth(page: Any) -> int:
    bits = page.bitspersample
    return int(max(bits) if isinstance(bits, tuple) else bits)


def _samples(page: Any, name: str) -> NDArray:
    """Returns the stored samples as H x W x C: joins planes, and takes index 0 of a depth."""
    samples = page.asarray()
    height, width, channels = int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel)
    if samples.size != height * width * channels:
        raise PhotoError(code="error.tiff_shape", name=name, shape=samples.shape)
    if page.planarconfig == 2 and channels > 1:
        return np.moveaxis(samples.reshape(channels, height, width), 0, -1)
    return samples.reshape(height, width, channels)


def _float_peak(samples: NDArray, colors: int, name: str, notes: list[str]) -> tuple[NDArray, float]:
    """Returns floating-point samples in [0, peak], and the peak: 1, 255 or 65535, depending on the largest sample.

    Values above 1 may be light brighter than white, or counts. They are taken as counts if they are whole numbers, or
    if more than half of them are above 1, since no picture is mostly brighter than white.
    """
    if not np.isfinite(samples).all():
        raise PhotoError(code="error.not_finite", name=name)
    values = samples.astype(np.float32)
    color = values[..., :colors]
    low, high = float(color.min()), float(color.max())
    counts = high > 1 and (high > 16 or bool((color == np.round(color)).all()) or float(np.median(color)) > 1)
    if not counts:
        notes.append(say("note.float_as_is"))
        peak = 1.0
    else:
        fitting = [each for each in _LARGEST_FLOAT if high <= each * 1.002]
        if not fitting:
            raise PhotoError(code="error.float_scale", name=name, low=f"{low:g}", high=f"{high:g}")
        peak = fitting[0]
        notes.append(say("note.float_scaled", high=f"{high:g}", peak=f"{peak:.0f}"))
    if low < 0 or high > peak:
        notes.append(say("note.samples_clipped", peak=f"{peak:g}"))
        values[..., :colors] = np.clip(color, 0, np.float32(peak))
    if values.shape[2] > colors and values[..., colors].max() <= 1 < peak:
        values[..., colors] *= np.float32(peak)  # opacity from 0 to 1 next to counts
    return values, peak


def _palette(page: Any, samples: NDArray, name: str) -> tuple[NDArray, int]:
    """Converts indices (and any channels next to them) to RGB with the depth of the colour map, 8 or 16 bits."""
    table = np.asarray(page.colormap)
    if table.ndim != 2 or table.shape[0] != 3 or int(samples[..., 0].max()) >= table.shape[1]:
        raise PhotoError(code="error.tiff_palette", name=name)
    # Writers scale 8-bit palettes to 16 bits by 256 or by 257; the upper byte is right in both cases.
    low = table & 255
    deep = bool(((low != 0) & (low != table >> 8)).any())
    table = table if deep else table >> 8
    peak = 65535 if deep else 255
    color = np.moveaxis(table[:, samples[..., 0].astype(np.intp)], 0, -1)
    if samples.shape[2] == 1:
        return color, peak
    beside = samples[..., 1:].astype(np.float64) * (peak / (2 ** _depth(page) - 1))
    return np.concatenate([color, np.round(beside).astype(color.dtype)], axis=-1), peak


def _opacity(page: Any, colors: int, channels: int) -> tuple[int | None, bool]:
    """Returns the index of the opacity sample, and whether the colours are premultiplied by it."""
    for place, extra in enumerate(page.extrasamples):
        if int(extra) in (1, 2) and colors + place < channels:
            return colors + place, int(extra) == 1
    return None, False


def _decoded(page: Any, name: str) -> Decoded:
    """Reads the samples of one directory, and their meaning."""
    photometric = int(page.photometric)
    samples, notes = _samples(page, name), list[str]()
    if photometric == _SEPARATED and (_tag(page, 332, 1) != 1 or samples.shape[2] < 4):
        raise PhotoError(code="error.other_inks", name=name)
    kind = samples.dtype.kind
    if kind not in "fub" and not (photometric in _LABS and kind == "i"):
        raise PhotoError(code="error.samples_kind", name=name, kind=samples.dtype)
    if photometric in _LABS:
        return _lab(page, samples, photometric, name)
    model = _MODELS[photometric]
    colors = CHANNELS[model]
    # Extra samples of three colours or four inks are masks and spot colours; grey with many more is a spectrum or a
    # stack.
    if samples.shape[2] < colors or samples.shape[2] > (4 if model == "grey" else 16):
        raise PhotoError(code="error.tiff_shape", name=name, shape=samples.shape)
    alpha, premultiplied = _opacity(page, colors, samples.shape[2])
    premultiplied &= photometric != _PALETTE  # indices are never premultiplied
    keep = [*range(colors), *([alpha] if alpha is not None else [])]
    samples = samples[..., keep] if len(keep) != samples.shape[2] else samples
    peak: float
    if kind == "f":
        samples, peak = _float_peak(samples, colors, name, notes)
        bits = 32
    else:
        depth = 1 if kind == "b" else _depth(page)
        bits, peak = (8 if depth <= 8 else 16 if depth <= 16 else 32), float(2**depth - 1)
    if photometric == _PALETTE and kind != "f" and page.colormap is not None:
        samples, entry = _palette(page, samples, name)
        model, peak, bits = "rgb", float(entry), 8 if entry == 255 else 16
    elif photometric == _WHITE_IS_ZERO:
        samples = samples.astype(np.float64 if bits == 32 and kind != "f" else np.float32)
        if premultiplied:  # the stored samples are premultiplied
            samples[..., :1] = divided(samples[..., :1], (samples[..., 1:] / peak).astype(np.float32)).clip(0, peak)
            premultiplied = False
        samples[..., 0] = np.float32(peak) - samples[..., 0]
    return Decoded(samples, peak, bits, model, alpha is not None, premultiplied, notes=notes)


def _lab(page: Any, samples: NDArray, photometric: int, name: str) -> Decoded:
    place, premultiplied = _opacity(page, 3, samples.shape[2])
    opacity = None
    if place is not None:
        opacity = samples[..., place : place + 1]
        if samples.dtype.kind != "f":
            opacity = opacity.view(f"u{samples.dtype.itemsize}") / np.float32(2 ** _depth(page) - 1)
        opacity = opacity.astype(np.float32)
    decoded = lab.decoded(samples, photometric, _depth(page), name, opacity if premultiplied else None)
    if opacity is not None:
        decoded.samples, decoded.alpha = np.concatenate([decoded.samples, opacity], axis=-1), True
    return decoded


def read_tiff(data: bytes, name: str, limits: Limits) -> Decoded:
    """Decodes the photograph of a TIFF: grey, palette, RGB, CMYK, Lab, YCbCr, with or without opacity, planar or not; 1
    to 16 bits or float.

    Raises:
        PhotoError: damaged, truncated, too large, holding NaN or infinite values, or of an unsupported kind.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page, note = photograph(tiff)
            limits.check_pixels(page.imagewidth, page.imagelength, name)
            _check_unpacked(page, name, limits)
            spans = zip(page.dataoffsets, page.databytecounts, strict=False)
            if not page.dataoffsets or any(start + count > len(data) for start, count in spans):
                raise PhotoError(code="error.cut_samples", name=name)
            photometric = int(page.photometric)
            plain = photometric in _MODELS or photometric in _LABS
            if plain and (photometric != _YCBCR or int(page.compression) in _JPEG):
                decoded = _decoded(page, name)
            else:
                decoded = _by_libtiff(data, page, name)
            decoded.orientation = _tag(page, ORIENTATION, 1)
            decoded.notes += [note] if note else []
            decoded.notes += [END_MISSING] if _is_cut_off(tiff, data) else []
            profile = _tag(page, 34675)
            if photometric not in _LABS and isinstance(profile, bytes | tuple):
                decoded.profile = bytes(profile)
    except PhotoError:
        raise
    except Exception as error:  # decoders raise all kinds of exceptions on damaged data
        raise damaged(error, name, "TIFF") from error
    # Pillow takes a BigTIFF's header for a damaged one.
    decoded.exif, decoded.exif_color = exif_of(data if data[2:4] in (b"*\0", b"\0*") else None), True
    return decoded


def _by_libtiff(data: bytes, page: Any, name: str) -> Decoded:
    """Decodes YCbCr that is not JPEG, LogLuv and the like, which libtiff converts to 8-bit RGB."""
    import imagecodecs

    kind = getattr(page.photometric, "name", str(page.photometric))
    refusal = PhotoError(code="error.colours_unread", name=name, kind=kind)
    if not isinstance(page.index, int):  # inside another directory
        raise refusal
    try:
        samples = imagecodecs.tiff_decode(data, page.index, asrgb=True)[..., :3]
    except Exception as error:  # libtiff knows some of them only
        raise refusal from error
    # libtiff mirrors by the orientation, but does not swap rows and columns: undo this to get the stored samples.
    mirrored = {5: 1, 6: 2, 7: 3, 8: 4}
    turn = _tag(page, ORIENTATION, 1)
    return Decoded(turned(samples, mirrored.get(turn, turn)), 255.0, 8)
