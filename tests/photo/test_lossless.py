"""Tiles of lossless JPEG, decoded by libjpeg and by another decoder, and their size."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.photo.files.lossless import encode_tiles, tile_sides

RANDOM = np.random.default_rng(7)
RAMP = (np.arange(700)[:, None, None] * 50 + np.arange(600)[:, None] * 40 + np.arange(3) * 5000).astype(np.uint16)
NOISY = (RAMP.astype(np.int32) + RANDOM.normal(0, 300, RAMP.shape)).clip(0, 65535).astype(np.uint16)
EDGES = np.where(RANDOM.random((64, 48, 3)) < 0.002, 65535, 40).astype(np.uint16)
"""Rare large differences, whose codes would be too long without a limit."""
PICTURES = {
    "noise over a ramp": NOISY,
    "a ramp": RAMP,
    "black": np.zeros((16, 16, 3), np.uint16),
    "the largest difference": (RANDOM.integers(0, 2, (48, 32, 3)) << 15).astype(np.uint16),
    "all values": RANDOM.integers(0, 1 << 16, (64, 48, 3)).astype(np.uint16),
    "rare edges": EDGES,
    "every size of difference, each half as often": (1 << RANDOM.geometric(0.5, (160, 160, 3)).clip(1, 16)).astype(
        np.uint16
    ),
    "bytes of ones": np.full((32, 32, 3), 0xFFFF, np.uint16),
    "monochrome": NOISY[..., :1],
    "narrow and odd": NOISY[:17, :19],
}


def joined(samples: NDArray[np.uint16], decode: object) -> NDArray[np.uint16]:
    """The picture that a decoder makes of the tiles."""
    height, width, depth = samples.shape
    rows, columns = tile_sides(height, width)
    across = -(-width // columns)
    tiles = [np.asarray(decode(tile)).reshape(rows, columns, depth) for tile in tiles_of(samples)]  # type: ignore[operator]
    whole = np.concatenate([np.concatenate(tiles[n : n + across], 1) for n in range(0, len(tiles), across)], 0)
    return whole[:height, :width]


def tiles_of(samples: np.ndarray) -> list[bytes]:
    tiles: list[bytes] = []
    encode_tiles(samples, tiles.append)
    return tiles


@pytest.mark.parametrize("decode", [imagecodecs.jpeg8_decode, imagecodecs.jpegsof3_decode])
@pytest.mark.parametrize("name", PICTURES)
def test_other_decoders_give_the_samples(name: str, decode: object) -> None:
    assert np.array_equal(joined(PICTURES[name], decode), PICTURES[name])


@pytest.mark.parametrize("name", ["noise over a ramp", "a ramp", "all values", "rare edges"])
def test_tiles_are_as_small_as_libjpegs(name: str) -> None:
    samples = PICTURES[name][:160, :160]
    options = {"lossless": True, "predictor": 1, "bitspersample": 16, "colorspace": "rgb", "outcolorspace": "rgb"}
    theirs = imagecodecs.jpeg8_encode(np.ascontiguousarray(samples), **options)
    assert sum(map(len, tiles_of(samples))) < 1.05 * len(theirs) + 100


@pytest.mark.parametrize("length", [16, 100, 1000, 3464, 4000, 5304, 6336, 9504])
def test_little_lies_beyond_the_picture(length: int) -> None:
    for side in tile_sides(length, length):
        assert side % 16 == 0
        assert -(-length // side) * side - length <= max(16, 0.025 * length) or length < 160
