"""The work of the Queue tab: several photos, one after the other, into one ZIP. Plain functions on a `Session`."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import explorer
from explorer.app import model_picker, opening, queue_text, workspace
from explorer.app.feedback import told
from explorer.app.long_work import in_shares
from explorer.app.photo_bar import thumbnail
from explorer.app.queued import Queued, Wish
from explorer.app.session import Session
from explorer.app.sessions import FILES_EACH
from explorer.errors import CancelledError, ExplorerError
from explorer.photo.light.reduce import half_side, reduced
from explorer.steps import Report

MOST = 48
"""Maximum number of photos in a queue."""
LARGEST_ZIP = FILES_EACH // 2
"""Bytes after which a ZIP accepts no more photos; the visitor's share of the disk also holds the photos."""
GROUP = "queue"


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

    def all(self, waiting: list[Queued], archive: zipfile.ZipFile) -> Iterator[Progress]:
        """Restores one photo after the other, in a thread that can be watched."""
        now = self.now
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
            try:
                for now.share, _ in in_shares(partial(self.one, entry, archive), lambda: self.wanted, awaited=True):
                    yield now
            except CancelledError:
                now.cancelled = True
                _mark(self.session, entry, state="waiting")
            except Exception as error:  # one photo that fails must not stop the others
                _mark(self.session, entry, state="failed", said=told(error))
            else:
                now.done += 1
                _mark(self.session, entry, state="done")
            now.tried += 1
        now.name = ""

    @property
    def wanted(self) -> bool:
        return self.session.is_latest(GROUP, self.turn)

    def one(self, entry: Queued, archive: zipfile.ZipFile, report: Report) -> None:
        """Restores a photo into the ZIP."""
        queue = self.session.queue
        folder = self.session.folder / f"queue-{secrets.token_hex(8)}"
        folder.mkdir()
        try:
            made = _restored(self.session, entry, entry.own or queue.wish, folder, report)
            archive.write(made, _free_name(archive, made.name))
        finally:
            queue.at_work = None
            shutil.rmtree(folder, ignore_errors=True)


def _mark(session: Session, entry: Queued, **values: object) -> None:
    with session.lock:
        session.queue.change(entry.key, **values)


def _restored(session: Session, entry: Queued, wish: Wish, folder: Path, report: Report) -> Path:
    """Writes a photo's file, as in the Restore tab."""
    assert entry.source is not None
    report(0.0)
    photo = explorer.open_photo(entry.source, name=entry.name, isolated=True)
    own = Session(session.token, folder, session.owner)
    opening.take_photo(own, reduced(photo, half_side(photo)) if wish.half else photo)
    opened = session.queue.at_work = own.require_open()
    del photo
    model = wish.model or model_picker.best_for(opened.small) or ""
    return workspace.save(
        own, model_picker.known(model), wish.ratio, wish.file_format, strength=wish.strength, report=report
    )


def _free_name(archive: zipfile.ZipFile, name: str) -> str:
    """A name that no file in the archive has even if case is ignored: two photos may have the same name."""
    path, taken, number = Path(name), {each.casefold() for each in archive.namelist()}, 2
    while name.casefold() in taken:
        name, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return name
