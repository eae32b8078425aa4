"""What the log is made of: lines as JSON or text, few of them from libraries, and none that a visitor forged."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from explorer import logs


@pytest.fixture
def stream() -> Any:
    """Where the log goes; afterwards it goes where it went before."""
    root, kept = logging.getLogger(), logging.getLogger().handlers[:]
    level, own = root.level, logging.getLogger("explorer").level
    yield io.StringIO()
    for handler in root.handlers[:]:
        if handler not in kept:
            root.removeHandler(handler)
    root.setLevel(level)
    logging.getLogger("explorer").setLevel(own)
    logging.captureWarnings(False)


def test_logs_as_json(stream: io.StringIO) -> None:
    logs.configure(as_json=True, stream=stream)
    logs.configure(as_json=True, stream=stream)
    log = logging.getLogger("explorer.anything")
    log.info("request", extra={"status": 200, "path": "/ä\n"})
    try:
        raise KeyError("x")
    except KeyError:
        log.exception("failed")
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("heard")
    first, second, third = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert first["event"] == "request" and first["status"] == 200 and first["path"] == "/ä\n"
    assert first["level"] == "info" and first["logger"] == "explorer.anything"
    assert "KeyError" in second["traceback"] and third["event"] == "heard"


def test_logs_as_text(stream: io.StringIO) -> None:
    logs.configure(stream=stream, level=logging.WARNING)
    logging.getLogger("explorer").info("quiet")
    logging.getLogger("explorer").warning("loud", extra={"status": 3})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("WARNING explorer: loud status=3")


@pytest.mark.parametrize("as_json", [True, False])
def test_what_a_library_puts_on_every_record_is_not_logged(as_json: bool, stream: io.StringIO) -> None:
    """Ray changes how the whole process makes records."""
    made = logging.getLogRecordFactory()

    def with_more(*given: Any, **named: Any) -> logging.LogRecord:
        record = made(*given, **named)
        record.__dict__["_ray_timestamp_ns"] = 17
        return record

    logging.setLogRecordFactory(with_more)
    try:
        logs.configure(as_json=as_json, stream=stream)
        logging.getLogger("explorer").warning("loud", extra={"status": 3})
    finally:
        logging.setLogRecordFactory(made)
    assert "loud" in stream.getvalue() and "status" in stream.getvalue() and "_ray" not in stream.getvalue()


def test_lines_of_libraries_are_few(stream: io.StringIO) -> None:
    logs.configure(stream=stream)
    logs._Printed().write("printed\n" * 5000)
    for _ in range(5000):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("explorer.server").warning("own")
    lines = stream.getvalue().splitlines()
    assert 100 < len(lines) < 1200 and "own" in lines[-1]


def test_what_a_request_holds_makes_no_line_of_its_own() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs._TextLines(logs.TEXT))
    record = logging.makeLogRecord({"msg": "request", "path": "/assets/a\n2026 INFO forged\x1b]0;x\x07", "levelno": 20})
    handler.emit(record)
    assert stream.getvalue().count("\n") == 1 and "\x1b" not in stream.getvalue()


def test_a_printed_traceback_is_a_line_of_the_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    import traceback

    printed = logs._Printed()
    try:
        raise KeyError("x")
    except KeyError:
        traceback.print_exc(file=printed)
    (record,) = caplog.records
    assert record.name == "printed" and record.getMessage() == "KeyError: 'x'" and __file__ in record.where  # type: ignore[attr-defined]
