"""Reads the tags of the directory in which a DNG stores its raw picture."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path
from typing import Any

CFA, LINEAR_RAW, DNG_VERSION = 32803, 34892, 50706
COMPRESSION, LOSSY_JPEG, JPEG_XL = 259, 34892, 52546
_RATIONALS, _BYTES = (5, 10), 7
_MOST_VALUES = 2**20
"""Numbers of a tag that is read: each takes 32 bytes or more. Tables have at most 65536."""
_MOST_INNER = 8
"""SubIFDs that are read: a small file may name 60,000, which would fill gigabytes."""


def inner_directories(directory: Any) -> list[Any]:
    """Returns the first SubIFDs of a TIFF directory, as tifffile reads them."""
    return list(islice(directory.pages, _MOST_INNER)) if directory.subifds else []


def raw_tags(source: bytes | Path) -> dict[int, Any]:
    """Maps tag numbers to values, rationals as floats; empty for files that are not a DNG or whose tags cannot be read.

    Args:
        source: the file's content, or its path; only the tags are read.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(source) if isinstance(source, bytes) else source) as tiff:
            first: Any = tiff.pages.first
            if DNG_VERSION not in first.tags:
                return {}
            pages: list[Any] = [first, *inner_directories(first)]
            raw = [page for page in pages if page.tags.get(262) and page.tags[262].value in (CFA, LINEAR_RAW)]
            largest = max(raw, key=lambda page: page.imagewidth * page.imagelength)
            tags = [tag for tag in largest.tags.values() if tag.dtype == _BYTES or tag.count <= _MOST_VALUES]
            return {tag.code: _value(tag) for tag in tags}
    except Exception:  # tifffile raises many kinds of errors on damaged structures; tags read before are unreliable
        return {}


def _value(tag: Any) -> Any:
    if tag.dtype not in _RATIONALS:
        return tag.value
    pairs = list(zip(tag.value[::2], tag.value[1::2], strict=True))
    return [above / below if below else float("nan") for above, below in pairs]
