"""Decides once who asks, under which host name, and from which page, from facts that a client cannot fake."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers

from explorer.server.rules import SIGN_OUT, path_of

INNER = "x-explorer-inner"
"""Header of requests that the server sends itself for a tool: a secret that stands for the visitor."""
SIGNED_IN = "user "
"""Prefix of the names of signed-in users, with which no address begins."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_HOST = re.compile(r"([a-z0-9_]([a-z0-9._-]*[a-z0-9_-])?|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII)
_KEPT_BACK = re.compile(rb"host|cookie|origin|forwarded|x-forwarded-.*|x-real-ip|x-gradio-server|" + INNER.encode())
"""Headers that Gradio, or a library, would believe from anyone; it gets verified ones instead."""
_SIGN_IN = re.compile(rb"access-token-[\w-]+=[\w-]+", re.ASCII)
"""The cookies of Gradio's sign-in. Others are dropped: reading one full of escaped quotes takes some Pythons (3.11.7,
for one) the square of its length, 16 s for 60 kB."""


@dataclass(frozen=True)
class Visitor:
    """Facts about a request, established before any work is done for it."""

    address: str
    """The client's IP address."""
    host: str
    """The server's name and port as in the page's address; empty if the request does not name it."""
    foreign: bool
    """True if the request comes from a page of another origin."""
    inner: str
    """The secret in the request's header; empty if there is none."""

    @property
    def network(self) -> str:
        return network_of(self.address)


def introduced(scope: dict[str, Any], proxies: int | None, hosts: Sequence[str]) -> Visitor:
    """Finds out who asks, and changes the request's headers and scheme so that Gradio finds the same.

    Args:
        scope: of an HTTP request; its headers, client and scheme are changed.
        proxies: number of trusted proxies; None for one if the connection comes from this machine.
        hosts: names to which the server answers; see `permits`.
    """
    headers = Headers(scope=scope)
    peer = (scope.get("client") or ("unknown",))[0]
    trusted = (1 if peer in ("127.0.0.1", "::1") else 0) if proxies is None else proxies
    address = client_address(peer, headers.getlist("x-forwarded-for"), trusted)
    told, scheme = (_nearest(headers.getlist(f"x-forwarded-{each}"), trusted).lower() for each in ("host", "proto"))
    named = [each.lower() for each in headers.getlist("host")]
    asked = named[0] if len(named) == 1 else ""
    # An unconfigured proxy is trusted only if the request itself names this machine: a page whose DNS name leads here
    # can send any header.
    believed = permits(told, hosts) and (proxies is not None or permits(asked, hosts))
    host = told if believed else asked
    foreign = any(not _same_origin(each, host, scheme) for each in headers.getlist("origin"))
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        # Following a link is the visitor's own choice, unless it changes something.
        foreign = foreign or headers.get("sec-fetch-mode") != "navigate" or path_of(scope) == SIGN_OUT
    visitor = Visitor(address, host, foreign, headers.get(INNER, ""))
    cookies = [each.strip() for name, value in scope["headers"] if name == b"cookie" for each in value.split(b";")]
    signed_in = b"; ".join(filter(_SIGN_IN.fullmatch, cookies))
    scope["client"] = (address, 0)
    scope["headers"] = [
        *((name, value) for name, value in scope["headers"] if not _KEPT_BACK.fullmatch(name)),
        *((name, value) for name, value in ((b"host", host.encode()), (b"cookie", signed_in)) if value),
    ]
    if scheme in ("http", "https"):
        scope["scheme"] = scheme
        scope["headers"].append((b"x-forwarded-proto", scheme.encode()))
    return visitor


def mark_of(user: str) -> str:
    """Returns the prefix for the names of a signed-in user's pages, so that no one else can read or cancel their jobs.

    Other users have none, because their address may change while the page is open.
    """
    return hashlib.sha256(user.encode()).hexdigest() if user.startswith(SIGNED_IN) else ""


def mark_page(scope: dict[str, Any], mark: str) -> None:
    """Prefixes the name of the page in a stream's address with the mark."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    named = [(name, mark + value if name == "session_hash" else value) for name, value in query]
    scope["query_string"] = urlencode(named).encode()
    scope["path"] = scope["path"].replace("/heartbeat/", f"/heartbeat/{mark}", 1)


def permits(host: str, hosts: Sequence[str]) -> bool:
    """True if the server answers to a name.

    Args:
        host: the Host header in lower case.
        hosts: names without ports; `*.example.org` stands for every name below it. Empty permits every name. Names
            without a dot are always permitted: the machine or its network defines them, and no outsider can make them
            lead here.
    """
    if not _HOST.fullmatch(host):
        return False
    name = re.sub(r":\d+$", "", host)
    below = any(each.startswith("*.") and name.endswith(each[1:]) for each in hosts)
    return not hosts or name in hosts or below or not re.search(r"[.:\[]", name)


def _same_origin(origin: str, host: str, scheme: str) -> bool:
    """True if a page comes from the server that it calls, not from `null`, another port or another name."""
    own, mark, rest = origin.lower().partition("://")
    if not mark or own not in ("http", "https") or (scheme == "https" and own != scheme):
        return False
    port = ":443" if own == "https" else ":80"
    return bool(host) and rest.removesuffix(port) == host.removesuffix(port)


def _nearest(lines: Sequence[str], proxies: int) -> str:
    """Returns the value from the farthest trusted proxy, in a header to which each appends an item or a line."""
    told = [each.strip() for each in ",".join(lines).split(",") if each.strip()]
    return told[-min(proxies, len(told))] if proxies > 0 and told else ""


def client_address(peer: str, forwarded: Sequence[str], proxies: int) -> str:
    """Returns the client's address.

    Args:
        peer: the other end of the connection.
        forwarded: the lines of X-Forwarded-For; entries forged by the client come first.
        proxies: number of trusted proxies; each appends the address of its client, sometimes with a port.
    """
    told = _nearest(forwarded, proxies).strip('"')
    if told.startswith("["):
        told = told[1:].partition("]")[0]
    elif told.count(":") == 1:
        told = told.partition(":")[0]
    return (told or peer)[:64]


def network_of(address: str) -> str:
    """Returns the key under which a client is counted: its IPv4 address, or its IPv6 /64 network (one household)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ipaddress.ip_network((found, 64), strict=False))


def is_loopback(host: str) -> bool:
    """True if only this machine can reach an address to listen on."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
