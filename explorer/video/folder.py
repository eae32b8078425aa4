"""Folders of photos as video: CinemaDNG, and sequences of other RAW files or pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from explorer.errors import PhotoError, VideoError
from explorer.formats import is_photo_name
from explorer.photo import Photo, open_photo
from explorer.photo.files.dng_tags import raw_tags
from explorer.photo.validation import finite_number
from explorer.video.source import Facts, Frame, even_picks, stamp

_NUMBER = re.compile(r"(\d+)(?!.*\d)")
_FRAME_RATE = 51044
"""The tag of CinemaDNG."""
_DEFAULT_RATE = Fraction(24)


class Folder:
    """A source whose frames are files, ordered by number."""

    def __init__(self, path: Path, fps: float | None = None) -> None:
        self.path = path
        self._files = _in_order(path)
        rate = self._rate(fps)
        first: Photo | None = None
        for file in self._files:
            first = self._photo(file)
            if first is not None:
                break
        if first is None:
            raise VideoError(f"None of the {len(self._files)} frames in {path} can be read; copy them again.")
        self._size = first.size
        self.facts = Facts(
            path.name, len(self._files), 1 / rate, rate, first.bits,
            first.size[0], first.size[1], 1, notes=first.notes,
        )  # fmt: skip

    def _rate(self, fps: float | None) -> Fraction:
        if fps is not None:
            number = finite_number(fps)
            if number is None or not 0.01 <= number <= 1000:
                raise VideoError(f"{fps:g} frames per second cannot be used; give a number from 0.01 to 1000.")
            # 23.976 and 29.97 stand for 24000/1001 and 30000/1001.
            near = Fraction(round(number) * 1000, 1001)
            return near if abs(near - Fraction(number)) < Fraction(1, 500) else Fraction(number).limit_denominator(1001)
        stated = raw_tags(self._files[0]).get(_FRAME_RATE) if self._files[0].suffix.lower() == ".dng" else None
        number = finite_number(stated[0]) if isinstance(stated, list) and stated else None
        return Fraction(number).limit_denominator(1001) if number and 0.01 <= number <= 1000 else _DEFAULT_RATE

    def _photo(self, file: Path) -> Photo | None:
        try:
            return open_photo(file)
        except PhotoError:
            return None

    def frames(self, skip: int = 0) -> Iterator[Frame]:
        """See `Source.frames`.

        Raises:
            VideoError: the size of the frames changes.
        """
        for index, file in enumerate(self._files[skip:], skip):
            photo = self._photo(file)
            if photo is not None and photo.size != self._size:
                raise VideoError(
                    f"{file.name} has {photo.size[0]} x {photo.size[1]} pixels and the frames before it "
                    f"{self._size[0]} x {self._size[1]}; put each size into its own folder."
                )
            yield Frame(index, index, photo)

    def samples(self, count: int) -> list[Photo]:
        """See `Source.samples`."""
        photos = (self._photo(self._files[pick]) for pick in even_picks(len(self._files), count))
        return [photo for photo in photos if photo is not None] or [next(f.photo for f in self.frames() if f.photo)]

    def fingerprint(self) -> str:
        """See `Source.fingerprint`."""
        return stamp(self._files)


def _in_order(folder: Path) -> list[Path]:
    """Lists the photos of a folder by number.

    Raises:
        VideoError: there are no photos, or numbers are missing.
    """
    files = [each for each in folder.iterdir() if each.is_file() and is_photo_name(each.name) and each.name[0] != "."]
    if not files:
        raise VideoError(f"{folder} contains no frames; give a folder of DNG files or pictures.")
    numbered: dict[int, Path] = {}
    for file in files:
        match = _NUMBER.search(file.stem)
        if match is None:
            numbered = {}
            break
        other = numbered.setdefault(int(match[1]), file)
        if other is not file:
            raise VideoError(
                f"{other.name} and {file.name} have the same number; keep only one sequence in {folder.name}."
            )
    if not numbered:
        return sorted(files)
    numbers = sorted(numbered)
    for before, after in zip(numbers, numbers[1:], strict=False):
        if after > before + 1:
            missing = f"frame {before + 1} is" if after == before + 2 else f"frames {before + 1} to {after - 1} are"
            raise VideoError(
                f"The sequence in {folder.name} has a gap: {missing} missing between {numbered[before].name} and "
                f"{numbered[after].name}; copy it again."
            )
    return [numbered[number] for number in numbers]
