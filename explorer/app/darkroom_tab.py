"""The tab that darkens a photo as a measured camera would have recorded it, with the original as the reference."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

import explorer
from explorer.app import darken, opening, photo_bar, text
from explorer.app.components import html, note, tiles
from explorer.app.feedback import reported
from explorer.app.pictures import input_tile, model_tile, reference_tile
from explorer.app.sessions import open_session
from explorer.app.shared import AT_ONCE, LONG, Address, Shared
from explorer.darkroom import CAMERAS, DarkLight
from explorer.messages import say
from explorer.views import tables
from explorer.views.words import ratio_words

NAME = "darkroom"
TITLE = text.TAB_DARKROOM
PLACE = 50

_FIRST = "sony_a7s2"


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    camera: gr.Dropdown
    sensitivity: gr.Number
    ratio: gr.Slider
    kind: gr.Radio
    run: gr.Button
    back: gr.Button
    light: gr.HTML
    board: gr.HTML


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    wire(shared, layout())
    return {}


def layout() -> Parts:
    """The tab's parts on the page."""
    html(f'<p class="lx-note">{text.DARKROOM_HELP}</p>')
    with gr.Row(elem_classes="lx-bar"):
        camera = gr.Dropdown(
            choices=[(_title(key), key) for key in CAMERAS], value=_FIRST, label=text.DARKROOM_CAMERA,
            elem_id="lx-dark-camera", scale=3,
        )  # fmt: skip
        sensitivity = gr.Number(darken.ISO, label=text.DARKROOM_ISO, elem_id="lx-dark-iso", scale=1)
        ratio = gr.Slider(
            1, 300, 100, step=1, label=text.DARKROOM_RATIO, elem_id="lx-dark-ratio", buttons=[], scale=3, min_width=240
        )
    with gr.Row(elem_classes="lx-bar"):
        kind = gr.Radio(
            choices=list(text.DARKROOM_KINDS), value="raw", label=text.DARKROOM_FILE, elem_id="lx-dark-kind",
            elem_classes="lx-segments", scale=3,
        )  # fmt: skip
        run = gr.Button(text.DARKROOM_RUN, variant="primary", elem_id="lx-dark-run", scale=1)
        back = gr.Button(text.DARKROOM_BACK, elem_id="lx-dark-back", scale=1, interactive=False)
    light = html(elem_id="lx-dark-light")
    return Parts(camera, sensitivity, ratio, kind, run, back, light, tiles("lx-dark-tiles", say("darkroom.empty")))


def _title(key: str) -> str:
    camera = CAMERAS[key]
    return f"{camera.name} · {camera.source.partition(' (')[0]}"


def wire(shared: Shared, parts: Parts) -> None:
    """Connects the components' events to their handlers."""
    parts.camera.input(_sensitivity_of, parts.camera, parts.sensitivity, **AT_ONCE)
    renewed = [shared.token, shared.model, shared.photo, shared.message, shared.upload, shared.picker, parts.light]
    chosen = [parts.camera, parts.sensitivity, parts.ratio, parts.kind]
    options = {**LONG, "show_progress_on": [parts.light]}
    guard = reported(shared.message)
    shared.photo.change(
        guard(partial(follow, shared, parts)), [shared.token, parts.ratio], [parts.back, parts.board],
        **AT_ONCE,
    )  # fmt: skip
    parts.run.click(guard(partial(make_dark, shared, parts)), [shared.token, shared.model, *chosen], renewed, **options)
    parts.back.click(guard(partial(lighten, shared, parts)), [shared.token, shared.model], renewed, **options)


def _sensitivity_of(camera: str) -> Any:
    """The field for a camera's sensitivity."""
    if darken.has_iso(camera):
        return gr.update(label=text.DARKROOM_ISO, value=darken.ISO)
    return gr.update(label=text.DARKROOM_GAIN, value=darken.GAIN)


def make_dark(shared: Shared, parts: Parts, token: str | None, model: str | None, *chosen: Any) -> dict[Any, Any]:
    """Darkens the open photo."""
    session = open_session(token)
    with opening.kept_on_failure(session):
        before = session.open
        light = darken.make_dark(session, darken.Wish(*chosen))
        shown = photo_bar.shown_first(shared, session, before, model)
    facts = tables.facts(figures(light), text.DARKROOM_LIGHT)
    said = [text.DARKROOM_DONE]
    if before and darken.is_dim(before.well_lit or before):
        said.append(say("darkroom.dim"))
    return {**shown, shared.upload: None, parts.light: facts + note(said)}


def follow(shared: Shared, parts: Parts, token: str | None, ratio: float) -> dict[Any, Any]:
    """Shows a darkened photo, as taken and amplified, next to its original; nothing for other photos."""
    session = open_session(token)
    opened = session.open
    if opened is None or opened.well_lit is None:
        return {parts.back: gr.update(interactive=False), parts.board: None}
    # Not through the workspace, whose last result is Restore's.
    amplified = explorer.restore(opened.small, "identity", ratio, intermediates=False)
    brighter = {**model_tile(session, amplified, title=ratio_words(ratio)), "note": ""}
    shown = [input_tile(session, opened.as_taken), brighter]
    if opened.reference is not None:
        shown.append(reference_tile(session, opened.reference.like(opened.as_taken)))
    return {parts.back: gr.update(interactive=True), parts.board: {"batch": secrets.token_hex(4), "tiles": shown}}


def lighten(shared: Shared, parts: Parts, token: str | None, model: str | None) -> dict[Any, Any]:
    """Goes back to the original of the dark photo."""
    session = open_session(token)
    with opening.kept_on_failure(session):
        before = session.open
        if not darken.back_to_light(session):
            return {shared.message: "", parts.light: f'<p class="lx-note">{text.DARKROOM_NOT}</p>'}
        opened = photo_bar.open_values(session)
        shown = photo_bar.shown_first(shared, session, before, model)
    return {**shown, shared.upload: opened["upload"], parts.light: ""}


def figures(light: DarkLight) -> dict[str, object]:
    """How dark a photo is, for the table."""
    decibels = 20 * np.log10(max(light.snr, 1e-9))
    return {
        text.DARKROOM_ELECTRONS: f"{light.grey_electrons:.3g}",
        text.DARKROOM_SNR: f"{light.snr:.3g} ({decibels:.1f} dB)",
        text.DARKROOM_BELOW: f"{100 * light.below_one_count:.1f} %",
        text.DARKROOM_WELL: f"{light.saturation_electrons:.0f}",
    }
