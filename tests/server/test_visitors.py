"""A running server: visitors' input, their memory and files, and what remains after they leave."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from _serving import ROOT
from serving import PATIENCE, Server, called, file_of, png, running, uploaded

sys.path.append(str(Path(__file__).resolve().parent.parent / "hub"))
from server import LocalHub  # noqa: E402

SCRIPT = """
from explorer import logs
from explorer.app import launch, sessions
sessions.GRACE, sessions.SESSIONS_EACH = 1.0, 6
logs.configure(as_json=True)
launch(port=PORT)
"""
ODD = ("hf:somebody/weights/lamba_m0.raw_synthetic", str(ROOT / "weights" / "lamba_m0.raw_synthetic"), "/", "..")


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    started = LocalHub()
    folder = ROOT / "weights" / "lamba_m0.raw_synthetic"
    started.commit("somebody/weights", {f"{folder.name}/{each.name}": each.read_bytes() for each in folder.glob("*.*")})
    yield started
    started.close()


@pytest.fixture(scope="module")
def server(hub: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("visitors")
    settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_of_the_operator", "HF_HOME": str(folder / "hub"),
                "EXPLORER_JOBS_PER_MINUTE": "100000"}  # fmt: skip
    with running(folder, script=SCRIPT, **settings) as started:
        yield started
        assert "Traceback" not in started.log.read_text(), started.log.read_text()


@pytest.fixture
def visitor(server: Server) -> Iterator[httpx.Client]:
    with server.client(headers={"X-Forwarded-For": "198.51.100.7"}) as client:
        yield client


def joined(client: httpx.Client, fn: int, values: list[Any], page: str) -> list[dict[str, Any]]:
    """An event of the page, and what its stream says of it."""
    body = json.dumps({"data": values, "fn_index": fn, "session_hash": page})
    started = client.post("/gradio_api/queue/join", content=body, headers={"content-type": "application/json"})
    assert started.status_code == 200, started.text
    said = []
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": page}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                said.append(json.loads(line[5:]))
                if said[-1]["msg"] in ("process_completed", "unexpected_error", "server_stopped", "close_stream"):
                    break
    return said


def events(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """The page's events by the names of their handlers."""
    return {each["api_name"]: each for each in client.get("/config").json()["dependencies"] if each["backend_fn"]}


def loaded(client: httpx.Client, page: str, before: str = "") -> str:
    """Loads the page, and gives the token of its session."""
    fn = events(client)["greet"]
    last = joined(client, fn["id"], [before], page)[-1]
    assert last["success"], last
    kept = fn["outputs"].index(fn["inputs"][0])
    return str(last["output"]["data"][kept])


def folders(server: Server) -> set[str]:
    return {path.name for path in server.temporary.glob("lowlight-run-*/pictures/*")}


def test_no_endpoint_and_no_tool_looks_elsewhere(server: Server, visitor: httpx.Client, hub: LocalHub) -> None:
    own = file_of(uploaded(visitor, png()))
    offered = visitor.get("/gradio_api/info").json()["named_endpoints"]
    sane = {"photo": own, "models": ["identity"], "ratios": ["2"], "ratio": "2", "model": "identity", "layer": "",
            "file_format": "png8"}  # fmt: skip
    refused = 0
    for name, endpoint in offered.items():
        parameters = [each["parameter_name"] for each in endpoint["parameters"]]
        for parameter in parameters:
            for odd in ODD if parameter in ("model", "models") else ():
                given = {**sane, parameter: [odd] if isinstance(sane[parameter], list) else odd}
                event, data = called(visitor, name.strip("/"), *(given[each] for each in parameters))
                assert event == "error" and "known ones are" in str(data), (name, odd, data)
                refused += 1
    assert refused == 5 * len(ODD)

    def asked(method: str, **parameters: Any) -> str:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        headers = {"Accept": "application/json, text/event-stream"}
        return visitor.post("/gradio_api/mcp/", json=body, headers=headers).text

    if (listed := asked("tools/list")).find('"tools"') >= 0:
        tools = json.loads(listed[listed.index("{") :])["result"]["tools"]
        assert len(tools) == len(offered)
        for tool in tools:
            for parameter in {"model", "models"} & set(tool["inputSchema"].get("properties", {})):
                given = {each: sane[each] for each in tool["inputSchema"]["properties"]}
                given |= {"photo": f"{server.url}/gradio_api/file={own['path']}"} if "photo" in given else {}
                given[parameter] = [ODD[0]] if parameter == "models" else ODD[0]
                assert "known ones are" in asked("tools/call", name=tool["name"], arguments=given), tool["name"]
    assert hub.requests == [], "nobody asked the Hub"


