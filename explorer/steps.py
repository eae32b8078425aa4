"""Reports the progress of a computation from deep inside it, and lets its caller cancel it.

The caller registers a function with `part`; the computation calls `step`. If the function raises, the computation ends
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[float], None]
"""Called with the finished share, 0 to 1."""


def unheard(_done: float) -> None:
    """Ignores the progress."""


_LISTENER: ContextVar[Report] = ContextVar("listener", default=unheard)


def step(done: float) -> None:
    """Reports the finished share, 0 to 1, of the innermost `part`."""
    _LISTENER.get()(done)


@contextmanager
def part(first: float, last: float, report: Report | None = None) -> Iterator[None]:
    """While the block runs, `step` reports the share of this part of a larger whole.

    Args:
        first, last: the finished shares of the whole at the block's beginning and end.
        report: called with the whole's share; by default the surrounding `part`.
    """
    outer = _LISTENER.get() if report is None else report
    before = _LISTENER.set(lambda done: outer(first + done * (last - first)))
    try:
        yield
    finally:
        _LISTENER.reset(before)
