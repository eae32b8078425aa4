"""Measures the app's memory for visitors' photos: visitors open large photos and stay, then others come and go.

    python benchmarks/sessions.py                       # 8 visitors with 36 megapixels each
    python benchmarks/sessions.py --visitors 32 --rounds 10
    python benchmarks/sessions.py --minutes 60 --megapixels 12      # one visitor after the other for an hour

Prints MiB of the server with its decoders: at the start, the maximum while visitors were there, with the last of them,
and after each further round of visitors who came and left. With --minutes, visitors come one after the other, open a
photo, restore it in full, fetch the result and leave; the medians of each ten minutes are printed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import tifffile
from load import memory_of, watched
from PIL import Image

from explorer.photo.files.dng import write_dng

LEFT_BEHIND = 45.0
"""Seconds after which everything of a closed page is gone."""
BETWEEN, PERIOD = 20.0, 600.0
"""Seconds between the arrivals of two visitors, and seconds summarised in one figure, with --minutes."""


def photograph(megapixels: float, suffix: str) -> bytes:
    """Makes a dark 3:2 photo of large squares as PNG, JPEG, 16-bit TIFF or DNG: a small file that needs much memory."""
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    side, squares = 64, np.random.default_rng(0).integers(2, 40, (height // 64 + 1, height * 3 // 128 + 1, 3), np.uint8)
    picture = np.kron(squares, np.ones((side, side, 1), np.uint8))[:height, : height * 3 // 2]
    buffer = io.BytesIO()
    if suffix == "dng":
        with tempfile.TemporaryDirectory() as folder:
            write_dng(Path(folder) / "a.dng", 600 + 16 * picture[..., 0].astype(np.uint16), black=600)
            return (Path(folder) / "a.dng").read_bytes()
    if suffix == "tif":
        tifffile.imwrite(buffer, 64 * picture.astype(np.uint16), photometric="rgb", compression="zlib")
    else:
        Image.fromarray(picture).save(buffer, {"png": "PNG", "jpg": "JPEG"}[suffix])
    return buffer.getvalue()


def held(pid: int) -> float:
    """Returns MiB of the server and its decoders, including photos in transfer that are not mapped yet."""
    mapped, between = Path(f"/proc/{pid}/maps").read_text(), 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            photo = "lowlight-photo" in os.readlink(file) and f" {file.stat().st_ino} " not in mapped
            between += file.stat().st_blocks if photo else 0
        except OSError:  # closed in the meantime
            continue
    return memory_of(pid) + 512 * between / 2**20


class Visitor:
    """One page in a browser."""

    def __init__(self, url: str, name: str, address: str) -> None:
        self.name = name
        self._http = httpx.Client(base_url=url, timeout=600, trust_env=False, headers={"X-Forwarded-For": address})
        host, port = url.removeprefix("http://").split(":")
        self._open = socket.create_connection((host, int(port)))
        self._open.sendall(f"GET /gradio_api/heartbeat/{name} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        self._events = {each["api_name"]: each for each in self._http.get("/config").json()["dependencies"]}

    def _event(self, handler: str, *values: Any) -> Any:
        body = {"data": list(values), "fn_index": self._events[handler]["id"], "session_hash": self.name}
        answer = self._http.post("/gradio_api/queue/join", json=body)
        answer.raise_for_status()
        with self._http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.name}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:") and (said := json.loads(line[5:]))["msg"] == "process_completed":
                    if not said["success"]:
                        raise SystemExit(f"{handler}: {said}")
                    return said["output"]["data"]
        raise SystemExit(f"{handler} ended without an answer")

    def opens(self, data: bytes, suffix: str) -> dict[str, Any]:
        self._event("greet", "")
        name = f"{self.name}.{suffix}"
        path = self._http.post("/gradio_api/upload", files={"files": (name, data)}).json()[0]
        file = {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        self._event("open_upload", None, file, "gamma", "")
        return file

    def restores(self, file: dict[str, Any]) -> None:
        """Restores the photo in full, and looks at the result."""
        asked = self._http.post("/gradio_api/call/restore", json={"data": [file, "gamma", "3", "png8"]})
        with self._http.stream("GET", f"/gradio_api/call/restore/{asked.json()['event_id']}") as stream:
            done = next(json.loads(line[6:])[0] for line in stream.iter_lines() if line.startswith("data: [{"))
        self._http.get(f"/gradio_api/file={done['path']}").raise_for_status()

    def leaves(self) -> None:
        self._open.close()
        self._http.close()


def come_and_go(url: str, pid: int, photos: list[tuple[bytes, str]], minutes: float) -> None:
    """Lets visitors come one after the other; prints the MiB between them, by the ten minutes."""
    started, figures, number = time.monotonic(), [], 0
    seen: list[float] = []
    while time.monotonic() - started < 60 * minutes:
        visitor = Visitor(url, f"m{number}", f"10.{number // 250}.{number % 250}.1")
        visitor.restores(visitor.opens(*photos[number % len(photos)]))
        visitor.leaves()
        number += 1
        time.sleep(max(1.0, number * BETWEEN - (time.monotonic() - started)))
        seen.append(held(pid))
        if (now := time.monotonic() - started) >= PERIOD * (len(figures) + 1):
            figures.append(statistics.median(seen))
            change = 100 * (figures[-1] / figures[0] - 1)
            print(f"{now / 60:.0f} min, {number} visitors: {figures[-1]:.0f} MiB ({change:+.1f} %)", flush=True)
            seen.clear()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--megapixels", type=float, default=36.0)
    parser.add_argument("--rounds", type=int, default=0, help="how often as many visitors come and go afterwards")
    parser.add_argument("--minutes", type=float, help="for how long visitors come and go, one after the other")
    parser.add_argument("--at-once", type=int, default=2, help="visitors who open their photos at the same time")
    parser.add_argument("--files", default="png,jpg,dng", help="suffixes of the photos, in turn: png, jpg, tif, dng")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with it
    photos, now = [(photograph(given.megapixels, each), each) for each in given.files.split(",")], time.monotonic()
    with tempfile.TemporaryDirectory() as folder, watched(Path(folder)) as (url, pid):
        if given.minutes:
            come_and_go(url, pid, photos, given.minutes)
            return 0
        most, stop = [0.0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.05):
                most[0] = max(most[0], held(pid))

        threading.Thread(target=watch, daemon=True).start()

        def round_of(number: int) -> list[Visitor]:
            there = [Visitor(url, f"r{number}v{k}", f"10.{number}.{k}.1") for k in range(given.visitors)]

            def opens(number: int) -> None:
                visitor = there[number]
                visitor.opens(*photos[number % len(photos)])
                print(f"  {visitor.name}: {held(pid):.0f} MiB, {time.monotonic() - now:.0f} s", flush=True)

            with ThreadPoolExecutor(given.at_once) as pool:
                list(pool.map(opens, range(len(there))))
            return there

        def closed(there: list[Visitor]) -> float:
            for each in there:
                each.leaves()
            time.sleep(LEFT_BEHIND)
            return statistics.mean(held(pid) for _ in range(5))

        Visitor(url, "first", "10.250.0.1").opens(*photos[0])
        start = held(pid)
        there = round_of(0)
        full, peak = held(pid), most[0]
        each = (full - start) / given.visitors
        print(f"{given.visitors} visitors with {given.megapixels:g} MP, {given.at_once} at once:", end=" ")
        print(f"{start:.0f} MiB with one, {full:.0f} MiB with all ({each:.0f} a visitor), {peak:.0f} MiB at most")
        before = closed(there)
        print(f"after they left: {before:.0f} MiB")
        for number in range(1, given.rounds + 1):
            after = closed(round_of(number))
            print(f"after round {number}: {after:.0f} MiB ({100 * (after / before - 1):+.1f} %)", flush=True)
        stop.set()
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
