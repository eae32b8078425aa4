"""A photo as a session shows it. Frozen: another white balance, black level or reference makes a new one."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import explorer
from explorer.app import text
from explorer.app.holding import Again
from explorer.choices import BlackChoice, RatioChoice
from explorer.errors import PhotoError
from explorer.photo import describe, load_rendering
from explorer.photo.light.at_first_sight import stays_as_it_is
from explorer.photo.light.reduce import reduced
from explorer.photo.light.strength import FULL
from explorer.photo.types import Photo, RawPhoto, RgbPhoto
from explorer.photo.values import FloatArray, WhiteBalanceChoice
from explorer.restorer import LatestOutput
from explorer.views.pictures import resized_like, within

if TYPE_CHECKING:
    from explorer.inspect import Decomposition, FeatureMaps
    from explorer.restoration import Restoration
    from explorer.windows import Windows

PREVIEW_SIDE = 640
"""Longest side of a preview in pixels: small enough for the lightest network to answer within 150 ms on two cores."""

SHARPEST = 1600
"""Largest longest side of a preview at the screen's sharpness."""

NEUTRAL = "neutral"
"""The white balance that is set by a grey patch of the picture."""

Read = Callable[[BlackChoice], Photo]
"""Reads a photo from its file."""

_REVISIONS = itertools.count(1)


class Choice(NamedTuple):
    """The choices for restoring a photo."""

    model: str
    ratio: RatioChoice
    """1 to 300."""
    strength: float = FULL
    """0 to 100."""


@dataclass(eq=False)
class Work:
    """Results computed from a photo; they can be computed again."""

    suggestions: dict[Any, tuple[float, str]] = field(default_factory=dict)
    """Automatic ratio and its source, by the rule of the model's weights."""
    smaller: dict[int, tuple[Photo, FloatArray]] = field(default_factory=dict)
    """The photo and its picture as taken, by longest side."""
    full: tuple[Choice, Restoration] | None = None
    """The last full-resolution result, with the choice it belongs to."""
    latest: tuple[Choice, Any] | None = None
    """The last preview before finishing, with its choice: finishing it again needs no network."""
    sharp: tuple[Any, Any] | None = None
    """The last preview at the screen's sharpness, with its choice."""
    networks: defaultdict[str, LatestOutput] = field(default_factory=lambda: defaultdict(LatestOutput))
    """The network's output for previews, sharp previews and the whole photo, each with its choice: another strength
    needs no network."""
    windows: dict[Choice, Windows | None] = field(default_factory=dict)
    """The prepared windows, by choice."""
    shown: tuple[FloatArray, FloatArray] | None = None
    """The last preview's before and after, for the histogram."""
    features: dict[Any, FeatureMaps] = field(default_factory=dict)
    decompositions: dict[Any, Decomposition] = field(default_factory=dict)
    compared: dict[Any, Any] = field(default_factory=dict)
    """Rows of comparisons without their pictures, by model and ratio."""
    sharper: dict[Any, dict[str, Any]] = field(default_factory=dict)
    """Sharper pictures sent to the comparison's page, by picture and position."""
    board: Any = None
    """The last comparison."""

    def let_go(self) -> None:
        """Discards everything that takes much memory."""
        self.full = self.latest = self.sharp = None
        self.networks.clear()
        self.windows, self.smaller, self.features, self.decompositions = {}, {}, {}, {}

    @property
    def results(self) -> list[Any]:
        """The results that `let_go` discards."""
        return [self.full, self.latest, self.sharp, self.windows, self.smaller, self.features, self.decompositions]


