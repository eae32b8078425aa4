"""Runs a server of this checkout on a free port of the loopback interface: for benchmarks, scripts and tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APP = ("-m", "explorer", "app", "--port", "{port}")
PATIENCE = 300.0
"""Seconds after which a server that does not answer has failed."""


def free_port() -> int:
    """Returns a port that no one listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    *arguments: str,
    log: Path | None = None,
    printed: Path | None = None,
    path: str = "healthz",
    tick: float = 0.3,
    folder: Path = ROOT,
    without: tuple[str, ...] = (),
    **environment: str,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Runs a Python program for the block; yields its address and process.

    Args:
        arguments: after `python`; "{port}" stands for the port.
        log: takes what it writes to standard error, and to standard output without `printed`.
        path: a page below the address; the server is ready when it answers.
        tick: seconds between two tries.
        folder: where it runs.
        without: beginnings of the names of this process's variables that it does not get.
        environment: what differs from this process's.

    Raises:
        SystemExit: it ends, or answers nothing.
    """
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(without)}
    inherited["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with open(log or os.devnull, "wb") as said, printed.open("wb") if printed else nullcontext(said) as out:
        command = [sys.executable, *(each.replace("{port}", str(port)) for each in arguments)]
        server = subprocess.Popen(command, cwd=folder, stdout=out, stderr=said, env=inherited | environment)
    try:
        _wait(server, f"http://127.0.0.1:{port}/{path}", log, tick)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], page: str, log: Path | None, tick: float) -> None:
    opener, deadline = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with opener.open(page, timeout=60) as answer:
                answer.read()
            return
        except urllib.error.HTTPError:  # an answer, too
            return
        except OSError:
            time.sleep(tick)
    raise SystemExit(f"The server did not start.\n{log.read_text()[-2000:] if log else ''}")
