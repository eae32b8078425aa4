"""The requests that the server accepts, and their content; everything else is refused before Gradio sees it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

API = "/gradio_api/"
FILE = f"{API}file="
LARGEST_JSON = 8 * 2**20
"""Bytes of a call of a tool, which may bring a small photograph along as text."""
LARGEST_VALUES = 2 * 2**20
"""Bytes of any other request to compute, whose values the queue holds until it is its turn. Those of a page have some
kilobytes, or a camera's frame as text."""
LARGEST_FRAME = 512 * 1024
"""Bytes of one picture of a live camera, a JPEG of at most 640 x 640 pixels."""
LARGEST_FORM = 8192
"""Bytes of a name and a password."""
LONGEST_PATH = 4096
_DEEPEST = 8
"""Folders below that of the uploads, or of the results."""
MOST_VALUES, _MOST_PATHS, _MOST_NESTED = 20_000, 300, 50
_ODD_PARTS = re.compile(r"//|/\.{1,2}(/|$)|/$")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_URL = re.compile(r"\s*[a-zA-Z][a-zA-Z0-9+.-]*://|\s*//|\s*data:", re.ASCII)

PAGE, ASSET, UPLOAD, JOB, EVENT, STREAM, FILES, LOGIN, STATE, MCP, FRAME = (
    "page", "asset", "upload", "job", "event", "stream", "file", "login", "state", "mcp", "frame",
)  # fmt: skip
"""Kinds of requests, as the log names them."""

LIVE = f"{API}live"
"""Where the page sends the frames of a camera."""
SIGN_OUT = "/logout"
"""It changes something though it is a GET, so no other page may lead there."""
_LONGEST_NAME = 64
"""Characters of what a client calls its page, its event or its upload: the server keeps such names."""
LONGEST_ADDRESS = 8192
"""Bytes of a path and its query. Gradio and the server keep names in them, and beyond 64 KiB Gradio fails."""
_NAMES = ("session_hash", "event_id", "trigger_id", "upload_id")

_ROUTES: tuple[tuple[str, str, str], ...] = (
    # methods, pattern of the path, kind
    ("GET HEAD", r"/", PAGE),
    ("GET", r"/(config/?|manifest\.json|robots\.txt)", PAGE),
    ("POST", r"/login/?", LOGIN),
    ("GET HEAD", r"/(assets|static|svelte)/[^\0]{1,200}", ASSET),
    ("GET HEAD", r"/(theme\.css|favicon\.ico|pwa_icon(/\d{1,3})?)", ASSET),
    ("GET", r"/gradio_api/theme\.css", ASSET),
    ("POST", r"/gradio_api/upload", UPLOAD),
    ("GET", r"/gradio_api/upload_progress", STREAM),
    ("POST", r"/gradio_api/(queue/join|call/(v2/)?[^/]+/?)", JOB),
    ("POST", LIVE, FRAME),
    ("POST", r"/gradio_api/run/[^/]+/?", EVENT),
    ("GET", r"/gradio_api/(queue/data|heartbeat/[^/]{1,64}|call/(v2/)?[^/]+/[^/]+)", STREAM),
    ("GET HEAD", r"/gradio_api/file=.+", FILES),
    ("GET", r"/gradio_api/(info/?|openapi\.json|app_id/?|user/?|login_check/?|startup-events|queue/status)", STATE),
    ("GET", SIGN_OUT, STATE),
    ("POST", r"/gradio_api/(cancel|reset/?)", STATE),
    ("GET POST DELETE", r"/gradio_api/mcp(/(schema|http/?)?)?", MCP),
)
"""The routes that the app's page and `gradio_client` need. Gradio's other routes fetch from other servers (`proxy=`),
bypass the queue (`api`), run code of components that the app does not have, or show data meant for its operator; MCP's
older transport (`sse`) runs a tool when the request that asked for it is over, so that no one is asked for it."""
_COMPILED = [(frozenset(methods.split()), re.compile(pattern), kind) for methods, pattern, kind in _ROUTES]
OPEN_KINDS = frozenset({ASSET, LOGIN})
_OPEN_PATHS = re.compile(
    r"/|/logout|/manifest\.json|/robots\.txt|/gradio_api/(app_id/?|user/?|login_check/?|startup-events)"
)


