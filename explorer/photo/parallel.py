"""Processes large arrays in bands of rows that fit into the processor's cache, on all cores.

NumPy releases the interpreter lock while it computes, so plain threads suffice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from explorer.machine import cores

_BAND_SAMPLES = 1 << 18
"""Samples of one plane in a band; a few such planes of float32 fit into the second-level cache."""
_MOST_WORKERS = 8


def rows_of_band(width: int, multiple: int) -> int:
    """Number of rows of `width` samples in a band, a multiple of `multiple`."""
    return max(1, _BAND_SAMPLES // max(1, width) // multiple) * multiple


def in_bands(height: int, rows: int, work: Callable[[int, int], None]) -> None:
    """Calls `work(top, bottom)` for bands that cover 0 to `height`, several at a time; raises the error of a call."""
    tops = range(0, height, rows)
    workers = min(len(tops), cores(), _MOST_WORKERS)
    if workers <= 1:
        for top in tops:
            work(top, min(top + rows, height))
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda top: work(top, min(top + rows, height)), tops):
            pass
