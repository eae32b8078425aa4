"""The tab that takes a photo apart into reflectance and illumination."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from explorer.app import catalogue, retinex, text
from explorer.app.components import chosen_ratio, html, tiles
from explorer.app.feedback import reported
from explorer.app.pictures import result_line
from explorer.app.sessions import open_session
from explorer.app.shared import QUICK, SILENT, Address, Shared, once
from explorer.views.plots import profile_lines

NAME = "retinex"
TITLE = text.TAB_RETINEX


@dataclass(frozen=True)
class Parts:
    """What the tab lays out."""

    model: gr.Dropdown
    source: gr.Radio
    run: gr.Button
    board: gr.HTML
    result: gr.HTML
    gamma: gr.Slider
    gain: gr.Slider
    light: gr.Radio
    swap: gr.Radio
    other: gr.Dropdown
    edited: gr.HTML
    plot: gr.Plot
    pair_run: gr.Button
    pair_board: gr.HTML


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    return wire(shared, layout())


def layout() -> Parts:
    """The tab's parts on the page."""
    names, lights = catalogue.decomposing(), retinex.lit()
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
    return Parts(model, source, run, board, result, gamma, gain, light, swap, other, edited, plot, pair_run, pair_board)


def _clear(parts: Parts, token: str | None) -> dict[Any, Any]:
    """Another photo was opened."""
    session = open_session(token)
    emptied: dict[Any, Any] = {}
    if session.is_stale("retinex"):
        emptied |= {parts.board: None, parts.result: "", parts.edited: None, parts.plot: None}
    if session.is_stale("pair"):
        emptied |= {parts.pair_board: None}
    return emptied


def wire(shared: Shared, parts: Parts) -> Address:
    """What the parts do."""
    shared.pickers.update({parts.model: catalogue.decomposing, parts.other: retinex.lit})
    chosen: set[Any] = {shared.token, parts.model, parts.source, shared.ratio}
    editing: set[Any] = {*chosen, parts.gamma, parts.gain, parts.light, parts.swap, parts.other}

    def choice_in(values: dict[Any, Any]) -> retinex.Choice:
        same = values[parts.source] == "same"
        return retinex.Choice(values[parts.model], chosen_ratio(values[shared.ratio]) if same else "auto")

    def show(values: dict[Any, Any]) -> dict[Any, Any]:
        session, choice = open_session(values[shared.token]), choice_in(values)
        found = retinex.decomposed(session, choice.model, ratio=choice.ratio)
        session.shows("retinex")
        return {
            shared.token: session.token,
            shared.message: "",
            parts.board: retinex.board(session, found),
            parts.result: result_line(found.restoration),
        }

    def edit(values: dict[Any, Any]) -> dict[Any, Any]:
        controls = (parts.gamma, parts.gain, parts.light, parts.swap, parts.other)
        light = retinex.Light(*(values[each] for each in controls))
        made = retinex.edited(open_session(values[shared.token]), choice_in(values), light)
        return {parts.edited: made, shared.message: ""} if made else {parts.edited: None}

    def draw_profile(values: dict[Any, Any]) -> dict[Any, Any]:
        session, shown = open_session(values[shared.token]), values[parts.board]
        if not session.is_open or not shown:
            return {parts.plot: None}
        line = shown.get("line") or retinex.MIDDLE
        return {parts.plot: profile_lines(retinex.profiles(session, choice_in(values), line))}

    def show_pair(values: dict[Any, Any]) -> dict[Any, Any]:
        session = open_session(values[shared.token])
        made = retinex.pair_board(session, choice_in(values))
        session.shows("pair")
        return {shared.token: session.token, shared.message: "", parts.pair_board: made}

    guard = reported(shared.message)
    quick = {**QUICK, "show_progress_on": [parts.result]}
    hidden = {**QUICK, "show_progress": "hidden"}
    edits: Any = guard(edit), editing, [parts.edited, shared.message]
    drawing: Any = guard(draw_profile), {*chosen, parts.board}, [parts.plot, shared.message]
    parts.swap.input(lambda kind: gr.update(visible=kind == "model"), parts.swap, parts.other, **SILENT)
    gr.on(
        [parts.run.click, parts.model.input, parts.source.input],
        guard(show), chosen, [shared.token, shared.message, parts.board, parts.result], **quick,
    ).then(*edits, **once(quick)).then(*drawing, **once(quick))  # fmt: skip
    gr.on(
        [parts.gamma.input, parts.gain.input, parts.light.input, parts.swap.input, parts.other.input], *edits, **hidden
    )
    parts.board.select(*drawing, **hidden)
    paired: Any = guard(show_pair), chosen, [shared.token, shared.message, parts.pair_board]
    parts.pair_run.click(*paired, **{**once(QUICK), "show_progress_on": [parts.pair_board]})
    emptied = [shared.message, parts.board, parts.result, parts.edited, parts.plot, parts.pair_board]
    shared.photo.change(guard(partial(_clear, parts)), shared.token, emptied, **SILENT)
    parts.model.input(None, parts.model, js="(decompose) => lxAddress({decompose})")
    return {"decompose": (parts.model, lambda name: name if name in catalogue.decomposing() else None)}
