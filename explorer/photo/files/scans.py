"""Limits the number of scans in a JPEG: each scan of a progressive one takes as much time as all its pixels, but almost
no bytes."""

from __future__ import annotations

import re

from explorer.errors import PhotoError
from explorer.photo.limits import Limits

MOST_SCANS = 128
"""Writers make about ten."""
SCANS_OF_THE_LARGEST = 16
"""Largest number of scans for a picture of the maximum size; smaller ones may have more, up to `MOST_SCANS`."""
_MOST_SEGMENTS = 10_000
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
"""Finds the end of a scan's bytes, which may contain stuffed zeros and restart markers; one byte per step."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def check_scans(data: bytes, name: str, limits: Limits) -> None:
    """Refuses a JPEG whose decoding would take much longer than that of a photo of its size.

    Args:
        data: the file; only its first picture is checked.

    Raises:
        PhotoError: it has too many scans, or segments.
    """
    position, pixels, scans = 2, 0, 0
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None or found[1] == b"\xd9":
            return
        marker, position = found[1][0], found.end()
        if marker in (0x01, 0xD8):
            continue
        if marker in _FRAMES:
            height, width = (int.from_bytes(data[position + at : position + at + 2], "big") for at in (3, 5))
            pixels = max(pixels, width * height)
        scans += marker == 0xDA
        if scans > MOST_SCANS or scans * pixels > SCANS_OF_THE_LARGEST * limits.max_pixels:
            break
        position += max(2, int.from_bytes(data[position : position + 2], "big"))
    raise PhotoError(code="error.jpeg_scans", name=name)
