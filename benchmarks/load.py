"""Load test of the app: many concurrent clients with their own photos, every answer checked by its content.

    python benchmarks/load.py                            # 32 clients for two minutes, only on this machine
    python benchmarks/load.py --clients 8 --seconds 20
    python benchmarks/load.py --quick                    # few, small and short, to show that it works
    python benchmarks/load.py --url http://127.0.0.1:7860

Starts `lowlight app` on a free port of the loopback interface, unless --url gives a running one, and connects to no
other host. Each client appears to the server with its own address, uploads a photo that contains its number, and sends
requests one after the other: the page, lists, suggestions, restorations, decompositions. Counts answers, "queue full"
(503) and "too many requests" (429), which are legitimate, and failures, of which there must be none. Then repeats this
next to one visitor that misbehaves as fast as it can: the others' answers may take 1.5 times as long. Writes
benchmarks/results/load.{md,json} and exits with 1 if anything failed, a client got another's picture, or the visitor
slowed the others down more than that.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from _serving import APP, serving
from PIL import Image

HERE = Path(__file__).resolve().parent
CLIENTS, SECONDS, MEGAPIXELS = 32, 120.0, 1.0
SETTLED = 60.0
"""Seconds after which the server's memory should not grow."""
SLOWER = 1.5
"""Factor by which the 95th percentile of answers may grow next to a misbehaving visitor."""
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
BITS, CELL = 10, 24
"""Number and side of the squares, dark or less dark, that encode a photo's number in it."""
FULL, WAIT, GOOD, BAD, FOREIGN = "queue full", "too many requests", "answered", "failed", "another's picture"


@dataclass
class Record:
    """The results of all clients."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds of the answers, by kind of request."""
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    failures: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start, and MiB of the server including its decoders."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, outcome: str, seconds: float, words: str = "") -> None:
        with self.lock:
            self.outcomes[what][outcome] += 1
            if outcome == GOOD:
                self.seconds[what].append(seconds)
            elif outcome in (BAD, FOREIGN):
                self.failures.append(f"{what}: {outcome}: {words[:300]}")


def photograph(number: int, megapixels: float) -> bytes:
    """Makes a dark, noisy picture as PNG, with its number in the upper left corner."""
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    width = round(megapixels * 1e6 / height)
    rng = np.random.default_rng(number)
    picture = rng.normal(12, 3, (height, width, 3)) + np.linspace(0, 25, width)[None, :, None]
    for bit in range(BITS):
        picture[:CELL, bit * CELL : (bit + 1) * CELL] = 60 if number >> bit & 1 else 8
    buffer = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def number_of(picture: np.ndarray) -> int:
    """Reads the number in a picture, independently of its brightness."""
    grey = picture.mean(axis=2) if picture.ndim == 3 else picture
    scale = grey.shape[1] / Client.width
    cell = CELL * scale
    squares = [
        float(grey[int(0.3 * cell) : int(0.7 * cell) + 1, int((k + 0.3) * cell) : int((k + 0.7) * cell) + 1].mean())
        for k in range(BITS)
    ]
    middle = (max(squares) + min(squares)) / 2
    return sum(1 << bit for bit, value in enumerate(squares) if value > middle)


class RefusedError(Exception):
    """A legitimate refusal."""


