"""Encodes 16-bit samples as tiles of lossless JPEG (ITU-T T.81, annex H), as used in DNG."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from explorer.machine import cores

_SIDE = 512
_STEP = 16
"""DNG requires sides that are multiples of this."""


def tile_sides(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture's tiles, never wider than the picture, which LibRaw would mistake for the end "
    "of a row."""
    return min(_SIDE, -(-height // _STEP) * _STEP), max(_STEP, min(_SIDE, width // _STEP * _STEP))


def tiles_of(samples: NDArray[np.uint16]) -> list[bytes]:
    """Yields a picture's tiles, row by row, each a separate lossless JPEG (predictor 1, one interleaved scan).

    Args:
        samples: H x W x 3, or H x W x 1 for a monochrome sensor. Tiles that extend over the right or lower border are
            filled with the last column and row.
    """
    height, width = samples.shape[:2]
    rows, columns = tile_sides(height, width)

    def encoded(place: tuple[int, int]) -> bytes:
        part = samples[place[0] : place[0] + rows, place[1] : place[1] + columns]
        missing = (0, rows - part.shape[0]), (0, columns - part.shape[1]), (0, 0)
        return _encoded(np.ascontiguousarray(np.pad(part, missing, mode="edge")))

    places = [(top, left) for top in range(0, height, rows) for left in range(0, width, columns)]
    with ThreadPoolExecutor(max(1, cores())) as threads:
        return list(threads.map(encoded, places))


def _encoded(tile: NDArray[np.uint16]) -> bytes:
    import imagecodecs

    # The colour space is named; otherwise the encoder would convert to luminance and chrominance, which loses the
    # lowest bits.
    if tile.shape[2] == 1:
        return bytes(
            imagecodecs.jpeg8_encode(
                tile[..., 0], lossless=True, predictor=1, bitspersample=16, colorspace="gray", outcolorspace="gray"
            )
        )
    return bytes(
        imagecodecs.jpeg8_encode(
            tile, lossless=True, predictor=1, bitspersample=16, colorspace="rgb", outcolorspace="rgb"
        )
    )
