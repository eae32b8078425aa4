"""Opens a session's photo, balances it and sets its reference. Plain functions on a `Session`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import explorer
from explorer.app import text
from explorer.app.holding import Again, share
from explorer.app.open_photo import NEUTRAL, OpenPhoto, Read, Reference, as_reference, open_photo, reader
from explorer.app.session import Session
from explorer.choices import BlackChoice
from explorer.errors import PhotoError
from explorer.photo.light.masked import checked_choice


@contextmanager
def kept_on_failure(session: Session) -> Iterator[None]:
    """Restores what the session showed before if the block fails."""
    before = session.open
    try:
        yield
    except BaseException:
        session.open = before
        raise


def open_file(session: Session, path: str | Path, *, isolated: bool = False) -> None:
    """Decodes a file into the session. Only if that succeeds, the previous photo is forgotten.

    Args:
        isolated: decode in a separate process; for files from visitors.

    Raises:
        PhotoError: the file is not a photo that can be read.
    """
    photo, read, own = _own_photo(session, path, isolated)
    session.open = open_photo(photo, read, upload=str(path), source=own)


def _own_photo(session: Session, path: str | Path, isolated: bool) -> tuple[explorer.Photo, Read, Path]:
    """A visitor's decoded file, a function that reads it again, and the session's name for it."""
    photo = explorer.open_photo(path, isolated=isolated or None)
    own = session.own_file(path)
    return photo, reader(own, Path(path).name, isolated), own


def open_bytes(session: Session, data: bytes, name: str) -> None:
    """Opens data made by a visitor's browser. They are decoded in a separate process and stay in memory.

    Raises:
        PhotoError: the data cannot be read.
    """

    def read(black_level: BlackChoice) -> explorer.Photo:
        return explorer.open_photo(data, name=name, isolated=True, black_level=black_level)

    session.open = open_photo(read("auto"), read)


def take_photo(session: Session, photo: explorer.Photo) -> None:
    """Opens a decoded photo for as long as the session lasts."""
    session.open = open_photo(photo)


@lru_cache
def _shared_example(name: str) -> OpenPhoto:
    """An example as sessions show it: decoded once, with the same arrays for everyone."""
    from explorer.examples import examples

    example = {each.name: each for each in examples()}[name]
    shown = open_photo(explorer.open_photo(example.path), example=name)
    if example.reference:
        shown = shown.with_reference(Reference(Again(as_reference(explorer.open_photo(example.reference), shown.size))))
    share(shown)
    return replace(shown, read=reader(example.path))


def open_example(session: Session, name: str) -> None:
    """Opens a bundled example.

    Raises:
        PhotoError: there is no example of this name.
    """
    from explorer.examples import examples

    known = [example.name for example in examples()]
    if name not in known:
        raise PhotoError(text.UNKNOWN_EXAMPLE.format(name=name, known=", ".join(known)))
    session.open = _shared_example(name).again()


def open_reference(session: Session, path: str | Path, *, isolated: bool = False) -> None:
    """Opens a well-lit picture of the same scene, to measure results against.

    Raises:
        PhotoError: no photo is open, the file cannot be read, or its size differs from the photo's.
    """
    size = session.require_open().size
    found, read, own = _own_photo(session, path, isolated)
    kept = Again(as_reference(found, size), lambda: as_reference(read("auto"), size))
    set_reference(session, Reference(kept, str(path), own))


def set_reference(session: Session, reference: Reference | None) -> None:
    """Measures results against this reference from now on, or against none."""
    with session.lock:
        session.open = session.require_open().with_reference(reference)


def set_white_balance(session: Session, choice: str, point: tuple[float, float] | None = None) -> None:
    """Gives a RAW photo other gains ("as_shot", "daylight", "grey_world", "neutral"); pictures keep theirs.

    Args:
        point: for "neutral", column and row of a grey patch in the upright photo, in pixels; without it, the balance
            stays as it was.

    Raises:
        PhotoError: no photo is open.
        WhiteBalanceError: the file does not have these gains, or the patch cannot be used.
    """
    with session.lock:
        opened = session.require_open()
        if choice != NEUTRAL:
            point = None
        elif point is None:
            return
        if opened.raw and (choice, point) != (opened.white_balance, opened.point):
            session.open = opened.with_balance(choice, point)


def set_black_level(session: Session, choice: str) -> None:
    """Reads a RAW photo again with another black level; pictures have none.

    Raises:
        PhotoError: no photo is open, or there is no such choice.
    """
    with session.lock:
        opened, black_level = session.require_open(), checked_choice(choice)
        if opened.read is not None and opened.raw and black_level != opened.black_level:
            session.open = opened.with_black_level(black_level)
