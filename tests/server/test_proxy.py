"""proxy/nginx.conf, as it is but for ports and paths, in a running nginx: before a server of the test, and before the
app."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from serving import PATIENCE, Server, called, file_of, free_port, png, running, uploaded

from explorer.messages import MESSAGES

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
UPLOAD, LIVE, JOIN = "/gradio_api/upload", "/gradio_api/live", "/gradio_api/queue/join"
MIB = 2**20
FROM = "X-Test-Address"
"""Header that tells this nginx its client's address: a test has no other IPv6 network."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl, folder = shutil.which("openssl"), tmp_path_factory.mktemp("certificate")
    if NGINX is None or openssl is None:
        pytest.skip("needs nginx and openssl: apt install nginx-light openssl")
    key = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", *key]
    subprocess.run(made, check=True, capture_output=True)
    return folder


class Upstream(http.server.BaseHTTPRequestHandler):
    """Says what it was told, and notes what it did."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.asked["POST " + self.path] += 1  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self._say(json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode())

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1  # type: ignore[attr-defined]
        if "endless" in self.path:
            self.send_response(200)
            self.send_header("content-length", str(1000 * MIB))
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(bytes(MIB))
                    self.server.asked["MiB sent"] += 1  # type: ignore[attr-defined]
        else:
            time.sleep(0.2)
            self._say(b"part")

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def proxy(project: Path, certificate: Path, folder: Path, upstream: int) -> Iterator[tuple[int, int]]:
    """Runs nginx before a port of this machine; yields its ports without and with TLS."""
    plain = free_port()
    secure = next(port for port in iter(free_port, None) if port != plain)
    text = (project / "proxy" / "nginx.conf").read_text()
    for old, new in (("app:7860", f"127.0.0.1:{upstream}"), ("listen [::]", "# listen [::]"),
                     ("listen 8080", f"listen 127.0.0.1:{plain}"), ("listen 8443", f"listen 127.0.0.1:{secure}"),
                     ("/tmp/", f"{folder}/"), ("/certs/", f"{certificate}/"), ("/dev/stderr", f"{folder}/error.log"),
                     ("client_header_timeout 10s", "client_header_timeout 2s"),
                     ("client_body_timeout 20s", "client_body_timeout 2s"),
                     ("worker_processes auto", "daemon off;\nworker_processes 1"),
                     ("http {", f"http {{\nset_real_ip_from 127.0.0.1;\nreal_ip_header {FROM};")):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    if os.geteuid() == 0:  # its workers would be somebody else, who may not come to this folder
        text = f"user root;\n{text}"
    (folder / "nginx.conf").write_text(text)
    command = [str(NGINX), "-e", f"{folder}/error.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline and process.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", secure)):
                break
            time.sleep(0.05)
        yield plain, secure
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def proxied(project: Path, certificate: Path, tmp_path: Path) -> Iterator[tuple[int, int, Counter[str]]]:
    """The proxy before the test's server: both ports, and what that server was asked."""
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    upstream.asked = Counter()  # type: ignore[attr-defined]
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with proxy(project, certificate, tmp_path, upstream.server_port) as (plain, secure):
        yield plain, secure, upstream.asked  # type: ignore[attr-defined]
    upstream.shutdown()


def client_of(port: int, **headers: str) -> httpx.Client:
    return httpx.Client(
        verify=False, trust_env=False, base_url=f"https://127.0.0.1:{port}", timeout=PATIENCE, headers=headers
    )


