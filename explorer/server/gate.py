"""The gate: an ASGI middleware that every request and every answer passes."""

from __future__ import annotations

import logging
import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

import explorer
from explorer.gradio_internals import ADMIT, USER, malformed
from explorer.messages import say
from explorer.server import rules
from explorer.server.body import Accounts, Body, Receive
from explorer.server.options import ServerOptions
from explorer.server.rates import Allowance, Shares
from explorer.server.rules import FILE, RefusalError
from explorer.server.visitor import INNER, SIGNED_IN, Visitor, introduced, mark_of, mark_page, permits

LOG = logging.getLogger(__name__)

_REQUEST, _NOTE = "any request", "note"
"""Allowances besides those for each kind: for all requests, and for log lines about refusals and errors."""
_MARGIN = 2**20
"""Bytes of a multipart body around its file."""

Scope = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]


_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors {ancestors}"
)
"""Nothing comes from other sites. Gradio's page needs inline scripts and styles, and builds functions from text."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OF_KIND = {
    # An uploaded file must never act as a page of this server.
    rules.FILES: {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    },
    # Pages contain the address at which they were requested.
    rules.PAGE: {"Cache-Control": "private, no-cache"},
}
_MALFORMED = (LookupError, ValueError, TypeError, AttributeError, malformed())
"""Exceptions that Gradio's routes raise for unexpected requests; photos are processed elsewhere, in the queue."""


class _Answer:
    """Passes an answer on with the security headers, counts its bytes, and knows whether it has begun."""

    def __init__(self, send: Send, kind: str, options: ServerOptions, body: Body) -> None:
        self._send, self._body, self._idle, self._direct = send, body, options.idle_seconds, kind == rules.EVENT
        policy = {"Content-Security-Policy": _POLICY.format(ancestors=options.frame_ancestors)}
        self._headers = {**policy, **_HEADERS, **_OF_KIND.get(kind, {})}
        # In a Space's frame, only a partitioned cookie is sent and yet hidden from other pages.
        self._same_site = b"SameSite=none; Partitioned" if options.space else b"SameSite=lax"
        self.status = 0
        self.bytes = 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            if self._direct and message["status"] == 500:  # values that the page never sends
                message["status"] = 422
            self.status = message["status"]
            message["headers"] = [
                (name, re.sub(rb"(?i)samesite=none", self._same_site, value) if name == b"set-cookie" else value)
                for name, value in message.get("headers", [])
            ]
            headers = MutableHeaders(scope=message)
            headers.update(self._headers)
            if self._is_cut:  # the rest would be read uncounted
                headers["Connection"] = "close"
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
            if self._is_cut and not message.get("more_body", False):
                await self._pass_on({**message, "more_body": True})
                await self._body.drop()
                message = {"type": "http.response.body", "body": b""}
        await self._pass_on(message)

    async def say(self, status: int, values: dict[str, str], **headers: str) -> None:
        """Answers with JSON."""
        answer = JSONResponse(values, status, {"cache-control": "no-store", **headers})
        await answer({"type": "http"}, self._body, self)

    async def refuse(self, refused: RefusalError) -> None:
        """Answers with the reason, in the fields that Gradio's page and client read.

        An answer that has begun ends, as it stands for a mistake of the visitor, and without its end otherwise.
        """
        if not self.status:
            wait = {"retry-after": str(math.ceil(refused.wait))} if refused.wait else {}
            await self.say(refused.status, {"detail": refused.sentence, "error": refused.sentence}, **wait)
        elif refused.status < 500:
            await self({"type": "http.response.body", "body": b""})

    @property
    def _is_cut(self) -> bool:
        """True if the answer ends a long request before all of that has arrived."""
        return self._body.is_long and not self._body.whole

    async def _pass_on(self, message: Any) -> None:
        with anyio.fail_after(self._idle):  # a client that reads nothing would keep the file open
            await self._send(message)


