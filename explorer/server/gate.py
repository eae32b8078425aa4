"""The gate: an ASGI middleware that every request of a visitor passes, and every answer."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException

import explorer
from explorer.server import rules
from explorer.server.options import ServerOptions
from explorer.server.rates import Allowance, Counter, client_address
from explorer.server.rules import FILE, RefusalError

LOG = logging.getLogger(__name__)

HEALTH = "/healthz"
_BUSY = "There are too many requests from here at the moment; wait {wait} s and try again."
_USER = "explorer.user"
"""Where a request's scope says whose it is."""
_MARGIN = 2**20
"""Bytes of a multipart body beside its file."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def security_headers(options: ServerOptions) -> dict[str, str]:
    """Of every answer. Gradio's page needs inline scripts and styles, and makes functions of texts; nothing may come
    from elsewhere, and only the pages that `frame_ancestors` names may show it in a frame."""
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
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "X-Permitted-Cross-Domain-Policies": "none",
    }


_OF_FILES = {
    # A file that a visitor uploaded is never a page of this server.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cache-Control": "private, max-age=3600",
}


class _UploadError(RefusalError, MultiPartException):
    """A refusal in the middle of an upload, of the kind at which Gradio removes what it has of the file."""

    def __init__(self, status: int, sentence: str) -> None:
        RefusalError.__init__(self, status, sentence)
        self.message = sentence


class _Body:
    """A request's body as it comes in: not too slow, not too long."""

    def __init__(self, receive: Receive, options: ServerOptions, most: float, upload: bool) -> None:
        self._receive, self._options, self._most = receive, options, most
        self._kind: type[RefusalError] = _UploadError if upload else RefusalError
        self._until = 0.0
        self.bytes = 0
        self.whole = False
        self.refused: RefusalError | None = None

    async def __call__(self) -> Any:
        if self.whole:  # what comes now is the client going away, which may take as long as it likes
            return await self._receive()
        self._until = self._until or time.monotonic() + self._options.body_seconds
        left = self._until - time.monotonic()
        message: Any = None
        if left > 0:  # else it came by and by, a byte at a time
            with anyio.move_on_after(min(self._options.idle_seconds, left)):
                message = await self._receive()
        if message is None:
            self._refuse(408, "The request came too slowly; send it again.")
        if message["type"] == "http.request":
            self.bytes += len(message.get("body", b""))
            self.whole = not message.get("more_body", False)
            if self.bytes > self._most:
                self._refuse(413, f"The request has more than the {self._most / 2**20:.0f} MiB that it may have.")
        elif self._kind is _UploadError:
            self._refuse(400, "The upload was broken off.")
        return message

    def _refuse(self, status: int, sentence: str) -> None:
        self.refused = self._kind(status, sentence)
        raise self.refused


class _Answer:
    """Passes an answer on with the security headers, counts it, and knows whether it has begun."""

    def __init__(self, send: Send, headers: dict[str, str], idle: float, body: _Body) -> None:
        self._send, self._headers, self._idle, self._body = send, headers, idle, body
        self.status = 0
        self.bytes = 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            if self._body.refused:  # what is left of the body must not be taken for another request
                headers["Connection"] = "close"
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
        with anyio.fail_after(self._idle):  # a client that takes nothing holds the file open
            await self._send(message)


