"""The sessions of visitors. The browser holds only a random token; photos and results stay on the server.

Pictures are served from folders with unguessable names, one per session. A session ends when its page is closed
(`GRACE` later, so that a reloaded page finds its photo), or when memory or disk is full. Memory is counted in bytes,
per visitor and in total (`explorer.app.holding`), and decoded photos are discarded first, because they can be read
again.
"""

from __future__ import annotations

import math
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path

from explorer import gradio_internals
from explorer.app.holding import Holding, Room, allowed_bytes, give_back, surplus
from explorer.app.session import PICTURES_KEPT as PICTURES_KEPT
from explorer.app.session import Session as Session
from explorer.app.session import address as address
from explorer.app.session import public_folder as public_folder

SESSIONS_EACH, SESSIONS = 32, 256
"""Maximum number of sessions for one visitor, and for all. Sessions without a photo of the visitor's own end first,
because nothing is lost with them."""

GRACE = 30.0
"""Seconds within which a closed page may be loaded again and find its photo."""
HOUR = 3600.0
IDLE = 12 * HOUR
"""Seconds after which an unused session ends, even if no page reported that it was closed."""

FILES_EACH, FILES = 2 * 2**30, 6 * 2**30
"""Bytes on disk for the sessions of one visitor, and of all."""

RESULTS_EACH, RESULTS = 8, 64
"""Number of finished results of the HTTP endpoints kept for one visitor, and for all, until the server has copied
them."""

_SESSIONS: OrderedDict[str, Session] = OrderedDict()
"""Sessions by token, the idlest first."""
_PAGES: dict[str, str] = {}
"""The token of each page by the page's name, because Gradio may forget a page's state before the page is closed."""
_RESULTS: list[Holding[Path]] = []
_LOCK = threading.RLock()


def visitor() -> tuple[str, str]:
    """The visitor as decided by the gate (the signed-in user, otherwise the address), and the name of the page.

    Both are empty outside a request.
    """
    request, page = gradio_internals.asking()
    scope = getattr(request, "scope", {})
    return scope.get(gradio_internals.USER) or (scope.get("client") or ("",))[0], page


def open_session(token: str | None) -> Session:
    """The session of a token; a new one without a token, or if its session was discarded."""
    who, page = visitor()
    with _LOCK:
        session = _known(token, who) or _known(_PAGES.get(page), who) or _begin(who, lost=token is not None)
        # A page that is already closed may still have made a request.
        session.used, session.ends = _now(), _now() + (IDLE if page in session.pages or not page else HOUR)
        _SESSIONS.move_to_end(session.token)
        if page:
            _PAGES[page] = session.token
    return session


def enter_session(token: str | None, page: str | None = None) -> Session:
    """The session of a page that was just loaded: the one of its kept token, if that still exists.

    Args:
        page: its name; by default that of the requesting page.
    """
    who, asking = visitor()
    page = asking if page is None else page
    with _LOCK:
        session = _known(token, who) or _begin(who)
        session.pages.add(page)
        session.used, session.ends = _now(), _now() + IDLE
        _PAGES[page] = session.token
    return session


def leave_session(page: str | None = None) -> None:
    """Called when a page was closed. Unless another page shows the session, or one opens within `GRACE`, it ends."""
    who, asking = visitor()
    page = asking if page is None else page
    with _LOCK:
        session = _known(_PAGES.pop(page, None), who)
        if session is None:
            return
        session.pages.discard(page)
        if not session.pages:
            session.ends = _now() + GRACE
            _sweeper()


def close_session(token: str | None) -> None:
    """Ends a session and removes its files."""
    with _LOCK:
        session = _SESSIONS.pop(token, None) if token else None
        if session is None:
            return
        for page in [page for page, shown in _PAGES.items() if shown == session.token]:
            del _PAGES[page]
    shutil.rmtree(session.folder, ignore_errors=True)


def count() -> int:
    """Number of open sessions."""
    return len(_SESSIONS)


_STEPS = (Session.let_networks_go, Session.let_photos_go, Session.let_results_go)


def settle() -> None:
    """Discards what exceeds the limits. Whoever has most gives first: data that only other strengths need, then decoded
    photos, then results and downloads, then whole sessions."""
    _reduce(allowed_bytes(), Session.held, (*_STEPS, _end))
    _reduce((FILES_EACH, FILES), Session.on_disk, (Session.let_downloads_go, _end))


def _clear(most: float) -> None:
    """Discards photos and results until at most this many bytes are held, or nothing more can be discarded."""
    _reduce((math.inf, most), Session.held, (*_STEPS, lambda session: None))


room = Room(_clear)
"""Memory for work on whole photos."""


def _reduce(
    limits: tuple[float, float],
    measured: Callable[[Session], tuple[int, ...]],
    steps: tuple[Callable[[Session], None], ...],
) -> None:
    with _LOCK:
        everything = [
            Holding((let_go, session), session.owner, amount, (turn, session.used))
            for session in _SESSIONS.values()
            for turn, (let_go, amount) in enumerate(zip(steps, measured(session), strict=True))
        ]
    for let_go, session in surplus(everything, *limits):
        let_go(session)


def _end(session: Session) -> None:
    close_session(session.token)


def keep_result(folder: Path) -> None:
    """Keeps a folder with a finished result of an HTTP endpoint, and removes the oldest ones beyond the limit."""
    who, _ = visitor()
    with _LOCK:
        _RESULTS.append(Holding(folder, who, 1, _now()))
        given = surplus(_RESULTS, RESULTS_EACH, RESULTS)
        _RESULTS[:] = [each for each in _RESULTS if each.thing not in given]
    for old in given:
        shutil.rmtree(old, ignore_errors=True)


def sweep() -> None:
    """Ends the sessions whose time is over."""
    with _LOCK:
        over = [session.token for session in _SESSIONS.values() if session.ends <= _now()]
    for token in over:
        close_session(token)


def forget_page() -> None:
    """Makes Gradio forget what it keeps for the requesting page."""
    gradio_internals.forget_page(visitor()[1])


def _now() -> float:
    return time.monotonic()


def _known(token: str | None, who: str) -> Session | None:
    """A session by its token. Other users cannot enter a signed-in user's session, even if they know its token."""
    session = _SESSIONS.get(token) if token else None
    if session is not None and session.owner != who and "user " in (session.owner[:5], who[:5]):
        return None
    return session


def _begin(who: str, lost: bool = False) -> Session:
    """Starts a session. If there are too many, whoever has most loses one."""
    token = secrets.token_urlsafe(24)
    folder = public_folder() / token
    folder.mkdir()
    session = _SESSIONS[token] = Session(token, folder, who, was_lost=lost, used=_now(), ends=_now() + IDLE)
    given = surplus(
        (
            Holding(each, each.owner, 1, (each is session or bool(each.sources()), each.used))
            for each in _SESSIONS.values()
        ),
        SESSIONS_EACH,
        SESSIONS,
    )
    for old in given:
        close_session(old.token)
    _sweeper()
    return session


@cache
def _sweeper() -> threading.Thread:
    def run() -> None:
        while True:
            time.sleep(5)
            sweep()
            give_back()

    thread = threading.Thread(target=run, name="sessions", daemon=True)
    thread.start()
    return thread
