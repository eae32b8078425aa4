"""The server's log: one line per event, as text or JSON, without the photos' content or names.

The app's handlers log errors with a traceback; the server logs each request by its kind. Neither names files, and
addresses of files are cut off where the file's name begins.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
from typing import Any, TextIO

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; all others were given as `extra`."""
LONGEST_LINE, FOREIGN_A_MINUTE = 2000, 500
"""Longest printed line of a library, in characters, and the number of lines of libraries, printed or logged, that are
written per minute: Uvicorn itself logs every request that is not HTTP, however often a visitor sends one."""
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    """Returns what was given as `extra`. Names that begin with an underscore belong to libraries; Ray, for example,
    adds one to every record of the process."""
    return {name: value for name, value in vars(record).items() if name not in _OWN and not name.startswith("_")}


class JsonLines(logging.Formatter):
    """Formats records as one JSON object per line: "time" (UTC, ISO 8601), "level", "logger", "event", the `extra`
    values, "traceback"."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= _extra(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _TextLines(logging.Formatter):
    """Formats records as `TEXT` followed by the `extra` values as key=value; line breaks in values are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = super().format(record).split("\n")
        extra = [f"{name}={str(value).encode('unicode_escape').decode()}" for name, value in _extra(record).items()]
        return "\n".join([" ".join([first, *extra]), *rest])


class _Few(logging.Filter):
    """Passes the explorer's own records, and `FOREIGN_A_MINUTE` of those of libraries."""

    def __init__(self) -> None:
        super().__init__()
        self._minute, self._lines = 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("explorer"):
            return True
        minute = int(time.monotonic() / 60)
        self._minute, self._lines = minute, self._lines + 1 if minute == self._minute else 1
        return self._lines <= FOREIGN_A_MINUTE


class _Printed(io.TextIOBase):
    """Turns the output of libraries into log records: one per line, or one per traceback."""

    def __init__(self) -> None:
        self._begun = self._where = ""
        self._in_traceback = False
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._begun = (self._begun + text)[-2 * LONGEST_LINE :].split("\n")
            for line in filter(str.strip, lines):
                self._take(line[:LONGEST_LINE])
        return len(text)

    def _take(self, line: str) -> None:
        if line.startswith("Traceback "):
            self._in_traceback = True
        elif self._in_traceback and line.startswith(" "):
            self._where = line.strip() if line.lstrip().startswith("File ") else self._where
        else:
            where = {"where": self._where} if self._in_traceback else {}
            logging.getLogger("printed").warning("%s", line, extra=where)
            self._in_traceback = False

    def writable(self) -> bool:
        return True


def configure(*, as_json: bool = False, level: int = logging.INFO, stream: TextIO | None = None) -> logging.Handler:
    """Sends what the explorer and the server's libraries log to one stream.

    Args:
        as_json: one JSON object per line instead of text.
        level: of the explorer's own loggers; libraries log warnings and errors.
        stream: standard error by default.

    Returns:
        The handler; a second call replaces the first call's handler.
    """
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if getattr(handler, "explorer", False)]:
        root.removeHandler(old)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if as_json else _TextLines(TEXT))
    handler.addFilter(_Few())
    handler.explorer = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("explorer").setLevel(level)
    from uvicorn.config import LOGGING_CONFIG

    # Uvicorn sets up its own handlers from this when it starts.
    LOGGING_CONFIG.update(handlers={}, formatters={}, loggers={})
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(True)
    return handler


def catch_prints() -> None:
    """Logs whatever the process prints to standard error from now on, for example tracebacks. Existing handlers keep
    their stream."""
    sys.stderr = _Printed()
    logging.raiseExceptions = False  # logging prints its own failures, which would be logged again
