"""The gate by itself, before small apps that do what servers do at their worst; and its books."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asking import asked, echo

from explorer.gradio_internals import ADMIT, USER
from explorer.server import ServerOptions
from explorer.server.gate import Gate
from explorer.server.rates import Allowance, Shares
from explorer.server.rules import FRAME, LARGEST, LIVE, RefusalError, check_values, route_of, shown_path, within
from explorer.server.visitor import client_address, introduced, network_of

JPEG = b"\xff\xd8\xff frame"
NEVER = ServerOptions(idle_seconds=0.05, request_seconds=0.2, body_seconds=0.1)
"""Patience of a twentieth of a second, for what does not come at all."""


def test_what_is_well_passes() -> None:
    answer = asked(echo, "/gradio_api/upload", "POST", [b"abc", b"de"], headers={"content-length": "5"})
    assert (answer.status, answer.body) == (200, b"5")
    answer = asked(echo, "/gradio_api/queue/join", "POST", [b'{"data"', b": []}"])
    assert (answer.status, answer.body) == (200, b"12"), "what was looked at is given on as it came"
    assert "content-security-policy" in answer.headers


def test_a_body_that_does_not_come() -> None:
    for path in ("/gradio_api/queue/join", "/gradio_api/upload", "/login"):
        answer = asked(echo, path, "POST", None, NEVER)
        assert answer.status == 408 and "too slowly" in json.loads(answer.body)["detail"]
        assert answer.headers["connection"] == "close"


def test_a_body_that_comes_by_and_by() -> None:
    """Never silent for long, and never done."""

    async def dribble(scope: Any, receive: Any, send: Any) -> None:
        while True:
            await receive()
            await asyncio.sleep(0.01)

    answer = asked(dribble, "/gradio_api/upload", "POST", [b"x"] * 100_000, NEVER)
    assert answer.status == 408


def test_an_answer_that_does_not_come() -> None:
    async def silent(*_: Any) -> None:
        await asyncio.sleep(3600)

    answer = asked(silent, "/gradio_api/info", options=NEVER)
    assert answer.status == 504 and "too long" in json.loads(answer.body)["detail"]


def test_a_client_that_takes_nothing() -> None:
    answer = asked(echo, "/", body=[b""], options=NEVER, takes=False)
    assert answer.status is None and answer.failure is None, "the server closes the connection"


def test_a_stream_may_take_its_time() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.5)
        await echo(scope, receive, send)

    assert asked(slow, "/gradio_api/heartbeat/a", body=[b""], options=NEVER).status == 200
    assert asked(slow, "/gradio_api/info", body=[b""], options=NEVER).status == 504


def test_uploads_beyond_the_limit_are_cut_off() -> None:
    seen: list[BaseException] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        try:
            while True:
                await receive()
        except RefusalError as error:
            seen.append(error)
            raise

    pieces = [bytes(2**19)] * 8
    answer = asked(reading, "/gradio_api/upload", "POST", pieces)
    assert answer.status == 413 and len(seen) == 1
    assert asked(echo, "/gradio_api/upload", "POST", [b""], headers={"content-length": str(2**30)}).status == 413


def test_a_mistake_of_the_app_is_told_to_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret")

    answer = asked(broken)
    assert answer.status == 500 and b"secret" not in answer.body
    assert "secret" in caplog.text


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**29))
    answer = asked(echo, "/gradio_api/upload", "POST", [b"a"], uploads=str(tmp_path))
    assert answer.status == 507 and "disk is full" in json.loads(answer.body)["detail"]


def test_bytes_are_counted_by_user_while_they_come() -> None:
    options = ServerOptions(upload_bytes_per_hour=1000)
    gate = Gate(echo, options, 10_000)
    upload = {"path": "/gradio_api/upload", "method": "POST", "gate": gate}
    assert asked(echo, body=[bytes(400), bytes(400)], **upload).status == 200
    refused = asked(echo, body=[bytes(100), bytes(400)], **upload)
    assert refused.status == 429 and int(refused.headers["retry-after"]) > 60
    assert asked(echo, body=[b""], headers={"content-length": "800"}, **upload).status == 429, "announced is enough"
    job = {"path": "/gradio_api/call/a", "method": "POST", "gate": gate}
    assert asked(echo, body=[b"{" + b" " * 500 + b"}"], **job).status == 429, "whatever they are sent for"
    assert asked(echo, body=[b"x"], client="10.0.0.2", **upload).status == 200


def test_requests_jobs_and_logins_are_counted_apart() -> None:
    options = ServerOptions(jobs_per_minute=2, logins_per_minute=1, requests_per_minute=100, hold_up_seconds=0)
    gate = Gate(echo, options, 1000)

    def job() -> int:
        return int(asked(echo, "/gradio_api/call/a", "POST", [b"{}"], gate=gate).status)

    statuses = [job() for _ in range(40)]
    assert statuses[0] == 200 and 429 in statuses, "one every thirty seconds, whatever the machine's speed"
    assert asked(echo, body=[b""], gate=gate).status == 200
    statuses = [asked(echo, "/assets/a.js", body=[b""], gate=gate).status for _ in range(500)]
    assert statuses[0] == 200 and statuses[-1] == 429


def test_who_asks_too_often_waits_for_being_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("anyio.sleep", sleep)
    gate = Gate(None, ServerOptions(requests_per_minute=2, hold_up_seconds=7), 1000)
    statuses = [asked(echo, "/gradio_api/info", body=[b""], gate=gate).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429] and slept == [7, 7]
    assert asked(echo, "/gradio_api/info", body=[b""], gate=gate, client="10.0.0.2").status == 200 and slept == [7, 7]


def test_what_is_left_of_a_long_body_is_not_read() -> None:
    """The server would read it to its end, and count it for no one, before the next request on the connection."""

    async def knows_at_once(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    upload = {"path": "/gradio_api/upload", "method": "POST"}
    long = {"content-length": "900000"}
    for headers in (long, {"transfer-encoding": "chunked"}):
        answer = asked(knows_at_once, body=[bytes(1000)] * 3, headers=headers, **upload)
        assert (answer.status, answer.headers.get("connection")) == (400, "close")
        foreign = asked(echo, body=[bytes(1000)] * 3, headers={**headers, "origin": "https://evil.test"}, **upload)
        assert (foreign.status, foreign.headers.get("connection")) == (403, "close"), "refused before it was read"
    short = asked(knows_at_once, body=[bytes(1000)] * 3, headers={"content-length": "3000"}, **upload)
    whole = asked(echo, body=[bytes(450000)] * 2, headers=long, **upload)
    assert "connection" not in short.headers and "connection" not in whole.headers


def test_what_costs_much_is_less_than_requests() -> None:
    """A page is a mebibyte, and a message to a tool takes as long as a page."""
    options = ServerOptions(pages_per_minute=5, tools_per_minute=4, requests_per_minute=60, hold_up_seconds=0)
    gate = Gate(echo, options, 1000)
    for counted in gate._allowances.values():
        counted._clock = lambda: 0.0

    def ask(path: str, method: str = "GET", client: str = "10.0.0.1") -> int:
        return int(asked(echo, path, method, [b"{}"], gate=gate, client=client).status)

    assert [ask("/gradio_api/mcp/", "POST") for _ in range(6)] == [200] * 4 + [429] * 2
    assert [ask("/", "HEAD"), *(ask(path) for path in ("/", "/config") * 3)] == [200] * 5 + [429] * 2
    assert ask("/theme.css") == 200 and ask("/", client="10.0.0.2") == 200


def test_nobody_fills_the_queue_alone() -> None:
    seen: list[str] = []

    async def queued(scope: Any, receive: Any, send: Any) -> None:
        scope[ADMIT](seen.count(scope[USER]))
        seen.append(scope[USER])
        await echo(scope, receive, send)

    gate = Gate(queued, ServerOptions(jobs_waiting=3), 1000)
    asks = {"app": queued, "path": "/gradio_api/queue/join", "method": "POST", "gate": gate}
    answers = [asked(body=[b"{}"], client=f"10.0.0.{client}", **asks) for client in (1, 1, 1, 1, 1, 2)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429, 200]
    assert answers[3].headers["retry-after"] == "5" and "already waiting" in json.loads(answers[3].body)["detail"]
    seen.clear()
    assert asked(body=[b"{}"], **asks).status == 200


def test_parts_of_the_page_wait_for_a_place() -> None:
    """A class that opens its pages at once, from one address, gets them whole; but thousands who wait, each of which
    looks for a place ten times a second, would take half of a processor."""
    gate, statuses = Gate(echo, ServerOptions(answers_at_once=2, idle_seconds=5), 1000), []
    at_once = [0, 0]

    async def slowly(scope: Any, receive: Any, send: Any) -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.05)
        at_once[0] -= 1
        await echo(scope, receive, send)

    async def nothing() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def pupils(scope: Any, receive: Any, send: Any) -> None:
        async def keep(message: Any) -> None:
            statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

        gate._app = slowly
        for count in (8, 20):
            await asyncio.gather(*(gate({**scope, "path": "/assets/a.js"}, nothing, keep) for _ in range(count)))
        await echo(scope, receive, send)

    assert asked(pupils, body=[b""], gate=gate).status == 200
    assert statuses == [200] * 8 + [429] * 11 + [200] * 9 and at_once[1] <= 2


def test_events_outside_the_queue_take_few_threads() -> None:
    """They may wait for their session, and everyone's requests need a thread now and then."""
    gate = Gate(echo, ServerOptions(direct_each=2, direct=3), 1000)
    under_way: Counter[str] = Counter()
    most: Counter[str] = Counter()
    statuses: list[int] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        user = scope[USER]
        under_way.update([user, "all"])
        most[user], most["all"] = max(most[user], under_way[user]), max(most["all"], under_way["all"])
        await asyncio.sleep(0.05)
        under_way.subtract([user, "all"])
        await echo(scope, receive, send)

    async def values() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def keep(message: Any) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    async def page(scope: Any, receive: Any, send: Any) -> None:
        gate._app = waits
        event = {**scope, "method": "POST", "path": "/gradio_api/run/predict"}
        clients = [f"10.0.0.{number}" for number in (1, 1, 1, 1, 2, 2, 2, 3)]
        await asyncio.gather(*(gate({**event, "client": (client, 1)}, values, keep) for client in clients))
        await echo(scope, receive, send)

    assert asked(page, body=[b""], gate=gate).status == 200
    assert statuses == [200] * 8 and most["10.0.0.1"] == 2 and most["all"] == 3


