"""What Retinex networks and methods see: the photo as reflectance times illumination, and what follows from it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, cast
from weakref import ref

import gradio as gr
import numpy as np

import explorer
from explorer.app import catalogue, restoring, text
from explorer.app.components import chosen_ratio, html, tiles
from explorer.app.feedback import reported
from explorer.app.pictures import panel_tiles, result_line
from explorer.app.sessions import Session, open_session
from explorer.app.shared import PREVIEWS, Address, Shared
from explorer.errors import ModelNotFoundError, PhotoError
from explorer.inspect import Decomposition, Pair, decompose, profile, recombined
from explorer.photo.reduce import reduced
from explorer.photo.types import RgbPhoto
from explorer.views.pictures import as_rgb, luminance, resized_like
from explorer.views.plots import profile_lines
from explorer.views.retinex import Panel, difference_panel, illumination_panel, panels

NAME = "retinex"
TITLE = text.TAB_RETINEX

MIDDLE = [0.0, 0.5, 1.0, 0.5]
"""The profile's line before the visitor draws one."""


def decomposed(session: Session, model: str | None, which: str = "photo", ratio: Any = "auto") -> Decomposition:
    """The decomposition of the open photo or of its reference, at preview size; kept while the photo stays.

    Raises:
        PhotoError: no photo is open, or there is no reference.
        ModelNotFoundError: no model, or one that does not decompose.
    """
    session.require_open()
    if not model:
        raise ModelNotFoundError(text.RETINEX_NONE)
    loaded = catalogue.load(model)
    reference = session.kept_reference
    key = (session.version, reference and ref(reference), model, which, ratio)
    with session.lock:
        kept: dict[Any, Decomposition] = session.analyses.setdefault("retinex", {})
    if key not in kept:
        if which == "reference":
            if reference is None:
                raise PhotoError(text.RETINEX_NO_REFERENCE)
            # At the very size of the dark photo's preview, so that the two can be laid on one another.
            width, height = cast(explorer.Photo, session.small).size
            like = np.empty((height, width, 1), np.float32)
            bright = cast(RgbPhoto, reduced(reference(), max(width, height)))
            found = decompose(replace(bright, image=resized_like(bright.image, like), as_opened=None), loaded, 1.0)
        else:
            suggested = restoring.suggestion(session, loaded) if ratio == "auto" else (ratio, text.RATIO_CHOSEN)
            found = decompose(cast(explorer.Photo, session.small), loaded, suggested[0])
            found = replace(found, restoration=replace(found.restoration, ratio_source=suggested[1]))
        with session.lock:
            while len(kept) >= 4:
                kept.pop(next(iter(kept)))
            kept[key] = found
    return kept[key]


def _maps(found: Decomposition) -> dict[str, Any]:
    maps = {
        "reflectance": found.reflectance,
        "illumination": found.illumination,
        "illumination_enhanced": found.enhanced,
        "curves": found.curves,
    }
    return {name: values for name, values in maps.items() if values is not None}