class RefusalError(Exception):
    """A request that is not answered: a status and one sentence."""

    def __init__(self, status: int, sentence: str, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.wait = status, sentence, wait


def path_of(scope: dict[str, Any]) -> str:
    """The path of a request without the place that the app was mounted at."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] or "/" if root and path.startswith(f"{root}/") else path


def kind_of(method: str, path: str) -> str | None:
    """The kind of a request; None for what is not offered, and for paths that Gradio makes no address from."""
    if _CONTROL.search(path):
        return None
    return next((kind for methods, pattern, kind in _COMPILED if method in methods and pattern.fullmatch(path)), None)


def is_open(kind: str, path: str) -> bool:
    """True if a request needs no sign-in: the page that asks for it, and what that page is made of."""
    return kind in OPEN_KINDS or _OPEN_PATHS.fullmatch(path) is not None


def shown_path(path: str) -> str:
    """A path as the log names it: names of files and of sessions are cut off."""
    if path.startswith(FILE):
        return FILE
    return re.sub(r"^(/gradio_api/(?:heartbeat|call/(?:v2/)?[^/]+)/).+$", r"\1", path)[:120]


def within(path: str, folders: Iterable[str]) -> bool:
    """True if a path names a regular file inside one of the folders, links followed; no folder above them is named.

    The text decides first: to follow a path costs the square of its length, and one that was handed out is short and
    has neither `..` nor empty parts.
    """
    if len(path) > LONGEST_PATH or "\0" in path or not os.path.isabs(path) or _ODD_PARTS.search(path):
        return False
    try:
        for folder in folders:
            real = os.path.realpath(folder)
            base = next((each for each in (str(folder), real) if path.startswith(f"{each}{os.sep}")), "")
            if base and path.count(os.sep, len(base)) <= _DEEPEST:
                # What lies in the folders is made by this program, which makes no links.
                found = os.path.realpath(path)
                if os.path.commonpath([found, real]) == real and os.path.isfile(found):
                    return True
    except (OSError, ValueError):
        pass
    return False


def count_values(text: bytes) -> int:
    """At most so many values are in a piece of JSON: parsed, each takes a hundred times the memory of its text."""
    return sum(text.count(mark) for mark in (b",", b"[", b"{"))


def check_values(body: bytes, uploads: str, *, addresses: bool = False, mark: str = "") -> tuple[bytes, int]:
    """Refuses values that name files which were not uploaded, or addresses to fetch from.

    Gradio reads a file for every {"path": ...} with its own mark and downloads it first where that is an address; for
    endpoints made by `gr.api` it passes any path on as it is. The address of an upload to this very server, which tools
    are given, becomes the upload's path: nothing needs to be fetched then. Takes long for long bodies, so it is to be
    called in a thread.

    Args:
        body: JSON.
        uploads: the folder of uploaded files.
        addresses: look at every text that is an address, wherever it stands (MCP clients give files so).
        mark: put before the name of the page that asks.

    Returns:
        The body as understood here, so that no one interprets it differently; the number of photos it holds as text.

    Raises:
        RefusalError: no JSON, or one of the above.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, "The request is not JSON.") from error
    if isinstance(values, dict):
        for name in _NAMES:
            value = values.get(name)
            if value is not None and len(str(value)) > _LONGEST_NAME:
                raise RefusalError(400, f"The value of {name} is too long.")
        if mark and isinstance(page := values.get("session_hash"), str):
            values["session_hash"] = mark + page
    waiting, paths, photographs = [(values, 0)], 0, 0
    while waiting:
        each, depth = waiting.pop()
        if depth > _MOST_NESTED:  # whatever looks at it next may do so by recursion
            raise RefusalError(400, "The values of the request are nested too deep.")
        if isinstance(each, dict):
            path = each.get("path")
            if isinstance(path, str) and path:
                paths += 1
                if paths > _MOST_PATHS:
                    raise RefusalError(413, "The request names too many files.")
                each["path"] = _upload(path, uploads)
            elif path is not None and "meta" in each:
                raise RefusalError(400, "A file must be given by the path that its upload returned.")
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
        raise RefusalError(
            400, "The request contains half a character (a lone surrogate); send complete ones."
        ) from error


def _upload(path: str, uploads: str) -> str:
    """The path of an uploaded file, from that path or from its address on this server."""
    if _URL.match(path):
        _, mark, local = path[: 4 * LONGEST_PATH].partition(FILE)
        local = unquote(local)
        if not mark or path.lstrip().startswith("data:") or not within(local, [uploads]):
            raise RefusalError(403, "The server fetches nothing from addresses; upload the file.")
        return local
    if not within(path, [uploads]):
        raise RefusalError(
            403, "The request names a file that was not uploaded, or is no longer there; upload it again."
        )
    return path
