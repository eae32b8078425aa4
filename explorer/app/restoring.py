"""What the app does with a photo, without any user interface: plain functions on a `Session`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast
from weakref import ref

import explorer
from explorer.app import budget, text
from explorer.app.components import RatioChoice
from explorer.app.sessions import Session
from explorer.errors import OutputError, PhotoError
from explorer.photo import amplify, check_ratio, describe, load_rendering
from explorer.photo.reduce import reduced
from explorer.photo.types import FloatArray, RawPhoto, RgbPhoto, WhiteBalanceChoice
from explorer.restorer import suggested_ratio
from explorer.settings import Finish, RestoreSettings, with_finish, write_settings
from explorer.views.pictures import resized_like, within

if TYPE_CHECKING:
    from explorer.evaluation.metrics import Scores
    from explorer.restoration import Restoration

PREVIEW_SIDE = 640
"""Longest side of a preview in pixels: small enough that the lightest network answers within 150 ms on two cores."""

NEUTRAL = "neutral"
"""The white balance that a grey patch of the picture decides."""

PLAIN = Finish()
"""No finishing."""

_SUFFIXES: dict[str, tuple[str, Literal[8, 16]]] = {
    "png8": (".png", 8),
    "png16": (".png", 16),
    "tiff16": (".tif", 16),
    "jpeg8": (".jpg", 8),
}
SETTINGS = "settings"
"""The kind of download that is no picture: the JSON that makes it again."""


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
    "decoded", "photo", "small", "as_taken", "smaller", "suggestions", "full", "latest", "analyses", "reference",
    "reference_file", "white_balance", "point", "example", "upload", "shown",
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
    take_photo(session, explorer.open_photo(path, name=name, isolated=isolated or None))
    session.upload = str(path)


def take_photo(session: Session, photo: explorer.Photo) -> None:
    """Makes a decoded photo the session's."""
    with session.lock:
        _use(session, photo)
        session.decoded, session.white_balance, session.point = photo, "as_shot", None
        session.reference, session.reference_file, session.example, session.upload = None, None, None, None


def open_example(session: Session, name: str) -> None:
    """Opens a bundled example.

    Raises:
        PhotoError: there is no example of that name.
    """
    from explorer.examples import examples

    known = {example.name: example for example in examples()}
    if name not in known:
        raise PhotoError(text.UNKNOWN_EXAMPLE.format(name=name, known=", ".join(known)))
    example = known[name]
    with kept_on_failure(session):
        open_file(session, example.path)
        if example.reference:
            open_reference(session, example.reference)
        session.example, session.upload = name, None


def open_reference(session: Session, path: str | Path, name: str | None = None, *, isolated: bool = False) -> None:
    """Takes a well-lit picture of the same scene, to measure results against.

    Raises:
        PhotoError: no photo is open, the file cannot be read, or its size is not the photo's.
    """
    photo = session.require_photo()
    reference = explorer.open_photo(path, name=name, isolated=isolated or None)
    if isinstance(reference, RawPhoto):
        reference = RgbPhoto(load_rendering(reference), reference.bits, name=reference.name)
    if reference.size != photo.size:
        sizes = [f"{width} × {height}" for width, height in (reference.size, photo.size)]
        raise PhotoError(text.REFERENCE_SIZE.format(name=reference.name, reference=sizes[0], photo=sizes[1]))
    with session.lock:
        session.reference = reference


def reference_like(session: Session, image: FloatArray) -> FloatArray | None:
    """The reference at the height and width of a result, H x W x 3 sRGB in [0, 1]; None where there is none."""
    if session.reference is None:
        return None
    small = reduced(session.reference, max(image.shape[:2]))
    return resized_like(cast(RgbPhoto, small).image, image)


def scores(session: Session, image: FloatArray) -> Scores | None:
    """PSNR, SSIM and GT-mean PSNR of a result against the reference; None without one, or for tiny pictures."""
    from explorer.evaluation.metrics import measure

    reference = reference_like(session, image)
    return None if reference is None or min(image.shape[:2]) < 11 else measure(image, reference)


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
        session.require_photo()
        opened = session.decoded
        if choice != NEUTRAL:
            point = None
        elif point is None:
            return
        if not isinstance(opened, RawPhoto) or (choice, point) == (session.white_balance, session.point):
            return
        if point is not None:
            photo = opened.with_neutral_point(*point, size=patch_side(opened))
        else:
            # "As shot" is the balance that the photo was opened with: a stated fallback where the file has none.
            photo = opened if choice == "as_shot" else opened.with_white_balance(cast(WhiteBalanceChoice, choice))
        _use(session, photo)
        session.white_balance, session.point = choice, point


