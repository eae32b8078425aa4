"""Processes large arrays in bands of rows that fit into the processor's cache, on all cores.

NumPy releases the interpreter lock while it computes, so plain threads suffice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

from explorer.machine import cores

_BAND_SAMPLES = 1 << 18
"""Samples of one plane in a band; a few such planes of float32 fit into the second-level cache."""
_MOST_WORKERS = 8
T = TypeVar("T")


def rows_of_band(width: int, multiple: int) -> int:
    """Number of rows of `width` samples in a band, a multiple of `multiple`."""
    return max(1, _BAND_SAMPLES // max(1, width) // multiple) * multiple


def square_of_band(depth: int) -> int:
    """Side of a square of pixels of `depth` samples that has as many samples as a band."""
    return max(1, math.isqrt(_BAND_SAMPLES // max(1, depth)))


@cache
def _helpers() -> ThreadPoolExecutor:
    """Threads that stay, because starting one takes as long as a small picture's band."""
    return ThreadPoolExecutor(_MOST_WORKERS, "bands")


def in_bands(height: int, rows: int, work: Callable[[int, int], None]) -> None:
    """Calls `work(top, bottom)` for bands that cover 0 to `height`, several at a time; raises the error of a call.

    The calling thread works too, so that it never waits for helpers that others keep busy.
    """
    tops = range(0, height, rows)
    left = iter(tops)

    def run() -> None:
        for top in left:
            work(top, min(top + rows, height))

    more = min(len(tops), cores(), _MOST_WORKERS) - 1
    helping = [_helpers().submit(run) for _ in range(more)]
    try:
        run()
    finally:
        for _ in left:  # after an error, nobody begins another band
            pass
        begun = [each for each in helping if not each.cancel()]
        wait(begun)
    for each in begun:
        each.result()


def beside(work: Callable[[], T]) -> Callable[[], T]:
    """Starts some work on another thread; returns a function that waits for its result, or raises its error."""
    return _helpers().submit(work).result