def test_a_page_takes_its_things_along_when_it_is_closed(server: Server, visitor: httpx.Client) -> None:
    before = folders(server)
    host, port = server.url.removeprefix("http://").split(":")
    open_pages = []
    for number in range(3):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(f"GET /gradio_api/heartbeat/page{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        connection.recv(100)  # the page is known to be open
        open_pages.append(connection)
    tokens = [loaded(visitor, f"page{number}") for number in range(3)]
    assert folders(server) - before == set(tokens)
    assert loaded(visitor, "page0 again", tokens[0]) == tokens[0], "a page that is reloaded finds its session"
    for connection in open_pages:
        connection.close()
    deadline = time.monotonic() + PATIENCE
    while folders(server) - before != {tokens[0]}:
        assert time.monotonic() < deadline, "what closed pages had is still there"
        time.sleep(0.2)
    assert loaded(visitor, "page1 again", tokens[1]) not in tokens


def test_a_page_that_asks_again_at_once_is_answered_on_the_stream_that_it_has(visitor: httpx.Client) -> None:
    """As a page does to which the end of the stream is on its way: it takes the stream for open, and opens no other."""
    fn, page = events(visitor)["greet"], "in quick succession"
    body = json.dumps({"data": [""], "fn_index": fn["id"], "session_hash": page})
    told, asked = [], 0
    with visitor.stream("GET", "/gradio_api/queue/data", params={"session_hash": page}) as answer:
        assert "close_stream" not in answer.read().decode(), "nothing was asked yet"

    def ask() -> None:
        nonlocal asked
        asked += 1
        headers = {"content-type": "application/json"}
        assert visitor.post("/gradio_api/queue/join", content=body, headers=headers).status_code == 200

    ask()
    with visitor.stream("GET", "/gradio_api/queue/data", params={"session_hash": page}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                told.append(json.loads(line[5:])["msg"])
                if told[-1] == "process_completed" and asked < 3:
                    time.sleep(0.3)
                    ask()
    assert told.count("process_completed") == 3
    assert told[-1] == "close_stream", "it still ends by itself, once nothing is asked any more"


def test_a_page_that_left_its_stream_is_answered_on_the_next_one(visitor: httpx.Client) -> None:
    """Nothing is said to the one that it left, though that one was to stay open for a while."""
    fn, page = events(visitor)["greet"], "in a hurry"
    for _ in range(4):
        assert joined(visitor, fn["id"], [""], page)[-1]["success"]


def test_one_visitors_pages_leave_those_of_others(server: Server) -> None:
    with server.client(headers={"X-Forwarded-For": "192.0.2.1"}) as quiet:
        token = loaded(quiet, "quiet")
        before = folders(server)
        with server.client(headers={"X-Forwarded-For": "203.0.113.9"}) as greedy:
            for number in range(9):
                loaded(greedy, f"greedy{number}")
        assert before <= folders(server) and len(folders(server)) == len(before) + 6
        assert loaded(quiet, "quiet again", token) == token


def test_the_server_ends_while_photographs_are_restored(tmp_path: Path) -> None:
    """In order, and without waiting for what is under way: within the ten seconds that container runtimes give."""
    data = png(width=3000, height=2000)
    with running(tmp_path) as server, server.client() as client:
        path = uploaded(client, data)
        assert called(client, "restore", file_of(path), "identity", "2", "png8")[0] == "complete"
        client.post("/gradio_api/call/restore", json={"data": [file_of(path), "nlm", "4", "png16"]}).raise_for_status()
        host, port = server.url.removeprefix("http://").split(":")
        page = socket.create_connection((host, int(port)))
        page.sendall(f"GET /gradio_api/heartbeat/open HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert page.recv(100)
        threads = Path(f"/proc/{server.process.pid}/task").glob("*/children")
        decoders = [pid for each in threads for pid in each.read_text().split()]
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 10
        assert not list(server.temporary.glob("lowlight-run-*"))
        assert not [each for each in decoders if Path(f"/proc/{each}").exists()]
        page.close()
