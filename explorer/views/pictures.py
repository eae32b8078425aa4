"""Arrays as pictures: display sizes, PNG bytes, difference maps, false colour with its legend."""

from __future__ import annotations

import base64
import io
import zlib
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.photo.light.amplify import LUMINANCE
from explorer.photo.values import FloatArray

Palette = Literal["inferno", "viridis", "cividis", "diverging"]


def to_bytes(image: FloatArray) -> NDArray[np.uint8]:
    """Rounds H x W or H x W x 3 in [0, 1] (clipped; NaN becomes 0) to 8-bit values."""
    clean = np.nan_to_num(np.asarray(image, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(np.clip(clean, 0.0, 1.0) * 255.0).astype(np.uint8)


def png(image: FloatArray, compression: int = 1) -> bytes:
    """Encodes H x W or H x W x 3 in [0, 1] as PNG. Noise hardly compresses, so the fastest level is the default."""
    buffer = io.BytesIO()
    # Run-length encoding is a third faster than a search for repetitions, which noise does not have.
    strategy = zlib.Z_RLE if compression == 1 else zlib.Z_DEFAULT_STRATEGY
    Image.fromarray(to_bytes(image)).save(buffer, "PNG", compress_level=compression, compress_type=strategy)
    return buffer.getvalue()


def data_address(picture: bytes) -> str:
    """A PNG as a data address, which needs no server."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def within(image: FloatArray, max_side: int) -> FloatArray:
    """Reduces the longest side to at most `max_side` pixels, averaging by area; never enlarges."""
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest <= max_side:
        return image
    size = (max(1, round(width * max_side / longest)), max(1, round(height * max_side / longest)))
    if image.ndim == 2:
        return _resized(image, size)
    return np.stack([_resized(image[..., channel], size) for channel in range(image.shape[2])], axis=-1)


def resized_like(image: FloatArray, reference: FloatArray) -> FloatArray:
    """Resizes H x W x C to the height and width of `reference`, so that two views can be overlaid."""
    height, width = reference.shape[:2]
    if image.shape[:2] == (height, width):
        return image
    return np.stack([_resized(image[..., channel], (width, height)) for channel in range(image.shape[2])], axis=-1)


def _resized(plane: FloatArray, size: tuple[int, int]) -> FloatArray:
    picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    shrinking = size[0] < picture.width or size[1] < picture.height
    return np.asarray(
        picture.resize(size, Image.Resampling.BOX if shrinking else Image.Resampling.BILINEAR), np.float32
    )


def as_rgb(planes: FloatArray) -> FloatArray:
    """Converts H x W, H x W x 1 or H x W x 3 to H x W x 3; a single channel becomes grey."""
    if planes.ndim == 2:
        planes = planes[..., None]
    return np.repeat(planes, 3, axis=2) if planes.shape[2] == 1 else planes[..., :3]


def luminance(planes: FloatArray) -> FloatArray:
    """Returns H x W: the plane itself if there is one channel, else the weighted sum of red, green and blue."""
    if planes.ndim == 2:
        return planes
    if planes.shape[2] == 1:
        return planes[..., 0]
    return (planes[..., :3] @ LUMINANCE).astype(np.float32)


def absolute_difference(first: FloatArray, second: FloatArray) -> FloatArray:
    """Returns H x W: the mean over channels of |first - second|, for two pictures of the same size.

    Raises:
        ValueError: the sizes differ.
    """
    if first.shape[:2] != second.shape[:2]:
        raise ValueError(
            f"Pictures of {first.shape[:2]} and {second.shape[:2]} cannot be subtracted; resize one first."
        )
    return np.abs(as_rgb(first) - as_rgb(second)).mean(axis=2)


def false_colour(plane: FloatArray, low: float = 0.0, high: float = 1.0, palette: Palette = "inferno") -> FloatArray:
    """Maps values from `low` to `high` to a perceptually uniform palette, as H x W x 3 sRGB in [0, 1].

    Values outside get the end colours. Inferno and viridis: van der Walt & Smith, 2015; cividis: Nuñez et al., 2018.
    "diverging" has its middle at the middle of the scale.
    """
    table = _palette(palette)
    span = high - low if high > low else 1.0
    position = np.clip((np.nan_to_num(plane) - low) / span, 0.0, 1.0)
    return table[np.round(position * (len(table) - 1)).astype(np.intp)]


def palette_css(palette: Palette = "inferno") -> str:
    """Returns the palette as a CSS gradient from left (low) to right (high), for a legend."""
    return f"linear-gradient(to right, {', '.join(palette_stops(palette))})"


def palette_stops(palette: Palette = "inferno") -> list[str]:
    """Returns sixteen evenly spaced colours of the palette, as #rrggbb."""
    return ["#" + "".join(f"{value:02x}" for value in to_bytes(colour)) for colour in _palette(palette)[:: 255 // 15]]


_DIVERGING = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")
"""ColorBrewer's RdBu, reversed: blue below 0, red above (Brewer, Hatchard and Harrower, 2003)."""


@cache
def _palette(name: Palette) -> FloatArray:
    from plotly.colors import hex_to_rgb, sequential

    colours = _DIVERGING if name == "diverging" else getattr(sequential, name.capitalize())
    anchors = np.array([hex_to_rgb(colour) for colour in colours], np.float32) / 255.0
    where = np.linspace(0.0, len(anchors) - 1.0, 256)
    columns = [np.interp(where, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.stack(columns, axis=1).astype(np.float32)