def test_what_is_under_way_is_counted() -> None:
    gate = Gate(echo, ServerOptions(answers_at_once=1, connections=2), 1000)
    inside: list[int] = []

    async def nothing() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def asks_from_within(scope: Any, receive: Any, send: Any) -> None:
        """Three more requests while this one is under way: of the same user, of a second, and of a third while the
        second's is under way too."""

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                inside.append(message["status"])

        gate._app = echo
        await gate({**scope, "client": ("10.0.0.1", 1)}, nothing, keep)
        await gate({**scope, "client": ("10.0.0.2", 1)}, nothing, keep)
        gate._under_way.enter("10.0.0.2")
        await gate({**scope, "client": ("10.0.0.3", 1)}, nothing, keep)
        gate._under_way.leave("10.0.0.2")
        await echo(scope, receive, send)

    assert asked(asks_from_within, body=[b""], gate=gate).status == 200
    assert inside == [429, 200, 503]
    assert asked(echo, body=[b""], gate=gate).status == 200, "all have left again"


def test_the_gate_bounds_a_frame_and_does_not_read_it_as_values() -> None:
    options = {"path": LIVE, "method": "POST"}
    assert asked(echo, body=[JPEG], **options).body == str(len(JPEG)).encode()
    assert asked(echo, body=[bytes(LARGEST[FRAME]), b"x"], **options).status == 413
    assert asked(echo, LIVE, body=[b""]).status == 404, "only what is sent"
    assert asked(echo, body=[JPEG], headers={"origin": "https://elsewhere.test"}, **options).status == 403
    assert "camera=(self)" in asked(echo, body=[b""]).headers["permissions-policy"]


