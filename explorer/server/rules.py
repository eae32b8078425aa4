"""Which requests, with which contents, the server accepts; Gradio never sees any others."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from explorer.messages import say

FILE = "/gradio_api/file="
LONGEST_PATH = 4096
_DEEPEST = 8
"""Levels of folders below that of the uploads or results."""
MOST_VALUES, _MOST_PATHS, _MOST_NESTED = 20_000, 300, 50
_ODD_PARTS = re.compile(r"//|/\.{1,2}(/|$)|/$")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_URL = re.compile(r"\s*[a-zA-Z][a-zA-Z0-9+.-]*://|\s*//|\s*data:", re.ASCII)

PAGE, ASSET, UPLOAD, JOB, EVENT, STREAM, FILES, LOGIN, STATE, MCP, FRAME, HEALTH = (
    "page", "asset", "upload", "job", "event", "stream", "file", "login", "state", "mcp", "frame", "health",
)  # fmt: skip
"""Kinds of requests, as they appear in the log."""

LARGEST_VALUES = 2 * 2**20
"""Bytes of a request to compute, whose values wait in the queue; those of the page take a few kilobytes."""
LARGEST = {MCP: 8 * 2**20, FRAME: 512 * 2**10, LOGIN: 8 * 2**10}
"""Bytes of others: a tool's call, which may contain a small photo as text; a live camera's frame, a JPEG of at most 640
x 640 pixels; a name and a password."""

LIVE = "/gradio_api/live"
"""Path to which the page sends a camera's frames."""
SIGN_OUT = "/logout"
"""Changes something although it is a GET, so no other page may link to it."""
_LONGEST_NAME = 64
"""Characters of the names that clients give their pages, events and uploads: the server keeps them."""
LONGEST_ADDRESS = 8192
"""Bytes of a path and its query. Gradio and the server keep names in them, and beyond 64 KiB Gradio fails."""
_NAMES = ("session_hash", "event_id", "trigger_id", "upload_id")

_ROUTES: tuple[tuple[str, str, str, bool], ...] = (
    # methods, pattern of the path, kind, True if it needs no sign-in: the sign-in page and its parts
    ("GET HEAD", r"/healthz", HEALTH, True),
    ("GET HEAD", r"/", PAGE, True),
    ("GET", r"/(manifest\.json|robots\.txt)", PAGE, True),
    ("GET", r"/config/?", PAGE, False),
    ("POST", r"/login/?", LOGIN, True),
    ("GET HEAD", r"/(assets|static|svelte)/[^\0]{1,200}", ASSET, True),
    ("GET HEAD", r"/(theme\.css|favicon\.ico|pwa_icon(/\d{1,3})?)", ASSET, True),
    ("GET", r"/gradio_api/theme\.css", ASSET, True),
    ("POST", r"/gradio_api/upload", UPLOAD, False),
    ("GET", r"/gradio_api/upload_progress", STREAM, False),
    ("POST", r"/gradio_api/(queue/join|call/(v2/)?[^/]+/?)", JOB, False),
    ("POST", LIVE, FRAME, False),
    ("POST", r"/gradio_api/run/[^/]+/?", EVENT, False),
    ("GET", r"/gradio_api/(queue/data|heartbeat/[^/]{1,64}|call/(v2/)?[^/]+/[^/]+)", STREAM, False),
    ("GET HEAD", r"/gradio_api/file=.+", FILES, False),
    ("GET", r"/gradio_api/(app_id/?|user/?|login_check/?|startup-events)", STATE, True),
    ("GET", r"/gradio_api/(info/?|openapi\.json|queue/status)", STATE, False),
    ("GET", SIGN_OUT, STATE, True),
    ("POST", r"/gradio_api/(cancel|reset/?)", STATE, False),
    ("GET POST DELETE", r"/gradio_api/mcp(/(schema|http/?)?)?", MCP, False),
)
"""The routes that the app's page and `gradio_client` need. Gradio's other routes fetch from other servers (`proxy=`),
bypass the queue (`api`), run code of components that the app does not have, or show data meant for its operator. MCP's
older transport (`sse`) runs a tool after the request for it has ended, so that no visitor would account for it."""
_COMPILED = [(frozenset(methods.split()), re.compile(path), kind, is_open) for methods, path, kind, is_open in _ROUTES]


