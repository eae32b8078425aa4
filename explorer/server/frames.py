"""Frames of live cameras: restored one after the other, in turns that are fair, and never stored.

A frame does not pass Gradio's queue: that would hold a place in it for as long as a camera runs, write every result to
the disk, and answer frames that no one waits for any more. It is one request with a JPEG, answered by one.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from explorer.errors import ExplorerError
from explorer.server import rules
from explorer.server.rates import BUSY
from explorer.server.rules import RefusalError

Answer = Callable[[bytes, Mapping[str, str]], tuple[bytes, dict[str, Any]]]
"""Gives a restored JPEG and what is to be told of it (short, and valid as JSON), from a JPEG and the page's choices.

Raises:
    ExplorerError: a sentence for the visitor.
"""
PAGES_EACH = 16
"""Pages of one user whose frames may wait at once: a class may share an address."""
_LONGEST_PAGE = 64
_OVERTAKEN = "A newer frame of this page came; the older one is left out."


class Turns:
    """Decides who is next: users take turns, and so do each user's pages.

    A page has one frame waiting; a newer one takes its place, so that nothing stale is worked on. Belongs to one event
    loop.
    """

    def __init__(self, at_once: int, pages_each: int = PAGES_EACH) -> None:
        self._free, self._pages_each = at_once, pages_each
        self._waiting: OrderedDict[str, OrderedDict[str, asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, user: str, page: str) -> AsyncIterator[None]:
        """Waits until it is the page's turn; the turn lasts until the block ends.

        Raises:
            RefusalError: a newer frame of the page came meanwhile, or too many pages of the user wait.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(user, page)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, user: str, page: str) -> None:
        pages = self._waiting.setdefault(user, OrderedDict())
        before = pages.get(page)
        if before is None and len(pages) >= self._pages_each:
            raise RefusalError(429, BUSY.format(wait=1), 1.0)
        mine = pages[page] = asyncio.get_running_loop().create_future()
        if before is not None and not before.done():
            before.set_exception(RefusalError(409, _OVERTAKEN))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._next()  # the turn had come
            elif pages.get(page) is mine:
                self._forget(user, page)
            raise

    def _forget(self, user: str, page: str) -> None:
        pages = self._waiting.get(user, OrderedDict())
        pages.pop(page, None)
        if not pages:
            self._waiting.pop(user, None)

    def _next(self) -> None:
        """Gives the turn to who has waited longest for one."""
        while self._waiting:
            user, pages = self._waiting.popitem(last=False)
            _, first = pages.popitem(last=False)
            if pages:
                self._waiting[user] = pages  # behind the others
            if not first.done():
                first.set_result(None)
                return
        self._free += 1


class Frames:
    """ASGI middleware behind the gate, which counts frames and bounds their bytes: answers frames, passes on others."""

    def __init__(self, app: Any, answer: Answer, at_once: int = 1) -> None:
        self._app, self._answer = app, answer
        self._turns, self._threads = Turns(at_once), at_once
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or rules.path_of(scope) != rules.LIVE:
            await self._app(scope, receive, send)
            return
        choices = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        data = await Request(scope, receive).body()
        user, page = scope.get("explorer.user", ""), choices.get("page", "")[:_LONGEST_PAGE]
        async with self._turns.turn(user, page):
            # Not the threads of the page's other events, which a camera would use up.
            self._limiter = self._limiter or anyio.CapacityLimiter(self._threads)
            try:
                picture, told = await anyio.to_thread.run_sync(self._answer, data, choices, limiter=self._limiter)
            except ExplorerError as error:
                raise RefusalError(422, str(error)) from error
        headers = {"cache-control": "no-store", "x-live": json.dumps(told)}
        await Response(picture, headers=headers, media_type="image/jpeg")(scope, receive, send)
