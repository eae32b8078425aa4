"""What the app does with a photo, without any user interface: plain functions on a `Session`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import explorer
from explorer.app import budget, catalogue, text
from explorer.app.components import RatioChoice
from explorer.app.holding import Again, bytes_to_restore, bytes_to_save, share
from explorer.app.session import Session
from explorer.app.sessions import room
from explorer.errors import OutputError, PhotoError
from explorer.metrics import MIN_SIDE
from explorer.photo import amplify, check_ratio, describe, load_rendering
from explorer.photo.masked import BlackChoice, checked_choice
from explorer.photo.reduce import reduced
from explorer.photo.types import FloatArray, RawPhoto, RgbPhoto, WhiteBalanceChoice
from explorer.restorer import suggested_ratio
from explorer.settings import Finish, RestoreSettings, with_finish, write_settings
from explorer.views.pictures import resized_like, within

if TYPE_CHECKING:
    from explorer.evaluation.metrics import Scores
    from explorer.restoration import Restoration
    from explorer.weights.store import LoadedModel

PREVIEW_SIDE = 640
"""Longest side of a preview in pixels: small enough that the lightest network answers within 150 ms on two cores."""

NEUTRAL = "neutral"
"""The white balance that a grey patch of the picture decides."""

Read = Callable[[BlackChoice], explorer.Photo]
"""Gives a photo from its file."""

_VERSIONS = itertools.count(1)

PLAIN = Finish()
"""No finishing."""

_SUFFIXES: dict[str, tuple[str, Literal[8, 16]]] = {
    "png8": (".png", 8), "png16": (".png", 16), "tiff16": (".tif", 16), "jpeg8": (".jpg", 8),
}  # fmt: skip
SETTINGS = "settings"  # the kind of download that is no picture: the JSON that makes it again


@dataclass(frozen=True)
class Preview:
    """A restored photo at preview size with what it is compared with; all pictures H x W x 3 sRGB in [0, 1]."""

    restoration: Restoration
    as_taken: FloatArray
    amplified: FloatArray
    suggested: float
    suggested_source: str
    automatic: bool
    """True where the ratio followed the suggestion."""


_OF_A_PHOTO = (
    "kept_photo", "kept_balanced", "kept_reference", "smaller_references", "version", "size", "source",
    "reference_source", "facts", "small", "as_taken", "smaller", "suggestions", "full", "latest", "analyses",
    "reference_file", "white_balance", "point", "black_level", "read", "example", "upload", "shown",
)  # fmt: skip
"""What a session holds of its photo."""


@contextmanager
def kept_on_failure(session: Session) -> Iterator[None]:
    """If what is done inside fails, the session shows again what it showed before, all of it."""
    with session.lock:
        before = {name: getattr(session, name) for name in _OF_A_PHOTO}
    try:
        yield
    except BaseException:
        with session.lock:
            for name, value in before.items():
                setattr(session, name, value)
        raise


def open_file(session: Session, path: str | Path, name: str | None = None, *, isolated: bool = False) -> None:
    """Decodes a file into the session, once; what the session showed before is forgotten only if that succeeds.

    Args:
        isolated: decode in a process of its own: for files that a visitor chose.

    Raises:
        PhotoError: the file is not a photograph that can be read.
    """
    photo, read, own = _own_photo(session, path, name, isolated)
    take_photo(session, photo, read)
    session.upload, session.source = str(path), own


def _own_photo(
    session: Session, path: str | Path, name: str | None, isolated: bool
) -> tuple[explorer.Photo, Read, Path]:
    """A decoded file of the visitor's, how to read it again, and the session's name for it."""
    photo = explorer.open_photo(path, name=name, isolated=isolated or None)
    own = session.own_file(path)
    return photo, _reader(own, name or Path(path).name, isolated), own


def _reader(path: Path, name: str | None = None, isolated: bool = False) -> Read:
    return lambda black_level: explorer.open_photo(path, name=name, isolated=isolated or None, black_level=black_level)


def take_photo(session: Session, photo: explorer.Photo, read: Read | None = None) -> None:
    """Makes a decoded photo the session's.

    Args:
        read: gives it again, should it be let go; without, it is kept as long as the session.
    """
    with session.lock:
        kept = Again(photo, None if read is None else partial(read, "auto"))
        _use(session, kept, "as_shot", None)
        session.black_level, session.read = "auto", read
        session.kept_photo, session.kept_reference, session.smaller_references = kept, None, {}
        session.source, session.reference_source = None, None
        session.reference_file, session.example, session.upload = None, None, None


@lru_cache
def _shared_example(name: str) -> Session:
    """An example as a session shows it: decoded once, and the same arrays for everybody."""
    from explorer.examples import examples

    example = {each.name: each for each in examples()}[name]
    shown = Session("", Path())
    take_photo(shown, explorer.open_photo(example.path))
    if example.reference:
        shown.kept_reference = Again(_as_reference(explorer.open_photo(example.reference), shown))
    share(shown)
    return shown


def open_example(session: Session, name: str) -> None:
    """Opens a bundled example.

    Raises:
        PhotoError: there is no example of that name.
    """
    from explorer.examples import examples

    known = {example.name: example.path for example in examples()}
    if name not in known:
        raise PhotoError(text.UNKNOWN_EXAMPLE.format(name=name, known=", ".join(known)))
    shared = _shared_example(name)
    with session.lock:
        for part in _OF_A_PHOTO:
            value = getattr(shared, part)
            setattr(session, part, value.copy() if isinstance(value, dict) else value)
        session.version, session.example, session.read = next(_VERSIONS), name, _reader(known[name])


def open_reference(session: Session, path: str | Path, name: str | None = None, *, isolated: bool = False) -> None:
    """Takes a well-lit picture of the same scene, to measure results against.

    Raises:
        PhotoError: no photo is open, the file cannot be read, or its size is not the photo's.
    """
    session.require_open()
    found, read, own = _own_photo(session, path, name, isolated)
    reference = Again(_as_reference(found, session), lambda: _as_reference(read("auto"), session))
    with session.lock:
        session.kept_reference, session.reference_source, session.smaller_references = reference, own, {}


def _as_reference(reference: explorer.Photo, session: Session) -> RgbPhoto:
    """A picture of the same size as the session's photo.

    Raises:
        PhotoError: it has another.
    """
    if isinstance(reference, RawPhoto):
        reference = RgbPhoto(load_rendering(reference), reference.bits, name=reference.name)
    if reference.size != session.size:
        sizes = [f"{width} × {height}" for width, height in (reference.size, session.size)]
        raise PhotoError(text.REFERENCE_SIZE.format(name=reference.name, reference=sizes[0], photo=sizes[1]))
    return reference


def reference_like(session: Session, image: FloatArray) -> FloatArray | None:
    """The reference at the height and width of a result, H x W x 3 sRGB in [0, 1]; None where there is none."""
    if session.kept_reference is None:
        return None
    # At most as large as a preview: kept, since every score needs it and the reference itself may have been let go.
    side = max(image.shape[:2])
    small = session.smaller_references.get(side)
    if small is None:
        small = cast(RgbPhoto, reduced(cast(RgbPhoto, session.reference), side))
        if side <= PREVIEW_SIDE:
            session.smaller_references[side] = small
    return resized_like(small.image, image)


def scores(session: Session, image: FloatArray) -> Scores | None:
    """Every metric of a result against the reference; None without one, or for tiny pictures."""
    from explorer.evaluation.metrics import measure

    reference = reference_like(session, image)
    return None if reference is None or min(image.shape[:2]) < MIN_SIDE else measure(image, reference)


def set_white_balance(session: Session, choice: str, point: tuple[float, float] | None = None) -> None:
    """Gives a RAW photo other gains ("as_shot", "daylight", "grey_world", "neutral"); pictures keep theirs.

    Args:
        point: for "neutral", column and row of a grey patch in the upright photo, in pixels; without it, the balance
            stays what it was.

    Raises:
        PhotoError: no photo is open.
        WhiteBalanceError: gains that the file does not have, or a patch that does not tell them.
    """
    with session.lock:
        opened: Any = session.require_open()
        if choice != NEUTRAL:
            point = None
        elif point is None:
            return
        if not isinstance(opened, RawPhoto) or (choice, point) == (session.white_balance, session.point):
            return
        _use(session, cast("Again[explorer.Photo]", session.kept_photo), choice, point)


def set_black_level(session: Session, choice: str) -> None:
    """Reads a RAW photo again with another choice of its black level; pictures have none.

    Raises:
        PhotoError: no photo is open, or there is no such choice.
    """
    with session.lock:
        black_level, read = checked_choice(choice), session.read
        if read is None or not isinstance(session.require_open(), RawPhoto) or black_level == session.black_level:
            return
        kept = Again(read(black_level), partial(read, black_level))
        _use(session, kept, session.white_balance, session.point)
        session.kept_photo, session.black_level = kept, black_level


def patch_side(photo: explorer.Photo) -> int:
    """Side of the patch that the eyedropper averages, in the photo's pixels: about 8 pixels of the preview, so that
    noise does not decide the balance."""
    return max(16, max(photo.size) // 80)


def _use(session: Session, opened: Again[explorer.Photo], choice: str, point: tuple[float, float] | None) -> None:
    """Shows an opened photo with a white balance."""

    def balanced() -> explorer.Photo:
        photo = opened()
        if isinstance(photo, RawPhoto) and point is not None:
            return photo.with_neutral_point(*point, size=patch_side(photo))
        # "As shot" is the balance that the photo was opened with: a stated fallback where the file has none.
        return photo if choice == "as_shot" else photo.with_white_balance(cast(WhiteBalanceChoice, choice))

    photo = balanced()
    small = reduced(photo, PREVIEW_SIDE)
    taken = within(load_rendering(small), PREVIEW_SIDE)
    session.kept_balanced, session.small, session.as_taken = Again(photo, balanced), small, taken
    session.version, session.size, session.facts = next(_VERSIONS), photo.size, describe(photo)
    session.white_balance, session.point = choice, point
    # New ones, not emptied ones: `kept_on_failure` may put the old ones back.
    session.suggestions, session.full, session.latest, session.analyses, session.smaller = {}, {}, {}, {}, {}


def at_side(session: Session, side: int) -> tuple[explorer.Photo, FloatArray]:
    """The photo, and its picture as taken, with a longest side of about `side` pixels, at most the preview's."""
    with session.lock:
        session.require_open()
        if side >= PREVIEW_SIDE:
            return cast(explorer.Photo, session.small), cast(FloatArray, session.as_taken)
        if side not in session.smaller:
            small = reduced(cast(explorer.Photo, session.photo), side)
            session.smaller[side] = small, within(load_rendering(small), side)
        return session.smaller[side]


