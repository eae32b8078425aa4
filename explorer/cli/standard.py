"""Photos from standard input and results to standard output: `-` instead of a path."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cli.terminal import was_closed
from explorer.errors import OutputError, PhotoError

if TYPE_CHECKING:
    from explorer.choices import BlackChoice
    from explorer.photo import Photo

STANDARD = Path("-")
"""Standard input as a photo, and standard output after -o."""
NAME = "stdin"
"""Name of a photo from standard input."""


def opened(path: Path, black_level: BlackChoice = "auto") -> Photo:
    """Opens a photo that a command line names; see `explorer.open_photo`.

    Raises:
        PhotoError: as `explorer.open_photo`; `-` if standard input is empty.
    """
    from explorer import open_photo
    from explorer.photo.files.quiet import allow_in_threads

    allow_in_threads()  # photos are read ahead in threads, which must not start processes
    if path != STANDARD:
        return open_photo(path, black_level=black_level)
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise PhotoError("Standard input is empty; pipe a photo into it or give a file.")
    from explorer.photo.limits import Limits
    from explorer.photo.opening import read_once

    limits = Limits.from_environment()
    return open_photo(read_once(sys.stdin.buffer, limits.max_bytes), name=NAME, limits=limits, black_level=black_level)


def write_out(data: bytes) -> None:
    """Writes a result to standard output.

    Raises:
        OutputError: it is a terminal, or closed.
    """
    if was_closed():
        raise OutputError("Standard output is closed; give a file with -o.")
    if sys.stdout.isatty():
        raise OutputError("The picture would go to the terminal; give a file with -o, or pipe the output.")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