def connected(port: int, request: str) -> ssl.SSLSocket:
    """A connection on which a request has begun."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
    raw.sendall(request.replace("\n", "\r\n").encode())
    return raw


def soon(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()


def test_the_proxys_bounds_are_the_apps(project: Path) -> None:
    from explorer.photo.limits import Limits
    from explorer.server import ServerOptions, rules
    from explorer.server.gate import _MARGIN

    text, options = (project / "proxy" / "nginx.conf").read_text(), ServerOptions()
    sizes = dict(re.findall(r"location [=~]? ?(\S+) \{[^}]*client_max_body_size (\w+);", text))
    assert sizes == {
        "^/login/?$": f"{rules.LARGEST[rules.LOGIN] // 2**10}k",
        UPLOAD: f"{(Limits().max_bytes + _MARGIN) // MIB}m",
        LIVE: f"{rules.LARGEST[rules.FRAME] // 2**10}k",
        "/gradio_api/mcp": f"{rules.LARGEST[rules.MCP] // MIB}m",
    }
    assert f"client_max_body_size {rules.LARGEST_VALUES // MIB}m;\n        error_page" in text
    rates = dict(re.findall(r"zone=(\w+):10m rate=(\w+/[sm])", text))
    assert rates["requests"] == f"{options.requests_per_minute / 60:g}r/s"
    assert f"zone=requests burst={options.requests_per_minute:g} " in text
    assert rates["frames"] == f"{options.frames_per_second:g}r/s" and rates["logins"] == "10r/m"
    assert f"zone=frames burst={2 * options.frames_per_second:g} " in text
    assert f"limit_conn connections {options.answers_at_once};" in text


def test_what_a_client_claims_about_itself_stays_outside(proxied: tuple[int, int, Counter[str]]) -> None:
    plain, secure, _ = proxied
    claims = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http",
              "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6", "X-Gradio-Server": "evil"}  # fmt: skip
    with client_of(secure) as client:
        answer = client.post("/a", content=b"x", headers=claims)
        told = [pair for pair in answer.json() if pair[0].startswith(("x-", "forwarded", "host"))]
        assert sorted(told) == [["host", f"127.0.0.1:{secure}"], ["x-forwarded-for", "127.0.0.1"],
                                ["x-forwarded-proto", "https"]]  # fmt: skip
        assert "max-age" in answer.headers["strict-transport-security"]
        moved = httpx.get(f"http://127.0.0.1:{plain}/a", trust_env=False)
        assert moved.status_code == 301 and moved.headers["location"].startswith("https://")


def test_bodies_that_are_too_long(proxied: tuple[int, int, Counter[str]]) -> None:
    _, secure, asked = proxied
    with client_of(secure) as client:
        for path, most in (("/login", 8192), ("/login/", 8192), (LIVE, 2**19), (JOIN, 2 * MIB),
                           ("/gradio_api/call/restore", 2 * MIB), ("/gradio_api/mcp/", 8 * MIB)):  # fmt: skip
            assert client.post(path, content=bytes(most)).status_code == 200, path
            refused = client.post(path, content=bytes(most + 1))
            assert refused.status_code == 413 and "larger than" in refused.json()["detail"], path
        before = asked.total()
        with connected(secure, f"POST {UPLOAD} HTTP/1.1\nHost: a\nContent-Length: {514 * MIB}\n\n") as raw:
            assert b" 413 " in (said := raw.recv(4096))
        sentence = MESSAGES["refused.length"].format(mebibytes="513")
        assert json.loads(said.partition(b"\r\n\r\n")[2]) == {"detail": sentence, "error": sentence}
        assert asked.total() == before


def test_rates_by_address(proxied: tuple[int, int, Counter[str]]) -> None:
    """Two addresses of one IPv6 network are one visitor, however they are written."""
    _, secure, _ = proxied
    for mine, others in (("198.51.100.1", "198.51.100.2"), ("2001:db8:1::a:b:c:1", "2001:db8:1:1::1")):
        with client_of(secure) as client:
            for number in range(30):
                again = f"2001:db8:1::a:b:{number:x}:1" if ":" in mine else mine
                answer = client.post("/login", content=b"x", headers={FROM: again})
                assert number or answer.status_code == 200
            assert answer.status_code == 429, "passwords are not guessed on and on"
            assert answer.json()["error"] == MESSAGES["refused.busy"].format(wait=answer.headers["retry-after"])
            assert client.post("/login", content=b"x", headers={FROM: others}).status_code == 200, others


def test_a_class_behind_one_address_opens_its_pages(proxied: tuple[int, int, Counter[str]]) -> None:
    """Thirty pages in the same second: each file of theirs is asked for once."""
    _, secure, asked = proxied

    def opens(pupil: int) -> set[int]:
        with client_of(secure) as client:
            return {client.get(f"/assets/part-{number}.js").status_code for number in range(95)}

    with ThreadPoolExecutor(30) as pool:
        assert set().union(*pool.map(opens, range(30))) == {200}
    assert asked.total() == 95 and set(asked.values()) == {1}
    with client_of(secure) as client:
        assert client.post("/a", content=b"x").status_code == 200


def test_a_camera_uses_up_nothing_of_the_pages(proxied: tuple[int, int, Counter[str]]) -> None:
    _, secure, _ = proxied

    def sends(_: int) -> Counter[int]:
        with client_of(secure) as client:
            return Counter(client.post(LIVE, content=bytes(40_000)).status_code for _ in range(150))

    with ThreadPoolExecutor(4) as pool:
        got = sum(pool.map(sends, range(4)), Counter())
    assert got[200] >= 120 and got[429] > 0 and set(got) == {200, 429}
    with client_of(secure) as client:
        assert {client.post("/a", content=b"x").status_code for _ in range(50)} == {200}


def test_slow_clients_are_left(proxied: tuple[int, int, Counter[str]]) -> None:
    _, secure, asked = proxied
    started = time.monotonic()
    with connected(secure, "GET / HTTP/1.1\nX-A: b\n") as raw:
        assert raw.recv(100) == b"", "it waits for headers no longer"
    with (
        connected(secure, f"POST {JOIN} HTTP/1.1\nHost: a\nContent-Length: 1000\n\n{{") as raw,
        contextlib.suppress(ConnectionResetError),
    ):
        assert raw.recv(100) == b""
    assert time.monotonic() - started < 30 and not asked, "the app learns nothing of them"


def test_nobodys_transfers_fill_the_proxys_disk(proxied: tuple[int, int, Counter[str]]) -> None:
    _, secure, asked = proxied
    with connected(secure, f"POST {UPLOAD} HTTP/1.1\nHost: a\nContent-Length: {300 * MIB}\n\n") as raw:
        raw.sendall(bytes(MIB))
        assert soon(lambda: asked["POST " + UPLOAD] == 1), "an upload reaches the app, which counts it, as it comes"
    with connected(secure, f"POST {JOIN} HTTP/1.1\nHost: a\nContent-Length: {MIB}\n\n") as raw:
        raw.sendall(bytes(MIB // 2))
        time.sleep(0.5)
        assert not asked["POST " + JOIN], "what is short reaches it whole"
    with connected(secure, "GET /gradio_api/file=endless HTTP/1.1\nHost: a\n\n"):
        time.sleep(3)
        assert 0 < asked["MiB sent"] < 50, "an answer that nobody reads waits where it comes from"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app as compose.yaml starts it."""
    settings = {"EXPLORER_PROXIES": "1", "EXPLORER_HOSTS": "lowlight.example.org",
                "EXPLORER_UPLOAD_MEGABYTES_PER_HOUR": "40"}  # fmt: skip
    with running(tmp_path_factory.mktemp("app"), "--host", "0.0.0.0", "--log-json", **settings) as started:
        yield started


