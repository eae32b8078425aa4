"""Attacks a new server of this checkout for a limited time, and reports its failures.

    python scripts/attack.py                      # five minutes
    python scripts/attack.py --seconds 60 --seed 7

Three attackers take turns: the schema of the HTTP API is fuzzed (with schemathesis where it is installed), the page's
events and the endpoints are sent values of every type and size to known and unknown ids, and so are tools. Meanwhile
another visitor checks the server's health. Failures are: an answer of 500 or more other than "busy"; a server that has
ended, or is silent for more than 5 s; a line of the log that is not JSON, or a traceback; more than 2 GiB of memory; a
job of an honest visitor, afterwards, that is not done.
Exits with 1 on failure. Everything stays on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / "tests" / "server"), str(PROJECT / "benchmarks"), str(PROJECT)]

from serving import Server, called, png, running, uploaded  # noqa: E402

SILENCE, MEMORY = 5.0, 2048.0
"""Longest answer of the health check, in seconds, and largest memory of the server, in MiB."""
BUSY = (503, 504, 507)
ODD_HEADERS = ("Range", "If-None-Match", "If-Range", "If-Modified-Since", "Content-Type", "Cookie", "Origin", "Host",
               "Accept", "Accept-Language", "X-Forwarded-For")  # fmt: skip
ODD_VALUES = ("", "bytes=0-0,1-1", "bytes=" + "0-," * 2000, "multipart/form-data", "multipart/form-data; boundary=b",
              "null", "\xe4", "\x7f", "a=b; access-token-=x", "[::1", "q=" * 500)  # fmt: skip
_FILE = b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\nx\r\n--b--\r\n'
ODD_BODIES = (None, b"", b"\xff" * 1000, b"--b\r\n\r\n\r\n--b--", _FILE)


class Attack:
    """An attacker's knowledge of the server, and its results."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server, self.random = server, random.Random(seed)
        self.statuses: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._visitors = 0
        self.client = self._new_visitor()
        config = self.client.get("/config").json()
        self.events = {each["id"]: len(each["inputs"]) for each in config["dependencies"]}
        self.names = [str(each["api_name"]) for each in config["dependencies"] if each["api_name"]]
        self.photo = uploaded(self.client, png())

    def _new_visitor(self) -> httpx.Client:
        self._visitors += 1
        headers = {"X-Forwarded-For": f"10.{self._visitors // 250}.{self._visitors % 250}.1",
                   "Accept": "application/json, text/event-stream"}  # fmt: skip
        return self.server.client(headers=headers)

    def value(self, depth: int = 0) -> Any:
        """Returns random JSON, sometimes large, deep, or a file."""
        rng = self.random
        simple: list[Any] = [
            None, True, 0, -1, 1e308, 10**rng.randint(1, 400), "", "auto", "4", "../../etc/passwd", "hf:a/b/c",
            "\u202e\0",
            "x" * rng.choice((10, 10_000, 300_000)), {"path": self.photo, "meta": {"_type": "gradio.FileData"}},
            {"path": "/etc/passwd"}, {"path": self.photo + "/.." * 5000}, {"path": "http://127.0.0.1/x"},
            {"path": self.photo, "url": "http://127.0.0.1:1/x", "meta": {"_type": "gradio.FileData"}},
            rng.choice(self.names),
            "data:image/png;base64,AAAA",
        ]  # fmt: skip
        if depth < 4 and rng.random() < 0.3:
            children = [self.value(depth + 1) for _ in range(rng.randint(0, 4))]
            return children if rng.random() < 0.5 else {str(self.value(9))[:20]: each for each in children}
        return rng.choice(simple)

    def event(self) -> httpx.Response:
        """Sends an event of the page: known or unknown, with the right or a wrong number of values."""
        rng = self.random
        index = rng.choice([*self.events, -1, 10**6, "x", None])
        count = rng.choice((self.events.get(index, 3), rng.randint(0, 40)))
        body = {
            "data": [self.value() for _ in range(count)],
            "fn_index": index,
            "session_hash": rng.choice((f"a{rng.randrange(2000)}", 3, "")),
        }
        return self._sent(rng.choice(("/gradio_api/queue/join", "/gradio_api/run/x")), body)

    def endpoint(self) -> httpx.Response:
        rng = self.random
        name = rng.choice([*self.names, "nothing", "%00", "a" * 3000])
        version = rng.choice(("", "v2/"))
        data = [self.value() for _ in range(rng.randint(0, 5))]
        return self._sent(
            f"/gradio_api/call/{version}{name}", {"data": data} if not version else {"photo": self.value()}
        )

    def tool(self) -> httpx.Response:
        rng = self.random
        arguments = {rng.choice(("photo", "model", "ratio", "x")): self.value() for _ in range(rng.randint(0, 3))}
        method = rng.choice(("tools/call", "tools/list", "initialize", "nothing", "resources/read"))
        name = rng.choice([*self.names, "nothing"])
        body = {
            "jsonrpc": "2.0",
            "id": self.value(),
            "method": method,
            "params": {"name": name, "arguments": arguments},
        }
        return self._sent("/gradio_api/mcp/", body)

    def odd(self) -> httpx.Response:
        """Requests routes of the page with odd queries, headers and bodies."""
        rng = self.random
        path = rng.choice(("/", "/config", "/gradio_api/queue/data", "/gradio_api/upload_progress", "/gradio_api/info",
                           f"/gradio_api/file={self.photo}", "/gradio_api/heartbeat/a", "/pwa_icon/0", "/theme.css",
                           "/gradio_api/upload", "/login", "/gradio_api/cancel", "/gradio_api/reset"))  # fmt: skip
        headers = {rng.choice(ODD_HEADERS): rng.choice(ODD_VALUES)}
        query = {rng.choice(("session_hash", "upload_id", "page", "deep_link", "__theme")): str(self.value(9))[:3000]}
        content = rng.choice(ODD_BODIES)
        method = "POST" if content is not None else rng.choice(("GET", "HEAD", "OPTIONS", "DELETE"))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        with self.client.stream(method, path, params=query, headers=raw, content=content, timeout=20) as answer:
            if "heartbeat" not in path and answer.status_code != 200:
                answer.read()
        return answer

    def _sent(self, path: str, body: Any) -> httpx.Response:
        return self.client.post(path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})

    def run(self, until: float) -> None:
        while time.monotonic() < until:
            ask = self.random.choice((self.event, self.endpoint, self.tool, self.odd))
            try:
                answer = ask()
            except httpx.HTTPError as error:
                self.statuses[type(error).__name__] += 1
                continue
            status = answer.status_code
            self.statuses[str(status)] += 1
            if status == 429:
                self.client.close()
                self.client = self._new_visitor()
            elif status >= 500 and status not in BUSY:
                self.wrong.append(
                    f"{ask.__name__}: {status} at {answer.request.url.path}: {answer.request.read()[:300]!r}"
                )


