"""The tab that does the main job: a dark photo in, a restored photo out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.app import catalogue, restoring, text
from explorer.app.components import before_after, chosen_ratio, download_link, html, note, ratio_slider
from explorer.app.feedback import reported
from explorer.app.pictures import full_value, preview_value, ratio_value, result_line
from explorer.app.sessions import address, open_session
from explorer.app.shared import LONG_WORK, PREVIEWS, Shared
from explorer.errors import ModelNotFoundError
from explorer.photo.types import RawPhoto
from explorer.views import tables
from explorer.views.histogram import histogram

NAME = "restore"
TITLE = text.TAB_RESTORE

_PROGRESS = gr.Progress()
"""Gradio replaces it by the event's own when a handler names it as a default."""

WRITE_ADDRESS = "(model, ratio) => lxAddress({model, ratio: ratio && !ratio.auto ? ratio.ratio : null})"


@dataclass(frozen=True)
class Controls:
    """Components that other tabs share."""

    model: gr.Dropdown
    ratio: gr.HTML


def controls() -> Controls:
    """Model and ratio, not yet placed on the page: `build` renders them."""
    model = gr.Dropdown(
        choices=list(catalogue.choices()),
        value=catalogue.default_model(),
        label=text.MODEL,
        elem_id="lx-model",
        render=False,
    )
    return Controls(model, ratio_slider(render=False))


def require_model(name: str | None) -> str:
    """The chosen model's name.

    Raises:
        ModelNotFoundError: none is chosen, because none is installed.
    """
    if not name:
        raise ModelNotFoundError(text.NO_MODELS)
    return name


def build(shared: Shared) -> None:
    """Lays the tab out and wires it."""
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=1, min_width=300, elem_classes="lx-controls"):
            shared.model.render()
            card = html(catalogue.card(catalogue.default_model()), elem_id="lx-card")
            shared.ratio.render()
            balance = gr.Radio(
                choices=list(text.WHITE_BALANCES),
                value="as_shot",
                label=text.WHITE_BALANCE,
                visible=False,
                elem_id="lx-balance",
            )
            full_button = gr.Button(text.FULL, variant="primary", elem_id="lx-full")
            with gr.Row(elem_classes="lx-save"):
                file_format = gr.Dropdown(
                    choices=list(text.FORMATS), value="png8", label=text.FORMAT, filterable=False, elem_id="lx-format"
                )
                save_button = gr.Button(text.DOWNLOAD, elem_id="lx-save")
            link = download_link()
        with gr.Column(scale=3, min_width=340, elem_classes="lx-stage"):
            viewer = before_after()
            result = html(elem_id="lx-result")
            remarks = html(elem_id="lx-remarks")
    with gr.Row(elem_classes="lx-lower"):
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.HISTOGRAM}</h2><p class='lx-note'>{text.HISTOGRAM_HELP}</p>")
            axis = gr.Radio(
                choices=list(text.HISTOGRAM_AXES), value="srgb", show_label=False, label=text.HISTOGRAM_AXIS,
                elem_id="lx-axis", elem_classes="lx-segments",
            )  # fmt: skip
            plot = gr.Plot(format="png", show_label=False, label=text.HISTOGRAM, elem_id="lx-histogram")
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.METADATA}</h2>")
            metadata = html(elem_id="lx-metadata")

    def show(token: str | None, model: str | None, ratio: object, choice: str) -> dict[Any, Any]:
        session = open_session(token)
        restoring.set_white_balance(session, choice)
        shown = restoring.preview(session, require_model(model), chosen_ratio(ratio))
        session.shown = (shown.as_taken, shown.restoration.image)
        return {
            shared.token: session.token,
            shared.ratio: ratio_value(shown),
            shared.message: "",
            remarks: note(restoring.notes(session, shown.restoration)),
            viewer: preview_value(session, shown),
            result: result_line(shown.restoration),
            card: catalogue.card(model),
            link: None,
        }

    def show_new(token: str | None, model: str | None, ratio: object) -> dict[Any, Any]:
        session = open_session(token)
        if not session.keep_ratio:
            ratio = {"auto": True}
        session.keep_ratio = False
        raw = isinstance(session.require_photo(), RawPhoto)
        return {
            **show(token, model, ratio, "as_shot"),
            metadata: tables.facts(restoring.photo_facts(session), text.METADATA),
            balance: gr.update(visible=raw, value="as_shot"),
        }

    def show_full(
        token: str | None, model: str | None, ratio: object, progress: gr.Progress = _PROGRESS
    ) -> dict[Any, Any]:
        session = open_session(token)
        progress((0, 2), desc="Restoring the whole photo", unit="steps")
        restoration = restoring.full(session, require_model(model), chosen_ratio(ratio))
        progress((1, 2), desc="Writing the picture", unit="steps")
        return {
            shared.token: session.token,
            shared.message: "",
            remarks: note(restoring.notes(session, restoration)),
            viewer: full_value(session, restoration),
            result: result_line(restoration),
        }

    def save(
        token: str | None, model: str | None, ratio: object, kind: str, progress: gr.Progress = _PROGRESS
    ) -> dict[Any, Any]:
        session = open_session(token)
        progress((0, 1), desc="Restoring and writing the file", unit="steps")
        path = restoring.save(session, require_model(model), chosen_ratio(ratio), kind)
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        words = text.PREPARED.format(name=path.name, size=size)
        return {
            shared.token: session.token,
            link: {"src": address(path), "name": path.name, "label": words},
            shared.message: "",
        }

    def draw_histogram(token: str | None, axis: str) -> dict[Any, Any]:
        shown = open_session(token).shown if token else None
        return {plot: histogram(*shown, axis="stops" if axis == "stops" else "srgb") if shown else None}

    guard = reported(shared.message)
    choices = [shared.token, shared.model, shared.ratio]
    outputs = [shared.token, shared.ratio, shared.message, viewer, result, remarks, card, link]
    quick: dict[str, Any] = {
        "concurrency_id": PREVIEWS,
        "concurrency_limit": 2,
        "api_visibility": "private",
        "trigger_mode": "always_last",
        "show_progress": "minimal",
        "show_progress_on": [result],
    }
    silent: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    renewed = shared.photo.change(guard(show_new), choices, [*outputs, metadata, balance], **quick)
    changed = gr.on(
        [shared.model.input, shared.ratio.release, balance.input], guard(show), [*choices, balance], outputs, **quick
    )
    for event in (renewed, changed):
        event.then(None, [shared.model, shared.ratio], js=WRITE_ADDRESS)
        event.then(guard(draw_histogram), [shared.token, axis], [plot, shared.message], **silent)
    axis.input(guard(draw_histogram), [shared.token, axis], [plot, shared.message], **silent)
    long: dict[str, Any] = {"concurrency_id": LONG_WORK, "concurrency_limit": 1, "api_visibility": "private"}
    full_button.click(
        guard(show_full),
        choices,
        [shared.token, shared.message, viewer, result, remarks],
        show_progress_on=[viewer],
        **long,
    )
    save_button.click(
        guard(save), [*choices, file_format], [shared.token, link, shared.message], show_progress_on=[link], **long
    )