class RefusalError(Exception):
    """A request that the server refuses: a status and one sentence."""

    def __init__(self, status: int, sentence: str, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.wait = status, sentence, wait


def path_of(scope: dict[str, Any]) -> str:
    """Returns a request's path relative to the place where the app is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] or "/" if root and path.startswith(f"{root}/") else path


def route_of(method: str, path: str) -> tuple[str, bool]:
    """Returns a request's kind, empty if it is not offered, and whether it needs no sign-in."""
    if not _CONTROL.search(path):  # Gradio cannot make an address of such a path
        for methods, pattern, kind, is_open in _COMPILED:
            if method in methods and pattern.fullmatch(path):
                return kind, is_open
    return "", False


def shown_path(path: str) -> str:
    """Returns a path for the log, without names of files and sessions."""
    if path.startswith(FILE):
        return FILE
    return re.sub(r"^(/gradio_api/(?:heartbeat|call/(?:v2/)?[^/]+)/).+$", r"\1", path)[:120]


def within(path: str, folders: Iterable[str]) -> bool:
    """True if a path leads to a regular file inside one of the folders, after following links.

    The text is checked first: following a path takes the square of its length, and the server's own paths are short and
    have neither `..` nor empty parts.
    """
    if len(path) > LONGEST_PATH or "\0" in path or not os.path.isabs(path) or _ODD_PARTS.search(path):
        return False
    try:
        for folder in folders:
            real = os.path.realpath(folder)
            base = next((each for each in (str(folder), real) if path.startswith(f"{each}{os.sep}")), "")
            if base and path.count(os.sep, len(base)) <= _DEEPEST:
                found = os.path.realpath(path)
                if os.path.commonpath([found, real]) == real and os.path.isfile(found):
                    return True
    except (OSError, ValueError):
        pass
    return False


def count_values(text: bytes) -> int:
    """Returns an upper bound for the number of values in JSON; parsed, each takes a hundred times its text's memory."""
    return sum(text.count(mark) for mark in (b",", b"[", b"{"))


def check_values(body: bytes, uploads: str, *, addresses: bool = False, mark: str = "") -> tuple[bytes, int]:
    """Refuses values that name files that were not uploaded, or addresses to fetch from.

    Gradio reads a file for every {"path": ...} with its own mark, and downloads it first if that is an address; to
    endpoints made by `gr.api` it passes any path on unchecked. The address of an upload on this server, which tools
    receive, becomes the upload's path, so that nothing needs to be fetched. Call it in a thread: long bodies take long.

    Args:
        body: JSON.
        uploads: the folder of uploaded files.
        addresses: check every text that is an address, wherever it is (MCP clients pass files like that).
        mark: prefix for the name of the page that asks.

    Returns:
        The body as parsed here, so that Gradio cannot interpret it differently; the number of photos in it as text.

    Raises:
        RefusalError: not JSON, or one of the above.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, say("refused.no_json")) from error
    if isinstance(values, dict):
        for name in _NAMES:
            value = values.get(name)
            if value is not None and len(str(value)) > _LONGEST_NAME:
                raise RefusalError(400, say("refused.name_length", name=name))
            if value == "" and name == "session_hash":  # Gradio takes it for none in one place, for a name in another
                raise RefusalError(400, say("refused.no_name"))
        if mark and isinstance(page := values.get("session_hash"), str):
            values["session_hash"] = mark + page
    waiting, paths, photographs = [(values, 0)], 0, 0
    while waiting:
        each, depth = waiting.pop()
        if depth > _MOST_NESTED:  # Gradio may follow them by recursion
            raise RefusalError(400, say("refused.nested"))
        if isinstance(each, dict):
            path = each.get("path")
            if isinstance(path, str) and path:
                paths += 1
                if paths > _MOST_PATHS:
                    raise RefusalError(413, say("refused.paths"))
                each["path"] = _upload(path, uploads)
            elif path is not None and "meta" in each:
                raise RefusalError(400, say("refused.no_path"))
            waiting.extend((value, depth + 1) for value in each.values())
        elif isinstance(each, list):
            waiting.extend((value, depth + 1) for value in each)
        elif addresses and isinstance(each, str) and _URL.match(each):
            if each.startswith("data:"):
                photographs += 1
            else:
                _upload(each, uploads)
    try:
        return json.dumps(values, ensure_ascii=False).encode(), photographs
    except UnicodeEncodeError as error:
        raise RefusalError(400, say("refused.half_character")) from error


def _upload(path: str, uploads: str) -> str:
    """Returns an uploaded file's path, from that path or from the file's address on this server."""
    if _URL.match(path):
        _, mark, local = path[: 4 * LONGEST_PATH].partition(FILE)
        local = unquote(local)
        if not mark or path.lstrip().startswith("data:") or not within(local, [uploads]):
            raise RefusalError(403, say("refused.address"))
        return local
    if not within(path, [uploads]):
        raise RefusalError(403, say("refused.gone"))
    return path
