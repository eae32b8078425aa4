"""Saves with Pillow and opens with the explorer, for many tests of photos."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from explorer.photo import RgbPhoto, open_photo


def opened(data: bytes, name: str = "picture", **options: Any) -> RgbPhoto:
    photo = open_photo(bytes(data), name=name, **options)
    assert isinstance(photo, RgbPhoto)
    return photo


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
