"""Keeps the page, rendered and compressed: Gradio renders it for every visitor, which takes 50 ms."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from typing import Any

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import Response

from explorer.server import rules

_ADDRESSES = 8
"""Number of addresses of this server for which the page is kept; the page contains the requested one."""


class KeptPages:
    """ASGI middleware behind the gate, which has established the true host and scheme: serves the kept page.

    Pages with a sign-in differ by user and are not kept. Queries are for the page's own scripts: Gradio would open a
    saved state that a query names (`deep_link`), which this app does not offer. Uvicorn leaves the body out of the
    answer to a HEAD request.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._kept: OrderedDict[tuple[str, ...], Response] = OrderedDict()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or rules.route_of(scope["method"], rules.path_of(scope))[0] != rules.PAGE:
            return await self._app(scope, receive, send)
        scope = {**scope, "method": "GET", "query_string": b""}
        if getattr(scope["app"], "auth", None):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        packed = "gzip" in headers.get("accept-encoding", "")
        key = scope["path"], scope.get("root_path", ""), scope["scheme"], headers.get("host", ""), str(packed)
        page = self._kept.pop(key, None)
        if page is None:
            page = await self._rendered(scope, receive)
            if packed:
                page.body = await anyio.to_thread.run_sync(gzip.compress, page.body)
                page.headers["content-encoding"] = "gzip"
            page.headers["content-length"], page.headers["vary"] = str(len(page.body)), "Accept-Encoding"
        if page.status_code == 200:
            self._kept[key] = page
            if len(self._kept) > _ADDRESSES:
                self._kept.popitem(last=False)
        await page(scope, receive, send)

    async def _rendered(self, scope: Any, receive: Any) -> Response:
        """Returns Gradio's answer."""
        page, parts = Response(), []

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                page.status_code, page.raw_headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, keep)
        page.body = b"".join(parts)
        return page
