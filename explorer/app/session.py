"""One visitor's photo and results, and the folder that their pictures are served from."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from explorer.app import text
from explorer.app.holding import Again, buffers, size_of_folder
from explorer.errors import PhotoError
from explorer.server.temporary import owned_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.photo.masked import BlackChoice
    from explorer.photo.types import FloatArray, Photo, RgbPhoto

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
    owner: str = ""
    """Who the visitor is, as `visitor` says."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    kept_photo: Again[Photo] | None = None
    """The photo as the file has it."""
    kept_balanced: Again[Photo] | None = None
    """The same with the chosen white balance."""
    kept_reference: Again[RgbPhoto] | None = None
    """A well-lit picture of the same scene, to measure against."""
    version: int = 0
    """Changes with the photo and its white balance, and stays when a photo that was let go is read again; 0 where none
    is open."""
    source: Path | None = None
    """The session's own name for the file of the visitor's photo, which is there as long as it is."""
    reference_source: Path | None = None
    smaller_references: dict[int, RgbPhoto] = field(default_factory=dict)
    """The reference at the size of previews, by its longest side."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the photo, in pixels."""
    facts: dict[str, object] = field(default_factory=dict)
    """What the metadata panel shows of the photo."""
    small: Photo | None = None
    """The photo at preview size."""
    as_taken: FloatArray | None = None
    """The photo as the camera shows it, at preview size."""
    smaller: dict[int, tuple[Photo, FloatArray]] = field(default_factory=dict)
    """`small` and `as_taken` by their longest side, for networks that are too slow for the full preview size."""
    published: dict[str, Any] = field(default_factory=dict)
    """The address of `as_taken` as the page got it last: "of" (the array), "src"."""
    suggestions: dict[Any, tuple[float, str]] = field(default_factory=dict)
    """Automatic ratio and its source by the model's rule, for `photo`."""
    full: dict[str, Any] = field(default_factory=dict)
    """The last full-resolution result: "key", "restoration"."""
    white_balance: str = "as_shot"
    point: tuple[float, float] | None = None
    """Column and row of the grey patch in the upright photo, in pixels, where `white_balance` is "neutral"."""
    black_level: BlackChoice = "auto"
    read: Callable[[BlackChoice], Photo] | None = None
    """Gives the open photo from its file; None for one that has no file."""
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
    pages: set[str] = field(default_factory=set)
    """Pages that show it: two for a moment, when one is reloaded."""
    used: float = 0.0
    """When it was last used."""
    ends: float = float("inf")
    """When it ends if it is not used until then."""
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
    reference_file: str | None = None
    """The path of the reference that the visitor gave; None for an example's own."""
    analyses: dict[str, Any] = field(default_factory=dict)
    """What the tabs that look inside keep between two events, by tab; forgotten with the photo."""
    _files: dict[str, list[tuple[Path, int]]] = field(default_factory=dict)
    """Published pictures and their bytes, by group."""
    _downloads: dict[str, Path] = field(default_factory=dict)
    """The folder of what can be downloaded, by group."""

    @property
    def decoded(self) -> Photo | None:
        """The photo as the file has it, read again where it was let go."""
        return self._made(self.kept_photo)

    @property
    def photo(self) -> Photo | None:
        """`decoded` with the chosen white balance."""
        return self._made(self.kept_balanced)

    @property
    def reference(self) -> RgbPhoto | None:
        """The reference, read again where it was let go."""
        return self._made(self.kept_reference)

    @reference.setter
    def reference(self, picture: RgbPhoto | None) -> None:
        self.kept_reference, self.smaller_references = Again(picture) if picture is not None else None, {}

    @staticmethod
    def _made(kept: Again[Any] | None) -> Any:
        try:
            return kept() if kept else None
        except PhotoError as error:
            raise PhotoError(text.SESSION_GONE) from error

    @property
    def is_open(self) -> bool:
        """Whether a photo is open, in memory or not."""
        return self.version > 0

    def require_open(self) -> Photo:
        """The open photo at preview size, for what does not depend on its own size.

        Raises:
            PhotoError: none is open.
        """
        if self.small is None:
            raise PhotoError(text.SESSION_GONE if self.was_lost else text.NO_PHOTO_YET)
        return self.small

    def require_photo(self) -> Photo:
        """The open photo, whole: it may have to be read again.

        Raises:
            PhotoError: none is open.
        """
        self.require_open()
        photo = self.photo
        assert photo is not None
        return photo

    def own_file(self, path: str | Path) -> Path:
        """Gives a file of the visitor's a second name in the session's folder: the upload goes after an hour, and the
        photo must still be there to be read again. Older ones that are no longer used are removed."""
        for old in self.folder.glob("source-*"):
            if old not in (self.source, self.reference_source):
                old.unlink(missing_ok=True)
        own = self.folder / f"source-{secrets.token_hex(8)}"
        try:
            os.link(path, own)
        except OSError:  # another file system, or one without links
            shutil.copyfile(path, own)
        return own

    def publish(self, data: bytes, suffix: str = ".png", group: str = "", keep: int = 0) -> str:
        """Writes a picture and gives its address.

        The oldest files of the group beyond `keep` (`PICTURES_KEPT` unless told) are removed.
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

    def download_path(self, name: str, group: str = "photo") -> Path:
        """A path for a file to be downloaded, in a fresh folder so that its name can be the photo's.

        An older download of the same group is removed.
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

    # What it holds, in the order in which it is given up when there is too much.

    def photos(self) -> list[Again[Any]]:
        """What can be read again from a file."""
        kept = (self.kept_balanced, self.kept_photo, self.kept_reference)
        return [each for each in kept if each is not None and each.can_go]

    def results(self) -> list[Any]:
        """What can be computed again."""
        return [self.full, self.latest, self.analyses, self.smaller, self.smaller_references]

    def held(self) -> tuple[int, int, int]:
        """Bytes of memory that photos take, that results take besides, and the rest."""
        kept = (self.kept_balanced, self.kept_photo, self.kept_reference)
        rest = buffers(self.small, self.as_taken, self.shown, [each for each in kept if each and not each.can_go])
        results = buffers(self.results()) | rest
        everything = buffers(self.photos()) | results
        sizes = [sum(found.values()) for found in (rest, results, everything)]
        return sizes[2] - sizes[1], sizes[1] - sizes[0], sizes[0]

    def let_photos_go(self) -> None:
        for each in self.photos():
            each.let_go()

    def let_results_go(self) -> None:
        self.full, self.latest, self.analyses, self.smaller, self.smaller_references = {}, {}, {}, {}, {}

    def on_disk(self) -> tuple[int, int]:
        """Bytes that downloads take, and the other files."""
        downloads = sum(size_of_folder(each) for each in list(self._downloads.values()))
        # Without the lock, which a handler may hold for as long as it reads a photo.
        pictures = sum(size for files in list(self._files.values()) for _, size in list(files))
        sources = (each for each in (self.source, self.reference_source) if each and each.exists())
        return downloads, pictures + sum(each.stat().st_size for each in sources)

    def let_downloads_go(self) -> None:
        for each in list(self._downloads.values()):
            shutil.rmtree(each, ignore_errors=True)


def address(path: Path) -> str:
    """The address at which the server hands out a file of `public_folder()`, relative to the page."""
    return f"gradio_api/file={quote(str(path))}"
