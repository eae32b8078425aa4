"""The gate: an ASGI middleware that every request and every answer passes."""

from __future__ import annotations

import logging
import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

import explorer
from explorer.server import rules
from explorer.server.gradio_internals import USER, malformed, waiting
from explorer.server.options import ServerOptions
from explorer.server.rates import BUSY, SMALL, Allowance, Counter, Intake, Taken
from explorer.server.rules import FILE, RefusalError
from explorer.server.visitor import INNER, SIGNED_IN, Visitor, introduced, mark_of, mark_page, permits

LOG = logging.getLogger(__name__)

HEALTH = "/healthz"
_REQUEST, _NOTE = "any request", "note"
"""Allowances besides those for each kind: for all requests, and for log lines about errors."""
_MARGIN = 2**20
"""Bytes of a multipart body around its file."""
_LINGER, _DROPPED = 1.0, 2**19
"""Seconds for which the connection of a refused request stays open, and bytes of its rest that are read and dropped."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def security_headers(options: ServerOptions) -> dict[str, str]:
    """Returns the headers of every answer.

    Gradio's page needs inline scripts and styles, and builds functions from text. Nothing may come from other sites,
    and only the pages in `frame_ancestors` may frame it.
    """
    policy = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; "
        "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; "
        f"frame-ancestors {options.frame_ancestors}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
        "X-Permitted-Cross-Domain-Policies": "none",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


_OF_KIND = {
    # An uploaded file must never act as a page of this server.
    rules.FILES: {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cache-Control": "private, max-age=3600",
    },
    # Pages contain the address at which they were requested.
    rules.PAGE: {"Cache-Control": "private, no-cache"},
}
_MALFORMED = (LookupError, ValueError, TypeError, AttributeError, malformed())
"""Exceptions that Gradio's routes raise for unexpected requests; photos are processed elsewhere, in the queue."""


class _Body:
    """A request's body while it arrives: neither too slow nor too long, and counted byte by byte."""

    def __init__(self, receive: Receive, headers: Headers, idle: float, seconds: float, most: int) -> None:
        self._receive, self._idle, self._seconds, self.most = receive, idle, seconds, most
        self._until = 0.0
        length = headers.get("content-length", "0")
        self.announced = int(length) if length.isdecimal() and len(length) < 16 else most + 1
        self.is_long = self.announced > SMALL or "transfer-encoding" in headers
        """True if more may follow than the little that the server reads and discards after its answer."""
        self.taken: Taken | None = None
        """Counts the bytes; set before the body is read."""
        self.bytes = 0
        self.whole = False
        self.again: bytes | None = None
        """The whole body, to be delivered once more after it has been read."""

    async def __call__(self) -> Any:
        if self.again is not None:
            content, self.again = self.again, None
            return {"type": "http.request", "body": content, "more_body": False}
        if self.whole:  # the next message says that the client has left, which may take any time
            return await self._receive()
        self._until = self._until or time.monotonic() + self._seconds
        left = self._until - time.monotonic()
        message: Any = None
        if left > 0:  # otherwise it arrived a byte at a time
            with anyio.move_on_after(min(self._idle, left)):
                message = await self._receive()
        if message is None:
            self.is_long = True
            raise RefusalError(408, "The request came too slowly; send it again.")
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            self.bytes += count
            self.whole = not message.get("more_body", False)
            if self.bytes > self.most:
                raise _too_long(self.most)
            if self.taken and count:
                self.taken.came(count)
        elif self.taken:
            raise RefusalError(400, "The request was interrupted.")
        return message

    async def drop(self) -> None:
        """Waits a little, and drops some of what still comes. A client or proxy that is still sending when the
        connection closes loses the answer, which it would have read a moment later."""
        left = _DROPPED
        with anyio.move_on_after(_LINGER):
            while not self.whole:
                if left <= 0:
                    await anyio.sleep(_LINGER)
                message = await self._receive()
                left -= len(message.get("body", b""))
                self.whole = not message.get("more_body", False)

    async def read(self) -> bytes:
        """Reads the whole body.

        Raises:
            RefusalError: the body does not arrive, is incomplete or has too many values.
        """
        parts, values = [], 0
        while not self.whole:
            parts.append((await self()).get("body", b""))
            values += rules.count_values(parts[-1])
            if values > rules.MOST_VALUES:
                raise RefusalError(413, "The request contains too many values.")
        return b"".join(parts)


class _Answer:
    """Passes an answer on with the security headers, counts its bytes, and knows whether it has begun."""

    def __init__(
        self, send: Send, kind: str | None, headers: dict[str, str], options: ServerOptions, body: _Body
    ) -> None:
        self._send, self.body, self._idle = send, body, options.idle_seconds
        self._headers, self._direct = {**headers, **_OF_KIND.get(kind or "", {})}, kind == rules.EVENT
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
            for name, value in self._headers.items():
                headers[name] = value
            if self.body.is_long and not self.body.whole:  # the rest would be read uncounted
                headers["Connection"] = "close"
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
            if self.body.is_long and not self.body.whole and not message.get("more_body", False):
                await self._pass_on({**message, "more_body": True})
                await self.body.drop()
                message = {"type": "http.response.body", "body": b""}
        await self._pass_on(message)

    async def _pass_on(self, message: Any) -> None:
        with anyio.fail_after(self._idle):  # a client that reads nothing would keep the file open
            await self._send(message)


