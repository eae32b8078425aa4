"""Asks a gate in this process, before a small app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from explorer.server import ServerOptions
from explorer.server.gate import Gate

App = Callable[[Any, Any, Any], Awaitable[None]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Reads the whole body and says how long it was."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"DENY")]})
    await send({"type": "http.response.body", "body": str(length).encode()})


def asked(
    app: App,
    path: str = "/",
    method: str = "GET",
    body: list[bytes] | None = None,
    options: ServerOptions | None = None,
    headers: dict[str, str] | None = None,
    gate: Gate | None = None,
    takes: bool = True,
    client: str = "10.0.0.1",
    uploads: str = "/nowhere",
    root: str = "",
) -> SimpleNamespace:
    """Asks a gate before `app`; a `body` of None never ends."""
    parts = list(body or [])
    sent: list[Any] = []

    async def receive() -> Any:
        if parts:
            piece = parts.pop(0)
            return {"type": "http.request", "body": piece, "more_body": body is None or bool(parts)}
        await asyncio.sleep(3600)

    async def send(message: Any) -> None:
        if not takes:
            await asyncio.sleep(3600)
        sent.append(message)

    server = SimpleNamespace(
        auth=None, tokens={}, cookie_id="c", uploaded_file_dir=uploads,
        get_blocks=lambda: SimpleNamespace(allowed_paths=[]),
    )  # fmt: skip
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": method, "path": path, "app": server, "client": (client, 1), "root_path": root,
        "scheme": "http", "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode())
            for name, value in {"host": "lowlight.test", **(headers or {})}.items()
        ],
    }  # fmt: skip
    gate = gate or Gate(app, options or ServerOptions(), 1000)
    gate._app = app
    failure = None
    try:
        asyncio.run(gate(scope, receive, send))
    except Exception as error:
        failure = error
    start = next((message for message in sent if message["type"] == "http.response.start"), {"headers": []})
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return SimpleNamespace(status=start.get("status"), headers=found, body=content, failure=failure)