def test_frames_are_counted_apart_from_what_the_page_asks() -> None:
    gate = Gate(echo, ServerOptions(frames_per_second=3, requests_per_minute=5, hold_up_seconds=0), 1000)
    for counted in gate._allowances.values():
        counted._clock = lambda: 0.0

    def frame(client: str = "10.0.0.1") -> int:
        return int(asked(echo, LIVE, "POST", [JPEG], gate=gate, client=client).status)

    assert [frame() for _ in range(8)] == [200] * 6 + [429] * 2
    assert frame("10.0.0.2") == 200
    assert asked(echo, "/", body=[b""], gate=gate).status == 200, "the page is not refused because of its camera"


def test_websockets_are_not_offered() -> None:
    called: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["type"])

    async def send(message: Any) -> None:
        called.append(message["type"])

    gate = Gate(app, ServerOptions(), 1000)
    for kind in ("websocket", "lifespan"):
        asyncio.run(gate({"type": kind}, app, send))
    assert called == ["websocket.close", "lifespan"]


def test_allowances_fill_up_again() -> None:
    now = [0.0]
    allowance = Allowance(2.0, 3.0, clock=lambda: now[0])
    assert [allowance.take("a") for _ in range(3)] == [0, 0, 0]
    assert allowance.take("a") == pytest.approx(0.5)
    assert allowance.take("b") == 0
    now[0] = 0.5
    assert allowance.take("a") == 0 and allowance.take("a") > 0
    now[0] = 100.0
    assert allowance.take("a", 3) == 0
    assert allowance.take("a", -2) == 0 and allowance.take("a", 2) == 0
    assert allowance.take("a", -100) == 0 and allowance.take("a", 3) == 0 and allowance.take("a", 1) > 0