class Gate:
    """Decides which requests pass; docs/security.md lists the rules."""

    def __init__(self, app: Any, options: ServerOptions, largest_upload: int) -> None:
        self._app, self._options = app, options
        self._headers = security_headers(options)
        self._most = {rules.UPLOAD: largest_upload + _MARGIN, rules.LOGIN: rules.LARGEST_FORM,
                      rules.FRAME: rules.LARGEST_FRAME, rules.MCP: rules.LARGEST_JSON}  # fmt: skip
        per_minute = {
            _REQUEST: options.requests_per_minute,
            rules.PAGE: options.pages_per_minute,
            rules.JOB: options.jobs_per_minute,
            rules.UPLOAD: options.uploads_per_minute,
            rules.LOGIN: options.logins_per_minute,
            _NOTE: 6.0,
        }
        self._allowances = {kind: Allowance(rate / 60, max(1, rate)) for kind, rate in per_minute.items()}
        self._allowances[rules.FRAME] = Allowance(options.frames_per_second, 2 * options.frames_per_second)
        self._intake = Intake(options)
        self._under_way = Counter(options.answers_at_once, options.connections)
        self._inner: dict[str, str] = {}
        """Users with running tools, by the secret in the server's own requests for them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:  # nothing here uses WebSockets
                await send({"type": "websocket.close"})
            return
        started, options = time.perf_counter(), self._options
        path = rules.path_of(scope)
        kind, _ = rules.route_of(scope["method"], path)
        visitor = introduced(scope, options.proxies, options.hosts)
        seconds = options.body_seconds if kind == rules.UPLOAD else min(options.body_seconds, options.request_seconds)
        most = self._most.get(kind or "", rules.LARGEST_VALUES)
        body = _Body(receive, Headers(scope=scope), options.idle_seconds, seconds, most)
        answer = _Answer(send, kind, self._headers, options, body)
        if path == HEALTH and scope["method"] in ("GET", "HEAD"):
            await _say(answer, 200, {"status": "ok", "release": explorer.__version__})
            return
        noted = True
        try:
            counted = rules.FRAME if kind == rules.FRAME else _REQUEST  # a camera must not use up the page's allowance
            noted = not self._allowances[counted].take(visitor.network)
            if not noted:
                await self._hold_up(visitor.network)
                raise RefusalError(429, BUSY.format(wait=1), 1.0)
            await self._pass(scope, path, kind, visitor, body, answer)
        except RefusalError as refused:
            await _refuse(answer, refused)
        except TimeoutError:
            await _close(answer, 504, "The answer took too long; try again, or with a smaller photo.")
        except _MALFORMED as error:
            self._note(visitor, error, logging.INFO)
            await _close(answer, 400, "The server does not understand the request; send what its page or client sends.")
        except Exception as error:
            if isinstance(error.__cause__, HTTPException):  # Gradio answered 404 after its answer had begun
                await _close(answer, error.__cause__.status_code)
            else:
                self._note(visitor, error, logging.ERROR)
                await _close(answer, 500, "Something went wrong on the server; its log has the details.")
        finally:
            if noted or not self._allowances[_NOTE].take(visitor.network):
                LOG.log(
                    logging.DEBUG if kind in (rules.ASSET, rules.FRAME) else logging.INFO,
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

    async def _hold_up(self, user: str) -> None:
        """Delays the refusal of a user who asks too often: refusing costs something, too."""
        self._under_way.enter(user)
        try:
            await anyio.sleep(self._options.hold_up_seconds)
        finally:
            self._under_way.leave(user)

    def _note(self, visitor: Visitor, error: Exception, level: int) -> None:
        """Logs an error; with its traceback, at most a few times a minute, if it is the server's own."""
        if level == logging.ERROR and not self._allowances[_NOTE].take(visitor.network):
            LOG.error("A request could not be answered.", exc_info=error)
        elif level == logging.INFO:
            LOG.info("A request was not understood.", extra={"error": type(error).__name__, "client": visitor.network})

    async def _pass(
        self, scope: Scope, path: str, kind: str | None, visitor: Visitor, body: _Body, answer: _Answer
    ) -> None:
        headers, app = Headers(scope=scope), scope["app"]
        if not permits(visitor.host, self._options.hosts):
            raise RefusalError(
                403, "The server does not answer to this host name; its operator sets the names in EXPLORER_HOSTS."
            )
        if visitor.foreign and (kind not in (rules.PAGE, rules.ASSET) or scope["method"] not in ("GET", "HEAD")):
            raise RefusalError(403, "Pages from other addresses may not use this server.")
        if kind is None:
            raise RefusalError(404, "There is nothing here.")
        if len(path) + len(scope["query_string"]) > rules.LONGEST_ADDRESS:
            raise RefusalError(414, "The address of the request is too long.")
        if "transfer-encoding" in headers and "content-length" in headers:  # a proxy may believe the other one
            raise RefusalError(400, "The request states its length in two ways.")
        inner = self._inner.get(visitor.inner)
        signed_in = _signed_in(app, headers)
        if getattr(app, "auth", None) and signed_in is None and not rules.route_of(scope["method"], path)[1]:
            raise RefusalError(401, "Sign in first.")
        scope[USER] = user = inner or signed_in or visitor.network
        if kind in self._allowances and kind != rules.FRAME:
            # Password guesses are counted by address, because the guesser has no name yet.
            self._take(kind, visitor.network if kind == rules.LOGIN else user)
        served = (str(app.uploaded_file_dir), *app.get_blocks().allowed_paths)
        if kind == rules.FILES and not rules.within(path.removeprefix(FILE), served):
            # The same answer for every reason: it must reveal nothing about the disk.
            raise RefusalError(404, "There is no such file, or it is not accessible.")
        with anyio.move_on_after(self._options.idle_seconds):  # pages of a class that open at once, from one address
            while kind == rules.ASSET and not self._under_way.has_room(user):
                await anyio.sleep(0.1)
        self._under_way.enter(user)
        try:
            await self._counted(scope, kind, user, body, answer)
        finally:
            if body.taken:
                body.taken.close()
            self._under_way.leave(user)

    async def _counted(self, scope: Scope, kind: str, user: str, body: _Body, answer: _Answer) -> None:
        """Answers a request that is counted among the open answers."""
        uploads = str(scope["app"].uploaded_file_dir)
        secret, mark = secrets.token_urlsafe(), mark_of(user)
        if mark and kind == rules.STREAM:
            mark_page(scope, mark)
        if scope["method"] == "POST":
            if body.announced > body.most:
                raise _too_long(body.most)
            disk = uploads if kind in (rules.UPLOAD, rules.MCP) else ""
            body.taken = Taken(self._intake, user, body.announced, memory=kind != rules.UPLOAD, disk=disk)
            brings = kind == rules.MCP and body.is_long
            if brings:  # counted before it is read
                self._take(rules.UPLOAD, user)
            if kind not in (rules.UPLOAD, rules.LOGIN, rules.FRAME):
                content, photographs = await anyio.to_thread.run_sync(
                    partial(rules.check_values, await body.read(), uploads, addresses=kind == rules.MCP, mark=mark)
                )
                body.again = content
                if photographs > brings:
                    self._take(rules.UPLOAD, user, photographs - brings)
                if kind == rules.JOB and waiting(scope["app"], user) >= (most := self._options.jobs_waiting):
                    raise RefusalError(429, f"{most} of your jobs are already waiting; let some finish first.", 5.0)
                if kind == rules.MCP:
                    self._inner[secret] = user
                    scope["headers"].append((INNER.encode(), secret.encode()))
        streams = kind in (rules.STREAM, rules.MCP, rules.FILES)
        seconds = self._options.stream_seconds if streams else self._options.request_seconds
        try:
            with anyio.fail_after(seconds + (self._options.body_seconds if kind == rules.UPLOAD else 0)):
                await self._app(scope, body, answer)
        finally:
            self._inner.pop(secret, None)

    def _take(self, kind: str, user: str, amount: float = 1.0) -> None:
        wait = self._allowances[kind].take(user, amount)
        if wait:
            raise RefusalError(429, BUSY.format(wait=math.ceil(wait)), wait)


