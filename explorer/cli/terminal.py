"""What commands write: results to the standard output, progress where a person looks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol


def write_line(text: str = "", *, err: bool = False) -> None:
    """One line on the standard output, or on the standard error.

    Through `sys.stdout` and `sys.stderr` themselves, which a progress bar replaces while it is shown; typer's own echo
    would write past it.
    """
    stream = sys.stderr if err else sys.stdout
    stream.write(f"{text}\n")


def print_json(value: object) -> None:
    """A value as indented JSON, in ASCII, so that every terminal and pipe takes it."""
    write_line(json.dumps(value, indent=2, allow_nan=False, default=str))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table: drawn to the terminal's width for a person, aligned columns with nothing cut off for a pipe."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*headings)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class Progress(Protocol):
    """How far a long command is."""

    def say(self, what: str) -> None:
        """What is being done now."""

    def advance(self) -> None:
        """One more is finished."""


class _Silent:
    def say(self, what: str) -> None:
        pass

    def advance(self) -> None:
        pass


@contextmanager
def progress(total: int, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on the standard error; nothing where that is not a terminal, or when `quiet`.

    What is printed meanwhile appears above the bar.
    """
    if quiet or not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # A standard output that is a file or a pipe stays as it is.
    with Bar(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=total)

        class _Shown:
            def say(self, what: str) -> None:
                bar.update(task, description=what)

            def advance(self) -> None:
                bar.advance(task)

        yield _Shown()
