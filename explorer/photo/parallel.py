"""Large arrays in bands of rows: what is at work fits the processor's cache, and all its cores take part.

NumPy lets other threads run while it computes, so plain threads do.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from explorer.machine import cores

_BAND_SAMPLES = 1 << 18
"""Samples of one plane in a band; a few such planes of float32 fit the second-level cache."""
_MOST_WORKERS = 8


def rows_of_band(width: int, multiple: int) -> int:
    """How many rows of `width` samples make a band; a multiple of `multiple`."""
    return max(1, _BAND_SAMPLES // max(1, width) // multiple) * multiple


def in_bands(height: int, rows: int, work: Callable[[int, int], None]) -> None:
    """Calls `work(top, bottom)` for bands that cover 0 to `height`, several at a time; raises what a call raises."""
    tops = range(0, height, rows)
    workers = min(len(tops), cores(), _MOST_WORKERS)
    if workers <= 1:
        for top in tops:
            work(top, min(top + rows, height))
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda top: work(top, min(top + rows, height)), tops):
            pass