class Client:
    """One of the crowd."""

    width = 0

    def __init__(self, url: str, number: int, data: bytes, record: Record) -> None:
        self.number, self._data, self._record = number, data, record
        headers = {"X-Forwarded-For": f"10.{number // 250}.{number % 250}.1"}
        self._http = httpx.Client(base_url=url, timeout=300, trust_env=False, headers=headers)
        self._random = random.Random(number)
        self._path = ""

    def _asks(self) -> list[tuple[str, Callable[[], None], int]]:
        """Returns the requests, and their relative frequencies."""
        return [
            ("page", self._page, 2),
            ("models", self._models, 2),
            ("upload", self._upload, 2),
            ("suggest_ratio", self._suggest, 3),
            ("layers", self._layers, 1),
            ("restore identity", self._identity, 3),
            ("restore gamma", lambda: self._restored("gamma", "png8"), 2),
            ("restore clahe, 16 bits", lambda: self._restored("clahe", "png16"), 2),
            ("restore a network", lambda: self._restored("retinexnet.joint_decom_only", "png8"), 1),
            ("decompose", self._decompose, 1),
        ]

    def warm_up(self) -> None:
        """Sends every request once, because first requests take longer."""
        self._upload()
        for _, ask, _ in self._asks():
            ask()

    def run(self, until: float) -> None:
        asks = self._asks()
        self._ask("upload", self._upload)
        names, weights = [each[:2] for each in asks], [each[2] for each in asks]
        while time.monotonic() < until:
            name, ask = self._random.choices(names, weights)[0]
            if self._path or name == "upload":
                self._ask(name, ask)
            else:
                self._ask("upload", self._upload)
        self._http.close()

    def _ask(self, what: str, ask: Callable[[], None]) -> None:
        started = time.perf_counter()
        outcome, words = GOOD, ""
        try:
            ask()
        except RefusedError as refused:
            outcome = str(refused)
            time.sleep(1)
        except AssertionError as error:
            outcome, words = FOREIGN if "picture" in str(error) else BAD, str(error)
        except Exception as error:
            outcome, words = BAD, f"{type(error).__name__}: {error}"
        self._record.add(what, outcome, time.perf_counter() - started, words)

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code in (503, 429):
            raise RefusedError(FULL if answer.status_code == 503 else WAIT)
        assert answer.status_code == 200, f"status {answer.status_code}: {answer.text[:200]}"
        return answer

    def _page(self) -> None:
        assert "gradio_config" in self._checked(self._http.get("/")).text

    def _upload(self) -> None:
        answer = self._http.post("/gradio_api/upload", files={"files": (f"{self.number}.png", self._data)})
        self._path = self._checked(answer).json()[0]

    def _call(self, name: str, *values: Any) -> Any:
        started = self._checked(self._http.post(f"/gradio_api/call/{name}", json={"data": list(values)}))
        event = ""
        with self._http.stream("GET", f"/gradio_api/call/{name}/{started.json()['event_id']}") as answer:
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event in ("complete", "error"):
                    assert event == "complete", line
                    return json.loads(line.removeprefix("data: "))[0]
        raise AssertionError(f"{name} ended without an answer")

    def _file(self) -> dict[str, Any]:
        return {"path": self._path, "meta": {"_type": "gradio.FileData"}}

    def _fetched(self, file: dict[str, Any]) -> bytes:
        return self._checked(self._http.get(f"/gradio_api/file={file['path']}")).content

    def _models(self) -> None:
        assert any(model["name"] == "clahe" for model in self._call("models"))

    def _suggest(self) -> None:
        assert 1 <= self._call("suggest_ratio", self._file())["ratio"] <= 300

    def _layers(self) -> None:
        assert self._call("layers", "retinexnet.joint_decom_only")

    def _identity(self) -> None:
        data = self._fetched(self._call("restore", self._file(), "identity", "1", "png8"))
        made, own = (np.asarray(Image.open(io.BytesIO(each))).astype(int) for each in (data, self._data))
        same = made.shape == own.shape and np.abs(made - own).max() <= 1
        assert same, f"picture {number_of(made)} came back to client {self.number}"

    def _restored(self, model: str, kind: str) -> None:
        data = self._fetched(self._call("restore", self._file(), model, "3", kind))
        made = np.asarray(Image.open(io.BytesIO(data)))
        assert number_of(made) == self.number, f"picture {number_of(made)} came to client {self.number} from {model}"

    def _decompose(self) -> None:
        arrays = np.load(io.BytesIO(self._fetched(self._call("decompose", self._file(), "lime", "auto"))))
        found = number_of(arrays["seen"])
        assert found == self.number, f"picture {found} came to client {self.number} from decompose"


