"""The page itself, made once for all who come: Gradio takes 50 ms to write it, in which it computes nothing else."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from starlette.datastructures import Headers

from explorer.server import rules

_ADDRESSES = 8
"""Addresses of this server, as visitors write them, for which the page is kept: it names the one it was asked by."""


class KeptPages:
    """ASGI middleware behind the gate, which tells the true host and scheme: gives the same page again.

    With a sign-in, pages differ by user; with a query they are links to something.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._kept: OrderedDict[tuple[str, ...], list[dict[str, Any]]] = OrderedDict()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_page = scope["type"] == "http" and rules.kind_of(scope["method"], rules.path_of(scope)) == rules.PAGE
        if not is_page or scope["query_string"] or getattr(scope["app"], "auth", None):
            await self._app(scope, receive, send)
            return
        asked_by = Headers(scope=scope).get("host", "")
        key = scope["method"], scope["path"], scope.get("root_path", ""), scope["scheme"], asked_by
        if key not in self._kept:
            messages: list[dict[str, Any]] = []

            async def keep(message: Any) -> None:
                messages.append(dict(message))
                await send(message)

            await self._app(scope, receive, keep)
            if messages and messages[0].get("status") == 200 and not messages[-1].get("more_body", False):
                self._kept[key] = messages
                while len(self._kept) > _ADDRESSES:
                    self._kept.popitem(last=False)
            return
        self._kept.move_to_end(key)
        for message in self._kept[key]:
            await send(dict(message))