def lit() -> list[str]:
    """Models that give an illumination."""
    return [name for name in catalogue.decomposing() if "illumination" in catalogue.models()[name].intermediates]


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    names, lights = catalogue.decomposing(), lit()
    with gr.Row(elem_classes="lx-bar"):
        model = gr.Dropdown(
            choices=list(catalogue.choices(names)), value=names[0] if names else None, label=text.RETINEX_MODEL,
            elem_id="lx-retinex-model", scale=4,
        )  # fmt: skip
        source = gr.Radio(
            choices=list(text.COMPARE_RATIOS[:2]), value="own", label=text.RATIO, elem_classes="lx-segments",
            elem_id="lx-retinex-ratio", scale=3,
        )  # fmt: skip
        run = gr.Button(text.RETINEX_RUN, variant="primary", elem_id="lx-retinex-run", scale=1, min_width=130)
    html(f'<p class="lx-note">{text.RETINEX_HELP}</p>')
    board = tiles("lx-retinex-tiles", text.RETINEX_EMPTY if names else text.RETINEX_NONE, "line")
    result = html(elem_id="lx-retinex-result")
    with gr.Row(elem_classes="lx-lower"):
        with gr.Column(scale=1, min_width=340, elem_id="lx-retinex-edit"):
            html(f"<h2>{text.RETINEX_EDIT}</h2><p class='lx-note'>{text.RETINEX_EDIT_HELP}</p>")
            gamma = gr.Slider(0, 2, 1, step=0.02, label=text.RETINEX_GAMMA, elem_id="lx-retinex-gamma", buttons=[])
            gain = gr.Slider(0, 4, 1, step=0.05, label=text.RETINEX_GAIN, elem_id="lx-retinex-gain", buttons=[])
            light = gr.Radio(
                choices=list(text.RETINEX_LIGHTS), value="illumination", label=text.RETINEX_LIGHT,
                elem_classes="lx-segments",
            )  # fmt: skip
            swap = gr.Radio(
                choices=list(text.RETINEX_SWAPS), value="none", label=text.RETINEX_SWAP, elem_classes="lx-segments",
                elem_id="lx-retinex-swap",
            )  # fmt: skip
            other = gr.Dropdown(
                choices=list(catalogue.choices(lights)), value=lights[-1] if lights else None, visible=False,
                label=text.RETINEX_SWAP_MODEL, elem_id="lx-retinex-other",
            )  # fmt: skip
            edited = tiles("lx-retinex-edited", "")
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.RETINEX_PROFILE}</h2><p class='lx-note'>{text.RETINEX_PROFILE_HELP}</p>")
            plot = gr.Plot(format="png", show_label=False, label=text.RETINEX_PROFILE, elem_id="lx-retinex-profile")
    with gr.Column(elem_classes="lx-section"):
        html(f"<h2>{text.RETINEX_PAIR}</h2><p class='lx-note'>{text.RETINEX_PAIR_HELP}</p>")
        with gr.Row():
            pair_run = gr.Button(text.RETINEX_PAIR_RUN, elem_id="lx-retinex-pair-run", scale=0, min_width=220)
        pair_board = tiles("lx-retinex-pair", text.RETINEX_PAIR_EMPTY)

    shared.pickers.update({model: catalogue.decomposing, other: lit})

    def ratio_of(choice: str, slider: object) -> Any:
        return chosen_ratio(slider) if choice == "same" else "auto"

    def show(token: str | None, name: str | None, choice: str, slider: object) -> dict[Any, Any]:
        session = open_session(token)
        found = decomposed(session, name, ratio=ratio_of(choice, slider))
        shown = panels(found.seen, _maps(found), found.image, found.residual)
        board_tiles = panel_tiles(session, shown, found.model)
        return {
            shared.token: session.token,
            shared.message: "",
            board: {"batch": secrets.token_hex(4), "tiles": board_tiles, "keep": True},
            result: result_line(found.restoration),
        }

    def edit(
        token: str | None, name: str | None, choice: str, slider: object,
        power: float, factor: float, kind: str, origin: str, second: str | None,
    ) -> dict[Any, Any]:  # fmt: skip
        session = open_session(token)
        if not session.is_open:
            return {edited: None}
        found = decomposed(session, name, ratio=ratio_of(choice, slider))
        giver = found
        if origin == "model":
            giver = decomposed(session, second, ratio=ratio_of(choice, slider))
        elif origin == "reference":
            giver = decomposed(session, name, "reference")
        lit = giver.enhanced if kind == "illumination_enhanced" and giver.enhanced is not None else giver.illumination
        if lit is None or found.reflectance is None:
            if origin == "none" and found.curves is not None:
                return {edited: None}
            raise ModelNotFoundError(text.RETINEX_NO_LIGHT.format(model=catalogue.label(second or name or "")))
        lit = resized_like(lit, found.reflectance)
        one = recombined(found.reflectance * 0 + 1, lit, gamma=power, gain=factor)
        picture = recombined(found.reflectance, lit, gamma=power, gain=factor)
        shown = [
            Panel("edited", text.RETINEX_EDITED, picture),
            illumination_panel("edited_light", text.RETINEX_EDITED_LIGHT, one),
        ]
        made = panel_tiles(session, shown, found.model, "retinex-edit")
        return {edited: {"batch": "edit", "keep": True, "tiles": made}, shared.message: ""}

    def draw_profile(
        token: str | None, name: str | None, choice: str, slider: object, value: dict[str, Any] | None
    ) -> dict[Any, Any]:
        session = open_session(token)
        if not session.is_open or not value:
            return {plot: None}
        found = decomposed(session, name, ratio=ratio_of(choice, slider))
        x0, y0, x1, y1 = (float(part) for part in (value.get("line") or MIDDLE))
        parts = {**_maps(found), "seen": found.seen, "image": found.image, "enhanced": found.enhanced}
        lines = {
            words: profile(luminance(as_rgb(parts[part])), (x0, y0), (x1, y1))
            for part, words in text.RETINEX_LINES.items()
            if parts.get(part) is not None
        }
        return {plot: profile_lines(lines)}

    def show_pair(token: str | None, name: str | None, choice: str, slider: object) -> dict[Any, Any]:
        session = open_session(token)
        low = decomposed(session, name, ratio=ratio_of(choice, slider))
        high = decomposed(session, name, "reference")
        shown = pair_panels(Pair(low, high))
        value = {"batch": secrets.token_hex(4), "columns": 3, "tiles": panel_tiles(session, shown, low.model, "pair")}
        return {shared.token: session.token, shared.message: "", pair_board: value}

    guard = reported(shared.message)
    chosen = [shared.token, model, source, shared.ratio]
    quick: dict[str, Any] = {
        "concurrency_id": PREVIEWS, "concurrency_limit": 2, "api_visibility": "private",
        "trigger_mode": "always_last", "show_progress": "minimal", "show_progress_on": [result],
    }  # fmt: skip
    once = {**quick, "trigger_mode": "once"}
    edit_inputs = [*chosen, gamma, gain, light, swap, other]
    swap.input(lambda kind: gr.update(visible=kind == "model"), swap, other, api_visibility="private", queue=False)
    gr.on(
        [run.click, model.input, source.input], guard(show), chosen,
        [shared.token, shared.message, board, result], **quick,
    ).then(guard(edit), edit_inputs, [edited, shared.message], **once).then(
        guard(draw_profile), [*chosen, board], [plot, shared.message], **once
    )  # fmt: skip
    gr.on(
        [gamma.input, gain.input, light.input, swap.input, other.input],
        guard(edit), edit_inputs, [edited, shared.message], **{**quick, "show_progress": "hidden"},
    )  # fmt: skip
    board.select(guard(draw_profile), [*chosen, board], [plot, shared.message], **{**quick, "show_progress": "hidden"})
    pair_run.click(
        guard(show_pair), chosen, [shared.token, shared.message, pair_board],
        **{**once, "show_progress_on": [pair_board]},
    )  # fmt: skip
    shared.photo.change(
        lambda: (None, "", None, None, None), None, [board, result, edited, plot, pair_board],
        api_visibility="private", show_progress="hidden", queue=False,
    )  # fmt: skip
    model.input(None, model, js="(decompose) => lxAddress({decompose})")
    return {"decompose": (model, lambda name: name if name in catalogue.decomposing() else None)}


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