def patch_side(photo: explorer.Photo) -> int:
    """Side of the patch that the eyedropper averages, in the photo's pixels: about 8 pixels of the preview, so that
    noise does not decide the balance."""
    return max(16, max(photo.size) // 80)


def _use(session: Session, photo: explorer.Photo) -> None:
    small = reduced(photo, PREVIEW_SIDE)
    taken = within(load_rendering(small), PREVIEW_SIDE)
    session.photo, session.small, session.as_taken = photo, small, taken
    # New ones, not emptied ones: `kept_on_failure` may put the old ones back.
    session.suggestions, session.full, session.latest, session.analyses, session.smaller = {}, {}, {}, {}, {}


def at_side(session: Session, side: int) -> tuple[explorer.Photo, FloatArray]:
    """The photo, and its picture as taken, with a longest side of about `side` pixels, at most the preview's."""
    with session.lock:
        session.require_photo()
        if side >= PREVIEW_SIDE:
            return cast(explorer.Photo, session.small), cast(FloatArray, session.as_taken)
        if side not in session.smaller:
            small = reduced(cast(explorer.Photo, session.photo), side)
            session.smaller[side] = small, within(load_rendering(small), side)
        return session.smaller[side]


def photo_facts(session: Session) -> dict[str, object]:
    """The metadata panel: what the file states. Notes are said beside the picture, and the ratio that suits the chosen
    model stands at the slider, so that the page names one suggestion."""
    elsewhere = ("Notes", "Suggested ratio", "Suggested ratio from")
    stated = describe(session.require_photo())
    return {label: value for label, value in stated.items() if value not in (None, "", []) and label not in elsewhere}


def preview(session: Session, model: str, ratio: RatioChoice, side: int = PREVIEW_SIDE) -> Preview:
    """Restores the photo at preview size.

    Raises:
        PhotoError: no photo is open.
        ModelNotFoundError, WeightsError: the model cannot be had.
        RatioError: the ratio is not "auto" or a number from 1 to 300.
    """
    with session.lock:
        photo = session.require_photo()
        small, taken = at_side(session, side)
        suggestions = session.suggestions
        loaded = explorer.load_model(model)
        if model not in suggestions:
            suggestions[model] = suggested_ratio(photo, loaded)
        suggested, source = suggestions[model]
        session.revision += 1
    value = suggested if ratio == "auto" else check_ratio(ratio)
    restoration = replace(
        explorer.restore(small, loaded, value), ratio_source=source if ratio == "auto" else text.RATIO_CHOSEN
    )
    return Preview(restoration, taken, amplify(taken, value), suggested, source, ratio == "auto")


def finished_preview(session: Session, model: str, ratio: RatioChoice, finish: Finish) -> Preview:
    """`preview` with finishing, at the size that the model can do in time; the network runs only where photo, model or
    ratio changed.

    Raises: as `preview`.
    """
    with session.lock:
        photo, latest = session.require_photo(), session.latest
        key = (ref(photo), model, ratio)
        shown = latest.get("preview") if latest.get("key") == key else None
        session.revision += 1
    if shown is None:
        loaded = explorer.load_model(model)
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
    return list(dict.fromkeys([*session.require_photo().notes, *restoration.notes]))


def full(session: Session, model: str, ratio: RatioChoice) -> Restoration:
    """Restores the whole photo; the last result is kept, so that showing and saving it takes one restoration.

    Raises: as `preview`.
    """
    with session.lock:
        photo = session.require_photo()
        key = (ref(photo), model, ratio)
        if session.full.get("key") == key:
            return cast("Restoration", session.full["restoration"])
    restoration = explorer.restore(photo, explorer.load_model(model), ratio)
    with session.lock:
        session.full.update(key=key, restoration=restoration)
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
    with_finish(restoration, finish).save(path, bits=bits)
    return path


def settings_of(session: Session, restoration: Restoration, finish: Finish) -> RestoreSettings:
    """What makes a result of this session's photo again."""
    photo = session.require_photo()
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
    )
