"""Keeps LibRaw's messages off standard error, because the explorer's own error message says the same."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import IO

_LINES = re.compile(rb"^[^\n]*: (?:data corrupted at \d+|Unexpected end of file)\n", re.MULTILINE)
"""Lines that LibRaw's default handler prints for damaged data."""


class _StandardError:
    """Captures the process's standard error while one or more files are decoded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._kept = -1
        self._taken: IO[bytes] | None = None

    def take(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            try:
                self._kept = os.dup(2)
                self._taken = tempfile.TemporaryFile()  # noqa: SIM115, until the last user releases it
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    sys.stderr.flush()
                os.dup2(self._taken.fileno(), 2)
            except OSError:  # there is no standard error, or no space for a file
                self._taken = None

    def give_back(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            if self._taken is not None:
                os.dup2(self._kept, 2)
                with self._taken as taken, contextlib.suppress(OSError):
                    taken.seek(0)
                    rest = _LINES.sub(b"", taken.read())
                    while rest:
                        rest = rest[os.write(2, rest) :]
            if self._kept >= 0:
                os.close(self._kept)
            self._kept, self._taken = -1, None


_STANDARD_ERROR = _StandardError()
_in_threads = False


def allow_in_threads() -> None:
    """Lets `without_librarys_lines` work while there are other threads. For programs such as the command line, whose
    threads start no processes that would inherit the captured standard error."""
    global _in_threads
    _in_threads = True


@contextlib.contextmanager
def without_librarys_lines() -> Iterator[None]:
    """Captures standard error while the block runs, then passes on everything but LibRaw's lines.

    Standard error belongs to the whole process, so nothing is captured while there are other threads, unless the
    program allows it. The standard error of the decoders in `explorer.sandbox.processes` is never shown.
    """
    if not (_in_threads or threading.active_count() == 1):
        yield
        return
    _STANDARD_ERROR.take()
    try:
        yield
    finally:
        _STANDARD_ERROR.give_back()
