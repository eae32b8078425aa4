"""How far a computation is, told from deep inside it, and where it ends once nobody wants it.

Whoever waits says what is to be called (`part`); what computes calls `step`. What is called may raise, which ends the
computation there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[float], None]
"""Called with the share that is done, 0 to 1."""


def unheard(_done: float) -> None:
    """Nobody waits for the share that is done."""


_LISTENER: ContextVar[Report] = ContextVar("listener", default=unheard)


def step(done: float) -> None:
    """Tells the share, 0 to 1, of the innermost `part` that is done."""
    _LISTENER.get()(done)


@contextmanager
def part(first: float, last: float, report: Report | None = None) -> Iterator[None]:
    """While the block runs, what `step` tells is the share of this part of a larger whole.

    Args:
        first, last: the shares of the whole at the block's beginning and end.
        report: gets the whole's share; by default the `part` around this one.
    """
    outer = _LISTENER.get() if report is None else report
    before = _LISTENER.set(lambda done: outer(first + done * (last - first)))
    try:
        yield
    finally:
        _LISTENER.reset(before)
