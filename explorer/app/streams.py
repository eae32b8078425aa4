"""Keeps a page's stream of answers open between two requests in quick succession.

Gradio ends the stream when nothing is under way. A page that asks for something before it hears of the end believes its
stream to be open, opens no other, and waits forever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request

from explorer.gradio_internals import is_awaited
from explorer.server.rules import path_of

PATH = "/gradio_api/queue/data"
LINGER, _STEP = 3.0, 0.02
"""Seconds for which an idle stream stays open, and between two checks for new requests."""
_END = b'"close_stream"'


class HeldStreams:
    """ASGI middleware: requests a stream again if it ended too early, and continues it in the same answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or path_of(scope) != PATH:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        end: Any = None
        begun = False

        async def pass_on(message: Any) -> None:
            nonlocal begun, end
            if message["type"] == "http.response.start":
                again, begun = begun, True
                if again:
                    return
            elif _END in message.get("body", b"")[:40]:
                end = message
            if end is None:
                await send(message)

        while True:
            await self._app(scope, receive, pass_on)
            if end is None:
                return
            if not await _asked_again(request):
                break
            end = None
        await send(end)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _asked_again(request: Request) -> bool:
    """True as soon as the page waits for something; False if it has left, and will open another stream."""
    page = request.query_params.get("session_hash", "")
    for _ in range(round(LINGER / _STEP)):
        if await request.is_disconnected():
            return False
        if is_awaited(request.app, page):
            return True
        await asyncio.sleep(_STEP)
    return False
