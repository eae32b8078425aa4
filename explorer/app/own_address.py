"""Requests from the app to its own address, which no proxy can reach.

Gradio makes one at launch, and its MCP server at every call. Both would use the environment's proxies (HTTP_PROXY,
HTTPS_PROXY, ALL_PROXY), and fail if a proxy has an unsupported kind (SOCKS), or if SSL_CERT_FILE names a missing file:
a client reads these before it knows which host it will ask.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from explorer.server.visitor import is_loopback

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_VARIABLES = frozenset(
    ["http_proxy", "https_proxy", "all_proxy", "ssl_cert_file", "ssl_cert_dir", "no_proxy"]
)  # in any case


def except_loopback() -> None:
    """Excludes this machine from the proxies of this process and its children."""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [each.strip() for each in os.environ.get(name, "").split(",") if each.strip()]
        # One of the two spellings may be empty while the other is not, and libraries disagree on which to read first.
        listed = listed or [e.strip() for e in os.environ.get(name.swapcase(), "").split(",") if e.strip()]
        os.environ[name] = ",".join([*listed, *(host for host in LOOPBACK if host not in listed)])


@contextmanager
def without_proxies() -> Iterator[None]:
    """Hides proxies and certificates inside the block, for imports that create clients no one uses here."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.lower() in _VARIABLES}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def asked_directly(host: str) -> Iterator[None]:
    """Inside the block, plain requests to this machine or to `host` bypass proxies; all others are unchanged."""
    import httpx

    asked = {name: getattr(httpx, name) for name in ("get", "head")}
    for name, call in asked.items():
        setattr(httpx, name, _direct(call, host))
    try:
        yield
    finally:
        for name, call in asked.items():
            setattr(httpx, name, call)


def _direct(call: Callable[..., Any], host: str) -> Callable[..., Any]:
    import httpx

    @functools.wraps(call)
    def asking(url: Any, **options: Any) -> Any:
        asked = httpx.URL(url).host
        if asked == host or is_loopback(asked):
            options["trust_env"] = False
        return call(url, **options)

    return asking
