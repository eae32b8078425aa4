"""The loop of every run over many photos, which resumes: recorded results are kept, the rest goes to an engine.

`lowlight restore` takes a `Journal` and `overlapped`; `lowlight batch` and `lowlight watch` take a `Ledger` and
processes of this machine or a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Protocol, TypeVar

from explorer.batch.listing import Item

Result = TypeVar("Result")
Works = Callable[[Sequence[Item]], Generator[Result, None, None]]
"""An engine: yields the outcome of each item as they come. Closing it ends its work."""


class Record(Protocol):
    """A destination's record of earlier runs."""

    def holds(self, item: Item) -> bool:
        """True if nothing is left to do: this very photo was restored with these very settings, and its result is
        unchanged."""


def resume(
    items: Sequence[Item],
    record: Record,
    engine: Works[Result],
    begin: Callable[[list[Item], list[Item]], None],
    report: Callable[[Result], None],
) -> None:
    """Restores what is missing.

    Args:
        begin: called once with the items to do and those that are kept.
        report: called with each outcome as it comes; an error that it raises ends the run.
    """
    waiting: list[Item] = []
    kept: list[Item] = []
    for item in items:
        (kept if record.holds(item) else waiting).append(item)
    begin(waiting, kept)
    if waiting:
        with closing(engine(waiting)) as outcomes:
            for outcome in outcomes:
                report(outcome)
