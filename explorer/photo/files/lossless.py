"""Encodes 16-bit samples as tiles of lossless JPEG (ITU-T T.81, annex H), as used in DNG.

Every step is a pass of NumPy over a tile, which takes a third of libjpeg's time.
"""

from __future__ import annotations

import heapq
import struct
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from explorer.machine import new_lock
from explorer.photo.parallel import in_bands
from explorer.photo.values import Sliceable

_STEP = 16
"""DNG requires sides that are multiples of this."""
_SIDES = range(320, 528, _STEP)
"""Passes over smaller tiles would fit into the second-level cache, but be so short that two threads, which need the
interpreter lock between them, would be no faster than one."""
_SAMPLED_ROWS = 16
"""One row in so many is counted for the Huffman code."""
_MOST_BITS = 21
"""Longest sample, code and difference together: three of them fit into a word of 64 bits."""
_RESERVED = 17
"""Stands for the code of ones only, which no category may have (T.81, annex C)."""
_SCARCE = 10
"""A category is taken to be no rarer than 2 to the power of minus this, which keeps codes within 16 bits."""

_DIFFERENCES = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
_CATEGORY = np.ceil(np.log2(np.abs(_DIFFERENCES) + 1.0)).astype(np.uint8)
"""Number of bits of each difference, modulo 65536 (T.81, table H.2)."""
_LENGTHS = np.append(np.arange(16), 0)
"""Bits that follow the code of each category. The last has one difference only."""
_FOLLOWING = ((_DIFFERENCES - (_DIFFERENCES < 0)) & ((1 << _LENGTHS) - 1)[_CATEGORY]).astype(np.uint32)
"""The bits that follow the code of each difference."""


