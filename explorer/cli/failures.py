"""Errors as a user meets them: a sentence and an exit code, for a whole command or for one photograph of several."""

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
"""Exit code when some of several photographs failed and the others went well."""

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""True while a command line with `--debug` runs: errors then show their traceback too."""


def _said(error: Exception) -> str:
    if not isinstance(error, typer.TyperException):
        return sentence(error, advice="run again with --debug to see where it came from")
    text = error.format_message()
    context = getattr(error, "ctx", None)
    if context is not None:
        text = f"{text.rstrip('.')} (see `{context.command_path} --help`)."
    return " ".join(text.split())


def exit_code(error: Exception) -> int:
    """The program's exit code for an error."""
    return error.exit_code if isinstance(error, ExplorerError | typer.TyperException) else 1


def print_failure(error: Exception, path: Path | None = None) -> str:
    """Prints `error: ...` on the standard error, with the photograph's name in it, and gives that sentence back."""
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
    """The photographs of one command line that failed, while the others go on."""

    total: int
    """Photographs on the command line."""
    errors: list[Exception] = field(default_factory=list)
    plain: list[dict[str, Any]] = field(default_factory=list)
    """The same for JSON."""

    def add(self, path: Path, error: Exception) -> None:
        """Prints one failure and remembers it."""
        self.errors.append(error)
        self.plain.append({"input": str(path), "error": print_failure(error, path), "exit_code": exit_code(error)})

    def leave(self) -> None:
        """Ends the command when anything failed; see `leave`."""
        leave([exit_code(error) for error in self.errors], self.total)


def leave(codes: Sequence[int], total: int) -> None:
    """Ends a command when photographs failed.

    Args:
        codes: the exit codes of those that failed.
        total: all photographs.

    Raises:
        typer.Exit: with the first failure's own code when all failed, with 10 when only some did.
    """
    if codes:
        raise typer.Exit(codes[0] if len(codes) == total else SOME_FAILED)