def test_forgotten_users_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.server.rates.MOST_USERS", 10)
    allowance, counter = Allowance(1, 1), Shares(1, 10)
    for number in range(100):
        allowance.take(str(number))
        counter.enter(str(number))
        counter.leave(str(number))
    assert len(allowance._left) == 10 and not counter._held


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "found"),
    [
        ("10.0.0.9", [], 0, "10.0.0.9"),
        ("10.0.0.9", ["1.2.3.4"], 0, "10.0.0.9"),
        ("10.0.0.9", ["6.6.6.6, 1.2.3.4"], 1, "1.2.3.4"),
        ("10.0.0.9", ["6.6.6.6", "1.2.3.4"], 1, "1.2.3.4"),
        ("10.0.0.9", ["6.6.6.6, 1.2.3.4, 10.0.0.8"], 2, "1.2.3.4"),
        ("10.0.0.9", ["6.6.6.6", "1.2.3.4", "10.0.0.8"], 2, "1.2.3.4"),
        ("10.0.0.9", ["6.6.6.6", "1.2.3.4, "], 1, "1.2.3.4"),
        ("10.0.0.9", ["1.2.3.4"], 5, "1.2.3.4"),
        ("10.0.0.9", [], 1, "10.0.0.9"),
        ("10.0.0.9", ["203.0.113.5:41000"], 1, "203.0.113.5"),
        ("10.0.0.9", ["[2001:db8:1:2:3::4]"], 1, "2001:db8:1:2:3::4"),
        ("10.0.0.9", ['"[2001:db8:1:2:3::4]:443"'], 1, "2001:db8:1:2:3::4"),
        ("10.0.0.9", ["2001:db8:1:2:3::4"], 1, "2001:db8:1:2:3::4"),
        ("10.0.0.9", ["x" * 5000], 1, "x" * 64),
    ],
)
def test_whose_address_counts(peer: str, forwarded: list[str], proxies: int, found: str) -> None:
    assert client_address(peer, forwarded, proxies) == found


