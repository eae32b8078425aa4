"""The work of the Retinex tab: the photo as reflectance times illumination, and what can be done with them.

Plain functions on a `Session`; `explorer.app.retinex_tab` lays them out.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from explorer.app import model_picker, text, workspace
from explorer.app.open_photo import made
from explorer.app.pictures import panel_tiles
from explorer.app.session import Session
from explorer.choices import RatioChoice
from explorer.errors import ModelNotFoundError, PhotoError
from explorer.inspect import Decomposition, Pair, decompose, profile, recombined
from explorer.photo.light.reduce import reduced
from explorer.photo.types import RgbPhoto
from explorer.photo.values import FloatArray
from explorer.views.pictures import as_rgb, luminance, resized_like
from explorer.views.retinex import Panel, difference_panel, illumination_panel, panels

MIDDLE = [0.0, 0.5, 1.0, 0.5]
"""The profile's line before the visitor draws one."""


@dataclass(frozen=True)
class Choice:
    """The photo and model to decompose."""

    model: str | None
    ratio: RatioChoice


@dataclass(frozen=True)
class Light:
    """Edits of the light."""

    gamma: float
    gain: float
    kind: str
    """"illumination" or "illumination_enhanced"."""
    origin: str
    """"none", "model" for another model's light, or "reference" for the reference's."""
    other: str | None
    """The other model."""


def decomposed(session: Session, model: str | None, which: str = "photo", ratio: Any = "auto") -> Decomposition:
    """The decomposition of the open photo or of its reference, at preview size. It is kept as long as the photo stays
    open.

    Raises:
        PhotoError: no photo is open, or there is no reference.
        ModelNotFoundError: no model, or one that does not decompose.
    """
    opened = session.require_open()
    if not model:
        raise ModelNotFoundError(text.RETINEX_NONE)
    loaded = model_picker.load(model)

    def found() -> Decomposition:
        if which == "reference":
            if opened.reference is None:
                raise PhotoError(text.RETINEX_NO_REFERENCE)
            # Exactly the size of the dark photo's preview, so that the two can be overlaid.
            width, height = opened.small.size
            like = np.empty((height, width, 1), np.float32)
            bright = cast(RgbPhoto, reduced(made(opened.reference.kept), max(width, height)))
            return decompose(replace(bright, image=resized_like(bright.image, like), as_opened=None), loaded, 1.0)
        suggested = workspace.suggestion(session, loaded) if ratio == "auto" else (ratio, text.RATIO_CHOSEN)
        of_photo = decompose(opened.small, loaded, suggested[0])
        return replace(of_photo, restoration=replace(of_photo.restoration, ratio_source=suggested[1]))

    return session.kept(opened.work.decompositions, (model, which, ratio), found, most=4)


def lit() -> list[str]:
    """Models that produce an illumination."""
    return [name for name in model_picker.decomposing() if "illumination" in model_picker.models()[name].intermediates]


def board(session: Session, found: Decomposition) -> dict[str, Any]:
    """What the tiles show for a decomposition."""
    shown = panels(found.seen, found.maps, found.described, found.image, found.residual)
    return {"batch": secrets.token_hex(4), "tiles": panel_tiles(session, shown, found.model), "keep": True}


def edited(session: Session, choice: Choice, light: Light) -> dict[str, Any] | None:
    """What the tiles show for the photo under an edited light; None if there is nothing to edit.

    Raises:
        ModelNotFoundError: the model produces no light.
    """
    if not session.is_open:
        return None
    found = giver = decomposed(session, choice.model, ratio=choice.ratio)
    if light.origin == "model":
        giver = decomposed(session, light.other, ratio=choice.ratio)
    elif light.origin == "reference":
        giver = decomposed(session, choice.model, "reference")
    lit = giver.enhanced if light.kind == "illumination_enhanced" and giver.enhanced is not None else giver.illumination
    if lit is None or found.reflectance is None:
        if light.origin == "none":
            return None
        model = model_picker.label(light.other or choice.model or "")
        raise ModelNotFoundError(text.RETINEX_NO_LIGHT.format(model=model))
    lit = resized_like(lit, found.reflectance)
    one = recombined(found.reflectance * 0 + 1, lit, gamma=light.gamma, gain=light.gain)
    picture = recombined(found.reflectance, lit, gamma=light.gamma, gain=light.gain)
    shown = [
        Panel("edited", text.RETINEX_EDITED, picture),
        illumination_panel("edited_light", text.RETINEX_EDITED_LIGHT, one),
    ]
    return {"batch": "edit", "keep": True, "tiles": panel_tiles(session, shown, found.model, "retinex-edit")}


def profiles(session: Session, choice: Choice, line: Sequence[float]) -> dict[str, FloatArray]:
    """Luminance of the photo and its parts along a line, by their names in words.

    Args:
        line: x and y of both ends, as shares of width and height.
    """
    found = decomposed(session, choice.model, ratio=choice.ratio)
    x0, y0, x1, y1 = (float(part) for part in line)
    parts = {**found.maps, "seen": found.seen, "image": found.image}
    return {
        words: profile(luminance(as_rgb(parts[part])), (x0, y0), (x1, y1))
        for part, words in text.RETINEX_LINES.items()
        if part in parts
    }


def pair_board(session: Session, choice: Choice) -> dict[str, Any]:
    """What the tiles show for the photo and its reference, both decomposed.

    Raises: as `decomposed`.
    """
    low = decomposed(session, choice.model, ratio=choice.ratio)
    high = decomposed(session, choice.model, "reference")
    shown = panel_tiles(session, pair_panels(Pair(low, high)), low.model, "pair")
    return {"batch": secrets.token_hex(4), "columns": 3, "tiles": shown}


def pair_panels(pair: Pair) -> list[Panel]:
    """Both photos of a pair in two rows, and the difference of their reflectances."""
    shown = []
    for name, part in (("low", pair.low), ("high", pair.high)):
        shown.append(Panel(f"{name}_input", text.RETINEX_PAIR_TITLES[f"{name}_input"], part.seen))
        if part.reflectance is not None:
            title = text.RETINEX_PAIR_TITLES[f"{name}_reflectance"]
            shown.append(Panel(f"{name}_reflectance", title, part.reflectance))
        if part.illumination is not None:
            title = text.RETINEX_PAIR_TITLES[f"{name}_illumination"]
            shown.append(illumination_panel(f"{name}_illumination", title, part.illumination))
    if pair.difference is not None:
        shown.append(difference_panel("difference", text.RETINEX_PAIR_TITLES["difference"], pair.difference))
    return shown
