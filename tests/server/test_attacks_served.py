"""What a visitor can do to a server through HTTP, and must not: attacks that need Gradio behind the gate. All of them
share one server."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from serving import PATIENCE, Server, called, file_of, png, running, uploaded

from explorer.logs import FOREIGN_A_MINUTE
from explorer.server.rules import LIVE
from explorer.server.visitor import INNER

JOIN, MCP, UPLOAD = "/gradio_api/queue/join", "/gradio_api/mcp/", "/gradio_api/upload"
EVENTS = {"Accept": "application/json, text/event-stream"}
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
MIB = 2**20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("attacked")
    settings = {"EXPLORER_JOBS_PER_MINUTE": "40", "EXPLORER_UPLOAD_MEGABYTES_PER_HOUR": "24"}
    with running(folder, "--log-json", **settings) as started:
        yield started
        text = started.log.read_text()
        odd = [line[:3000] for line in text.splitlines() if "Traceback" in line or not line.startswith("{")]
        assert not odd, odd[0]
        assert all(json.loads(line) for line in text.splitlines())


def visitor(server: Server, number: int) -> httpx.Client:
    return server.client(headers={"X-Forwarded-For": f"10.4.{number}.1"})


def memory_of(server: Server) -> float:
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) / 1024


def files_of(server: Server) -> int:
    return sum(path.stat().st_size for path in server.temporary.rglob("*") if path.is_file())


def test_parts_of_uploads_that_are_no_files(server: Server) -> None:
    def field(name: bytes) -> Iterator[bytes]:
        yield b"--b\r\nContent-Disposition: form-data; name=" + name + b"\r\n\r\n"
        for _ in range(20):
            yield b"\xff" * MIB
        yield b"\r\n--b--\r\n"

    before = memory_of(server) if os.path.exists("/proc/self/status") else 0.0
    with visitor(server, 1) as client:
        for name, query in ((b'"f"', ""), (b'"files"', ""), (b'"f"; filename=""', ""), (b'"f"', "?upload_id=z")):
            with contextlib.suppress(httpx.WriteError):  # the server had heard enough
                assert client.post(UPLOAD + query, content=field(name), headers=BOUNDARY).status_code == 400
    if before:
        assert memory_of(server) - before < 20
    assert not list(server.temporary.rglob("tmp*_*"))


def test_uploads_at_once_are_cut_off_and_leave_nothing(server: Server) -> None:
    """Without a length, so that nothing can be counted before it comes."""
    from concurrent.futures import ThreadPoolExecutor

    def upload(number: int) -> int:
        def body() -> Iterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="%d.png"\r\n\r\n' % number
            for _ in range(10):
                yield os.urandom(MIB)
            yield b"\r\n--b--\r\n"

        with visitor(server, 2) as client:
            try:
                return client.post(UPLOAD, content=body(), headers=BOUNDARY).status_code
            except httpx.WriteError:
                return 429

    before = files_of(server)
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(upload, range(6)))
    assert statuses.count(200) <= 2 and set(statuses) <= {200, 429}
    assert files_of(server) - before <= 24 * MIB
    assert (files_of(server) - before) // MIB == 10 * statuses.count(200), "what was cut off is gone"


def tool(client: httpx.Client, name: str, headers: dict[str, str] | None = None, **arguments: Any) -> httpx.Response:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    return client.post(MCP, json=call, headers={**EVENTS, **(headers or {})})


def test_through_tools_a_visitor_is_who_it_is(server: Server) -> None:
    pytest.importorskip("mcp", reason="needs the Model Context Protocol's package: pip install 'gradio[mcp]'")
    with visitor(server, 3) as mallory, visitor(server, 4) as other:
        for number in range(250):
            claim = {"X-Forwarded-Host": "evil.test", INNER: "guessed", "X-Real-IP": f"10.4.4.{number}"}
            answer = tool(mallory, "models", claim)
            if "429" in answer.text or answer.status_code == 429:
                break
        assert '"isError":true' in answer.text.replace(" ", ""), "far more than forty a minute"
        assert mallory.post("/gradio_api/call/models", json={"data": []}).status_code == 429
        assert '"isError":false' in tool(other, "models").text.replace(" ", "")
        assert called(other, "models")[0] == "complete"


def test_a_tools_photograph_counts(server: Server) -> None:
    pytest.importorskip("mcp", reason="needs the Model Context Protocol's package: pip install 'gradio[mcp]'")
    photo = "data:image/png;base64," + base64.b64encode(png() + bytes(5 * MIB // 2)).decode()
    before = files_of(server)
    with visitor(server, 5) as client:
        statuses = [tool(client, "suggest_ratio", photo=photo).status_code for _ in range(10)]
    assert statuses[:3] == [200] * 3 and statuses[-2:] == [429, 429]
    assert files_of(server) - before < 24 * MIB


def test_foreign_pages_are_told_nothing(server: Server) -> None:
    with visitor(server, 6) as client:
        for origin in ("https://evil.test", "null", f"http://localhost:{client.base_url.port}"):
            asks: list[tuple[str, str]] = [
                ("GET", "/config"),
                ("GET", "/gradio_api/info"),
                ("POST", JOIN),
                ("OPTIONS", JOIN),
            ]
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answers = [client.request(method, path, headers=headers) for method, path in asks]
            for answer in answers:
                assert not [name for name in answer.headers if name.startswith("access-control")], answer.headers
            assert [answer.status_code for answer in answers] == [200, 403, 403, 403]
        own = {"Origin": server.url}
        assert client.post("/gradio_api/call/models", json={"data": []}, headers=own).status_code == 200
        assert client.get("/config", headers={"Host": "rebound.test"}).status_code == 403
        claims = {"X-Forwarded-Host": "evil.test", "X-Gradio-Server": "https://evil.test"}
        assert client.get("/config", headers=claims).json()["root"] == server.url


def test_malformed_requests_are_refused_and_leave_no_traceback(server: Server) -> None:
    """The server's fixture looks for tracebacks, and for lines that are no JSON."""
    with visitor(server, 7) as client:
        own = uploaded(client, png())
        join = [{"data": [], "fn_index": index, "session_hash": "s"} for index in (-1, 99999, 10**30, "x", 1.5, [])]
        asks = [
            *(client.post(JOIN, json=body) for body in join),
            *(client.post(JOIN, json=body) for body in ({}, [], 3, {"data": 3}, {"data": [], "session_hash": 3})),
            client.post("/gradio_api/call/nothing", json={"data": []}),
            client.post("/gradio_api/call/v2/nothing", json={"data": []}),
            client.post("/gradio_api/run/x", json={"data": []}),
            client.post("/gradio_api/cancel", json={"session_hash": [], "fn_index": "x"}),
            client.post(UPLOAD, content=b"", headers={"Content-Type": "multipart/form-data; boundary=" + "b" * 60_000}),
            client.post(UPLOAD, content=b"x", headers={"Content-Type": "multipart/form-data"}),
            client.post(UPLOAD, content=b"x"),
            client.post(UPLOAD, content=b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", headers=BOUNDARY),
            client.post(MCP, json=[], headers=EVENTS),
            client.post(MCP, content=b"{}"),
            client.get("/pwa_icon/20000"),  # would be made in that size
            client.get("/static/%00"),
            client.get("/assets/" + "a" * 5000),
            client.get("/?model=" + "a" * 30_000),
            client.post("/gradio_api/call/" + "a" * 30_000, json={"data": []}),
        ]
        assert [answer.status_code for answer in asks if not 400 <= answer.status_code < 500] == []
        ranges = {"Range": "bytes=" + ",".join(f"{k}-{k}" for k in range(3000))}
        assert client.get(f"/gradio_api/file={own}", headers=ranges).status_code < 500
        for number in range(5):
            text = client.get("/gradio_api/queue/data", params={"session_hash": f"nobody{number}"}).text
            assert "404" in text, "in the words of a stream that has begun"
        assert called(client, "suggest_ratio", file_of(own))[0] == "complete"


def test_a_request_with_two_lengths_ends_its_connection(server: Server) -> None:
    """A proxy that believes the other length takes the rest of the body for the next visitor's request."""
    host, port = server.url.removeprefix("http://").split(":")
    hidden = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"
    request = (f"POST /gradio_api/reset HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
               f"Content-Length: {5 + len(hidden)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}")  # fmt: skip
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
        raw.sendall(request.encode())
        answered = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answered.startswith(b"HTTP/1.1 400") and answered.count(b"HTTP/1.1") == 1


def test_a_refusal_arrives_although_the_request_is_long(server: Server) -> None:
    """Whoever still sends when the connection closes would get no answer, as proxies do, which then say 502."""
    host, port = server.url.removeprefix("http://").split(":")
    request = f"POST /nothing HTTP/1.1\r\nHost: {host}\r\nContent-Length: {MIB // 2}\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
        for _ in range(16):
            raw.sendall(request + bytes(MIB // 32))
            request = b""
            time.sleep(0.01)
        answered = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answered.startswith(b"HTTP/1.1 404") and b"There is nothing here." in answered


def test_a_refused_request_is_not_read_forever(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    request = f"POST /nothing HTTP/1.1\r\nHost: {host}\r\nContent-Length: {10**9}\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
        raw.sendall(request)
        with pytest.raises(OSError):  # noqa: PT011
            for _ in range(200):
                raw.sendall(bytes(MIB))
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
        started = time.monotonic()
        raw.sendall(request + b"a")
        assert b"".join(iter(lambda: raw.recv(65536), b"")).startswith(b"HTTP/1.1 404")
        assert time.monotonic() - started < 30, "a client that sends no more is left"


def test_addresses_of_any_length_are_no_mistake_of_the_server(server: Server) -> None:
    """Beyond 64 KiB, which comes through where it comes at once, Gradio's answer fails."""
    host, port = server.url.removeprefix("http://").split(":")
    for path in ("/?model=", "/config?a=", "/gradio_api/heartbeat/", "/gradio_api/file=/"):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
            raw.sendall(f"GET {path}{'a' * 80_000} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 4"), path


def test_what_is_no_http_is_a_line_of_the_log(server: Server) -> None:
    """Uvicorn says so by itself, in the log's own form: the server's fixture looks for other lines."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(b"\0nonsense\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    deadline = time.monotonic() + PATIENCE
    while "Invalid HTTP request" not in (text := server.log.read_text()):
        assert time.monotonic() < deadline, text[-1000:]
        time.sleep(0.05)
    line = next(line for line in text.splitlines() if "Invalid HTTP request" in line)
    assert json.loads(line)["logger"] == "uvicorn.error"


def test_what_is_asked_by_other_protocols_is_refused_without_a_word(server: Server) -> None:
    """WebSockets, of which this server has none, and what is no HTTP: neither floods the log."""
    host, port = server.url.removeprefix("http://").split(":")
    upgrade = (f"GET /gradio_api/queue/join HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")  # fmt: skip
    before = server.log.stat().st_size
    for _ in range(3):
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(upgrade.encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 403")
    time.sleep(0.5)
    assert "handshake" not in server.log.read_text()[before:]
    for _ in range(FOREIGN_A_MINUTE * 3):  # within two of the minutes that are counted
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(b"\0nonsense\r\n\r\n")
            raw.recv(100)
    assert server.log.read_text().count("Invalid HTTP request") <= FOREIGN_A_MINUTE * 2


def test_values_that_no_page_sends_leave_no_traceback(server: Server) -> None:
    """A choice that a menu does not offer, values of other kinds, too few of them."""
    with visitor(server, 9) as client:
        events = {each["api_name"]: each["id"] for each in client.get("/config").json()["dependencies"]}
        for number, values in enumerate(([None, None, "no such model", ""], [3, 3, {}, 3], [None, [[]], [], {}], [])):
            body = {"data": values, "fn_index": events["open_upload"], "session_hash": f"odd{number}"}
            assert client.post(JOIN, json=body).status_code == 200
            with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": f"odd{number}"}) as answer:
                said = next(line for line in answer.iter_lines() if "process_completed" in line)
            assert '"success":false' in said
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
        assert sum(line["event"] == "Values of an event were not understood." for line in lines) == 4


def test_pages_without_a_name_stop_no_one(server: Server) -> None:
    """Their jobs, waiting behind one that takes a while, ended the queue of everyone."""
    with visitor(server, 10) as mallory, visitor(server, 11) as other:
        events = {each["api_name"]: each["id"] for each in mallory.get("/config").json()["dependencies"]}
        photo = file_of(uploaded(mallory, png(width=1200, height=800)))
        slow = mallory.post("/gradio_api/call/restore", json={"data": [photo, "nlm", "4", "png8"]}).json()["event_id"]
        nameless = {"data": [photo, "identity", "4", "png8"], "fn_index": events["restore"], "session_hash": ""}
        assert [mallory.post(JOIN, json=nameless).status_code for _ in range(3)] == [400] * 3
        assert "complete" in mallory.get(f"/gradio_api/call/restore/{slow}").text
        assert called(other, "models")[0] == "complete"


def test_jobs_that_come_at_once_do_not_fill_the_queue(server: Server) -> None:
    """Each of them finds few others waiting while all are on their way."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    with visitor(server, 12) as mallory, visitor(server, 13) as other:
        values = {"data": [file_of(uploaded(mallory, png(width=1200, height=800))), "nlm", "4", "png8"]}
        ready = Barrier(38)

        def job(_: int) -> int:
            with visitor(server, 12) as client:
                client.get("/healthz")
                ready.wait(PATIENCE)
                return client.post("/gradio_api/call/restore", json=values).status_code

        with ThreadPoolExecutor(38) as pool:
            statuses = list(pool.map(job, range(38)))
        assert set(statuses) == {200, 429} and statuses.count(200) < 28, "twenty wait, and a few are done"
        assert called(other, "models")[0] == "complete"


def test_refusals_are_few_bytes_of_log(server: Server) -> None:
    before, count = server.log.stat().st_size, 30
    with visitor(server, 8) as client:
        for number in range(count):
            client.get("/gradio_api/queue/data", params={"session_hash": f"nobody{number}"})
        server.lines_once("10.4.8.1", {"stream"})
        time.sleep(0.5)
    assert server.log.stat().st_size - before < 500 * count


def jpeg(level: int, width: int = 160, height: int = 120) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), level, np.uint8)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_frames_of_a_camera_are_restored_and_nothing_of_them_is_kept(server: Server) -> None:
    asked = {"model": "identity", "ratio": "4", "page": "a"}
    with visitor(server, 61) as client:
        client.post(LIVE, params=asked, content=jpeg(30)).raise_for_status()
        before = sorted(path for path in server.temporary.rglob("*") if path.is_file())
        for level in (20, 40, 60):
            answer = client.post(LIVE, params=asked, content=jpeg(level))
            assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
            linear = 4 * ((level / 255 + 0.055) / 1.055) ** 2.4
            shown = np.asarray(Image.open(io.BytesIO(answer.content))).astype(float)
            assert np.abs(shown - 255 * (1.055 * linear ** (1 / 2.4) - 0.055)).max() < 4
            assert json.loads(answer.headers["x-live"])["ratio"] == 4
        assert sorted(path for path in server.temporary.rglob("*") if path.is_file()) == before


def test_frames_that_mean_harm(server: Server) -> None:
    asked = {"model": "identity", "ratio": "4"}
    with visitor(server, 62) as client:
        for content, status in (
            (b"", 422), (b"GIF89a", 422), (b"\xff\xd8\xff" + bytes(5000), 422), (jpeg(9, 3000, 2000), 422),
            (b"\xff\xd8\xff" + bytes(MIB), 413),
        ):  # fmt: skip
            answer = client.post(LIVE, params=asked, content=content)
            assert answer.status_code == status and answer.json()["error"], content[:20]
        for words in ({"model": "/etc/passwd"}, {"ratio": "inf"}, {"ratio": "auto", "last": "-1"}):
            assert client.post(LIVE, params={**asked, **words}, content=jpeg(20)).status_code == 422
        assert client.post(LIVE, params={"page": "x" * 9000}, content=jpeg(20)).status_code == 414
        assert client.get(LIVE).status_code == 404
        foreign = {"Origin": "https://elsewhere.test"}
        assert client.post(LIVE, params=asked, content=jpeg(20), headers=foreign).status_code == 403
        assert client.post(LIVE, params=asked, content=jpeg(20)).status_code == 200, "the next one is restored"


def test_events_without_values_are_no_mistakes_of_the_server(server: Server) -> None:
    """The page always sends some; the server's fixture looks for tracebacks."""
    with visitor(server, 200) as client:
        events = client.get("/config").json()["dependencies"]
    for number, event in enumerate(each for each in events if each["backend_fn"]):
        with visitor(server, 201 + number // 30) as client:
            page = f"empty{number}"
            body = {"data": [None] * len(event["inputs"]), "fn_index": event["id"], "session_hash": page}
            asked = client.post(JOIN, json=body)
            assert asked.status_code == 200, (event["api_name"], asked.text)
            with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": page}) as stream:
                done = (line for line in stream.iter_lines() if '"process_completed"' in line)
                assert next(done), event["api_name"]
