"""Maps formats to the modules that read them."""

from __future__ import annotations

from collections.abc import Callable

from explorer.photo.files.decoded import Decoded, photo_of
from explorer.photo.files.heif import read_avif, read_heic
from explorer.photo.files.jp2 import read_jp2
from explorer.photo.files.jpeg import read_jpeg
from explorer.photo.files.jxl import read_jxl
from explorer.photo.files.png import read_png
from explorer.photo.files.simple import read_bmp, read_gif, read_webp
from explorer.photo.files.tiff import read_tiff
from explorer.photo.limits import Limits
from explorer.photo.types import RgbPhoto

READERS: dict[str, Callable[[bytes, str, Limits], Decoded]] = {
    "jpeg": read_jpeg, "png": read_png, "tiff": read_tiff, "webp": read_webp, "gif": read_gif, "bmp": read_bmp,
    "heic": read_heic, "avif": read_avif, "jxl": read_jxl, "jp2": read_jp2,
}  # fmt: skip
"""Readers by the keys of `explorer.formats`."""


def read_picture(data: bytes, kind: str, name: str, limits: Limits) -> RgbPhoto:
    """Decodes a developed picture.

    Args:
        data: the whole file.
        kind: a key of `READERS`, according to the content.
        name: its name in messages.
        limits: the size in the header is checked before decoding.

    Raises:
        PhotoError: damaged, truncated, too large, of an unsupported kind, or a kind whose decoder is not installed.
    """
    return photo_of(READERS[kind](data, name, limits), name)
