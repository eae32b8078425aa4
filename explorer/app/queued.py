"""The photos that a visitor has in the queue, and how each is to be restored. A session holds one `Queue`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.photo.light.strength import FULL

if TYPE_CHECKING:
    from explorer.app.open_photo import OpenPhoto

State = Literal["waiting", "working", "done", "failed"]


@dataclass(frozen=True)
class Wish:
    """How a photo is to be restored."""

    model: str | None = None
    """None for the best one for each photo."""
    ratio: float | Literal["auto"] = "auto"
    strength: float = FULL
    file_format: str = "png8"
    """A key of `explorer.app.text.FORMATS`."""
    half: bool = False
    """At half the photo's width and height."""


@dataclass(frozen=True)
class Queued:
    """A photo of the queue. Its decoded samples are not kept."""

    name: str
    source: Path | None
    """The session's own name for the file; None where it could not be read."""
    thumbnail: str = ""
    """Address of its picture."""
    state: State = "waiting"
    said: str = ""
    """Why it failed."""
    own: Wish | None = None
    """Where it is restored in another way than the others."""
    key: str = field(default_factory=lambda: secrets.token_hex(4))


@dataclass(eq=False)
class Queue:
    """Changed by whoever holds the session's lock."""

    photos: list[Queued] = field(default_factory=list)
    wish: Wish = field(default_factory=Wish)
    """For all that have none of their own."""
    at_work: OpenPhoto | None = None
    """The photo that is being restored, in memory."""

    def wish_of(self, key: str) -> Wish:
        """What is wished for a photo, or for all where there is no such one."""
        found = self.find(key)
        return self.wish if found is None or found.own is None else found.own

    def find(self, key: str) -> Queued | None:
        return next((each for each in self.photos if each.key == key), None)

    def change(self, key: str, **values: object) -> None:
        """Changes a photo of the queue, if it is still there."""
        self.photos = [replace(each, **values) if each.key == key else each for each in self.photos]  # type: ignore[arg-type]

    @property
    def sources(self) -> list[Path]:
        return [each.source for each in self.photos if each.source]