@pytest.mark.parametrize(("proxies", "found"), [(1, "198.51.100.9"), (2, "203.0.113.5"), (0, "10.0.0.1")])
def test_proxies_may_add_a_line(proxies: int, found: str) -> None:
    """Each proxy adds an item or a line of its own below; what stands above came from the client."""
    lines = [b"192.0.2.66", b"192.0.2.77, 203.0.113.5", b"198.51.100.9"]
    headers = [(b"host", b"lowlight.test"), *((b"x-forwarded-for", each) for each in lines)]
    scope = {"type": "http", "client": ("10.0.0.1", 1), "scheme": "http", "path": "/", "headers": headers}
    assert introduced(scope, proxies, ()).address == found
    assert scope["client"] == (found, 0), "Gradio sees the same"


def test_networks() -> None:
    assert network_of("fe80::1%eth0") == "fe80::/64" and network_of("testclient") == "testclient"
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64" and network_of("::ffff:1.2.3.4") == "1.2.3.4"


def test_kinds_and_what_the_log_shows() -> None:
    assert route_of("POST", "/gradio_api/upload")[0] == "upload" and not route_of("GET", "/gradio_api/upload")[0]
    assert route_of("GET", "/gradio_api/file=/tmp/x")[0] == "file" and not route_of("GET", "/gradio_api/file=")[0]
    assert not route_of("OPTIONS", "/gradio_api/upload")[0]
    for path in ("sse", "messages", "messages/"):  # a tool would run when the request that asked for it is over
        assert not any(route_of(method, f"/gradio_api/mcp/{path}")[0] for method in ("GET", "POST"))
    assert {route_of("POST", f"/gradio_api/mcp{path}")[0] for path in ("", "/", "/http/")} == {"mcp"}
    assert shown_path("/gradio_api/file=/tmp/holiday.png") == "/gradio_api/file="
    assert shown_path("/gradio_api/heartbeat/abc") == "/gradio_api/heartbeat/"
    assert shown_path("/gradio_api/call/restore/abc") == "/gradio_api/call/restore/"
    assert shown_path("/gradio_api/call/restore") == "/gradio_api/call/restore"


def test_within(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "a.png").touch()
    (tmp_path / "uploads-of-others").mkdir()
    (tmp_path / "uploads-of-others" / "b.png").touch()
    assert within(str(folder / "a.png"), [str(folder)])
    for path in (tmp_path / "uploads-of-others" / "b.png", folder, folder / "none.png", folder / ".." / "x"):
        assert not within(str(path), [str(folder)])
    assert not within("a.png", [str(folder)]) and not within(f"{folder}/a.png\0", [str(folder)])


def test_addresses_in_the_arguments_of_a_tool(tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "a b.png").touch()

    def call(photo: str) -> bytes:
        return json.dumps({"method": "tools/call", "params": {"arguments": {"photo": photo}}}).encode()

    own = f"https://lowlight.test/gradio_api/file={uploads}/a%20b.png"
    for photo in ("data:image/png;base64,AA", "auto", own):
        assert check_values(call(photo), str(uploads), addresses=True)[0] == call(photo)
    for photo in ("https://attacker.test/a.png", f"https://attacker.test/gradio_api/file={tmp_path}/b.png",
                  "http://127.0.0.1/gradio_api/file=/etc/passwd", "file:///etc/passwd"):  # fmt: skip
        check_values(call(photo), str(uploads))
        with pytest.raises(RefusalError, match="fetches nothing"):
            check_values(call(photo), str(uploads), addresses=True)
    # What the tool then asks for is the file itself: nothing is fetched, whatever the host is said to be.
    body, _ = check_values(json.dumps({"data": [{"path": own}, 3]}).encode(), str(uploads))
    assert json.loads(body) == {"data": [{"path": f"{uploads}/a b.png"}, 3]}
