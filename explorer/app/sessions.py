"""What one visitor has open. The browser's state holds only a random token; photos and results stay on this side.

Pictures are served from a folder with an unguessable name, one a session, removed when the page is closed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from explorer.app import text
from explorer.errors import PhotoError
from explorer.server.temporary import owned_folder

if TYPE_CHECKING:
    from explorer.photo.types import FloatArray, Photo, RgbPhoto

CAPACITY = 32
"""Sessions kept at once: each holds a decoded photo (a 24-megapixel RAW is about 100 MB). The idlest goes first."""

PICTURES_KEPT = 24
"""Preview files kept per session and tab: what the page shows, and some that it may still be loading."""


@cache
def public_folder() -> Path:
    """The folder that the server may hand files out of; it is removed when the process ends."""
    folder = owned_folder() / "pictures"
    folder.mkdir()
    return folder


@dataclass(eq=False)
class Session:
    """One visitor's photo and results. Handlers of one page may run at once: hold `lock` to change it."""

    token: str
    folder: Path
    lock: threading.RLock = field(default_factory=threading.RLock)
    decoded: Photo | None = None
    """The photo as the file has it, decoded once."""
    photo: Photo | None = None
    """`decoded` with the chosen white balance."""
    small: Photo | None = None
    """`photo` at preview size."""
    as_taken: FloatArray | None = None
    """The photo as the camera shows it, at preview size."""
    smaller: dict[int, tuple[Photo, FloatArray]] = field(default_factory=dict)
    """`small` and `as_taken` by their longest side, for networks that are too slow for the full preview size."""
    published: dict[str, Any] = field(default_factory=dict)
    """The address of `as_taken` as the page got it last: "of" (the array), "src"."""
    suggestions: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Automatic ratio and its source per model, for `photo`."""
    full: dict[str, Any] = field(default_factory=dict)
    """The last full-resolution result: "key", "restoration"."""
    white_balance: str = "as_shot"
    point: tuple[float, float] | None = None
    """Column and row of the grey patch in the upright photo, in pixels, where `white_balance` is "neutral"."""
    example: str | None = None
    """The name of the open photo where it is an example."""
    upload: str | None = None
    """The path of the visitor's own open photo."""
    keep_ratio: bool = False
    """True while the ratio of the page's address waits for the first photo."""
    keep_balance: bool = False
    """True while a page that was reloaded waits to be shown the photo as it was."""
    greeting: tuple[str, ...] = ()
    """What the page's address asked for and cannot have, until it was said."""
    choice: dict[str, Any] = field(default_factory=dict)
    """"model" and "ratio" of what the page shows: what the controls go back to when another choice fails."""
    pages: int = 0
    """Pages that show it: two for a moment, when one is reloaded."""
    was_lost: bool = False
    """True where it stands in for a session that was let go."""
    stopping: bool = False
    """True while a comparison is asked to end."""
    revision: int = 0
    viewed: int = 0
    """The revision that the before/after viewer shows."""
    shown: tuple[FloatArray, FloatArray] | None = None
    """Before and after of the last preview, for the histogram."""
    latest: dict[str, Any] = field(default_factory=dict)
    """The last preview before finishing: "key", "preview". Finishing it anew takes no network."""
    reference: RgbPhoto | None = None
    """A well-lit picture of the same scene, to measure against."""
    reference_file: str | None = None
    """Its path where the visitor gave it; None for an example's own."""
    analyses: dict[str, Any] = field(default_factory=dict)
    """What the tabs that look inside keep between two events, by tab; forgotten with the photo."""
    _files: dict[str, list[Path]] = field(default_factory=dict)

    def require_photo(self) -> Photo:
        """The open photo.

        Raises:
            PhotoError: none is open.
        """
        if self.photo is None:
            raise PhotoError(text.SESSION_GONE if self.was_lost else text.NO_PHOTO_YET)
        return self.photo

    def publish(self, data: bytes, suffix: str = ".png", group: str = "", keep: int = 0) -> str:
        """Writes a picture and gives its address.

        The oldest files of the group beyond `keep` (`PICTURES_KEPT` unless told) are removed.
        """
        path = self.folder / f"{secrets.token_hex(8)}{suffix}"
        part = path.with_suffix(".part")
        part.write_bytes(data)
        os.replace(part, path)
        with self.lock:
            files = self._files.setdefault(group, [])
            files.append(path)
            while len(files) > (keep or PICTURES_KEPT):
                files.pop(0).unlink(missing_ok=True)
        return address(path)

    def download_path(self, name: str, group: str = "photo") -> Path:
        """A path for a file to be downloaded, in a fresh folder so that its name can be the photo's.

        An older download of the same group is removed.
        """
        for old in self.folder.glob(f"download-{group}-*"):
            shutil.rmtree(old, ignore_errors=True)
        folder = self.folder / f"download-{group}-{secrets.token_hex(8)}"
        folder.mkdir()
        return folder / name


def address(path: Path) -> str:
    """The address at which the server hands out a file of `public_folder()`, relative to the page."""
    return f"gradio_api/file={quote(str(path))}"


_SESSIONS: OrderedDict[str, Session] = OrderedDict()
_LOCK = threading.Lock()


def open_session(token: str | None) -> Session:
    """The session of a token; a new one where there is no token yet or its session was let go."""
    with _LOCK:
        if token and token in _SESSIONS:
            _SESSIONS.move_to_end(token)
            return _SESSIONS[token]
        fresh = secrets.token_urlsafe(24)
        folder = public_folder() / fresh
        folder.mkdir()
        _SESSIONS[fresh] = Session(fresh, folder, was_lost=token is not None)
        idle = [_SESSIONS.popitem(last=False)[1] for _ in range(len(_SESSIONS) - CAPACITY)]
        session = _SESSIONS[fresh]
    for old in idle:
        shutil.rmtree(old.folder, ignore_errors=True)
    return session


def enter_session(token: str | None) -> Session:
    """The session of a page that was just loaded: the one of the token that it kept where that is still there."""
    with _LOCK:
        known = token is not None and token in _SESSIONS
    session = open_session(token if known else None)
    with _LOCK:
        session.pages += 1
    return session


def close_session(token: str | None) -> None:
    """Forgets a session and removes its files; called when its page is closed. Another page may still show it."""
    with _LOCK:
        session = _SESSIONS.get(token) if token else None
        if session is not None:
            session.pages -= 1
            if session.pages > 0:
                return
            del _SESSIONS[session.token]
    if session:
        shutil.rmtree(session.folder, ignore_errors=True)


def count() -> int:
    """Sessions open now."""
    return len(_SESSIONS)