def test_the_app_behind_it(project: Path, certificate: Path, tmp_path: Path, app: Server) -> None:
    host = {"Host": "lowlight.example.org"}
    with proxy(project, certificate, tmp_path, int(app.url.rpartition(":")[2])) as (_, secure):
        with client_of(secure, **host, **{FROM: "203.0.113.5"}) as client:
            path = uploaded(client, png())
            done, said = called(client, "restore", file_of(path), "gamma", "4", "png8")
            assert done == "complete", said
            made = client.get(f"/gradio_api/file={said[0]['path']}")
            assert made.status_code == 200 and made.content.startswith(b"\x89PNG")
            assert client.get("/config", headers={"Host": "evil.test"}).status_code == 403
            for answer in (client.post(UPLOAD, files={"files": ("a.dng", bytes(60 * MIB))}),
                           client.post("/nothing", content=bytes(MIB + MIB // 2))):  # fmt: skip
                assert answer.status_code in (429, 404), "the app's refusal of what it does not read arrives"
                assert answer.json()["detail"]
            began = time.monotonic()
            with client.stream("GET", "/gradio_api/heartbeat/abc") as stream:
                assert next(stream.iter_raw()) and time.monotonic() - began < 10, "events come as they happen"
        assert any(line.get("client") == "203.0.113.5" for line in app.lines_once("203.0.113.5", {"upload"}))
