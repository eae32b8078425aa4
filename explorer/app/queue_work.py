"""The work of the Queue tab: several photos, one after the other, into one ZIP. Plain functions on a `Session`."""

from __future__ import annotations

import secrets
import shutil
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import explorer
from explorer.app import model_picker, opening, queue_text, workspace
from explorer.app.feedback import told
from explorer.app.photo_bar import thumbnail
from explorer.app.queued import Queued, Wish
from explorer.app.session import Session
from explorer.app.sessions import FILES_EACH
from explorer.errors import CancelledError, ExplorerError
from explorer.messages import say
from explorer.photo.light.reduce import half_side, reduced

MOST = 48
"""Maximum number of photos in a queue."""
LARGEST_ZIP = FILES_EACH // 2
"""Bytes after which a ZIP accepts no more photos; the visitor's share of the disk also holds the photos."""
GROUP = "queue"
_TICK = 0.4
"""Seconds between two reports of progress."""


def add(session: Session, paths: list[str]) -> Iterator[str]:
    """Adds files to the queue. Yields the name of each before it is read.

    A file that cannot be read becomes a tile that shows the reason. Files beyond `MOST` are left out.

    Raises:
        ExplorerError: files were left out; raised after all others were added.
    """
    left_out = []
    for path in paths:
        name = Path(path).name
        if len(session.queue.photos) >= MOST:
            left_out.append(name)
            continue
        yield name
        try:
            photo = explorer.open_photo(path, name=name, isolated=True)
            shown = session.serve(thumbnail(photo), group=GROUP, keep=2 * MOST)
            found = Queued(name, session.linked(path, "queued"), shown)
        except ExplorerError as error:
            found = Queued(name, None, state="failed", said=told(error))
        with session.lock:
            session.queue.photos.append(found)
    if left_out:
        raise ExplorerError(queue_text.QUEUE_TOO_MANY.format(most=MOST, names=", ".join(left_out)))


def remove(session: Session, key: str) -> None:
    """Removes a photo from the queue, or all if `key` names none."""
    with session.lock:
        queue = session.queue
        gone = [each for each in queue.photos if queue.find(key) is None or each.key == key]
        queue.photos = [each for each in queue.photos if each not in gone]
    for each in gone:
        if each.source:
            each.source.unlink(missing_ok=True)


@dataclass
class Progress:
    """The progress of a queue."""

    total: int
    done: int = 0
    """Photos in the ZIP."""
    tried: int = 0
    name: str = ""
    """Name of the current photo; empty at the end."""
    share: float = 0.0
    """Its finished share, 0 to 1."""
    output: Path | None = None
    """The ZIP, at the end, if it contains anything."""
    cancelled: bool = False
    full: bool = False
    """True if the ZIP reached its size limit."""


def run(session: Session, turn: int) -> Iterator[Progress]:
    """Restores all photos that could be read. Yields the progress a few times per second.

    Ends early, with the finished photos, if something newer is requested of the queue.

    Args:
        turn: the result of `session.begins("queue")`.
    """
    waiting = [each for each in session.queue.photos if each.source]
    for each in waiting:
        _mark(session, each, state="waiting", said="")
    path = session.download_path(f"lowlight-{secrets.token_hex(2)}.zip", GROUP)
    part = path.with_suffix(".part")
    work = _Work(session, turn, part, Progress(len(waiting)))
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            yield from work.all(waiting, archive)
        now = work.now
        if now.done and part.exists():  # the session may have ended
            now.output = part.rename(path)
        yield now
    finally:
        for each in session.queue.photos:
            if each.state == "working":
                _mark(session, each, state="waiting")
        part.unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class _Work:
    """One run of a queue."""

    session: Session
    turn: int
    part: Path
    """The ZIP while it is being written."""
    now: Progress
    stopped: threading.Event = field(default_factory=threading.Event)

    def all(self, waiting: list[Queued], archive: zipfile.ZipFile) -> Iterator[Progress]:
        """Restores one photo after the other, in a thread that can be watched."""
        now = self.now
        with ThreadPoolExecutor(1, "queue") as worker:
            try:
                for entry in waiting:
                    if now.cancelled or not self.wanted or not self.part.exists():
                        now.cancelled = True
                        break
                    if self.part.stat().st_size > LARGEST_ZIP:
                        now.full = True
                        break
                    now.name, now.share = entry.name, 0.0
                    _mark(self.session, entry, state="working")
                    yield now
                    job = worker.submit(self.one, entry, archive)
                    while not wait([job], _TICK).done:
                        yield now
                    now.done += _ended(self.session, entry, job.exception(), now)
                    now.tried += 1
            finally:
                self.stopped.set()  # before waiting for the worker: the page may be gone
        now.name = ""

    @property
    def wanted(self) -> bool:
        return self.session.is_latest(GROUP, self.turn)

    def one(self, entry: Queued, archive: zipfile.ZipFile) -> None:
        """Restores a photo into the ZIP."""
        queue = self.session.queue
        folder = self.session.folder / f"queue-{secrets.token_hex(8)}"
        folder.mkdir()
        try:
            made = _restored(self.session, entry, entry.own or queue.wish, folder, self.advance)
            archive.write(made, _free_name(archive, made.name))
        finally:
            queue.at_work = None
            shutil.rmtree(folder, ignore_errors=True)

    def advance(self, share: float) -> None:
        self.now.share = share
        if self.stopped.is_set() or not self.wanted:
            raise CancelledError(say("long.cancelled"))


def _mark(session: Session, entry: Queued, **values: object) -> None:
    with session.lock:
        session.queue.change(entry.key, **values)


def _ended(session: Session, entry: Queued, error: BaseException | None, now: Progress) -> bool:
    """Records how the work on a photo ended; True if it is in the ZIP."""
    if error is None:
        _mark(session, entry, state="done")
        return True
    if isinstance(error, CancelledError):
        now.cancelled = True
        _mark(session, entry, state="waiting")
    elif isinstance(error, Exception):  # a photo that fails must not stop the others
        _mark(session, entry, state="failed", said=told(error))
    else:
        raise error
    return False


def _restored(session: Session, entry: Queued, wish: Wish, folder: Path, advance: workspace.Report) -> Path:
    """Writes a photo's file, as in the Restore tab."""
    assert entry.source is not None
    advance(0.0)
    photo = explorer.open_photo(entry.source, name=entry.name, isolated=True)
    own = Session(session.token, folder, session.owner)
    opening.take_photo(own, reduced(photo, half_side(photo)) if wish.half else photo)
    opened = session.queue.at_work = own.require_open()
    del photo
    model = wish.model or model_picker.best_for(opened.small) or ""
    return workspace.save(
        own, model_picker.known(model), wish.ratio, wish.file_format, strength=wish.strength, report=advance
    )


def _free_name(archive: zipfile.ZipFile, name: str) -> str:
    """A name that is not in the archive yet: two photos may have the same name."""
    path, taken, number = Path(name), set(archive.namelist()), 2
    while name in taken:
        name, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return name