def _signed_in(app: Any, headers: Headers) -> str | None:
    """Returns the user whose token the request carries, according to Gradio's records."""
    tokens, cookie_id = getattr(app, "tokens", {}), getattr(app, "cookie_id", "")
    cookies = dict(each.partition("=")[::2] for each in headers.get("cookie", "").split("; "))
    found = (cookies.get(f"access-token-{kind}{cookie_id}") for kind in ("", "unsecure-"))
    return next((SIGNED_IN + tokens[token] for token in found if token in tokens), None)


async def _say(answer: _Answer, status: int, values: dict[str, str], **headers: str) -> None:
    await JSONResponse(values, status, {"cache-control": "no-store", **headers})({"type": "http"}, answer.body, answer)


async def _refuse(answer: _Answer, refused: RefusalError) -> None:
    """Sends the reason, in the fields that Gradio's page and client read."""
    if answer.status:
        return
    wait = {"retry-after": str(math.ceil(refused.wait))} if refused.wait else {}
    await _say(answer, refused.status, {"detail": refused.sentence, "error": refused.sentence}, **wait)


async def _close(answer: _Answer, status: int, sentence: str = "There is nothing here.") -> None:
    """Ends an answer that failed: with the reason, or just ends it if it had begun."""
    if answer.status and status < 500:
        await answer({"type": "http.response.body", "body": b""})
    await _refuse(answer, RefusalError(status, sentence))


def _too_long(most: int) -> RefusalError:
    return RefusalError(413, f"The request is larger than the {most / 2**20:.3g} MiB allowed.")