def photo_facts(session: Session) -> dict[str, object]:
    """The metadata panel: what the file states. Notes are said beside the picture, and the ratio that suits the chosen
    model stands at the slider, so that the page names one suggestion."""
    session.require_open()
    elsewhere = {"Notes", "Suggested ratio", "Suggested ratio from"}
    stated = {label: value for label, value in session.facts.items() if value not in (None, "", [])}
    return {label: value for label, value in stated.items() if label not in elsewhere}


def preview(session: Session, model: str, ratio: RatioChoice, side: int = PREVIEW_SIDE) -> Preview:
    """Restores the photo at preview size.

    Raises:
        PhotoError: no photo is open.
        ModelNotFoundError, WeightsError: the model cannot be had.
        RatioError: the ratio is not "auto" or a number from 1 to 300.
    """
    with session.lock:
        small, taken = at_side(session, side)
        loaded = catalogue.load(model)
        suggested, source = suggestion(session, loaded)
        session.revision += 1
    value = suggested if ratio == "auto" else check_ratio(ratio)
    restoration = replace(
        explorer.restore(small, loaded, value),
        ratio_source=source if ratio == "auto" else text.RATIO_CHOSEN,
        intermediates={},  # nobody looks at them, and they would take more than the picture
    )
    return Preview(restoration, taken, amplify(taken, value), suggested, source, ratio == "auto")


