"""What a visitor can do to the server through HTTP, and must not: each attack against the gate by itself, which is
quick; `test_attacks_served.py` has those that need Gradio."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import asked, echo

from explorer.server import ServerOptions, rules
from explorer.server.gate import Gate
from explorer.server.visitor import INNER, permits

JOIN, MCP, UPLOAD = "/gradio_api/queue/join", "/gradio_api/mcp/", "/gradio_api/upload"
MIB = 2**20


# The event loop


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that the system was asked to follow, which costs the square of their length."""
    paths: list[str] = []
    ordinary = os.path.realpath

    def watched(path: Any, **named: Any) -> str:
        paths.append(str(path))
        return str(ordinary(path, **named))

    monkeypatch.setattr(os.path, "realpath", watched)
    return paths


@pytest.mark.parametrize(
    "middle", ["/x/..", "/.", "//", "/x", "/..", "/./x/.."], ids=["up", "here", "empty", "deep", "root", "mixed"]
)
def test_a_long_path_is_not_followed(middle: str, tmp_path: Path, followed: list[str]) -> None:
    long = f"{tmp_path}{middle * 200_000}/a.png"
    body = [json.dumps({"data": [{"path": long}]}).encode()]
    for path in (JOIN, "/gradio_api/call/restore", MCP, "/gradio_api/cancel"):
        assert asked(echo, path, "POST", list(body), uploads=str(tmp_path)).status == 403
    address = json.dumps({"a": f"http://x{rules.FILE}{long}"}).encode()
    assert asked(echo, MCP, "POST", [address], uploads=str(tmp_path)).status == 403
    assert asked(echo, f"{rules.FILE}{long}", body=[b""], uploads=str(tmp_path)).status == 414
    (tmp_path / "a.png").touch()
    for inner in ("/x" * 1000, f"/{'x' * 100_000}", "/x/..", "/.", "/"):
        body = [json.dumps({"data": [{"path": f"{tmp_path}{inner}/a.png"}]}).encode()]
        assert asked(echo, JOIN, "POST", body, uploads=str(tmp_path)).status == 403
    assert set(followed) <= {str(tmp_path)}, "nothing but the folder itself was followed"


def test_a_request_names_some_files_only(tmp_path: Path, followed: list[str]) -> None:
    (tmp_path / "a.png").touch()
    own = {"path": str(tmp_path / "a.png")}
    few, many = (json.dumps({"data": [own] * count}).encode() for count in (20, 5000))
    assert asked(echo, JOIN, "POST", [few], uploads=str(tmp_path)).status == 200
    followed.clear()
    assert asked(echo, JOIN, "POST", [many], uploads=str(tmp_path)).status == 413
    assert len(followed) < 2000


