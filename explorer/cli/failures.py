"""Errors as users see them: a sentence and an exit code, for a whole command or for one photo of several."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from explorer.cli.terminal import printable, write_line
from explorer.errors import ExplorerError, sentence

SOME_FAILED = 10
"""Exit code if some of several photos failed and the others succeeded."""

_PLAINLY = {
    "Value error, ": "",
    "Input should be a valid number, unable to parse string as a number": "it is not a number",
    "Input should be a valid integer, unable to parse string as an integer": "it is not a whole number",
}
"""What the command line's library says about values, in plain words."""

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""True while a command line with `--debug` runs: then errors also show their traceback."""


def _said(error: Exception) -> str:
    if not isinstance(error, typer.TyperException):
        return sentence(error, advice="run again with --debug to see where it came from")
    text = error.format_message()
    for said, plainly in _PLAINLY.items():
        text = text.replace(said, plainly)
    context = getattr(error, "ctx", None)
    if context is not None:
        text = f"{text.rstrip('.')} (see `{context.command_path} --help`)."
    return " ".join(text.split())


def exit_code(error: Exception) -> int:
    """Returns the program's exit code for an error."""
    return error.exit_code if isinstance(error, ExplorerError | typer.TyperException) else 1


def print_failure(error: Exception, path: Path | None = None) -> str:
    """Prints `error: ...` to standard error, with the photo's name in it, and returns that sentence."""
    if DEBUG.get():
        traceback.print_exception(error)
    said = error
    if path is not None and path.name != (plain := printable(path.name)) and isinstance(error, ExplorerError):
        said = type(error)(str(error).replace(path.name, plain))
    text = _said(said)
    if path is not None and printable(path.name) not in text:
        text = f"{printable(str(path))}: {text}"
    write_line(f"error: {text}", err=True)
    return text


@dataclass
class Failures:
    """The failed photos of one command line, while the others continue."""

    total: int
    """Number of photos on the command line."""
    errors: list[Exception] = field(default_factory=list)
    plain: list[dict[str, Any]] = field(default_factory=list)
    """The same for JSON."""

    def add(self, path: Path, error: Exception) -> None:
        """Prints one failure and remembers it."""
        self.errors.append(error)
        self.plain.append({"input": str(path), "error": print_failure(error, path), "exit_code": exit_code(error)})

    def leave(self) -> None:
        """Ends the command if anything failed; see `leave`."""
        leave([exit_code(error) for error in self.errors], self.total)


def leave(codes: Sequence[int], total: int) -> None:
    """Ends a command if photos failed.

    Args:
        codes: the exit codes of those that failed.
        total: number of all photos.

    Raises:
        typer.Exit: with the first failure's code if all failed, with 10 if only some did.
    """
    if codes:
        raise typer.Exit(codes[0] if len(codes) == total else SOME_FAILED)