def suggestion(session: Session, model: LoadedModel) -> tuple[float, str]:
    """The amplification that the model's rule suggests for the open photo, and its source; found once for each rule,
    so that a photo which was let go need not be read for every model."""
    rule = (model.config.input.ratio_rule, model.config.input.ratio_m)
    with session.lock:
        if rule not in session.suggestions:
            session.suggestions[rule] = suggested_ratio(session.require_photo(), model)
        return session.suggestions[rule]


def finished_preview(session: Session, model: str, ratio: RatioChoice, finish: Finish) -> Preview:
    """`preview` with finishing, at the size that the model can do in time; the network runs only where photo, model or
    ratio changed.

    Raises: as `preview`.
    """
    with session.lock:
        session.require_open()
        latest, key = session.latest, (session.version, model, ratio)
        shown = latest.get("preview") if latest.get("key") == key else None
        session.revision += 1
    if shown is None:
        loaded = catalogue.load(model)
        small, _ = at_side(session, PREVIEW_SIDE)
        shown = preview(session, model, ratio, budget.preview_side(loaded, small.size, PREVIEW_SIDE))
        height, width = shown.restoration.image.shape[:2]
        budget.observe(loaded, shown.restoration.seconds, height * width)
        latest.update(key=key, preview=shown)
    return replace(shown, restoration=with_finish(shown.restoration, finish))


