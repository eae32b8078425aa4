"""The program: its commands, and the place where every error becomes a sentence and an exit code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from explorer.cli import weights
from explorer.cli.failures import DEBUG, exit_code, print_failure
from explorer.cli.terminal import open_closed_streams, silence, unwritten, write_line
from explorer.errors import OutputError

INTERRUPTED = 130
BROKEN_PIPE = 141  # a shell's code for a program that SIGPIPE ended

_EXIT_CODES = (
    ("0", "everything went well"),
    ("1", "an error that is not one of these"),
    ("2", "a wrong command line"),
    ("3", "a photo that cannot be read"),
    ("4", "a ratio or a white balance that cannot be used"),
    ("5", "an unknown model"),
    ("6", "weights that cannot be used or found"),
    ("7", "a result that cannot be written"),
    ("8", "training or evaluation data that cannot be used"),
    ("9", "a training run that cannot continue"),
    ("10", "some of several photos or weights failed; the others succeeded"),
    ("130", "interrupted"),
    ("141", "the reader of the output closed it"),
)
_EPILOG = "\n".join(["Exit codes:", *(f"{code:>5}  {meaning}" for code, meaning in _EXIT_CODES)])

_COMMANDS = {
    "restore": "restore:restore", "video": "video:video", "batch": "batch:batch", "watch": "watch:watch",
    "models": "models:models", "info": "info:info", "app": "app:app",
    "import": "import_weights:import_weights",  # its name before `weights import`
    "train": "train:train", "replay": "train:replay", "export": "train:export",
    "export-onnx": "export_onnx:export_onnx", "eval": "evaluate:evaluate", "sweep": "sweep:sweep",
    "darken": "darkroom:darken", "noise": "darkroom:noise",
    "weights": "weights:weights", "space": "space:space", "class": "classes:classes",
}  # fmt: skip
"""File and function, or group, of each command."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            write_line(f"lowlight {version('lowlight-explorer')}")
        except PackageNotFoundError:
            write_line("lowlight (not installed)")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works anywhere on the line.")
    ] = False,
    weights_order: weights.Order = "",
) -> None:
    """Holds the options of the program itself; `main` acts on `--debug` before anything is parsed."""


def _program(arguments: Sequence[str]) -> typer.Typer:
    """Returns the program with the commands that occur in a command line, or all if none does: reading the options of
    all of them takes longer than most of them run."""
    program = typer.Typer(
        name="lowlight",
        help="Restore extremely dark photos with low-light restoration networks.",
        epilog=_EPILOG,
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=_options,
    )
    for name in [each for each in _COMMANDS if each in arguments] or _COMMANDS:
        file, _, function = _COMMANDS[name].partition(":")
        command = getattr(import_module(f"explorer.cli.{file}"), function)
        if isinstance(command, typer.Typer):
            program.add_typer(command, name=name)
        else:
            program.command(name, hidden=name == "import")(command)
    return program


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Returns the arguments without `--debug`, and whether it was among them (those after `--` are kept)."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--debug"]
    return [*options, *arguments[end:]], len(options) < end


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line.

    Args:
        argv: the arguments without the program's name; by default those of the process.

    Returns:
        The exit code. No error becomes an exception: each is one sentence on standard error.
    """
    arguments, debug = _without_debug(list(sys.argv[1:] if argv is None else argv))
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # the terminal's encoding may lack characters of a file name
    DEBUG.set(debug)
    command = typer.main.get_command(_program(arguments))
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")  # libraries' warnings do not help the user
        try:
            # Not `command.main`: it would swallow a broken pipe and decide on exit codes itself.
            with command.make_context("lowlight", arguments or ["--help"]) as context:
                command.invoke(context)
            return _flushed(0)
        except typer.Exit as leave:
            return _flushed(leave.exit_code)
        except BrokenPipeError as error:
            silence(error)
            return BROKEN_PIPE
        except (KeyboardInterrupt, typer.Abort):
            write_line("interrupted", err=True)
            return INTERRUPTED
        except Exception as error:
            print_failure(error)
            return exit_code(error)


def _flushed(code: int) -> int:
    """Returns the exit code after writing standard output; 141 if its reader has gone and everything else succeeded."""
    try:
        sys.stdout.flush()
    except OSError as error:
        silence(error)
    failed = unwritten()
    if failed is None:
        return code
    if isinstance(failed, BrokenPipeError):
        return code or BROKEN_PIPE
    print_failure(OutputError(f"Standard output cannot be written ({failed.strerror}); free some space there."))
    return code or OutputError.exit_code
