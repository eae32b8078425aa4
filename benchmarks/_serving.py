"""Runs a server of this checkout on a free port of the loopback interface."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APP = ("-m", "explorer", "app", "--port", "{port}")
PATIENCE = 300.0
"""Seconds after which a server that does not answer has failed."""


@contextmanager
def serving(
    *arguments: str, log: Path | None = None, path: str = "healthz", tick: float = 0.3, **environment: str
) -> Iterator[tuple[str, int]]:
    """Runs a Python program for the block; yields its address and process id.

    Args:
        arguments: after `python`; "{port}" stands for the port.
        log: takes what it prints.
        path: a page below the address; the server is ready when it answers.
        tick: seconds between two tries.
        environment: what differs from this process's.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with log.open("wb") if log else open(os.devnull, "wb") as sink:
        server = subprocess.Popen(
            [sys.executable, *(each.replace("{port}", str(port)) for each in arguments)], cwd=ROOT,
            stdout=sink, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": places, **environment},
        )  # fmt: skip
    opener, deadline = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + PATIENCE
    try:
        while True:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The server did not start.\n{log.read_text()[-2000:] if log else ''}")
            try:
                with opener.open(f"http://127.0.0.1:{port}/{path}", timeout=60) as page:
                    page.read()
                break
            except OSError:
                time.sleep(tick)
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
