"""Converts decoded frames to sRGB and back, with the planes, matrix, range, primaries and transfer curve that the frame
states.

In float arithmetic, because amplified darkness turns half a step of an 8-bit conversion into a colour cast. Matrices
are those of ITU-R BT.601, BT.709 and BT.2020, codes those of ITU-T H.273.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.photo.files.color import coded_space
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.values import FloatArray

_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087),
            9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}  # fmt: skip
"""Luma weights of red and blue, by MatrixCoefficients."""
_YUV = re.compile(r"yuva?(j?)(420|422|440|444)p(\d*)(?:le)?")
_GBR = re.compile(r"gbra?p(\d*)(?:le)?")
_GREY = re.compile(r"gray(\d*)(?:le)?")
_SEMI_PLANAR = {"nv12": 8, "p010le": 10, "p016le": 16}
_LARGE = 720
"""Rows from which a frame without a stated matrix counts as BT.709, as in players; smaller ones count as BT.601."""
_BT709, _LIMITED = 1, 1


def bits_of(frame: Any) -> int:
    """Returns the bits per sample of a decoded frame."""
    return max((component.bits for component in frame.format.components), default=8)


def srgb_of(frame: Any) -> tuple[FloatArray, str | None]:
    """Converts a decoded frame to H x W x 3 sRGB in [0, 1], not rotated; also returns a note for HDR."""
    image = _rgb(frame)
    try:
        space = coded_space(int(frame.color_primaries), int(frame.color_trc))
    except ValueError:  # reserved codes say nothing
        space = None
    return (image, None) if space is None else space.to_srgb(image)


def _rgb(frame: Any) -> FloatArray:
    name = frame.format.name
    if match := _YUV.fullmatch(name):
        bits = int(match[3] or 8)
        y, u, v = (_plane(frame, k, bits) for k in range(3))
        subsampled = match[2]
    elif name in _SEMI_PLANAR:
        bits = _SEMI_PLANAR[name]
        y, pairs = _plane(frame, 0, bits), _plane(frame, 1, bits, samples=2)
        if name == "p010le":  # the ten bits are the highest
            y, pairs = y >> np.uint16(6), pairs >> np.uint16(6)
        u, v = pairs[:, 0::2], pairs[:, 1::2]
        subsampled = "420"
    elif match := _GBR.fullmatch(name):
        top = np.float32(2 ** int(match[1] or 8) - 1)
        green, blue, red = (_plane(frame, k, int(match[1] or 8)) for k in range(3))
        return np.stack([red / top, green / top, blue / top], axis=2).astype(np.float32)
    elif match := _GREY.fullmatch(name):
        bits = int(match[1] or 8)
        y = _plane(frame, 0, bits)
        u = v = np.full((1, 1), 128 << (bits - 8), dtype=np.uint16)
        return _converted(frame, y, u, v, bits, "grey")
    elif frame.format.is_rgb:
        return _rgb(frame.reformat(format="gbrp16le"))
    else:
        return _rgb(frame.reformat(format="yuv444p16le"))
    return _converted(frame, y, u, v, bits, subsampled)


def _plane(frame: Any, index: int, bits: int, samples: int = 1) -> NDArray[np.uint16]:
    plane = frame.planes[index]
    kind = np.dtype(np.uint8 if bits <= 8 else "<u2")
    lines = np.frombuffer(plane, kind).reshape(-1, abs(plane.line_size) // kind.itemsize)
    return lines[: plane.height, : plane.width * samples].astype(np.uint16)


def _converted(frame: Any, y: NDArray, u: NDArray, v: NDArray, bits: int, subsampled: str) -> FloatArray:
    height, width = y.shape
    stated = int(frame.colorspace)
    red, blue = _WEIGHTS.get(stated) or _WEIGHTS[1 if height >= _LARGE else 6]
    full = int(frame.color_range) == 2 or "yuvj" in frame.format.name
    step = 2 ** (bits - 8)
    floor, luma, chroma = (0, 2**bits - 1, 2**bits - 1) if full else (16 * step, 219 * step, 224 * step)
    u, v = (_upsampled((each - np.float32(128 * step)) / np.float32(chroma), subsampled, y.shape) for each in (u, v))
    image = np.empty((height, width, 3), dtype=np.float32)
    green = 1 - red - blue

    def work(top: int, bottom: int) -> None:
        part = slice(top, bottom)
        light = (y[part] - np.float32(floor)) / np.float32(luma)
        r = light + np.float32(2 * (1 - red)) * v[part]
        b = light + np.float32(2 * (1 - blue)) * u[part]
        image[part, :, 0], image[part, :, 2] = r, b
        image[part, :, 1] = (light - np.float32(red) * r - np.float32(blue) * b) / np.float32(green)
        np.clip(image[part], 0, 1, out=image[part])

    in_bands(height, rows_of_band(width, 1), work)
    return image


def _upsampled(chroma: FloatArray, subsampled: str, shape: tuple[int, ...]) -> FloatArray:
    """Interpolates linearly: samples lie on every second column, and between two rows (H.273, chroma type 0)."""
    height, width = shape
    if subsampled == "grey":
        return np.broadcast_to(chroma, (height, width))
    if subsampled in ("420", "440"):
        above = np.concatenate([chroma[:1], chroma[:-1]])
        below = np.concatenate([chroma[1:], chroma[-1:]])
        tall = np.empty((2 * len(chroma), chroma.shape[1]), dtype=np.float32)
        tall[0::2], tall[1::2] = 0.75 * chroma + 0.25 * above, 0.75 * chroma + 0.25 * below
        chroma = tall[:height]
    if subsampled in ("420", "422"):
        after = np.concatenate([chroma[:, 1:], chroma[:, -1:]], axis=1)
        wide = np.empty((len(chroma), 2 * chroma.shape[1]), dtype=np.float32)
        wide[:, 0::2], wide[:, 1::2] = chroma, 0.5 * (chroma + after)
        chroma = wide[:, :width]
    return chroma


@cache
def _dither(height: int, width: int) -> FloatArray:
    """Returns an ordered dither of 8 x 8 (Bayer, ICC 1973), from -0.5 to 0.5: the same in every frame, so that rounding
    causes neither bands nor, where a slow change crosses a step, flicker."""
    tile = np.zeros((1, 1))
    for _ in range(3):
        tile = np.block([[4 * tile, 4 * tile + 2], [4 * tile + 3, 4 * tile + 1]])
    pattern = (tile + 0.5) / tile.size - 0.5
    return np.tile(pattern, (-(-height // 8), -(-width // 8)))[:height, :width].astype(np.float32)


def frame_of(image: FloatArray, pix_fmt: str, pts: int, time_base: Any) -> Any:
    """Makes a frame to encode: BT.709, limited range.

    Args:
        image: H x W x 3 sRGB in [0, 1]; even sides for 4:2:0.
        pix_fmt: yuv420p or yuv444p, with 10le for ten bits.
    """
    import av

    height, width = image.shape[:2]
    bits = 10 if pix_fmt.endswith("10le") else 8
    step = 2 ** (bits - 8)
    frame = av.VideoFrame(width, height, pix_fmt)
    ycc = np.empty((3, height, width), dtype=np.float32)

    red_weight, blue_weight = _WEIGHTS[_BT709]

    def convert(top: int, bottom: int) -> None:
        red, green, blue = (np.ascontiguousarray(image[top:bottom, :, k]) for k in range(3))
        luma, to_blue, to_red = ycc[:, top:bottom]
        np.multiply(green, np.float32(1 - red_weight - blue_weight), out=luma)
        luma += np.float32(red_weight) * red
        luma += np.float32(blue_weight) * blue
        np.multiply(blue - luma, np.float32(0.5 / (1 - blue_weight)), out=to_blue)
        np.multiply(red - luma, np.float32(0.5 / (1 - red_weight)), out=to_red)

    in_bands(height, rows_of_band(3 * width, 1), convert)
    for k, (plane, values) in enumerate(zip(frame.planes, ycc, strict=True)):
        if k and "420" in pix_fmt:
            rows = 0.5 * (values[0::2] + values[1::2])
            before = np.concatenate([rows[:, :1], rows[:, 1:-1:2]], axis=1)
            values = 0.5 * rows[:, 0::2] + 0.25 * (before + rows[:, 1::2])
        values *= np.float32((224 if k else 219) * step)
        values += _dither(*values.shape) + np.float32((128 if k else 16) * step)
        np.clip(np.rint(values, out=values), 0, 2**bits - 1, out=values)
        _fill(plane, values.astype(np.uint8 if bits == 8 else "<u2"))
    frame.colorspace, frame.color_range = _BT709, _LIMITED
    frame.color_primaries = frame.color_trc = _BT709
    frame.pts, frame.time_base = pts, time_base
    return frame


def _fill(plane: Any, samples: NDArray) -> None:
    lines = np.zeros((plane.height, abs(plane.line_size) // samples.itemsize), dtype=samples.dtype)
    lines[:, : samples.shape[1]] = samples
    plane.update(lines.tobytes())
