"""Restores frames of live cameras one after the other, in fair turns, without storing them.

Frames bypass Gradio's queue: there, a camera would occupy a place for as long as it runs, every result would be written
to the disk, and stale frames would be answered. A frame is one request with a JPEG, answered by a JPEG.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.errors import ExplorerError
from explorer.gradio_internals import user_of
from explorer.messages import say
from explorer.server.rules import LIVE, RefusalError

Answer = Callable[[bytes, Mapping[str, str]], tuple[bytes, dict[str, Any]]]
"""Takes a JPEG and the page's choices; returns the restored JPEG and facts about it (short, valid as JSON).

Raises:
    ExplorerError: a sentence for the visitor.
"""
PAGES_EACH = 16
"""Number of a user's pages whose frames may wait at once: a class may share an address."""
_LONGEST_PAGE = 64


class Turns:
    """Decides whose frame is next: users take turns, and so do each user's pages.

    A page has one waiting frame, which a newer one replaces, so that no stale frame is restored. For one event loop.
    """

    def __init__(self) -> None:
        self._busy = False
        self._waiting: OrderedDict[str, OrderedDict[str, asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, user: str, page: str) -> AsyncIterator[None]:
        """Waits for the page's turn, which lasts until the block ends.

        Raises:
            RefusalError: a newer frame of the page replaced this one, or too many pages of the user wait.
        """
        if self._busy:
            await self._wait(user, page)
        self._busy = True
        try:
            yield
        finally:
            self._next()

    async def _wait(self, user: str, page: str) -> None:
        pages = self._waiting.setdefault(user, OrderedDict())
        before = pages.get(page)
        if before is None and len(pages) >= PAGES_EACH:
            raise RefusalError(429, say("refused.busy", wait=1), 1.0)
        mine = pages[page] = asyncio.get_running_loop().create_future()
        if before is not None and not before.done():
            before.set_exception(RefusalError(409, say("refused.stale")))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._next()  # its turn had come
            elif pages.get(page) is mine:
                self._forget(user, page)
            raise

    def _forget(self, user: str, page: str) -> None:
        pages = self._waiting.get(user, OrderedDict())
        pages.pop(page, None)
        if not pages:
            self._waiting.pop(user, None)

    def _next(self) -> None:
        """Passes the turn to the user who has waited longest."""
        while self._waiting:
            user, pages = self._waiting.popitem(last=False)
            _, first = pages.popitem(last=False)
            if pages:
                self._waiting[user] = pages  # behind the others
            if not first.done():
                first.set_result(None)
                return
        self._busy = False


def frames_route(answer: Answer) -> Route:
    """Returns the route of frames. The gate bounds and counts what reaches it."""
    turns = Turns()

    async def frame(request: Request) -> Response:
        choices = dict(request.query_params)
        data = await request.body()
        async with turns.turn(user_of(request), choices.get("page", "")[:_LONGEST_PAGE]):
            try:
                picture, told = await anyio.to_thread.run_sync(answer, data, choices)
            except ExplorerError as error:
                raise RefusalError(422, str(error)) from error
        headers = {"cache-control": "no-store", "x-live": json.dumps(told)}
        return Response(picture, headers=headers, media_type="image/jpeg")

    return Route(LIVE, frame, methods=["POST"])
