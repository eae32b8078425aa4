"""The photos in a visitor's queue, and how to restore each. A session has one `Queue`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.choices import RatioChoice
from explorer.photo.light.strength import FULL

if TYPE_CHECKING:
    from explorer.app.open_photo import OpenPhoto

State = Literal["waiting", "working", "done", "failed"]


@dataclass(frozen=True)
class Wish:
    """How to restore a photo."""

    model: str | None = None
    """None for the best model for each photo."""
    ratio: RatioChoice = "auto"
    strength: float = FULL
    file_format: str = "png8"
    """A key of `explorer.app.text.FORMATS`."""
    half: bool = False
    """At half the width and height."""


@dataclass(frozen=True)
class Queued:
    """A photo in the queue. Its decoded samples are not kept."""

    name: str
    source: Path | None
    """The session's own name for the file; None if it could not be read."""
    thumbnail: str = ""
    """Address of its thumbnail."""
    state: State = "waiting"
    said: str = ""
    """The reason for a failure."""
    own: Wish | None = None
    """The photo's own settings, if it has any."""
    key: str = field(default_factory=lambda: secrets.token_hex(4))


@dataclass(eq=False)
class Queue:
    """A visitor's queue. Hold the session's lock to change it."""

    photos: list[Queued] = field(default_factory=list)
    wish: Wish = field(default_factory=Wish)
    """For all photos without settings of their own."""
    at_work: OpenPhoto | None = None
    """The photo that is being restored, in memory."""

    def wish_of(self, key: str) -> Wish:
        """The settings of a photo, or those for all if `key` names none."""
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