class Misbehaving:
    """A visitor that sends the most expensive requests, from one address over several connections."""

    CONNECTIONS = 4

    def __init__(self, url: str) -> None:
        self._url = url
        self.asked: Counter[str] = Counter()
        long = {"path": "/tmp" + "/x/.." * 200_000, "meta": {"_type": "gradio.FileData"}}
        photo = "data:image/png;base64," + "A" * (3 * 2**20)
        tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        self._bodies = [
            ("/gradio_api/call/suggest_ratio", json.dumps({"data": [long]}).encode()),
            ("/gradio_api/mcp/", b"[" + b"{}," * 2_700_000 + b"{}]"),
            ("/gradio_api/queue/join", b'{"data": [' + b"[]," * 60_000 + b"0]}"),
            ("/gradio_api/call/models", b'{"data": []}'),
            ("/gradio_api/queue/join", b'{"data": [], "fn_index": 99999, "session_hash": "x"}'),
            (
                "/gradio_api/mcp/",
                json.dumps({**tool, "params": {"name": "suggest_ratio", "arguments": {"photo": photo}}}).encode(),
            ),
        ]

    def run(self, until: float, number: int) -> None:
        rng = random.Random(number)
        headers = {"X-Forwarded-For": "10.200.0.1", "Accept": "application/json, text/event-stream"}
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False, headers=headers) as client:
            while time.monotonic() < until:
                path, body = rng.choice(self._bodies)
                try:
                    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
                    self.asked[str(answer.status_code)] += 1
                    client.get("/gradio_api/queue/data", params={"session_hash": f"nobody{rng.random()}"})
                    client.get("/config")
                    client.post("/gradio_api/upload", content=self._endless(), headers=BOUNDARY)
                except httpx.HTTPError:
                    self.asked["broken off"] += 1

    def _endless(self) -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n'
        for _ in range(64):
            yield bytes(2**20)


def memory_of(pid: int) -> float:
    """Returns the memory of a process and its children in MiB; 0 if the system does not provide it."""
    total = 0.0
    for each in [pid, *children_of(pid)]:
        try:
            text = Path(f"/proc/{each}/status").read_text()
            total += int(text.split("VmRSS:")[1].split()[0]) / 1024
        except (OSError, IndexError):
            continue
    return total


