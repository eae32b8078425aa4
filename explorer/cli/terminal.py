"""Output of commands: results to standard output, progress where a person looks."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that move a terminal's cursor, start a line, reverse the direction of text, or exist in no encoding."""
_nowhere: dict[str, TextIO] = {}
"""Replacements for streams that were closed before the program started."""
_unwritten: list[OSError] = []
"""Why the standard output accepts nothing more: its reader closed it, or the disk is full."""


def printable(text: str) -> str:
    """Text in one line, with control characters as Python's escapes, so that names and file contents cannot control the
    terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def write_line(text: str = "", *, err: bool = False) -> None:
    """Writes one line to standard output or standard error.

    Uses `sys.stdout` and `sys.stderr` directly, because a progress bar replaces them while it is shown; typer's own
    echo would bypass it.

    Raises:
        BrokenPipeError: standard output is no longer read. Standard error need not be read.
    """
    if not err:
        sys.stdout.write(f"{printable(text)}\n")
        return
    with suppress(OSError):
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()


def write_text(text: str) -> None:
    """Writes several lines to standard output."""
    for line in text.split("\n"):
        write_line(line)


def tell(text: str) -> None:
    """Writes one line of a progress report, whether or not anyone reads it."""
    try:
        write_line(text)
        sys.stdout.flush()
    except OSError as error:
        silence(error)


def open_closed_streams() -> None:
    """Redirects streams that were closed before the program started to nowhere.

    Otherwise the first opened file would take a stream's place, and receive what libraries print.
    """
    _unwritten.clear()
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            _nowhere[name] = open(os.devnull, "w")  # noqa: SIM115  # for as long as the program runs
            setattr(sys, name, _nowhere[name])


def silence(error: OSError) -> None:
    """Discards standard output from now on, because the interpreter would try to write its buffer again at exit."""
    _unwritten.append(error)
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):  # a stream without a descriptor, as tests have
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def was_closed() -> bool:
    """True if there was no standard output when the program started."""
    return sys.stdout is _nowhere.get("stdout")


def unwritten() -> OSError | None:
    """Why standard output accepted no more; None if it did."""
    return _unwritten[0] if _unwritten else None


def print_json(value: object) -> None:
    """Prints a value as indented JSON, in ASCII, which every terminal and pipe accepts."""
    write_text(json.dumps(value, indent=2, allow_nan=False, default=str))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table for a person, or one paragraph for each row if the terminal is too narrow for its words; aligned
    columns without truncation for a pipe."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        from textwrap import TextWrapper

        from rich.console import Console
        from rich.table import Column, Table
        from rich.text import Text

        console, table = Console(), Table(Column(headings[0], no_wrap=True))
        for heading in headings[1:]:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        wide = console.options.update(max_width=10_000)
        if console.measure(table, options=wide).minimum <= console.width:
            console.print(table)
            return
        indent = max(map(len, headings[1:])) + 4
        whole = TextWrapper(console.width, subsequent_indent=" " * indent, break_long_words=False)
        for first, *others in rows:
            console.print(Text(first, "bold"), soft_wrap=True)
            for heading, cell in zip(headings[1:], others, strict=True):
                write_text(whole.fill(f"  {heading:{indent - 2}}{cell}"))
        return
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class Progress:
    """The progress of a long command; without a bar, it shows nothing."""

    def __init__(self, bar: Bar | None = None, total: int = 0) -> None:
        self._bar, self._task = bar, bar.add_task("", total=total) if bar else None

    def expect(self, total: int) -> None:
        """Sets the number of items, if it was unknown at the start."""
        self._update(total=total)

    def say(self, what: str) -> None:
        """Shows the current step."""
        self._update(description=printable(what))

    def advance(self, what: str = "", count: int = 1) -> None:
        """Counts finished items; shows a step, if it is given."""
        self._update(advance=count, **({"description": printable(what)} if what else {}))

    def _update(self, **changes: Any) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, **changes)


class _Lines(logging.Handler):
    """Writes log records as lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        write_line(record.getMessage(), err=True)


@contextmanager
def engine_heard() -> Iterator[None]:
    """Announces a network's conversion, which happens once and makes the user wait."""
    engine, lines = logging.getLogger("explorer.engine"), _Lines()
    before = engine.level
    engine.addHandler(lines)
    engine.setLevel(logging.INFO)
    try:
        yield
    finally:
        engine.removeHandler(lines)
        engine.setLevel(before)


@contextmanager
def progress(total: int, *, quiet: bool = False) -> Iterator[Progress]:
    """Shows a progress bar on standard error if it is a terminal, and the engine's messages; nothing if `quiet`.

    Lines printed meanwhile appear above the bar.
    """
    with nullcontext() if quiet else engine_heard(), _bar(total, quiet) as shown:
        yield shown


def bar_of(*columns: ProgressColumn, **options: Any) -> Bar:
    """Makes a progress bar on the standard error, with rich's columns and options.

    A standard output that is a file or a pipe stays as it is; on a terminal, what is printed appears above the bar.
    """
    from rich.console import Console
    from rich.progress import Progress as Bar

    return Bar(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty(), **options)


@contextmanager
def _bar(total: int, quiet: bool) -> Iterator[Progress]:
    if quiet or not sys.stderr.isatty():
        yield Progress()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with bar_of(*columns, transient=True) as bar:
        yield Progress(bar, total)
