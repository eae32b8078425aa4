"""The tab that does the main job: a dark photo in, a restored photo out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from explorer.app import catalogue, importing, restoring, text
from explorer.app.components import before_after, chosen_ratio, download_link, html, note, problem, ratio_slider
from explorer.app.detail import detail
from explorer.app.feedback import reported
from explorer.app.pictures import detail_value, full_value, preview_value, ratio_value, result_line, score_line
from explorer.app.sessions import Session, address, open_session
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
    imported: gr.State
    balance: gr.Radio
    point: list[gr.Number]
    point_row: gr.Column
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
            with gr.Column(visible=False, elem_id="lx-neutral", elem_classes="lx-tight") as parts["point_row"]:
                html(f'<p class="lx-note">{text.NEUTRAL_HELP}</p>')
                with gr.Row(elem_classes="lx-pair"):
                    parts["point"] = [
                        gr.Number(
                            None, label=label, minimum=0, precision=0, min_width=110, elem_id=f"lx-neutral-{axis}"
                        )
                        for label, axis in ((text.NEUTRAL_X, "x"), (text.NEUTRAL_Y, "y"))
                    ]
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
            section, parts["imported"] = importing.build(shared)
            shared.importing.append(section)
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
    shared.pickers[shared.model] = catalogue.pickable

    def finish_in(values: dict[Any, Any]) -> Finish:
        return _finish_of([values[slider] for slider in page.finish])

    def show(values: dict[Any, Any]) -> dict[Any, Any]:
        session = open_session(values[shared.token])
        point = [values[each] for each in page.point]
        patch = None if None in point else (float(point[0]), float(point[1]))
        restoring.set_white_balance(session, values[page.balance], patch)
        model, ratio = require_model(values[shared.model]), values[shared.ratio]
        shown = restoring.finished_preview(session, model, chosen_ratio(ratio), finish_in(values))
        session.shown = (shown.as_taken, shown.restoration.image)
        session.choice = {"model": model, "ratio": ratio_value(shown)}
        words, session.greeting = session.greeting, ()
        return {
            shared.token: session.token,
            shared.ratio: ratio_value(shown),
            shared.message: problem(" ".join(words)) if words else "",
            page.remarks: note(restoring.notes(session, shown.restoration)),
            page.viewer: preview_value(session, shown),
            page.result: result_line(shown.restoration),
            page.card: catalogue.card(model),
            page.link: None,
            page.metadata: tables.facts(restoring.photo_facts(session), text.METADATA),
            page.point_row: gr.update(visible=values[page.balance] == restoring.NEUTRAL),
        }

    def show_new(values: dict[Any, Any]) -> dict[Any, Any]:
        session = open_session(values[shared.token])
        ratio = values[shared.ratio] if session.keep_ratio else {"auto": True}
        session.keep_ratio = False
        raw = isinstance(session.require_open(), RawPhoto)
        own = session.example is not None and session.kept_reference is not None
        if not session.keep_balance:
            restoring.set_white_balance(session, "as_shot")
        session.keep_balance = False
        now = balance_now(session)
        given = dict(zip(page.point, session.point or (None, None), strict=True))
        return {
            **show({**values, **given, shared.ratio: ratio, page.balance: session.white_balance}),
            **now,
            page.balance: gr.update(visible=raw, value=session.white_balance),
            page.reference: None,
            page.reference_note: f'<p class="lx-note">{text.REFERENCE_OWN if own else text.REFERENCE_HELP}</p>',
        }

    def balance_now(session: Session) -> dict[Any, Any]:
        """The controls of the white balance as the session has it."""
        x, y = session.point or (None, None)
        return {
            page.balance: session.white_balance,
            page.point[0]: x,
            page.point[1]: y,
            page.point_row: gr.update(visible=session.white_balance == restoring.NEUTRAL),
        }

    def as_shown(values: dict[Any, Any]) -> dict[Any, Any]:
        """After a choice that failed: the controls as what the page shows was made."""
        session = open_session(values[shared.token])
        if not session.choice:
            return {}
        model = {shared.model: session.choice["model"], shared.ratio: session.choice["ratio"]}
        return {**model, **balance_now(session), page.card: catalogue.card(session.choice["model"])}

    def show_detail(values: dict[Any, Any]) -> dict[Any, Any]:
        session = open_session(values[shared.token])
        shown = values[page.viewer] or {}
        window = shown.get("window")
        if not window:
            return {}
        left, top, right, bottom = (float(share) for share in window)
        found = detail(session, (left, top, right, bottom), finish_in(values), int(shown.get("side") or 1))
        if found is None or shown.get("revision") != session.viewed:
            return {}  # another picture is on its way
        full = int(shown["width"]), int(shown["height"])
        return {page.viewer: {**shown, "detail": detail_value(session, found, full)}}

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
            session.reference, session.reference_source = None, None
        else:
            restoring.open_reference(session, path, isolated=True)
        session.reference_file = path
        return {shared.token: session.token, shared.message: ""}

    def same_reference(token: str | None, _path: str | None) -> dict[Any, Any]:
        return {page.reference: open_session(token).reference_file}

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
    guard_choice = reported(shared.message, as_shown)
    balance = [page.balance, *page.point, page.point_row]
    inputs: set[Any] = {
        shared.token, shared.model, shared.ratio, page.balance, *page.point, *page.finish,
    }  # fmt: skip
    outputs = [
        shared.token, shared.model, shared.ratio, shared.message, page.viewer, page.result, page.remarks, page.card,
        page.link, page.metadata, *balance,
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
    once = {**quick, "trigger_mode": "once"}
    renewed = shared.photo.change(guard(show_new), inputs, [*outputs, page.reference, page.reference_note], **quick)
    neutral = page.reset.click(lambda: [0.0] * len(page.finish), None, page.finish, **silent)
    undone = neutral.then(guard_choice(show), inputs, outputs, **once)
    changed = gr.on(
        [
            shared.model.input,
            shared.ratio.release,
            *(number.submit for number in page.point),
            *(number.blur for number in page.point),
            *(slider.input for slider in page.finish),
            page.imported.change,
        ],
        guard_choice(show),
        inputs,
        outputs,
        **quick,
    )
    balanced = page.balance.input(
        lambda choice: gr.update(visible=choice == restoring.NEUTRAL), page.balance, page.point_row, **silent
    ).then(guard_choice(show), inputs, outputs, **once)
    page.balance.input(None, page.balance, js="(choice) => lxPick(choice === 'neutral')")
    picked = page.viewer.select(
        None, page.viewer, [*page.point, page.balance], js="(shown) => [...shown.picked, 'neutral']"
    ).then(guard_choice(show), inputs, outputs, **once)
    measured = gr.on(
        [page.reference.upload, page.reference.clear],
        reported(shared.message, same_reference)(take_reference),
        [shared.token, page.reference],
        [shared.token, shared.message, page.reference],
        **silent,
    )
    page.viewer.input(
        guard(show_detail), {shared.token, page.viewer, *page.finish}, [page.viewer, shared.message],
        **{**silent, "trigger_mode": "always_last"},
    )  # fmt: skip
    for event in (renewed, changed, undone, balanced, picked, measured):
        event.then(None, [shared.model, shared.ratio], js=WRITE_ADDRESS)
        event.then(None, page.finish, js=_WRITE_FINISH)
        event.then(guard(after), [shared.token, page.axis], [page.plot, page.scores, shared.message], **silent)
    page.axis.input(guard(after), [shared.token, page.axis], [page.plot, page.scores, shared.message], **silent)
    long: dict[str, Any] = {"concurrency_id": LONG_WORK, "concurrency_limit": 1, "api_visibility": "private"}
    choices = [shared.token, shared.model, shared.ratio]
    gr.on(
        [page.full.click, page.viewer.submit],
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
    steps = zip(text.FINISH_STEPS, page.finish, strict=True)
    return {name: (slider, partial(_step_in_address, name)) for name, slider in steps}


_WRITE_FINISH = (
    f"(...steps) => lxSteps(Object.fromEntries({json.dumps(list(text.FINISH_STEPS))}"
    ".map((name, k) => [name, steps[k] || null])))"
)
"""JavaScript: keeps the steps after the network in the page's address, those that do something."""


def _step_in_address(name: str, typed: str) -> float | None:
    """What an address asks of a step after the network, within its limits; None where it is no number."""
    try:
        value = float(typed)
    except ValueError:
        return None
    return None if math.isnan(value) else min(max(value, -LIMITS[name]), LIMITS[name])