@pytest.mark.parametrize(
    "value", [b"{},", b"[],", b"0,", b'{"a":{"a":1}},'], ids=["objects", "lists", "numbers", "deep"]
)
def test_many_small_values_are_not_parsed(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", lambda *_: pytest.fail("parsed"))
    body = b"[" + value * 300_000 + b"0]"
    assert asked(echo, MCP, "POST", [body]).status == 413
    assert asked(echo, "/gradio_api/reset", "POST", [body]).status == 413


def test_a_body_of_many_values_is_read_no_further() -> None:
    pieces = [b"[" + b"{}," * 20_000] + [b"{}," * 1000] * 100 + [b"{}]"]
    answer = asked(echo, MCP, "POST", pieces, headers={"content-length": str(sum(map(len, pieces)))})
    assert (answer.status, answer.headers["connection"]) == (413, "close"), "what is left of it is not read"


def test_control_characters_are_part_of_no_path() -> None:
    """Gradio makes an address of the path, which fails, and with it the answer that has begun."""
    for path in ("heartbeat/\n\r", "heartbeat/a\x7f", "call/models/\x1b[31m", "file=/a\nb.png"):
        assert asked(echo, f"/gradio_api/{path}", body=[b""]).status == 404, path
    assert asked(echo, "/gradio_api/heartbeat/a b", body=[b""]).status == 200


def test_values_are_not_nested_deep() -> None:
    """Gradio follows them by recursion; what Python cannot follow is a mistake of the server in its log."""
    for depth, status in ((40, 200), (60, 400), (300, 400), (900, 400), (9000, 400)):
        lists, dicts = b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth
        for body in (lists, dicts):
            for place in (JOIN, MCP, "/gradio_api/run/greet", "/gradio_api/cancel"):
                assert asked(echo, place, "POST", [b'{"data": [%b]}' % body]).status == status, (depth, place)


def test_a_body_is_looked_at_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    found = []
    monkeypatch.setattr(
        rules, "check_values", lambda body, *_, **__: (found.append(threading.current_thread()), (body, 0))[1]
    )
    assert asked(echo, JOIN, "POST", [b"{}"]).status == 200
    assert found != [threading.main_thread()] and len(found) == 1


# Memory, the disk and an hour's bytes


def test_held_bodies_have_a_share_and_a_bound() -> None:
    """Bodies that were announced and do not come hold what they announced, until they are given up."""
    options = ServerOptions(held_bytes_each=2 * MIB, held_bytes=3 * MIB, answers_at_once=3)
    gate = Gate(echo, options, 1000)

    def status(client: str, length: int) -> int:
        patience = ServerOptions(held_bytes_each=2 * MIB, held_bytes=3 * MIB)
        gate._options = patience
        answer = asked(echo, MCP, "POST", [b"{}"], headers={"content-length": str(length)}, gate=gate, client=client)
        return int(answer.status)

    assert status("10.0.0.1", 2 * MIB) == 200, "given back afterwards"
    gate._accounts.memory.enter("10.0.0.1", MIB)
    assert status("10.0.0.1", 2 * MIB) == 429
    gate._accounts.memory.enter("10.0.0.2", MIB)
    assert status("10.0.0.3", 2 * MIB) == 503
    assert status("10.0.0.3", MIB) == 200
    assert status("10.0.0.1", 1000) == 200, "what a page sends needs no share"


def test_values_that_wait_in_the_queue_are_smaller_than_a_tools_photograph() -> None:
    """They were counted while they came, and are no longer where they wait: twenty of a visitor, forty of all."""
    body = [b'{"data": ["', *[b"x" * MIB] * 2, b'"]}']
    for path in (JOIN, "/gradio_api/call/a", "/gradio_api/run/a", "/gradio_api/cancel"):
        assert asked(echo, path, "POST", list(body)).status == 413
    assert asked(echo, MCP, "POST", list(body)).status == 200


def test_a_body_counts_as_under_way_before_it_is_read() -> None:
    gate = Gate(echo, ServerOptions(answers_at_once=1), 1000)
    gate._under_way.enter("10.0.0.1")
    for path in (JOIN, MCP, UPLOAD, "/login", "/gradio_api/cancel"):
        assert asked(echo, path, "POST", None, gate=gate).status == 429
    assert asked(echo, JOIN, "POST", [b"{}"], gate=gate, client="10.0.0.2").status == 200


def test_the_disk_is_looked_at_while_bytes_come(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Several uploads at once: what the others have announced and not yet sent is not free."""
    from types import SimpleNamespace

    free = [3 * MIB + 2**30]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free[0]))
    gate = Gate(echo, ServerOptions(), 100 * MIB)
    upload = {"path": UPLOAD, "method": "POST", "gate": gate, "uploads": str(tmp_path)}
    assert asked(echo, body=[b"x"], headers={"content-length": str(4 * MIB)}, **upload).status == 507
    assert asked(echo, body=[b"x"], headers={"content-length": str(2 * MIB)}, **upload).status == 200
    assert gate._accounts.coming == 0, "an upload that is over holds nothing"
    gate._accounts.coming = 2 * MIB
    assert asked(echo, body=[b"x"], headers={"content-length": str(2 * MIB)}, **upload).status == 507
    gate._accounts.coming = 0

    async def fills(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        free[0] = 2**30 - 1
        await echo(scope, receive, send)

    assert asked(fills, body=[b"x", b"y"], **upload).status == 507, "also where no length was announced"
    assert asked(echo, MCP, "POST", [b"{}"], gate=gate, uploads=str(tmp_path)).status == 507, "tools write photographs"


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="needs a system that counts files")
def test_empty_files_fill_a_disk_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A visitor may upload 6000 a minute, and each has a folder."""
    from types import SimpleNamespace

    for files, left, status in ((10**6, 9_000, 507), (10**6, 11_000, 200), (0, 0, 200)):
        monkeypatch.setattr(os, "statvfs", lambda _, f=files, n=left: SimpleNamespace(f_files=f, f_favail=n))
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**40))
        assert asked(echo, UPLOAD, "POST", [b"x"], uploads=str(tmp_path)).status == status


