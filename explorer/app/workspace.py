"""The app's work on a photo, without any user interface: plain functions on a `Session`."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import explorer
from explorer.app import budget, model_picker, text
from explorer.app.holding import bytes_to_restore, bytes_to_save
from explorer.app.naming import stem_of
from explorer.app.open_photo import NEUTRAL, PREVIEW_SIDE, SHARPEST, Choice, OpenPhoto
from explorer.app.session import Session
from explorer.app.sessions import room
from explorer.choices import Bits, NamedBalance, RatioChoice
from explorer.errors import OutputError
from explorer.messages import say
from explorer.metrics import MIN_SIDE
from explorer.negative import notes_of
from explorer.photo import amplify, check_ratio
from explorer.photo.light.strength import FULL, check_strength
from explorer.photo.types import Photo
from explorer.photo.values import FloatArray, WhiteBalanceChoice
from explorer.restorer import prepare, suggested_ratio
from explorer.saving import WITHOUT_BITS
from explorer.sidecar import Finish, RestoreSettings, with_finish, write_settings
from explorer.steps import Report, unheard
from explorer.views.pictures import within
from explorer.windows import is_local

if TYPE_CHECKING:
    from explorer.evaluation.metrics import Scores
    from explorer.restoration import Restoration
    from explorer.weights.store import LoadedModel

PLAIN = Finish()
"""Settings without finishing."""

_SUFFIXES: dict[str, tuple[str, Bits]] = {
    "png8": (".png", 8), "png16": (".png", 16), "tiff16": (".tif", 16), "jpeg8": (".jpg", 8),
    "dng": (".dng", 16),
}  # fmt: skip
SETTINGS = "settings"  # the only download that is not a picture: the JSON that reproduces it


@dataclass(frozen=True)
class Preview:
    """A restored photo at preview size, with its counterparts; all pictures H x W x 3 sRGB in [0, 1]."""

    restoration: Restoration
    as_taken: FloatArray
    amplified: FloatArray
    suggested: float
    suggested_source: str
    automatic: bool
    """True if the ratio is the suggested one."""
    windows: bool = True
    """False if the model needs the whole picture, so that no part can be computed at full resolution."""


def scores(session: Session, image: FloatArray) -> Scores | None:
    """PSNR, SSIM and GT-mean PSNR of a result against the reference; None without a reference, or for tiny pictures."""
    reference = session.require_open().reference
    if reference is None or min(image.shape[:2]) < MIN_SIDE:
        return None
    from explorer.evaluation.metrics import measure  # here: it imports torch

    return measure(image, reference.like(image))


def photo_facts(session: Session) -> dict[str, object]:
    """The metadata panel: what the file states. Notes are next to the picture, and the suggested ratio is at the
    slider, so the page shows each only once."""
    facts = session.require_open().facts
    elsewhere = {"Notes", "Suggested ratio", "Suggested ratio from"}
    stated = {label: value for label, value in facts.items() if value not in (None, "", [])}
    return {label: value for label, value in stated.items() if label not in elsewhere}


def preview(
    session: Session,
    model: str,
    ratio: RatioChoice,
    side: int = PREVIEW_SIDE,
    *,
    strength: float = FULL,
    as_it_is: bool = False,
) -> Preview:
    """Restores the photo at preview size.

    Args:
        strength: 0 to 100.
        as_it_is: leave a photo that is not dark as it is, unless the ratio was set by hand.

    Raises:
        PhotoError: no photo is open.
        ModelNotFoundError, WeightsError: the model is not available.
        RatioError: the ratio is not "auto" or a number from 1 to 300.
    """
    opened, loaded = session.require_open(), model_picker.load(model)
    with session.lock:
        small, taken = opened.at_side(side)
        suggested, source = suggestion(session, loaded)
        session.revision += 1
    value = suggested if ratio == "auto" else check_ratio(ratio)
    said = source if ratio == "auto" else text.RATIO_CHOSEN
    why = opened.why_left(ratio) if as_it_is else None
    if why is None:
        found = computed(opened, "quick", Choice(model, value, strength), small)
        if strength:
            budget.took(loaded, found.seconds, small.size[0] * small.size[1], whole=False)
    else:
        found = left_alone(small, loaded, why)
    restoration = replace(found, ratio_source=said)
    windows = not restoration.strength or is_local(loaded)
    return Preview(restoration, taken, amplify(taken, value), suggested, source, ratio == "auto", windows)


def computed(
    opened: OpenPhoto, place: str, choice: Choice, photo: Photo, scene: bool = True,
    report: Report = unheard,
) -> Restoration:  # fmt: skip
    """`explorer.restore` without intermediates. If only the strength changed since the last time, the network does not
    run again.

    Args:
        place: the purpose of the result; the network's output is kept per purpose.
        photo: the open photo at the size to restore.

    Raises: as `explorer.restore`.
    """
    job = prepare(photo, model_picker.load(choice.model), choice.ratio, None)
    key = choice.model, job.ratio, photo.size
    return opened.work.networks[place].restored(key, job, choice.strength, scene=scene, progress=report)


def left_alone(photo: Photo, model: LoadedModel, why: str) -> Restoration:
    """A photo as it is, with the reason, as the result of a model."""
    found = explorer.restore(photo, model, 1.0, strength=0)
    return replace(found, ratio_source=say("source.not_dark"), notes=(*photo.notes, why))


def suggestion(session: Session, model: LoadedModel) -> tuple[float, str]:
    """The amplification that the model's rule suggests for the open photo, and its source. It is computed once per
    rule, so that a discarded photo need not be read for every model. What a rule would estimate is known for a photo
    that was darkened here."""
    convention = model.config.input
    rule = (convention.ratio_rule, convention.ratio_m, convention.ratio)
    opened = session.require_open()
    if opened.left_alone is not None:
        return 1.0, say("source.not_dark")
    if opened.dimmed is not None and convention.ratio_rule not in ("none", "fixed"):
        return opened.dimmed, say("source.darkroom")
    with session.lock:
        if rule not in opened.work.suggestions:
            opened.work.suggestions[rule] = suggested_ratio(opened.whole, model)
        return opened.work.suggestions[rule]


def finished_preview(
    session: Session, model: str, ratio: RatioChoice, finish: Finish, strength: float = FULL
) -> Preview:
    """`preview` with finishing, at the size that the model can restore in time. The network runs only if photo, model,
    ratio or strength changed.

    Raises: as `preview`; SettingsError if the strength is not a number from 0 to 100.
    """
    opened, key = session.require_open(), Choice(model, ratio, check_strength(strength))
    latest = opened.work.latest
    session.revision += 1
    if latest is not None and latest[0] == key:
        shown: Preview = latest[1]
    else:
        loaded = model_picker.load(model)
        side = budget.preview_side(loaded, opened.small.size, PREVIEW_SIDE)
        shown = preview(session, model, ratio, side, strength=key.strength, as_it_is=True)
        opened.work.latest = key, shown
    return replace(shown, restoration=with_finish(shown.restoration, finish))


_STEP = 160
"""Sides of sharp previews are multiples of this, so that a slightly resized page gets the same preview."""


def sharp_preview(session: Session, side: float, finish: Finish) -> Preview | None:
    """The last preview again at the sharpness of the screen, whatever the model; None if there is no preview.

    Args:
        side: screen pixels along the photo's longest side; at most `SHARPEST` are used.

    Raises: as `preview`.
    """
    opened = session.require_open()
    if opened.work.latest is None:
        return None
    longest, (choice, quick) = sharp_side(side), opened.work.latest
    key = (choice, longest)
    if opened.work.sharp is None or opened.work.sharp[0] != key:
        ratio, why = quick.restoration.ratio, opened.why_left(choice.ratio)
        made, taken = restored_at(opened, choice, ratio, longest, why)
        made = replace(made, ratio_source=quick.restoration.ratio_source)
        opened.work.sharp = key, replace(quick, restoration=made, as_taken=taken, amplified=amplify(taken, ratio))
    shown: Preview = opened.work.sharp[1]
    return replace(shown, restoration=with_finish(shown.restoration, finish))


def sharp_side(side: float) -> int:
    """The longest side of a preview for a screen that shows it with this many pixels."""
    return min(SHARPEST, max(PREVIEW_SIDE, math.ceil(side / _STEP) * _STEP))


def restored_at(
    opened: OpenPhoto, choice: Choice, ratio: float, longest: int, why: str | None = None
) -> tuple[Restoration, FloatArray]:
    """The photo restored with a longest side of this many pixels, and as taken at that size.

    Args:
        why: the reason for leaving the photo as it is, if there is one.

    Raises: as `preview`.
    """
    # Without the lock, so that quick previews continue meanwhile.
    small, taken = opened.at_side(longest)
    loaded = model_picker.load(choice.model)
    with room(bytes_to_restore(small.size)):
        if why is None:
            made = computed(opened, "sharp", choice._replace(ratio=ratio), small, scene=False)
        else:
            made = left_alone(small, loaded, why)
    return replace(made, image=within(made.image, longest)), taken


def first_preview(session: Session, model: str | None) -> None:
    """The first preview of a photo that was opened, computed in advance.

    Raises: as `preview`.
    """
    if model:
        finished_preview(session, model, "auto", PLAIN)


def notes(session: Session, restoration: Restoration) -> list[str]:
    """Notes for the visitor about the photo and its conversion for the model, each sentence once."""
    return list(dict.fromkeys([*session.require_open().small.notes, *restoration.notes]))


LONG_SECONDS, MUCH_MEMORY = 5.0, 1e9
"""If restoring takes more seconds or more bytes than this, the page announces it beforehand."""


def estimate(session: Session, model: str, ratio: RatioChoice, strength: float = FULL) -> list[str]:
    """A note about the time and memory for the whole photo; empty if they are small, or if it is already restored."""
    opened = session.require_open()
    width, height = opened.size
    seconds, memory = budget.seconds_for(model_picker.load(model), width * height), bytes_to_restore(opened.size)
    if not strength or seconds is None or (seconds < LONG_SECONDS and memory < MUCH_MEMORY):
        return []
    done = opened.work.full[0] if opened.work.full else None
    # Another strength only blends the network's output again.
    if done and done[:2] == (model, ratio) and (done.strength == strength or opened.work.networks["whole"].output):
        return []
    if opened.why_left(ratio) is not None:
        return []
    return [say("long.estimate", seconds=max(1, round(seconds)), memory=f"{memory / 1e9:.1f}")]


def full(
    session: Session, model: str, ratio: RatioChoice, strength: float = FULL, report: Report = unheard
) -> Restoration:
    """Restores the whole photo. The last result is kept, so that showing and saving it takes one restoration.

    Args:
        report: called with the finished share; an exception from it ends the restoration.

    Raises: as `finished_preview`.
    """
    opened, key = session.require_open(), Choice(model, ratio, check_strength(strength))
    if opened.work.full is not None and opened.work.full[0] == key:
        return opened.work.full[1]
    photo, loaded = opened.whole, model_picker.load(model)
    with room(bytes_to_restore(photo.size)):
        why = opened.why_left(ratio)
        if why is None:
            begun = time.perf_counter()
            before = opened.work.networks["whole"].output
            automatic = suggestion(session, loaded) if ratio == "auto" else None
            chosen = key._replace(ratio=automatic[0]) if automatic else key
            restoration = computed(opened, "whole", chosen, photo, report=report)
            if automatic:
                restoration = replace(restoration, ratio_source=automatic[1])
            if opened.work.networks["whole"].output is not before:
                budget.took(loaded, time.perf_counter() - begun, photo.size[0] * photo.size[1], whole=True)
        else:
            restoration = left_alone(photo, loaded, why)
    opened.work.full = key, restoration
    session.revision += 1
    return restoration


def save(
    session: Session, model: str, ratio: RatioChoice, file_format: str, finish: Finish = PLAIN,
    strength: float = FULL, report: Report = unheard,
) -> Path:  # fmt: skip
    """Writes the photo, restored at full resolution, into the session's folder and returns the path.

    Args:
        file_format: a key of `text.FORMATS`; "settings" writes the JSON that reproduces the picture.
        report: as for `full`.

    Raises: as `finished_preview`; OutputError if there is no such format, or the file cannot be written.
    """
    if file_format not in (*_SUFFIXES, SETTINGS):
        known = ", ".join((*_SUFFIXES, SETTINGS))
        raise OutputError(f"There is no file format {file_format!r}; choose one of {known}.")
    restoration = full(session, model, ratio, strength, report)
    name = f"{stem_of(restoration.photo_name)}-{model}-x{restoration.ratio:.3g}"
    if strength < FULL:
        name += f"-s{strength:g}"
    if file_format == SETTINGS:
        path = session.download_path(f"{name}.json")
        write_settings(path, settings_of(session, restoration, finish))
        return path
    suffix, bits = _SUFFIXES[file_format]
    path = session.download_path(f"{name}-{bits}bit{suffix}")
    with room(bytes_to_save(session.require_open().size)):
        finished = restoration if suffix in WITHOUT_BITS else with_finish(restoration, finish)
        finished.save(path, bits=bits)
    return path


def notes_of_file(session: Session, file_format: str, finish: Finish) -> tuple[str, ...]:
    """Notes about the file that was saved last, for a visitor who would miss something in it."""
    suffix, _ = _SUFFIXES.get(file_format, ("", 0))
    whole = session.require_open().work.full
    return notes_of(whole[1], suffix, finish) if whole and suffix in WITHOUT_BITS else ()


def settings_of(session: Session, restoration: Restoration, finish: Finish) -> RestoreSettings:
    """The settings that reproduce a result of this session's photo."""
    opened = session.require_open()
    balance: WhiteBalanceChoice = "as_shot"
    if opened.raw:
        named = cast(NamedBalance, opened.white_balance)
        balance = opened.small.white_balance.gains if opened.white_balance == NEUTRAL else named
    return RestoreSettings.of(restoration, balance, finish=finish, black_level=opened.black_level)