def watch(server: Server, stop: threading.Event, wrong: list[str]) -> None:
    """Checks the server's health, as another visitor."""
    while not stop.wait(0.5):
        started = time.monotonic()
        try:
            httpx.get(f"{server.url}/healthz", timeout=30, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            wrong.append(f"/healthz: {error!r}")
        taken = time.monotonic() - started
        if taken > SILENCE:
            wrong.append(f"/healthz took {taken:.1f} s")
        status = Path(f"/proc/{server.process.pid}/status")
        if status.exists() and (held := int(status.read_text().split("VmRSS:")[1].split()[0]) / 1024) > MEMORY:
            wrong.append(f"the server holds {held:.0f} MiB")


def schema(server: Server, seconds: float, seed: int) -> list[str]:
    """Fuzzes the API by its own schema."""
    program = shutil.which("schemathesis")
    if program is None:
        print("schemathesis is not installed: the schema is left out")
        return []
    command = [program, "run", f"{server.url}/gradio_api/openapi.json", "--checks", "not_a_server_error"]
    bounds = ["--seed", str(seed), "--max-time", str(max(1, round(seconds))), "--max-examples", "20"]
    command += [*bounds, "--header", "X-Forwarded-For: 10.99.0.1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=server.temporary)
    print(done.stdout[-1500:])
    return [] if done.returncode == 0 else [f"schemathesis: {done.stdout[-3000:]}{done.stderr[-500:]}"]


def still_works(server: Server) -> list[str]:
    """Has a job done for a visitor who did nothing wrong; the attackers' jobs may have to end first."""
    with server.client(headers={"X-Forwarded-For": "10.98.0.1"}) as honest:
        for _ in range(60):
            done, said = called(honest, "models")
            if done == "complete":
                return []
            time.sleep(2)
    return [f"an honest visitor's job: {done}, {said}"]


def faults_of(log: str) -> list[str]:
    """Returns log lines that are not JSON, and tracebacks."""
    lines = log.splitlines()
    return [line[:2000] for line in lines if not line.startswith("{") or '"traceback"' in line or "Traceback" in line]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "--log-json") as server:
        stop = threading.Event()
        watcher = threading.Thread(target=watch, args=(server, stop, wrong))
        watcher.start()
        attack = Attack(server, given.seed)
        attack.run(time.monotonic() + given.seconds * 2 / 3)
        wrong += attack.wrong + schema(server, given.seconds / 3, given.seed)
        wrong += still_works(server)
        stop.set()
        watcher.join()
        if server.process.poll() is not None:
            wrong.append("the server is gone")
        log = server.log.read_text()
    wrong += faults_of(log)
    print(dict(attack.statuses), f"{len(log)} bytes of log", sep="\n")
    print(*wrong[:30], f"{len(wrong)} wrong" if wrong else "It stood.", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
