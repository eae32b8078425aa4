"""The tab that does the main job: a dark photo in, a restored photo out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.app import catalogue, restoring, text
from explorer.app.components import before_after, chosen_ratio, download_link, html, note, ratio_slider
from explorer.app.feedback import reported
from explorer.app.pictures import full_value, preview_value, ratio_value, result_line, score_line
from explorer.app.sessions import address, open_session
from explorer.app.shared import LONG_WORK, PREVIEWS, Address, Shared
from explorer.errors import ModelNotFoundError
from explorer.photo.types import RawPhoto
from explorer.settings import LIMITS, Finish, check_finish, with_finish
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


@dataclass(frozen=True)
class _Parts:
    """What the tab lays out."""

    card: gr.HTML
    balance: gr.Radio
    finish: list[gr.Slider]
    reset: gr.Button
    reference: gr.File
    reference_note: gr.HTML
    full: gr.Button
    file_format: gr.Dropdown
    save: gr.Button
    link: gr.HTML
    viewer: gr.HTML
    result: gr.HTML
    scores: gr.HTML
    remarks: gr.HTML
    axis: gr.Radio
    plot: gr.Plot
    metadata: gr.HTML


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


def _lay_out(shared: Shared) -> _Parts:
    parts: dict[str, Any] = {}
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=1, min_width=300, elem_classes="lx-controls"):
            shared.model.render()
            parts["card"] = html(catalogue.card(catalogue.default_model()), elem_id="lx-card")
            shared.ratio.render()
            parts["balance"] = gr.Radio(
                choices=list(text.WHITE_BALANCES),
                value="as_shot",
                label=text.WHITE_BALANCE,
                visible=False,
                elem_id="lx-balance",
                elem_classes="lx-segments",
            )
            with gr.Accordion(text.FINISH, open=False, elem_id="lx-finish"):
                parts["finish"] = [
                    gr.Slider(
                        -LIMITS[name],
                        LIMITS[name],
                        0.0,
                        step=0.05,
                        label=label,
                        elem_id=f"lx-finish-{name}",
                        buttons=[],
                    )
                    for name, label in text.FINISH_STEPS.items()
                ]
                parts["reset"] = gr.Button(text.FINISH_RESET, size="sm", elem_id="lx-finish-reset")
            with gr.Accordion(text.REFERENCE, open=False, elem_id="lx-reference-box"):
                parts["reference_note"] = html(f'<p class="lx-note">{text.REFERENCE_HELP}</p>')
                parts["reference"] = gr.File(
                    type="filepath", label=text.REFERENCE_UPLOAD, height=96, elem_id="lx-reference",
                    elem_classes="lx-drop",
                )  # fmt: skip
            parts["full"] = gr.Button(text.FULL, variant="primary", elem_id="lx-full")
            with gr.Row(elem_classes="lx-save"):
                parts["file_format"] = gr.Dropdown(
                    choices=list(text.FORMATS), value="png8", label=text.FORMAT, filterable=False, elem_id="lx-format"
                )
                parts["save"] = gr.Button(text.DOWNLOAD, elem_id="lx-save")
            parts["link"] = download_link("lx-download")
        with gr.Column(scale=3, min_width=340, elem_classes="lx-stage"):
            parts["viewer"] = before_after()
            parts["result"] = html(elem_id="lx-result")
            parts["scores"] = html(elem_id="lx-scores")
            parts["remarks"] = html(elem_id="lx-remarks")
    with gr.Row(elem_classes="lx-lower"):
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.HISTOGRAM}</h2><p class='lx-note'>{text.HISTOGRAM_HELP}</p>")
            parts["axis"] = gr.Radio(
                choices=list(text.HISTOGRAM_AXES), value="srgb", show_label=False, label=text.HISTOGRAM_AXIS,
                elem_id="lx-axis", elem_classes="lx-segments",
            )  # fmt: skip
            parts["plot"] = gr.Plot(format="png", show_label=False, label=text.HISTOGRAM, elem_id="lx-histogram")
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.METADATA}</h2>")
            parts["metadata"] = html(elem_id="lx-metadata")
    return _Parts(**parts)


def _finish_of(values: Sequence[float]) -> Finish:
    return check_finish(dict(zip(text.FINISH_STEPS, values, strict=True)))


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    page = _lay_out(shared)

    def finish_in(values: dict[Any, Any]) -> Finish:
        return _finish_of([values[slider] for slider in page.finish])

    def show(token: str | None, model: str | None, ratio: object, choice: str, *finish: float) -> dict[Any, Any]:
        session = open_session(token)
        restoring.set_white_balance(session, choice)
        steps = _finish_of(finish)
        shown = restoring.finished_preview(session, require_model(model), chosen_ratio(ratio), steps)
        session.shown = (shown.as_taken, shown.restoration.image)
        return {
            shared.token: session.token,
            shared.ratio: ratio_value(shown),
            shared.message: "",
            page.remarks: note(restoring.notes(session, shown.restoration)),
            page.viewer: preview_value(session, shown),
            page.result: result_line(shown.restoration),
            page.card: catalogue.card(model),
            page.link: None,
            page.metadata: tables.facts(restoring.photo_facts(session), text.METADATA),
        }

    def show_new(token: str | None, model: str | None, ratio: object, *finish: float) -> dict[Any, Any]:
        session = open_session(token)
        if not session.keep_ratio:
            ratio = {"auto": True}
        session.keep_ratio = False
        raw = isinstance(session.require_photo(), RawPhoto)
        words = text.REFERENCE_OWN if session.reference else text.REFERENCE_HELP
        return {
            **show(token, model, ratio, "as_shot", *finish),
            page.balance: gr.update(visible=raw, value="as_shot"),
            page.reference: None,
            page.reference_note: f'<p class="lx-note">{words}</p>',
        }

    def show_full(values: dict[Any, Any], progress: gr.Progress = _PROGRESS) -> dict[Any, Any]:
        session = open_session(values[shared.token])
        progress((0, 2), desc=text.WHOLE, unit="steps")
        model, ratio = require_model(values[shared.model]), chosen_ratio(values[shared.ratio])
        restoration = with_finish(restoring.full(session, model, ratio), finish_in(values))
        progress((1, 2), desc=text.WRITING, unit="steps")
        return {
            shared.token: session.token,
            shared.message: "",
            page.remarks: note(restoring.notes(session, restoration)),
            page.viewer: full_value(session, restoration),
            page.result: result_line(restoration),
            page.scores: score_line(restoring.scores(session, restoration.image)),
        }

    def save(values: dict[Any, Any], progress: gr.Progress = _PROGRESS) -> dict[Any, Any]:
        session = open_session(values[shared.token])
        progress((0, 1), desc=text.WRITING, unit="steps")
        model, ratio = require_model(values[shared.model]), chosen_ratio(values[shared.ratio])
        path = restoring.save(session, model, ratio, values[page.file_format], finish_in(values))
        bytes_ = path.stat().st_size
        size = f"{bytes_ / 1e6:.1f} MB" if bytes_ > 1e5 else f"{bytes_ / 1e3:.1f} kB"
        words = text.PREPARED.format(name=path.name, size=size)
        return {
            shared.token: session.token,
            page.link: {"src": address(path), "name": path.name, "label": words},
            shared.message: "",
        }

    def take_reference(token: str | None, path: str | None) -> dict[Any, Any]:
        session = open_session(token)
        if path is None:
            session.reference = None
        else:
            restoring.open_reference(session, path)
        return {shared.token: session.token, shared.message: ""}

    def after(token: str | None, axis: str) -> dict[Any, Any]:
        """What is drawn once the picture is there, so that it never waits for it."""
        session = open_session(token)
        if session.shown is None:
            return {page.plot: None, page.scores: ""}
        return {
            page.plot: histogram(*session.shown, axis="stops" if axis == "stops" else "srgb"),
            page.scores: score_line(restoring.scores(session, session.shown[1])),
        }

    guard = reported(shared.message)
    choices = [shared.token, shared.model, shared.ratio]
    outputs = [
        shared.token, shared.ratio, shared.message, page.viewer, page.result, page.remarks, page.card, page.link,
        page.metadata,
    ]  # fmt: skip
    quick: dict[str, Any] = {
        "concurrency_id": PREVIEWS,
        "concurrency_limit": 2,
        "api_visibility": "private",
        "trigger_mode": "always_last",
        "show_progress": "minimal",
        "show_progress_on": [page.result],
    }
    silent: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_id": PREVIEWS,
        "concurrency_limit": 2,
    }
    renewed = shared.photo.change(
        guard(show_new),
        [*choices, *page.finish],
        [*outputs, page.balance, page.reference, page.reference_note],
        **quick,
    )
    inputs = [*choices, page.balance, *page.finish]
    neutral = page.reset.click(lambda: [0.0] * len(page.finish), None, page.finish, **silent)
    undone = neutral.then(guard(show), inputs, outputs, **{**quick, "trigger_mode": "once"})
    changed = gr.on(
        [
            shared.model.input,
            shared.ratio.release,
            page.balance.input,
            *(slider.input for slider in page.finish),
        ],
        guard(show),
        inputs,
        outputs,
        **quick,
    )
    measured = gr.on(
        [page.reference.upload, page.reference.clear],
        guard(take_reference),
        [shared.token, page.reference],
        [shared.token, shared.message],
        **silent,
    )
    for event in (renewed, changed, undone, measured):
        event.then(None, [shared.model, shared.ratio], js=WRITE_ADDRESS)
        event.then(guard(after), [shared.token, page.axis], [page.plot, page.scores, shared.message], **silent)
    page.axis.input(guard(after), [shared.token, page.axis], [page.plot, page.scores, shared.message], **silent)
    long: dict[str, Any] = {"concurrency_id": LONG_WORK, "concurrency_limit": 1, "api_visibility": "private"}
    page.full.click(
        guard(show_full),
        {*choices, *page.finish},
        [shared.token, shared.message, page.viewer, page.result, page.remarks, page.scores],
        show_progress_on=[page.viewer],
        **long,
    )
    page.save.click(
        guard(save),
        {*choices, page.file_format, *page.finish},
        [shared.token, page.link, shared.message],
        show_progress_on=[page.link],
        **long,
    )
    return {}