class Gate:
    """Decides which requests pass; docs/security.md lists the rules."""

    def __init__(self, app: Any, options: ServerOptions, largest_upload: int) -> None:
        self._app, self._options = app, options
        self._most = {**rules.LARGEST, rules.UPLOAD: largest_upload + _MARGIN}
        per_minute = {
            _REQUEST: options.requests_per_minute,
            rules.PAGE: options.pages_per_minute,
            rules.JOB: options.jobs_per_minute,
            rules.MCP: options.tools_per_minute,
            rules.UPLOAD: options.uploads_per_minute,
            rules.LOGIN: options.logins_per_minute,
            _NOTE: 6.0,
        }
        self._allowances = {kind: Allowance(rate / 60, max(1, rate)) for kind, rate in per_minute.items()}
        self._allowances[rules.FRAME] = Allowance(options.frames_per_second, 2 * options.frames_per_second)
        self._accounts = Accounts(options)
        self._under_way = Shares(options.answers_at_once, options.connections)
        self._in_line = Shares(4 * options.answers_at_once, options.connections)
        """The page's own files that wait for a place among the open answers."""
        self._direct = Shares(options.direct_each, options.direct)
        self._inner: dict[str, str] = {}
        """Users with running tools, by the secret in the server's own requests for them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:  # nothing here uses WebSockets
            await send({"type": "websocket.close"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, options = time.perf_counter(), self._options
        path = rules.path_of(scope)
        kind, _ = rules.route_of(scope["method"], path)
        visitor = introduced(scope, options.proxies, options.hosts)
        seconds = options.body_seconds if kind == rules.UPLOAD else min(options.body_seconds, options.request_seconds)
        most = self._most.get(kind, rules.LARGEST_VALUES)
        body = Body(receive, Headers(scope=scope), options.idle_seconds, seconds, most)
        answer = _Answer(send, kind, options, body)
        try:
            await self._pass(scope, kind, visitor, body, answer)
        except Exception as error:
            await answer.refuse(self._reason(visitor, error))
        finally:
            if answer.status != 429 or self._may_note(visitor):
                LOG.log(
                    logging.DEBUG if kind in (rules.ASSET, rules.FRAME, rules.HEALTH) else logging.INFO,
                    "request",
                    extra={
                        "method": scope["method"][:16],
                        "kind": kind or "refused",
                        "path": rules.shown_path(path) if kind else "-",
                        "status": answer.status,
                        "ms": round(1000 * (time.perf_counter() - started), 1),
                        "bytes_in": body.bytes,
                        "bytes_out": answer.bytes,
                        "client": visitor.network,
                    },
                )

    def _may_note(self, visitor: Visitor) -> bool:
        return not self._allowances[_NOTE].take(visitor.network)

    def _reason(self, visitor: Visitor, error: Exception) -> RefusalError:
        """Returns what a visitor learns of an error, and logs those of which there is more to know."""
        if isinstance(error, RefusalError):
            return error
        if isinstance(error, TimeoutError):
            return RefusalError(504, say("refused.late"))
        if isinstance(error, _MALFORMED):
            LOG.info("A request was not understood.", extra={"error": type(error).__name__, "client": visitor.network})
            return RefusalError(400, say("refused.malformed"))
        if isinstance(error.__cause__, HTTPException):  # Gradio answered 404 after its answer had begun
            return RefusalError(error.__cause__.status_code, say("refused.nothing"))
        if self._may_note(visitor):
            LOG.error("A request could not be answered.", exc_info=error)
        return RefusalError(500, say("refused.mistake"))

    async def _pass(self, scope: Scope, kind: str, visitor: Visitor, body: Body, answer: _Answer) -> None:
        headers, app, path = Headers(scope=scope), scope["app"], rules.path_of(scope)
        inner = self._inner.get(visitor.inner)
        asker = inner or visitor.network
        counted = rules.FRAME if kind == rules.FRAME else _REQUEST  # a camera must not use up the page's allowance
        if self._allowances[counted].take(asker):
            with self._under_way.holding(asker):  # refusing costs something, too
                await anyio.sleep(self._options.hold_up_seconds)
            raise RefusalError(429, say("refused.busy", wait=1), 1.0)
        if kind == rules.HEALTH:
            await answer.say(200, {"status": "ok", "release": explorer.__version__})
            return
        if not permits(visitor.host, self._options.hosts):
            raise RefusalError(403, say("refused.host"))
        if visitor.foreign and (kind not in (rules.PAGE, rules.ASSET) or scope["method"] not in ("GET", "HEAD")):
            raise RefusalError(403, say("refused.foreign"))
        if not kind:
            raise RefusalError(404, say("refused.nothing"))
        if len(path) + len(scope["query_string"]) > rules.LONGEST_ADDRESS:
            raise RefusalError(414, say("refused.address_length"))
        if "transfer-encoding" in headers and "content-length" in headers:  # a proxy may believe the other one
            raise RefusalError(400, say("refused.two_lengths"))
        signed_in = _signed_in(app, headers)
        if getattr(app, "auth", None) and signed_in is None and not rules.route_of(scope["method"], path)[1]:
            raise RefusalError(401, say("refused.signed_out"))
        scope[USER] = user = inner or signed_in or visitor.network
        scope[ADMIT] = self._admit
        if kind in self._allowances and kind != rules.FRAME:
            # Password guesses are counted by address, because the guesser has no name yet.
            self._allowances[kind].require(visitor.network if kind == rules.LOGIN else user)
        served = (str(app.uploaded_file_dir), *app.get_blocks().allowed_paths)
        if kind == rules.FILES and not rules.within(path.removeprefix(FILE), served):
            # The same answer for every reason: it must reveal nothing about the disk.
            raise RefusalError(404, say("refused.no_file"))
        if kind == rules.ASSET and not self._under_way.has_room(user):
            # Pages of a class may open at once, from one address.
            with self._in_line.holding(user), anyio.move_on_after(self._options.idle_seconds):
                await self._under_way.room(user)
        with self._under_way.holding(user), closing(body):
            await self._counted(scope, kind, user, body, answer)

    async def _counted(self, scope: Scope, kind: str, user: str, body: Body, answer: _Answer) -> None:
        """Answers a request that is counted among the open answers."""
        options, secret, mark = self._options, secrets.token_urlsafe(), mark_of(user)
        if mark and kind == rules.STREAM:
            mark_page(scope, mark)
        if scope["method"] == "POST":
            uploads = str(scope["app"].uploaded_file_dir)
            disk = uploads if kind in (rules.UPLOAD, rules.MCP) else ""
            body.account(self._accounts, user, memory=kind != rules.UPLOAD, disk=disk)
            if kind not in (rules.UPLOAD, rules.LOGIN, rules.FRAME):
                await self._check_values(kind, user, body, uploads, mark)
            if kind == rules.MCP:
                self._inner[secret] = user
                scope["headers"].append((INNER.encode(), secret.encode()))
        streams = kind in (rules.STREAM, rules.MCP, rules.FILES)
        seconds = options.stream_seconds if streams else options.request_seconds
        try:
            with anyio.fail_after(seconds + (options.body_seconds if kind == rules.UPLOAD else 0)):
                if kind != rules.EVENT:
                    await self._app(scope, body, answer)
                    return
                await self._direct.room(user)
                with self._direct.holding(user):
                    await self._app(scope, body, answer)
        finally:
            self._inner.pop(secret, None)

    def _admit(self, waiting: int) -> None:
        """Refuses another job of a user with so many waiting; called when it joins the queue."""
        if waiting >= (most := self._options.jobs_waiting):
            raise RefusalError(429, say("refused.jobs", most=most), 5.0)

    async def _check_values(self, kind: str, user: str, body: Body, uploads: str, mark: str) -> None:
        """Reads and checks a body of values, and counts the photos in it as uploads."""
        brings = kind == rules.MCP and body.is_long
        if brings:  # counted before it is read
            self._allowances[rules.UPLOAD].require(user)
        check = partial(rules.check_values, await body.read(), uploads, addresses=kind == rules.MCP, mark=mark)
        body.again, photos = await anyio.to_thread.run_sync(check)
        if photos > brings:
            self._allowances[rules.UPLOAD].require(user, photos - brings)


def _signed_in(app: Any, headers: Headers) -> str | None:
    """Returns the user whose token the request carries, according to Gradio's records."""
    tokens, cookie_id = getattr(app, "tokens", {}), getattr(app, "cookie_id", "")
    cookies = dict(each.partition("=")[::2] for each in headers.get("cookie", "").split("; "))
    found = (cookies.get(f"access-token-{kind}{cookie_id}") for kind in ("", "unsecure-"))
    return next((SIGNED_IN + tokens[token] for token in found if token in tokens), None)
