"""One visitor's photo and results, and the folder that serves their pictures."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote
from weakref import WeakValueDictionary

from explorer.app import text
from explorer.app.holding import buffers, size_of_folder
from explorer.app.queued import Queue
from explorer.app.temporary import owned_folder
from explorer.errors import PhotoError

if TYPE_CHECKING:
    from explorer.app.open_photo import OpenPhoto

K = TypeVar("K")
V = TypeVar("V")

PICTURES_KEPT = 24
"""Preview files kept per session and tab: those on the page, and some that it may still be loading."""


@cache
def public_folder() -> Path:
    """The folder that the server may serve files from; it is removed when the process ends."""
    folder = owned_folder() / "pictures"
    folder.mkdir()
    return folder


@dataclass(eq=False)
class Session:
    """One visitor's photo and results. A page's handlers may run at once, so hold `lock` to change it."""

    token: str
    folder: Path
    owner: str = ""
    """The visitor, as reported by `visitor`."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    open: OpenPhoto | None = None
    """The photo on the page."""
    published: tuple[tuple[object, str], ...] = ()
    """The last pictures as taken that were sent to the page, quick and sharp, with their addresses."""
    keep_ratio: bool = False
    """True while the ratio of the page's address waits for the first photo."""
    keep_balance: bool = False
    """True while a reloaded page waits for its photo."""
    greeting: tuple[str, ...] = ()
    """Notes about invalid requests in the page's address, until they are shown."""
    choice: dict[str, Any] = field(default_factory=dict)
    """"model" and "ratio" of the picture on the page, to which the controls return if another choice fails."""
    pages: set[str] = field(default_factory=set)
    """Pages that show the session: two for a moment when one is reloaded."""
    used: float = 0.0
    """Time of the last use."""
    ends: float = float("inf")
    """Time at which the session ends if it is not used before."""
    was_lost: bool = False
    """True if this session replaces one that was discarded."""
    queue: Queue = field(default_factory=Queue)
    boards: WeakValueDictionary[str, OpenPhoto] = field(default_factory=WeakValueDictionary)
    """The photo that each board of the page shows, by the board's name."""
    turns: dict[str, int] = field(default_factory=dict)
    """Number of requests per board; only the last one is wanted."""
    wishes: dict[tuple[str, int], object] = field(default_factory=dict)
    """The purpose of each board's requests by turn, if a later turn with the same purpose may use the result."""
    revision: int = 0
    viewed: int = 0
    """The revision in the before/after viewer."""
    _files: dict[str, list[tuple[Path, int]]] = field(default_factory=dict)
    """Served pictures and their bytes, by group."""
    _downloads: dict[str, Path] = field(default_factory=dict)
    """The folder of downloads, by group."""

    @property
    def is_open(self) -> bool:
        """True if a photo is open, in memory or not."""
        return self.open is not None

    def require_open(self) -> OpenPhoto:
        """The open photo.

        Raises:
            PhotoError: none is open.
        """
        if self.open is None:
            raise PhotoError(text.SESSION_GONE if self.was_lost else text.NO_PHOTO_YET)
        return self.open

    def shows(self, board: str) -> None:
        """Records that a board shows the open photo."""
        self.boards[board] = self.require_open()

    def is_stale(self, board: str) -> bool:
        """True if a board shows another photo than the open one. The page may empty a board after it has been
        refilled."""
        return self.boards.get(board) is not self.open

    def begins(self, board: str, wish: object = None) -> int:
        """Records a request to a board, or that nothing is wanted from it any more. Returns the request's number."""
        with self.lock:
            turn = self.turns[board] = self.turns.get(board, 0) + 1
            if wish is None:
                self.wishes = {key: kept for key, kept in self.wishes.items() if key[0] != board}
            else:
                self.wishes[board, turn] = wish
            return turn

    def is_latest(self, board: str, turn: int) -> bool:
        """True if the board has had no newer request; a late answer must not replace a newer one."""
        return self.turns.get(board, 0) == turn

    def is_wanted(self, board: str, turn: int) -> bool:
        """True if a board's request in a turn has the same purpose as the latest one."""
        wish = self.wishes.get((board, turn))
        return wish is not None and wish == self.wishes.get((board, self.turns[board]))

    def own_file(self, path: str | Path) -> Path:
        """Gives a visitor's file a second name in the session's folder, because uploads are deleted after an hour and
        the photo must remain readable. Removes older files that are no longer used."""
        for old in self.folder.glob("source-*"):
            if old not in self.sources():
                old.unlink(missing_ok=True)
        return self.linked(path, "source")

    def linked(self, path: str | Path, kind: str) -> Path:
        """A second name in the session's folder for a visitor's file."""
        own = self.folder / f"{kind}-{secrets.token_hex(8)}"
        try:
            os.link(path, own)
        except OSError:  # another file system, or one without links
            shutil.copyfile(path, own)
        return own

    def kept(self, where: dict[K, V], key: K, make: Callable[[], V], most: int) -> V:
        """The value of a key in `where`, made if it is missing; only the `most` newest values stay."""
        if key in where:
            return where[key]
        found = make()
        with self.lock:
            while len(where) >= most:
                where.pop(next(iter(where)))
            where[key] = found
        return found

    def serve(self, data: bytes, suffix: str = ".png", group: str = "", keep: int = 0) -> str:
        """Writes a picture and returns its address.

        Removes the oldest files of the group beyond `keep` (`PICTURES_KEPT` by default).
        """
        path = self.folder / f"{secrets.token_hex(8)}{suffix}"
        part = path.with_suffix(".part")
        try:
            part.write_bytes(data)
        except FileNotFoundError as error:  # the session ended meanwhile
            raise PhotoError(text.SESSION_GONE) from error
        os.replace(part, path)
        with self.lock:
            files = self._files.setdefault(group, [])
            files.append((path, len(data)))
            while len(files) > (keep or PICTURES_KEPT):
                files.pop(0)[0].unlink(missing_ok=True)
        return address(path)

    def still_has(self, source: str, group: str) -> bool:
        """True if a picture with an address from `serve` still exists."""
        return any(address(path) == source for path, _ in list(self._files.get(group, ())))

    def picture_of(self, source: str, group: str) -> bytes:
        """The file of a picture, by its address from `serve`.

        Raises:
            PhotoError: it no longer exists.
        """
        for path, _ in list(self._files.get(group, ())):
            if address(path) == source and path.is_file():
                return path.read_bytes()
        raise PhotoError(text.SESSION_GONE)

    def download_path(self, name: str, group: str = "photo") -> Path:
        """A path for a download, in a new folder so that the file can have the photo's name.

        Removes the group's previous download.
        """
        if group in self._downloads:
            shutil.rmtree(self._downloads.pop(group), ignore_errors=True)
        folder = self.folder / f"download-{group}-{secrets.token_hex(8)}"
        try:
            folder.mkdir()
        except FileNotFoundError as error:
            raise PhotoError(text.SESSION_GONE) from error
        self._downloads[group] = folder
        return folder / name

    def sources(self) -> list[Path]:
        """The session's own files of the open photo, its reference and the queue."""
        found: list[Path | None] = []
        if self.open is not None:
            others = (self.open.reference, self.open.well_lit)
            found = [self.open.source, *(each.source for each in others if each)]
        return list(dict.fromkeys(each for each in [*found, *self.queue.sources] if each))

    # What it holds, in the order in which it is discarded when there is too much.

    def held(self) -> tuple[int, int, int, int]:
        """Bytes of memory for what only other strengths need, for photos, for further results, and for the rest."""
        opened, at_work = self.open, buffers(self.queue.at_work)
        if opened is None:
            return 0, 0, sum(at_work.values()), 0
        lit = (opened.well_lit.small, opened.well_lit.as_taken) if opened.well_lit else ()
        kept = [each for each in opened.memory if not each.can_go]
        rest = buffers(opened.small, opened.as_taken, opened.work.shown, lit, kept)
        # The queue's current photo counts as a result, so that nothing ends because of it; it is discarded when it is
        # done.
        results = buffers(opened.work.results, opened.reference and opened.reference.smaller) | at_work | rest
        photos = buffers(opened.memory) | results
        everything = buffers(opened.work.networks) | photos
        sizes = [sum(found.values()) for found in (everything, photos, results, rest, {})]
        outputs, photos_only, results_only, others = (more - less for more, less in pairwise(sizes))
        return outputs, photos_only, results_only, others

    def let_networks_go(self) -> None:
        if self.open:
            self.open.work.networks.clear()

    def let_photos_go(self) -> None:
        for each in self.open.memory if self.open else ():
            each.let_go()

    def let_results_go(self) -> None:
        if self.open:
            self.open.work.let_go()
            if self.open.reference:
                self.open.reference.smaller.clear()

    def on_disk(self) -> tuple[int, int]:
        """Bytes on disk: downloads, and all other files."""
        downloads = sum(size_of_folder(each) for each in list(self._downloads.values()))
        # Without the lock, which a handler may hold as long as it reads a photo.
        pictures = sum(size for files in list(self._files.values()) for _, size in list(files))
        return downloads, pictures + sum(each.stat().st_size for each in self.sources() if each.exists())

    def let_downloads_go(self) -> None:
        for each in list(self._downloads.values()):
            shutil.rmtree(each, ignore_errors=True)


def address(path: Path) -> str:
    """The address of a file in `public_folder()`, relative to the page."""
    return f"gradio_api/file={quote(str(path))}"
