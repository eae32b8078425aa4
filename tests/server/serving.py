"""Starts a real server in a separate process, and uses it as a client without a browser."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from _serving import APP, serving
from _serving import free_port as free_port
from PIL import Image

PATIENCE = 180.0
"""Seconds that a busy machine may take for anything."""


@dataclass
class Server:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    """The standard error."""
    temporary: Path
    """The folder that it takes for the machine's temporary files."""

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, **options)

    def lines_once(self, client: str, kinds: set[str]) -> list[dict[str, Any]]:
        """What it logged, as JSON, as soon as it tells of these kinds of requests of a client.

        A request's line is written after its answer, which the client may have before.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            text = self.log.read_text()
            whole = text[: text.rfind("\n") + 1]
            lines = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
            if kinds <= {line["kind"] for line in lines if line.get("client") == client}:
                return lines
            assert time.monotonic() < deadline, text
            time.sleep(0.05)


@contextlib.contextmanager
def running(folder: Path, *flags: str, script: str = "", **environment: str) -> Iterator[Server]:
    """Runs `lowlight app` with flags, or a script that calls `launch(port=PORT)`, until the block ends."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    number = len(list(folder.glob("log-*.txt")))
    log = folder / f"log-{number}.txt"
    command = ("-c", script.replace("PORT", "{port}")) if script else APP
    own = {"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1", **environment}
    files = {"log": log, "printed": folder / f"printed-{number}.txt", "folder": folder}
    with serving(*command, *flags, **files, without=("GRADIO_TEMP", "EXPLORER_"), **own) as (url, process):
        yield Server(url, process, log, temporary)


def png(red: int = 40, width: int = 48, height: int = 32) -> bytes:
    """A dark ramp that its red tells from others."""
    ramp = np.linspace(2, 30, width * height).reshape(height, width)
    picture = np.stack([np.full_like(ramp, red), ramp, ramp * 0.5], axis=2).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def uploaded(client: httpx.Client, data: bytes, name: str = "night.png") -> str:
    """Uploads a file and gives its path on the server."""
    answer = client.post("/gradio_api/upload", files={"files": (name, data)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()[0])


def file_of(path: str) -> dict[str, Any]:
    """A file as Gradio's clients send it."""
    return {"path": path, "orig_name": "night.png", "meta": {"_type": "gradio.FileData"}}


def called(client: httpx.Client, name: str, *values: Any) -> tuple[str, Any]:
    """Calls an endpoint and waits: ("complete" or "error" or "refused", its data or the sentence)."""
    started = client.post(f"/gradio_api/call/{name}", json={"data": list(values)})
    if started.status_code != 200:
        return "refused", (started.status_code, started.json().get("detail"))
    with client.stream("GET", f"/gradio_api/call/{name}/{started.json()['event_id']}") as answer:
        event = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: ") and event in ("complete", "error"):
                return event, json.loads(line.removeprefix("data: "))
    raise AssertionError(f"{name} ended without an answer")