class Gate:
    """See docs/security.md for what passes and what does not."""

    def __init__(self, app: Any, options: ServerOptions, largest_upload: int) -> None:
        self._app, self._options, self._largest = app, options, largest_upload
        self._headers = security_headers(options)
        per_minute = {
            "request": (options.requests_per_minute, options.requests_per_minute),
            rules.JOB: (options.jobs_per_minute, options.jobs_per_minute),
            rules.UPLOAD: (options.uploads_per_minute, options.uploads_per_minute),
            rules.LOGIN: (options.logins_per_minute, options.logins_per_minute),
        }
        self._allowances = {kind: Allowance(rate / 60, max(1, burst)) for kind, (rate, burst) in per_minute.items()}
        self._uploaded = Allowance(options.upload_bytes_per_hour / 3600, options.upload_bytes_per_hour)
        self._under_way = Counter(options.answers_at_once, options.connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        path = _path(scope)
        headers = Headers(scope=scope)
        kind = rules.kind_of(scope["method"], path)
        peer = (scope.get("client") or ("unknown",))[0]
        address = client_address(peer, headers.get("x-forwarded-for", ""), self._options.proxies)
        extra = _OF_FILES if kind == rules.FILES else {}
        body = _Body(receive, self._options, self._most(kind), kind == rules.UPLOAD)
        answer = _Answer(send, {**self._headers, **extra}, self._options.idle_seconds, body)
        try:
            if path == HEALTH and scope["method"] in ("GET", "HEAD"):
                await _json(answer, 200, {"status": "ok", "release": explorer.__version__})
                return
            await self._pass(scope, path, kind, headers, address, body, answer)
        except RefusalError as refused:
            await _refuse(answer, body.refused or refused)
        except TimeoutError:
            if answer.status:  # a client that does not take its answer: closing the connection is all there is
                LOG.info("An answer was not taken in time.")
                raise
            await _refuse(answer, RefusalError(504, "The answer took too long; try again, or with a smaller photo."))
        except Exception:
            LOG.exception("A request could not be answered.")
            if answer.status:
                raise
            await _refuse(answer, RefusalError(500, "The server made a mistake; it is in its log."))
        finally:
            if kind == rules.UPLOAD:
                self._uploaded.spend(self._user(scope, headers, address), body.bytes)
            if path != HEALTH:
                LOG.log(
                    logging.DEBUG if kind == rules.ASSET else logging.INFO,
                    "request",
                    extra={
                        "method": scope["method"],
                        "kind": kind or "refused",
                        "path": rules.shown_path(path) if kind else "-",
                        "status": answer.status,
                        "ms": round(1000 * (time.perf_counter() - started), 1),
                        "bytes_in": body.bytes,
                        "bytes_out": answer.bytes,
                        "client": address,
                    },
                )

    async def _pass(
        self, scope: Scope, path: str, kind: str | None, headers: Headers, address: str, body: _Body, answer: _Answer
    ) -> None:
        if kind is None:
            raise RefusalError(404, "There is nothing here.")
        signed_in = _signed_in(scope["app"], headers)
        if getattr(scope["app"], "auth", None) and signed_in is None and not rules.is_open(kind, path):
            raise RefusalError(401, "Sign in first.")
        user = signed_in or address
        self._take("request", user)
        if kind in self._allowances:
            # Guessing passwords is counted by address: whoever guesses is nobody yet.
            self._take(kind, address if kind == rules.LOGIN else user)
        receive: Receive = body
        if kind == rules.FILES:
            rules.check_file(path.removeprefix(FILE), _folders(scope["app"]))
        elif kind == rules.UPLOAD:
            self._check_upload(headers, user, scope["app"].uploaded_file_dir)
        elif kind in (rules.JOB, rules.EVENT, rules.MCP) and scope["method"] == "POST":
            uploads = scope["app"].uploaded_file_dir
            content = rules.check_values(await _whole(body), uploads, addresses=kind == rules.MCP)
            receive = _again(content, body)
            if kind == rules.JOB:
                self._check_waiting(scope, user)
        full = self._under_way.enter(user)
        if full:
            status = 429 if full == "user" else 503
            raise RefusalError(status, _BUSY.format(wait=5), 5.0)
        try:
            streams = kind in (rules.STREAM, rules.MCP, rules.FILES)
            seconds = self._options.stream_seconds if streams else self._options.request_seconds
            with anyio.fail_after(seconds + (self._options.body_seconds if kind == rules.UPLOAD else 0)):
                await self._app(scope, receive, answer)
        finally:
            self._under_way.leave(user)

    def _user(self, scope: Scope, headers: Headers, address: str) -> str:
        return _signed_in(scope["app"], headers) or address

    def _most(self, kind: str | None) -> float:
        if kind == rules.UPLOAD:
            return self._largest + _MARGIN
        return rules.LARGEST_MCP if kind == rules.MCP else rules.LARGEST_JSON

    def _take(self, kind: str, user: str) -> None:
        wait = self._allowances[kind].take(user)
        if wait:
            raise RefusalError(429, _BUSY.format(wait=math.ceil(wait)), wait)

    def _check_waiting(self, scope: Scope, user: str) -> None:
        """Marks the request as the user's, and refuses it if enough of that user's already wait."""
        scope[_USER] = user
        if waiting(scope["app"], user) >= self._options.jobs_waiting:
            raise RefusalError(
                429, f"{self._options.jobs_waiting} jobs of yours are waiting already; let some finish first.", 5.0
            )

    def _check_upload(self, headers: Headers, user: str, folder: str) -> None:
        length = headers.get("content-length", "")
        announced = int(length) if length.isdigit() else 0
        if announced > self._most(rules.UPLOAD):
            raise RefusalError(413, f"The file has more than the {self._largest / 2**20:.0f} MiB that it may have.")
        wait = self._uploaded.take(user, 0)
        if wait:
            raise RefusalError(429, f"Too much was uploaded from here; wait {math.ceil(wait)} s and try again.", wait)
        place = folder if os.path.isdir(folder) else os.path.dirname(folder)
        if shutil.disk_usage(place or ".").free < announced + self._options.spare_bytes:
            raise RefusalError(507, "The server's disk is full; try again later.")


def _path(scope: Scope) -> str:
    """The path without the place that the app was mounted at."""
    path, root = scope["path"], scope.get("root_path", "")
    return path[len(root) :] or "/" if root and path.startswith(f"{root}/") else path


def _folders(app: Any) -> list[str]:
    """What files may be handed out of."""
    return [str(app.uploaded_file_dir), *(str(each) for each in app.get_blocks().allowed_paths)]


def _signed_in(app: Any, headers: Headers) -> str | None:
    """Whose token the request bears, by Gradio's own books."""
    tokens, cookie_id = getattr(app, "tokens", None), getattr(app, "cookie_id", "")
    if not tokens:
        return None
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    for name in (f"access-token-{cookie_id}", f"access-token-unsecure-{cookie_id}"):
        if name in cookies and cookies[name].value in tokens:
            return f"user {tokens[cookies[name].value]}"
    return None


def waiting(app: Any, user: str) -> int:
    """How many jobs of a user wait in Gradio's queue."""
    queues = getattr(getattr(app.get_blocks(), "_queue", None), "event_queue_per_concurrency_id", {})
    return sum(event.request.scope.get(_USER) == user for queue in queues.values() for event in queue.queue)


async def _whole(body: _Body) -> bytes:
    parts = []
    while not body.whole:
        message = await body()
        if message["type"] != "http.request":
            raise RefusalError(400, "The request was broken off.")
        parts.append(message.get("body", b""))
    return b"".join(parts)


def _again(content: bytes, body: Receive) -> Receive:
    """Gives a body that was read already, then what comes after it."""
    messages = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> Any:
        return messages.pop() if messages else await body()

    return receive


async def _json(answer: _Answer, status: int, values: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    content = json.dumps(values).encode()
    given = {"content-type": "application/json", "content-length": str(len(content)), "cache-control": "no-store"}
    raw = [(name.encode(), value.encode()) for name, value in {**given, **(headers or {})}.items()]
    await answer({"type": "http.response.start", "status": status, "headers": raw})
    await answer({"type": "http.response.body", "body": content})


async def _refuse(answer: _Answer, refused: RefusalError) -> None:
    """Says why, in the words that Gradio's page and client look for."""
    if answer.status:
        return
    wait = {"retry-after": str(math.ceil(refused.wait))} if refused.wait else {}
    await _json(answer, refused.status, {"detail": refused.sentence, "error": refused.sentence}, wait)