def children_of(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    found = []
    for file in files:
        try:
            found += [int(each) for each in file.read_text().split()]
        except OSError:
            continue
    return found


@contextmanager
def watched(folder: Path) -> Iterator[tuple[str, int]]:
    """Runs the app; yields its address and process id, and prints what it logged if anything failed in it."""
    log = folder / "log.txt"
    try:
        with serving(*APP, log=log, TMPDIR=str(folder)) as found:
            yield found[0], found[1].pid
    finally:
        text = log.read_text()
        if "Traceback" in text:
            print(text[-4000:])


def crowd(
    url: str, pid: int | None, clients: int, seconds: float, megapixels: float, beside: Misbehaving | None = None
) -> Record:
    """Runs the clients."""
    record = Record()
    photographs = [photograph(number, megapixels) for number in range(1, clients + 1)]
    Client.width = Image.open(io.BytesIO(photographs[0])).width
    started = time.monotonic()
    until = started + seconds
    everybody = [Client(url, number + 1, data, record) for number, data in enumerate(photographs)]
    threads = [threading.Thread(target=each.run, args=(until,)) for each in everybody]
    if beside:
        threads += [threading.Thread(target=beside.run, args=(until, k)) for k in range(beside.CONNECTIONS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if pid is not None:
            record.memory.append((time.monotonic() - started, memory_of(pid)))
        time.sleep(1)
    return record


def growth(memory: list[tuple[float, float]], seconds: float) -> tuple[float, float] | None:
    """Returns MiB just after the first minute and at the end (means of ten seconds); None for a shorter run."""
    settled = [mib for at, mib in memory if SETTLED <= at < SETTLED + 10]
    last = [mib for at, mib in memory if seconds - 10 <= at <= seconds]
    if seconds < SETTLED + 20 or not settled or not last or not all(settled):
        return None
    return statistics.mean(settled), statistics.mean(last)


def all_seconds(record: Record) -> list[float]:
    return [each for values in record.seconds.values() for each in values]


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def page(record: Record, given: argparse.Namespace, taken: float) -> str:
    kinds = [GOOD, FULL, WAIT, BAD, FOREIGN]
    lines = [
        "# A crowd at the app",
        "",
        f"{given.clients} clients for {given.seconds:g} s ({taken:.0f} s with what they had asked for then), "
        f"photographs of {given.megapixels:g} MP, {os.cpu_count()} processors ({platform.machine()}), load at the end "
        f"{os.getloadavg()[0]:.1f}. Made by `python benchmarks/load.py --clients {given.clients} --seconds "
        f"{given.seconds:g}`.",
        "",
        "| asked | " + " | ".join(kinds) + " | median s | p95 s | longest s |",
        "|---|" + "--:|" * (len(kinds) + 3),
    ]
    totals: Counter[str] = Counter()
    for what, outcomes in sorted(record.outcomes.items()):
        totals += outcomes
        spent = record.seconds[what]
        cells = " | ".join(str(outcomes[kind]) for kind in kinds)
        longest = max(spent, default=float("nan"))
        lines.append(
            f"| {what} | {cells} | {percentile(spent, 0.5):.2f} | {percentile(spent, 0.95):.2f} | {longest:.2f} |"
        )
    everything = all_seconds(record)
    cells = " | ".join(str(totals[kind]) for kind in kinds)
    lines.append(
        f"| **all** | {cells} | {percentile(everything, 0.5):.2f} | {percentile(everything, 0.95):.2f} "
        f"| {max(everything, default=float('nan')):.2f} |"
    )
    found, most = growth(record.memory, given.seconds), max((mib for _, mib in record.memory), default=0.0)
    words = "Memory of the server and its decoders:"
    if found is not None:
        change = 100 * (found[1] / found[0] - 1)
        lines += [
            "",
            f"{words} {found[0]:.0f} MiB after the first minute, {found[1]:.0f} MiB at the end ({change:+.1f} %).",
        ]
    elif most:
        lines += ["", f"{words} at most {most:.0f} MiB; the run was too short to tell whether it grows."]
    if record.failures:
        lines += ["", "## Failures", "", *(f"- {each}" for each in record.failures[:50])]
    return "\n".join(lines) + "\n"


def both(url: str, pid: int | None, given: argparse.Namespace) -> tuple[Record, Record, Counter[str], float]:
    """Runs the crowd alone, then next to a misbehaving visitor; returns both, the visitor's answers, and the
    seconds."""
    data = photograph(1, given.megapixels)
    Client.width = Image.open(io.BytesIO(data)).width
    Client(url, 1, data, Record()).warm_up()
    started, beside = time.monotonic(), Misbehaving(url)
    record = crowd(url, pid, given.clients, given.seconds, given.megapixels)
    taken = time.monotonic() - started
    other = crowd(url, pid, given.clients, given.seconds, given.megapixels, beside)
    return record, other, beside.asked, taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--megapixels", type=float, default=MEGAPIXELS)
    parser.add_argument("--url", help="of a server that runs already, on this machine")
    parser.add_argument("--quick", action="store_true", help="4 clients for 5 seconds, photographs of 0.1 MP")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    given = parser.parse_args()
    if given.quick:
        given.clients, given.seconds, given.megapixels = 4, 5.0, 0.1
    if not 1 <= given.clients < 2**BITS - 1 or not 0 < given.seconds <= 600:
        parser.error(f"1 to {2**BITS - 2} clients for up to 600 seconds")
    if given.url and urlsplit(given.url).hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("the crowd visits only this machine: give an address of 127.0.0.1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with it
    if given.url:
        found = both(given.url, None, given)
    else:
        with tempfile.TemporaryDirectory() as folder, watched(Path(folder)) as (url, pid):
            found = both(url, pid, given)
    record, other, asked, taken = found
    text = page(record, given, taken)
    before, beside = percentile(all_seconds(record), 0.95), percentile(all_seconds(other), 0.95)
    slower = beside / before
    answers = ", ".join(f"{count} times {what}" for what, count in sorted(asked.items()))
    text += f"\nNext to a misbehaving visitor ({answers}): 95 % within {beside:.2f} s, {slower:.2f} times as long.\n"
    text += "".join(f"\n- {each}" for each in other.failures[:50])
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / "load.md").write_text(text)
    values = {
        "clients": given.clients,
        "seconds": given.seconds,
        "outcomes": {what: dict(counter) for what, counter in record.outcomes.items()},
        "slower_beside_misbehaving": slower,
        "p95": {what: percentile(spent, 0.95) for what, spent in record.seconds.items()},
        "memory": [(round(at, 1), round(mib, 1)) for at, mib in record.memory],
    }
    (given.results / "load.json").write_text(json.dumps(values, indent=1) + "\n")
    print(text)
    return 1 if record.failures or other.failures or (slower > SLOWER and not given.quick) else 0


if __name__ == "__main__":
    sys.exit(main())
