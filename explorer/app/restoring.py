"""What the app does with a photo, without any user interface: plain functions on a `Session`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import explorer
from explorer.app import text
from explorer.app.components import RatioChoice
from explorer.app.sessions import Session
from explorer.errors import PhotoError
from explorer.photo import amplify, check_ratio, describe, load_rendering
from explorer.photo.reduce import reduced
from explorer.photo.types import FloatArray, RawPhoto, RgbPhoto
from explorer.restorer import suggested_ratio
from explorer.settings import Finish, RestoreSettings, with_finish, write_settings
from explorer.views.pictures import resized_like, within

if TYPE_CHECKING:
    from explorer.evaluation.metrics import Scores
    from explorer.restoration import Restoration

PREVIEW_SIDE = 640
"""Longest side of a preview in pixels: small enough that the lightest network answers within 150 ms on two cores."""

PLAIN = Finish()
"""No finishing."""

WhiteBalanceChoice = Literal["as_shot", "daylight", "grey_world"]
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


def open_file(session: Session, path: str | Path, name: str | None = None) -> None:
    """Decodes a file into the session, once; what the session showed before is forgotten only if that succeeds.

    Raises:
        PhotoError: the file is not a photograph that can be read.
    """
    photo = explorer.open_photo(path, name=name)
    with session.lock:
        session.decoded, session.white_balance = photo, "as_shot"
        session.reference = None
        _use(session, photo)


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
    open_file(session, example.path)
    if example.reference:
        open_reference(session, example.reference)


def open_reference(session: Session, path: str | Path, name: str | None = None) -> None:
    """Takes a well-lit picture of the same scene, to measure results against.

    Raises:
        PhotoError: no photo is open, the file cannot be read, or its size is not the photo's.
    """
    photo = session.require_photo()
    reference = explorer.open_photo(path, name=name)
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


def set_white_balance(session: Session, choice: str) -> None:
    """Gives a RAW photo other gains ("as_shot", "daylight", "grey_world"); pictures keep theirs.

    Raises:
        PhotoError: no photo is open.
        WhiteBalanceError: gains that the file does not have.
    """
    with session.lock:
        session.require_photo()
        if isinstance(session.decoded, RawPhoto) and choice != session.white_balance:
            # "As shot" is the balance that the photo was opened with: a stated fallback where the file has none.
            opened = session.decoded
            photo = opened if choice == "as_shot" else opened.with_white_balance(cast(WhiteBalanceChoice, choice))
            _use(session, photo)
            session.white_balance = choice


def _use(session: Session, photo: explorer.Photo) -> None:
    session.photo = photo
    session.small = reduced(photo, PREVIEW_SIDE)
    session.as_taken = within(load_rendering(session.small), PREVIEW_SIDE)
    session.suggestions.clear()
    session.full.clear()
    session.latest.clear()
    session.analyses.clear()


def photo_facts(session: Session) -> dict[str, object]:
    """The metadata panel: what the file states. Notes are said beside the picture, and the ratio that suits the chosen
    model stands at the slider, so that the page names one suggestion."""
    elsewhere = ("Notes", "Suggested ratio", "Suggested ratio from")
    stated = describe(session.require_photo())
    return {label: value for label, value in stated.items() if value not in (None, "", []) and label not in elsewhere}


def preview(session: Session, model: str, ratio: RatioChoice) -> Preview:
    """Restores the photo at preview size.

    Raises:
        PhotoError: no photo is open.
        ModelNotFoundError, WeightsError: the model cannot be had.
        RatioError: the ratio is not "auto" or a number from 1 to 300.
    """
    with session.lock:
        photo, small = session.require_photo(), cast(explorer.Photo, session.small)
        taken = cast(FloatArray, session.as_taken)
        loaded = explorer.load_model(model)
        if model not in session.suggestions:
            session.suggestions[model] = suggested_ratio(photo, loaded)
        suggested, source = session.suggestions[model]
        session.revision += 1
    value = suggested if ratio == "auto" else check_ratio(ratio)
    restoration = replace(
        explorer.restore(small, loaded, value), ratio_source=source if ratio == "auto" else text.RATIO_CHOSEN
    )
    return Preview(restoration, taken, amplify(taken, value), suggested, source, ratio == "auto")


def finished_preview(session: Session, model: str, ratio: RatioChoice, finish: Finish) -> Preview:
    """`preview` with finishing; the network runs only where photo, model or ratio changed.

    Raises: as `preview`.
    """
    key = (id(session.photo), model, ratio)
    with session.lock:
        shown = session.latest.get("preview") if session.latest.get("key") == key else None
        session.revision += 1
    if shown is None:
        shown = preview(session, model, ratio)
        with session.lock:
            session.latest.update(key=key, preview=shown)
    return replace(shown, restoration=with_finish(shown.restoration, finish))


def notes(session: Session, restoration: Restoration) -> list[str]:
    """What a visitor should know of the photo and of how it met the model, each sentence once."""
    return list(dict.fromkeys([*session.require_photo().notes, *restoration.notes]))


def full(session: Session, model: str, ratio: RatioChoice) -> Restoration:
    """Restores the whole photo; the last result is kept, so that showing and saving it takes one restoration.

    Raises: as `preview`.
    """
    with session.lock:
        photo = session.require_photo()
        key = (id(photo), model, ratio)
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

    Raises: as `preview`; OutputError where the file cannot be written.
    """
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
    balance = session.white_balance if isinstance(session.photo, RawPhoto) else "as_shot"
    return RestoreSettings(
        model=restoration.model,
        ratio=restoration.ratio,
        white_balance=cast(WhiteBalanceChoice, balance),
        weights_sha256=restoration.weights.sha256,
        backend=restoration.backend,
        photo=restoration.photo_name,
        finish=finish,
    )