def tile_sides(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture's tiles, of which as little as possible lies beyond the picture.

    None is wider than the picture, which LibRaw would mistake for the end of a row.
    """
    rows, columns = (min(reversed(_SIDES), key=lambda side: -(-length // side) * side) for length in (height, width))
    return min(rows, -(-height // _STEP) * _STEP), max(_STEP, min(columns, width // _STEP * _STEP))


def places_of(height: int, width: int) -> list[tuple[int, int]]:
    """Top and left of a picture's tiles, row by row."""
    rows, columns = tile_sides(height, width)
    return [(top, left) for top in range(0, height, rows) for left in range(0, width, columns)]


def encode_tiles(samples: Sliceable, write: Callable[[bytes], object]) -> None:
    """Encodes a picture's tiles, each a separate lossless JPEG (predictor 1, one interleaved scan).

    Args:
        samples: H x W x 3, or H x W x 1 for a monochrome sensor. Tiles that extend over the right or lower border are
            filled with the last column and row.
        write: gets each tile in the order of `places_of`, from one thread at a time, while others encode.
    """
    height, width, depth = samples.shape
    rows, columns = tile_sides(height, width)
    places, ready, due = places_of(height, width), dict[int, bytes](), 0
    own, writing = threading.local(), new_lock()

    def pass_on() -> None:
        nonlocal due
        if writing.acquire(blocking=False):
            try:
                while (tile := ready.pop(due, None)) is not None:
                    write(tile)
                    due += 1
            finally:
                writing.release()

    def work(first: int, stop: int) -> None:
        if not hasattr(own, "encoder"):
            own.encoder = _Encoder(rows, columns, depth)
        for index in range(first, stop):
            top, left = places[index]
            part = samples[slice(top, top + rows), slice(left, left + columns)]
            if part.shape[:2] != (rows, columns):
                part = np.pad(part, ((0, rows - part.shape[0]), (0, columns - part.shape[1]), (0, 0)), mode="edge")
            ready[index] = own.encoder.encoded(part)
            pass_on()

    in_bands(len(places), 1, work)
    pass_on()  # a thread that finished while another wrote did not wait for it


class _Encoder:
    """Encodes tiles of one size. Its memory is allocated once, because that takes longer than the passes over it."""

    def __init__(self, rows: int, columns: int, depth: int) -> None:
        self.differences = np.empty((depth, rows, columns), np.uint16)
        self.table = np.empty(len(_CATEGORY), np.uint32)
        self.entries = np.empty((depth, rows * columns), np.uint32)
        self.sizes = np.empty((depth, rows * columns), np.uint64)
        self.words, self.starts = np.empty(rows * columns, np.uint64), np.zeros(rows * columns + 1, np.uint64)
        self.new = np.empty(rows * columns, np.bool_)

    def encoded(self, tile: NDArray[np.uint16]) -> bytes:
        """One tile of samples, rows x columns x depth, as a JPEG."""
        self._subtract(tile)
        lengths = self._code_lengths()
        order = sorted((length, category) for category, length in enumerate(lengths) if length)
        codes, code, previous = [0] * len(lengths), 0, 0
        for length, category in order:
            code <<= length - previous
            codes[category], previous = code, length
            code += 1
        height, width, depth = tile.shape
        order = order[:-1]  # without the code of ones
        numbers = [sum(length == each for length, _ in order) for each in range(1, 17)]
        table = bytes([0, *numbers, *(category for _, category in order)])
        components = [bytes([index + 1]) for index in range(depth)]
        return b"".join(
            (
                b"\xff\xd8",
                _segment(0xC3, struct.pack(">BHHB", 16, height, width, depth), *(c + b"\x11\0" for c in components)),
                _segment(0xC4, table),
                _segment(0xDA, bytes([depth]), *(c + b"\0" for c in components), b"\1\0\0"),
                self._scan(codes[:_RESERVED], lengths[:_RESERVED]),
                b"\xff\xd9",
            )
        )

    def _subtract(self, tile: NDArray[np.uint16]) -> None:
        """Subtracts from each sample its left neighbour, in the first column the one above, modulo 65536."""
        for channel, differences in enumerate(self.differences):
            plane = tile[..., channel]
            np.subtract(plane[:, 1:], plane[:, :-1], out=differences[:, 1:])
            np.subtract(plane[1:, 0], plane[:-1, 0], out=differences[1:, 0])
            differences[0, 0] = plane[0, 0] ^ 0x8000

    def _code_lengths(self) -> list[int]:
        """Lengths of a Huffman code for the tile's categories, zero for those that do not occur, and of the code of
        ones, none too long."""
        signed = self.differences.view(np.int16)
        last = max(int(signed.max()), -int(signed.min())).bit_length()
        sampled = _CATEGORY.take(self.differences[:, ::_SAMPLED_ROWS], mode="wrap")
        counted = np.bincount(sampled.ravel(), minlength=_RESERVED)
        least = int(counted.sum()) >> _SCARCE
        counts = {category: max(int(counted[category]), least, 1) for category in range(last + 1)}
        while True:
            lengths = _huffman(counts)
            long = [category for category in counts if lengths[category] + _LENGTHS[category] > _MOST_BITS]
            if not long:
                return lengths
            counts |= {category: 2 * counts[category] for category in long}

    def _scan(self, codes: list[int], lengths: list[int]) -> bytes:
        """Writes codes and differences one after the other, the bits of ones after the last, and a zero byte after
        every byte of ones."""
        sizes = np.array(lengths) + _LENGTHS
        coded = (np.array(codes) << _LENGTHS | sizes << 24).astype(np.uint32)
        entries, words, size, table = self.entries, self.words, self.sizes[0], self.table
        largest = 1 << max(np.flatnonzero(lengths))
        for occurring in (slice(largest), slice(-largest, None)):
            np.bitwise_or(coded[_CATEGORY[occurring]], _FOLLOWING[occurring], out=table[occurring])
        table.take(self.differences.reshape(entries.shape), out=entries, mode="wrap")
        np.right_shift(entries, 24, out=self.sizes)
        entries &= np.uint32((1 << 24) - 1)
        words[...] = entries[0]
        for more, other in zip(entries[1:], self.sizes[1:], strict=True):
            words <<= other
            words |= more
            size += other
        starts = self.starts
        starts[0] = 0
        length, spare = divmod(int(np.cumsum(size, out=starts[1:])[-1]) + 7, 8)
        data = _joined(words, size, starts[:-1], self.new).tobytes()
        data = data[: length - 1] + bytes([data[length - 1] | (1 << 7 - spare) - 1])
        return data.replace(b"\xff", b"\xff\0")


def _joined(
    words: NDArray[np.uint64], sizes: NDArray[np.uint64], starts: NDArray[np.uint64], new: NDArray[np.bool_]
) -> NDArray[np.uint64]:
    """Joins the lowest bits of words to a stream of big-endian words. Overwrites all arguments.

    A word of the stream is the sum of those that begin in it, without what they have beyond its end, and of what the
    one before them has beyond the end of the word before. No word of the stream is skipped, because none has 64 bits.

    Args:
        words: their bits, fewer than 64.
        sizes: the number of bits.
        starts: the sum of the sizes before each.
        new: working memory.
    """
    np.subtract(64, sizes, out=sizes)
    words <<= sizes
    offsets = np.bitwise_and(starts, 63, out=sizes)
    starts >>= np.uint64(6)
    new[-1] = True
    np.not_equal(starts[1:], starts[:-1], out=new[:-1])
    last = np.flatnonzero(new)
    beyond = words.take(last, mode="wrap") << (64 - offsets.take(last, mode="wrap"))
    words >>= offsets
    # Sums may exceed 64 bits; their differences do not.
    sums = np.cumsum(words, out=starts).take(last, mode="wrap")
    stream = np.zeros(len(last) + 1, np.dtype(">u8"))
    stream[0] = sums[0]
    stream[1:-1] = sums[1:] - sums[:-1] + beyond[:-1]
    stream[-1] = beyond[-1]
    return stream


def _huffman(counts: dict[int, int]) -> list[int]:
    """Lengths of the codes of a Huffman tree, by category, of which the reserved one has the longest."""
    heap = [(0, _RESERVED, [_RESERVED]), *((count, category, [category]) for category, count in counts.items())]
    heapq.heapify(heap)
    lengths = [0] * (_RESERVED + 1)
    while len(heap) > 1:
        (few, _, left), (more, order, right) = heapq.heappop(heap), heapq.heappop(heap)
        for category in left + right:
            lengths[category] += 1
        heapq.heappush(heap, (few + more, order, left + right))
    return lengths


def _segment(marker: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