def test_a_tools_photographs_are_uploads() -> None:
    gate = Gate(echo, ServerOptions(uploads_per_minute=3), 1000)
    call = {"method": "tools/call", "params": {"arguments": {"photo": "data:image/png;base64,AAAA"}}}
    body = json.dumps([call, call]).encode()
    assert [asked(echo, MCP, "POST", [body], gate=gate).status for _ in range(2)] == [200, 429]
    assert asked(echo, UPLOAD, "POST", [b"x"], gate=gate).status == 200
    assert asked(echo, UPLOAD, "POST", [b"x"], gate=gate).status == 429, "one allowance for both ways"


def test_a_sign_in_has_a_few_bytes() -> None:
    assert asked(echo, "/login", "POST", [b"username=a&" + b"b&" * 10_000]).status == 413
    assert asked(echo, "/login", "POST", [b"username=a&password=b"]).status == 200


def test_lengths_that_are_none() -> None:
    for length in ("9" * 400, "-1", "1e3", "0x10", "²"):
        headers = {"content-length": length.encode("utf-8").decode("latin-1")}
        assert asked(echo, JOIN, "POST", [b"{}"], headers=headers).status == 413


# Names and origins


async def told(scope: Any, receive: Any, send: Any) -> None:
    """Says what Gradio would believe."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    content = json.dumps([headers, scope["scheme"], scope["client"][0]]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": content})


HERE = ServerOptions(hosts=("localhost", "127.0.0.1", "[::1]"))


@pytest.mark.parametrize(
    "host",
    ["evil.test", "evil.test:7860", "127.0.0.1.evil.test", "localhost.", "localhost.evil.test", "127.0.0.1.", "0.0.0.0",
     "[::2]", "", "evil.test#127.0.0.1", "127.0.0.1@evil.test", "127.0.0.1:80:80", "127.0.0.1, evil.test", "[::1]evil",
     "192.0.2.1"],
)  # fmt: skip
def test_the_server_answers_to_its_own_names(host: str) -> None:
    """A page whose own name was made to lead to this machine asks by that name."""
    for path, method in (("/", "GET"), ("/config", "GET"), (JOIN, "POST"), (MCP, "POST"), (UPLOAD, "POST")):
        answer = asked(echo, path, method, [b"{}"], HERE, {"host": host, "origin": f"http://{host}"})
        assert answer.status == 403 and "EXPLORER_HOSTS" in json.loads(answer.body)["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7860", "127.0.0.1:9000", "[::1]:7860", "[::1]"])
def test_the_names_of_this_machine(host: str) -> None:
    for origin in ({}, {"origin": f"http://{host}"}):
        assert asked(echo, JOIN, "POST", [b"{}"], HERE, {"host": host, **origin}).status == 200


def test_permitted_names() -> None:
    assert permits("lowlight.example.org:443", ("lowlight.example.org",))
    assert permits("a.example.org", ("*.example.org",)) and not permits("example.org", ("*.example.org",))
    assert not permits("badexample.org", ("*.example.org",)) and not permits(
        "a.example.org.evil.test", ("*.example.org",)
    )
    assert permits("anything.test", ()) and permits("workshop", ("localhost",))
    assert not permits('a"><script>', ()) and not permits("a\r\nb", ()) and not permits("", ())


@pytest.mark.parametrize(
    ("host", "origin"),
    [("lowlight.test", "https://evil.test"), ("lowlight.test", "null"), ("lowlight.test", "https://lowlight.test."),
     ("lowlight.test", "https://lowlight.test:8443"), ("lowlight.test:7860", "http://lowlight.test"),
     ("lowlight.test", "https://evil.lowlight.test"), ("[::1]:7860", "http://[::1]:8888"),
     ("[::1]:7860", "http://localhost:7860"), ("127.0.0.1:7860", "http://127.0.0.1:8888"),
     ("me.hf.space", "https://evil.hf.space"), ("me.hf.space", "https://huggingface.co"), ("lowlight.test", "file://"),
     ("lowlight.test", "chrome-extension://lowlight.test"), ("lowlight.test", ""), ("lowlight.test", "lowlight.test")],
)  # fmt: skip
def test_pages_of_other_origins_use_nothing(host: str, origin: str) -> None:
    headers = {"host": host, "origin": origin, "content-type": "text/plain"}
    for path, method in ((JOIN, "POST"), (UPLOAD, "POST"), (MCP, "POST"), (MCP, "GET"), ("/login", "POST"),
                         ("/gradio_api/cancel", "POST"), (MCP, "DELETE"), (JOIN, "OPTIONS"), ("/", "OPTIONS"),
                         ("/gradio_api/info", "GET"), ("/gradio_api/heartbeat/a", "GET")):  # fmt: skip
        assert asked(echo, path, method, [b"{}"], headers=headers).status == 403, path
    answer = asked(told, "/config", headers=headers)
    assert answer.status == 200 and "origin" not in json.loads(answer.body)[0], "Gradio permits an origin that it sees"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("host", "origin"),
    [("lowlight.test", "https://lowlight.test"), ("lowlight.test:443", "https://lowlight.test"),
     ("lowlight.test:7860", "http://LOWLIGHT.test:7860"), ("me.hf.space", "https://me.hf.space"),
     ("[::1]:7860", "http://[::1]:7860")],
)  # fmt: skip
def test_the_servers_own_page_uses_all(host: str, origin: str) -> None:
    """In the frame of a Space too, whose page has the Space's own origin."""
    headers = {"host": host, "origin": origin, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    for path in (JOIN, UPLOAD, MCP):
        assert asked(echo, path, "POST", [b"{}"], headers=headers).status == 200
    frame = {"host": host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert asked(echo, "/", body=[b""], headers=frame).status == 200


def test_a_page_cannot_choose_the_name_that_it_asks_by() -> None:
    """A page whose name was led to this machine may write headers of a proxy's; only a configured proxy is believed."""
    headers = {"host": "evil.test:7860", "x-forwarded-host": "localhost:7860"}
    for path in ("/config", "/", "/gradio_api/info"):
        assert asked(echo, path, body=[b""], options=HERE, headers=headers, client="127.0.0.1").status == 403
    behind = replace(HERE, proxies=1)
    assert asked(echo, body=[b""], options=behind, headers=headers, client="127.0.0.1").status == 200


@pytest.mark.parametrize("mode", ["navigate", "no-cors"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_page_signs_a_visitor_out(site: str, mode: str) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
    for root in ("", "/lowlight"):
        assert asked(echo, root + rules.SIGN_OUT, body=[b""], headers=headers, root=root).status == 403
    own = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
    assert asked(echo, rules.SIGN_OUT, body=[b""], headers=own).status == 200


@pytest.mark.parametrize("name", ["session_hash", "event_id", "trigger_id", "upload_id"])
def test_names_that_the_server_keeps_are_short(name: str) -> None:
    """What a client calls its page stays in memory as long as nobody fetches its events."""
    for value, status in (("h" * 40, 200), ("h" * 65, 400), (["h" * 100], 400), (10**70, 400)):
        assert asked(echo, JOIN, "POST", [json.dumps({"data": [], name: value}).encode()]).status == status
    if name == "session_hash":  # two parts of Gradio take an empty one for different pages: no job ran any more
        assert asked(echo, JOIN, "POST", [b'{"data": [], "session_hash": ""}']).status == 400
    assert asked(echo, f"/gradio_api/heartbeat/{'h' * 65}", body=[b""]).status == 404
    for path, method in (("/gradio_api/upload_progress", "GET"), (UPLOAD, "POST"), ("/gradio_api/queue/data", "GET")):
        for length, status in ((100, 200), (9000, 414)):
            assert asked(echo, f"{path}?{name}={'h' * length}", method, [b"{}"]).status == status


def test_what_a_page_asks_for_without_saying_its_origin() -> None:
    for site in ("cross-site", "same-site"):
        headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
        assert asked(echo, "/gradio_api/heartbeat/a", headers=headers).status == 403
        assert asked(echo, "/assets/a.js", body=[b""], headers=headers).status == 200


def test_the_page_names_the_address_that_it_was_asked_by() -> None:
    claims = {"host": "lowlight.test", "x-forwarded-host": "evil.test", "x-forwarded-proto": "https",
              "x-gradio-server": "https://evil.test", "x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9",
              "forwarded": "for=203.0.113.9;host=evil.test", "x-forwarded-prefix": "/evil"}  # fmt: skip
    headers, scheme, _ = json.loads(asked(told, "/config", headers=claims).body)
    assert headers == {"host": "lowlight.test"} and scheme == "http"
    proxied = ServerOptions(proxies=1)
    headers, scheme, _ = json.loads(asked(told, "/config", headers=claims, options=proxied).body)
    assert headers == {"host": "evil.test", "x-forwarded-proto": "https"} and scheme == "https", "the proxy's word"
    named = ServerOptions(proxies=1, hosts=("lowlight.test",))
    headers, _, _ = json.loads(asked(told, "/config", headers=claims, options=named).body)
    assert headers["host"] == "lowlight.test", "but no name that the operator has not given"
    assert "no-cache" in asked(told, "/", headers=claims).headers["cache-control"]


# Who asks


def test_this_machine_and_configured_proxies_are_believed() -> None:
    claim = {"x-forwarded-for": "203.0.113.7"}
    for client, proxies, found in (("127.0.0.1", None, "203.0.113.7"), ("::1", None, "203.0.113.7"),
                                   ("127.0.0.2", None, "127.0.0.2"), ("10.0.0.1", None, "10.0.0.1"),
                                   ("127.0.0.1", 0, "127.0.0.1"), ("10.0.0.1", 1, "203.0.113.7")):  # fmt: skip
        answer = asked(told, "/config", headers=claim, client=client, options=ServerOptions(proxies=proxies))
        assert json.loads(answer.body)[2] == found


def test_a_tools_job_is_its_visitors() -> None:
    """The server asks itself for it, and hands the visitor's headers on; an invented secret makes nobody anybody."""
    gate = Gate(echo, ServerOptions(jobs_per_minute=3), 1000)
    inner: list[int] = []

    def job(client: str, **headers: str) -> int:
        return int(asked(echo, "/gradio_api/call/a", "POST", [b"{}"], gate=gate, client=client, headers=headers).status)

    async def tool(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        await echo(scope, receive, send)
        kept.update(headers)
        gate_inner = {**scope, "path": "/gradio_api/call/a", "client": ("127.0.0.1", 1)}

        async def body() -> Any:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                inner.append(message["status"])

        gate._app = echo
        await gate(gate_inner, body, keep)

    kept: dict[str, str] = {}
    for number in range(6):
        claim = {INNER: "guessed", "x-forwarded-for": f"203.0.113.{number}"}
        assert asked(tool, MCP, "POST", [b"{}"], gate=gate, client="10.0.0.1", headers=claim).status == 200
    assert inner[:3] == [200, 200, 200] and 429 in inner[3:]
    assert job("10.0.0.1") == 429, "its own jobs and its tools' are of one allowance"
    assert job("127.0.0.1") == 200 and job("203.0.113.0") == 200, "nobody else's was taken"
    assert job("10.0.0.1", **{INNER: kept[INNER]}) == 429 and not gate._inner, "a secret ends with its call"


def test_a_tools_requests_are_its_visitors() -> None:
    """They come from this machine, whose own allowance everyone's tools and the health check would share."""
    gate = Gate(echo, ServerOptions(requests_per_minute=20, hold_up_seconds=0), 1000)
    inner: list[int] = []

    async def nothing() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def keep(message: Any) -> None:
        inner.extend([message["status"]] if message["type"] == "http.response.start" else [])

    async def tool(scope: Any, receive: Any, send: Any) -> None:
        gate._app = echo
        for _ in range(30):
            await gate({**scope, "method": "GET", "path": "/config", "client": ("127.0.0.1", 1)}, nothing, keep)
        await echo(scope, receive, send)

    assert asked(tool, MCP, "POST", [b"{}"], gate=gate, client="10.0.0.1").status == 200
    assert inner.count(200) < 25 and inner[-1] == 429, "all are of one allowance, the visitor's"
    assert asked(echo, "/healthz", body=[b""], gate=gate, client="127.0.0.1").status == 200


def test_the_sign_ins_cookie_is_for_this_page_only() -> None:
    """Gradio sends it to every site; in a Space's frame, which needs that, each embedding page gets its own."""

    async def signs_in(scope: Any, receive: Any, send: Any) -> None:
        cookie = b"access-token-c=a; HttpOnly; Path=/; SameSite=none; Secure"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", cookie)]})
        await send({"type": "http.response.body", "body": b""})

    for space, kept in ((False, "SameSite=lax"), (True, "SameSite=none; Partitioned")):
        gate = Gate(signs_in, ServerOptions(space=space), 1000)
        answer = asked(signs_in, "/login", "POST", [b"username=a&password=b"], gate=gate)
        assert answer.headers["set-cookie"] == f"access-token-c=a; HttpOnly; Path=/; {kept}; Secure"


def test_cookies_that_are_no_sign_in_are_not_read() -> None:
    """Python 3.11.7, for one, takes the square of a quoted cookie's length: 60 kB stopped everybody for 16 s."""
    quoted = 'a="' + '\\"' * 25_000 + '"'
    seen: list[list[str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append([value.decode() for name, value in scope["headers"] if name == b"cookie"])
        await echo(scope, receive, send)

    for own in ("access-token-c=a-B_9", "access-token-unsecure-c=a"):
        for others in (quoted, f"access-token-c={quoted}", "b; ;=; c=d", 'access-token-x="1"'):
            cookie = f"{others}; {own} ;{others}"
            assert asked(app, "/config", body=[b""], headers={"cookie": cookie}).status == 200
    assert seen == [["access-token-c=a-B_9"]] * 4 + [["access-token-unsecure-c=a"]] * 4


def test_everything_is_counted() -> None:
    """Also what is not there, what needs a sign-in, and the server's health."""
    for path in ("/nowhere", "/gradio_api/token", "/config", "/healthz"):
        gate = Gate(echo, ServerOptions(requests_per_minute=20, hold_up_seconds=0), 1000)
        statuses = [asked(echo, path, body=[b""], gate=gate).status for _ in range(60)]
        assert 429 not in statuses[:20] and statuses.count(429) > 20, "whatever the machine's speed"


def test_only_a_spaces_page_frames_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    for space, ancestors in (("", "'self'"), ("org/name", "'self' https://huggingface.co https://*.hf.space")):
        monkeypatch.setenv("SPACE_ID", space) if space else monkeypatch.delenv("SPACE_ID", raising=False)
        answer = asked(echo, body=[b""], options=ServerOptions.from_environment(), client="127.0.0.1")
        assert answer.headers["content-security-policy"].endswith(f"; frame-ancestors {ancestors}")


def test_half_a_character() -> None:
    for body in (rb'{"data": ["\ud800"]}', rb'{"\udfff": 1}', rb'{"data": ["\uDC00\uD800"]}'):
        assert asked(echo, JOIN, "POST", [body]).status == 400
    assert asked(echo, JOIN, "POST", [rb'{"data": ["\ud83d\ude00"]}']).status == 200


# The log


def test_a_log_of_refusals_is_short(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "explorer")
    gate = Gate(echo, ServerOptions(requests_per_minute=10, hold_up_seconds=0), 1000)
    for _ in range(300):
        asked(echo, "/config", body=[b""], gate=gate)
    assert 10 <= len(caplog.records) < 100

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    caplog.clear()
    gate = Gate(broken, ServerOptions(), 1000)
    assert all(asked(broken, gate=gate).status == 500 for _ in range(50))
    assert 1 <= sum(record.exc_info is not None for record in caplog.records) < 20