def first_preview(session: Session, model: str | None) -> None:
    """The preview that a photo is shown with when it is opened, computed ahead of it.

    Raises: as `preview`.
    """
    if model:
        finished_preview(session, model, "auto", PLAIN)


def notes(session: Session, restoration: Restoration) -> list[str]:
    """What a visitor should know of the photo and of how it met the model, each sentence once."""
    return list(dict.fromkeys([*session.require_open().notes, *restoration.notes]))


def full(session: Session, model: str, ratio: RatioChoice) -> Restoration:
    """Restores the whole photo; the last result is kept, so that showing and saving it takes one restoration.

    Raises: as `preview`.
    """
    with session.lock:
        session.require_open()
        key = (session.version, model, ratio)
        if session.full.get("key") == key:
            return cast("Restoration", session.full["restoration"])
        opened = session.full
    photo, loaded = session.require_photo(), catalogue.load(model)
    with room(bytes_to_restore(photo.size)):
        restoration = explorer.restore(photo, loaded, ratio, intermediates=False)
    with session.lock:
        opened.update(key=key, restoration=restoration)
        session.revision += 1
    return restoration


def save(session: Session, model: str, ratio: RatioChoice, file_format: str, finish: Finish = PLAIN) -> Path:
    """Writes the photo, restored at full resolution, into the session's folder and gives the path.

    Args:
        file_format: a key of `text.FORMATS`; "settings" writes the JSON that makes the picture again.

    Raises: as `preview`; OutputError where there is no such format, or the file cannot be written.
    """
    if file_format not in (*_SUFFIXES, SETTINGS):
        known = ", ".join((*_SUFFIXES, SETTINGS))
        raise OutputError(f"There is no file format {file_format!r}; take one of {known}.")
    restoration = full(session, model, ratio)
    stem = os.path.splitext(os.path.basename(restoration.photo_name))[0] or "photo"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in stem)[:80]
    if file_format == SETTINGS:
        path = session.download_path(f"{safe}-{model}.json")
        write_settings(path, settings_of(session, restoration, finish))
        return path
    suffix, bits = _SUFFIXES[file_format]
    path = session.download_path(f"{safe}-{model}{suffix}")
    with room(bytes_to_save(session.size)):
        with_finish(restoration, finish).save(path, bits=bits)
    return path


def settings_of(session: Session, restoration: Restoration, finish: Finish) -> RestoreSettings:
    """What makes a result of this session's photo again."""
    photo = session.require_open()
    balance: WhiteBalanceChoice = "as_shot"
    if isinstance(photo, RawPhoto):
        named = cast(Literal["as_shot", "daylight", "grey_world"], session.white_balance)
        balance = photo.white_balance.gains if session.white_balance == NEUTRAL else named
    return RestoreSettings(
        model=restoration.model,
        ratio=restoration.ratio,
        white_balance=balance,
        weights_sha256=restoration.weights.sha256,
        backend=restoration.backend,
        photo=restoration.photo_name,
        finish=finish,
        black_level=session.black_level,
    )