@dataclass(frozen=True, eq=False)
class Reference:
    """A well-lit picture of the same scene, to measure results against."""

    kept: Again[RgbPhoto]
    file: str | None = None
    """The path from the visitor; None for an example's own reference."""
    source: Path | None = None
    """The session's own name for the file."""
    smaller: dict[int, RgbPhoto] = field(default_factory=dict)
    """The reference at preview sizes, by longest side."""

    def like(self, image: FloatArray) -> FloatArray:
        """The reference at the height and width of a result, H x W x 3 sRGB in [0, 1]."""
        # No larger than a preview: kept because every score needs it and the reference itself may be discarded.
        side = max(image.shape[:2])
        small = self.smaller.get(side)
        if small is None:
            small = cast(RgbPhoto, reduced(made(self.kept), side))
            if side <= PREVIEW_SIDE:
                self.smaller[side] = small
        return resized_like(small.image, image)


@dataclass(frozen=True, eq=False)
class OpenPhoto:
    """A photo with its white balance and its reference."""

    kept: Again[Photo]
    """As read from the file."""
    balanced: Again[Photo]
    """With the chosen white balance."""
    small: Photo
    """`balanced` at preview size."""
    as_taken: FloatArray
    """As the camera shows it, at preview size: H x W x 3 sRGB in [0, 1]."""
    size: tuple[int, int]
    """Width and height of the whole photo, in pixels."""
    facts: dict[str, object]
    """Facts for the metadata panel."""
    white_balance: str = "as_shot"
    point: tuple[float, float] | None = None
    """Column and row of the grey patch in the upright photo, in pixels, if `white_balance` is "neutral"."""
    black_level: BlackChoice = "auto"
    read: Read | None = None
    """None for a photo without a file."""
    example: str | None = None
    """The example's name, if it is one."""
    upload: str | None = None
    """The path of the visitor's own file."""
    source: Path | None = None
    """The session's own name for that file, which exists as long as the photo is open."""
    reference: Reference | None = None
    well_lit: OpenPhoto | None = None
    """The original, if the photo was darkened here."""
    dimmed: float | None = None
    """How many times less light than the original it then has."""
    revision: int = field(default_factory=lambda: next(_REVISIONS))
    """Unique to this photo with this balance; the same when a discarded photo is read again."""
    number: int = field(default_factory=lambda: next(_REVISIONS))
    """Unique to this photo, and the same for all its balances and black levels."""
    work: Work = field(default_factory=Work)

    @property
    def raw(self) -> bool:
        """True for camera RAW."""
        return isinstance(self.small, RawPhoto)

    @cached_property
    def left_alone(self) -> str | None:
        """The reason for showing the photo as it is, in a sentence; None if it is dark."""
        return stays_as_it_is(self.small)

    def why_left(self, ratio: object) -> str | None:
        """The reason for leaving the photo as it is at this ratio. None if it is restored, because it is dark or the
        ratio was set by hand."""
        return self.left_alone if ratio == "auto" else None

    @property
    def whole(self) -> Photo:
        """The photo with its balance at its own size, read again if it was discarded.

        Raises:
            PhotoError: its file no longer exists.
        """
        return made(self.balanced)

    @property
    def memory(self) -> list[Again[Any]]:
        """The parts that take much memory and may be readable again."""
        more = [*([self.reference.kept] if self.reference else []), *(self.well_lit.memory if self.well_lit else [])]
        return [self.balanced, self.kept, *more]

    def at_side(self, side: int) -> tuple[Photo, FloatArray]:
        """The photo, and its picture as taken, with a longest side of about `side` pixels.

        Of the sizes above `PREVIEW_SIDE` only the last one is kept. A mosaic is at least that long then, and its
        picture no longer.
        """
        longest = max(self.size)
        if side == PREVIEW_SIDE or min(side, longest) == min(PREVIEW_SIDE, longest):
            return self.small, self.as_taken
        found = self.work.smaller.get(side)
        if found is None:
            most = -(-longest // max(1, longest // side)) if self.raw and side > PREVIEW_SIDE else side
            small = reduced(self.whole, most)
            found = small, within(load_rendering(small), side)
            kept = {each: value for each, value in dict(self.work.smaller).items() if max(each, side) <= PREVIEW_SIDE}
            self.work.smaller = {**kept, side: found}
        return found

    def again(self) -> OpenPhoto:
        """The same photo for another session, with nothing computed yet."""
        reference = replace(self.reference, smaller={}) if self.reference else None
        revision, number = next(_REVISIONS), next(_REVISIONS)
        return replace(self, reference=reference, work=Work(), revision=revision, number=number)

    def with_balance(self, choice: str, point: tuple[float, float] | None = None) -> OpenPhoto:
        """The photo with other gains; see `explorer.app.opening.set_white_balance`."""
        shown = balanced_photo(self.kept, choice, point)
        return replace(self, **shown, work=Work(), revision=next(_REVISIONS))

    def with_black_level(self, choice: BlackChoice) -> OpenPhoto:
        """The photo read again from its file, with another black level."""
        assert self.read is not None, "only what has a file can be read again"
        kept = Again(self.read(choice), partial(self.read, choice))
        again = replace(self, kept=kept, black_level=choice)
        return again.with_balance(self.white_balance, self.point)

    def with_reference(self, reference: Reference | None) -> OpenPhoto:
        """The photo with another reference; results for the old one are discarded."""
        return replace(
            self, reference=reference, work=replace(self.work, decompositions={}, compared={}, sharper={}, board=None)
        )


def open_photo(photo: Photo, read: Read | None = None, **origin: Any) -> OpenPhoto:
    """Opens a decoded photo with its white balance as shot.

    Args:
        read: reads the photo again after it was discarded; without it, the photo is never discarded.
        origin: fields of `OpenPhoto` that say where the photo comes from.
    """
    kept = Again(photo, None if read is None else partial(read, "auto"))
    return OpenPhoto(kept=kept, read=read, **balanced_photo(kept, "as_shot", None), **origin)


def balanced_photo(kept: Again[Photo], choice: str, point: tuple[float, float] | None) -> dict[str, Any]:
    """The fields of an `OpenPhoto` that depend on its white balance."""

    def balanced() -> Photo:
        photo = kept()
        if isinstance(photo, RawPhoto) and point is not None:
            return photo.with_neutral_point(*point, size=patch_side(photo))
        # "As shot" is the balance with which the photo was opened: a stated fallback if the file has none.
        return photo if choice == "as_shot" else photo.with_white_balance(cast(WhiteBalanceChoice, choice))

    photo = balanced()
    small = reduced(photo, PREVIEW_SIDE)
    return {
        "balanced": Again(photo, balanced), "small": small, "as_taken": within(load_rendering(small), PREVIEW_SIDE),
        "size": photo.size, "facts": describe(photo), "white_balance": choice, "point": point,
    }  # fmt: skip


def patch_side(photo: Photo) -> int:
    """Side of the patch that the eyedropper averages, in the photo's pixels: about 8 pixels of the preview, so that
    noise does not determine the balance."""
    return max(16, max(photo.size) // 80)


def as_reference(photo: Photo, like: tuple[int, int]) -> RgbPhoto:
    """A reference that has the width and height of `like`.

    Raises:
        PhotoError: its size differs.
    """
    if isinstance(photo, RawPhoto):
        photo = RgbPhoto(load_rendering(photo), photo.bits, name=photo.name)
    if photo.size != like:
        sizes = [f"{width} × {height}" for width, height in (photo.size, like)]
        raise PhotoError(text.REFERENCE_SIZE.format(name=photo.name, reference=sizes[0], photo=sizes[1]))
    return photo


def reader(path: Path, name: str | None = None, isolated: bool = False) -> Read:
    """Reads the photo of a file, whenever it is called."""
    return lambda black_level: explorer.open_photo(path, name=name, isolated=isolated or None, black_level=black_level)


def made(kept: Again[Any]) -> Any:
    """A kept value, read again if it was discarded.

    Raises:
        PhotoError: its file no longer exists.
    """
    try:
        return kept()
    except PhotoError as error:
        raise PhotoError(text.SESSION_GONE) from error
