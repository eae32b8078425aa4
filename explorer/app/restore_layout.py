"""The layout of the Restore tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.app import importing, long_work, model_picker, text
from explorer.app.components import before_after, download_link, html, model_dropdown, ratio_slider, shown_if
from explorer.app.long_work import LongWork
from explorer.app.shared import Shared
from explorer.photo.light.strength import FULL
from explorer.sidecar import LIMITS

PRESETS = {
    "shadows": {"exposure": 0.25, "shadows": 0.5},
    "contrast": {"contrast": 0.3, "shadows": -0.1},
    "warm": {"warmth": 0.3, "tint": 0.05},
    "night": {"exposure": -0.6, "contrast": 0.15, "warmth": -0.15},
}
"""Finishing steps that go together, by the name of their button; all others are 0."""


def preset(name: str) -> list[float]:
    """The values of all steps, in order."""
    return [PRESETS[name].get(step, 0.0) for step in text.FINISH_STEPS]


@dataclass(frozen=True)
class Controls:
    """Components that other tabs share."""

    model: gr.Dropdown
    ratio: gr.HTML


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    card: gr.HTML
    advice: gr.HTML
    imported: gr.State
    strength: gr.Slider
    balance: gr.Radio
    point: list[gr.Number]
    point_row: gr.Column
    black_level: gr.Radio
    finish: list[gr.Slider]
    reset: gr.Button
    presets: list[gr.Button]
    reference: gr.File
    reference_note: gr.HTML
    full: gr.Button
    file_format: gr.Dropdown
    save: gr.Button
    link: gr.HTML
    estimate: gr.HTML
    long: LongWork
    viewer: gr.HTML
    result: gr.HTML
    scores: gr.HTML
    remarks: gr.HTML
    axis: gr.Radio
    plot: gr.Plot
    metadata: gr.HTML


def controls() -> Controls:
    """Creates model and ratio without placing them on the page; `build` renders them."""
    model = model_dropdown(text.MODEL, "lx-model", render=False)
    return Controls(model, ratio_slider(render=False))


def layout(shared: Shared) -> Parts:
    """The tab's parts on the page."""
    parts: dict[str, Any] = {}
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=1, min_width=300, elem_classes="lx-controls"):
            shared.model.render()
            shared.ratio.render()
            parts["strength"] = gr.Slider(0, FULL, FULL, step=1, label=text.STRENGTH, elem_id="lx-strength", buttons=[])
            parts |= _files(shared)
            parts["card"] = html(model_picker.card(model_picker.default_model()), elem_id="lx-card")
            parts["advice"] = html(elem_id="lx-advice")
            parts |= _balance() | _folds(shared)
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
    return Parts(**parts)


def _balance() -> dict[str, Any]:
    """White balance and black level, for RAW photos."""
    balance = gr.Radio(
        choices=list(text.WHITE_BALANCES), value="as_shot", label=text.WHITE_BALANCE, visible=shown_if(False),
        elem_id="lx-balance", elem_classes="lx-segments",
    )  # fmt: skip
    with gr.Column(visible=False, elem_id="lx-neutral", elem_classes="lx-tight") as point_row:
        html(f'<p class="lx-note">{text.NEUTRAL_HELP}</p>')
        with gr.Row(elem_classes="lx-pair"):
            point = [
                gr.Number(None, label=label, minimum=0, precision=0, min_width=110, elem_id=f"lx-neutral-{axis}")
                for label, axis in ((text.NEUTRAL_X, "x"), (text.NEUTRAL_Y, "y"))
            ]
    black_level = gr.Radio(
        choices=list(text.BLACK_LEVELS), value="auto", label=text.BLACK_LEVEL, visible=shown_if(False),
        elem_id="lx-black-level", elem_classes="lx-segments",
    )  # fmt: skip
    return {"balance": balance, "point": point, "point_row": point_row, "black_level": black_level}


def _folds(shared: Shared) -> dict[str, Any]:
    """The sections that start folded: finishing, the reference, published weights."""
    with gr.Accordion(text.FINISH, open=False, elem_id="lx-finish"):
        with gr.Row(elem_classes="lx-presets"):
            presets = [
                gr.Button(words, size="sm", min_width=110, elem_id=f"lx-preset-{name}")
                for words, name in text.FINISH_PRESETS
            ]
        finish = [
            gr.Slider(-LIMITS[name], LIMITS[name], 0.0, step=0.05, label=label, elem_id=f"lx-finish-{name}", buttons=[])
            for name, label in text.FINISH_STEPS.items()
        ]
        reset = gr.Button(text.FINISH_RESET, size="sm", elem_id="lx-finish-reset")
    with gr.Accordion(text.REFERENCE, open=False, elem_id="lx-reference-box"):
        reference_note = html(f'<p class="lx-note">{text.REFERENCE_HELP}</p>')
        reference = gr.File(
            type="filepath", label=text.REFERENCE_UPLOAD, height=96, elem_id="lx-reference", elem_classes="lx-drop"
        )
    section, imported = importing.build(shared)
    shared.importing.append(section)
    return {
        "finish": finish, "reset": reset, "presets": presets, "reference_note": reference_note, "reference": reference,
        "imported": imported,
    }  # fmt: skip


def _files(shared: Shared) -> dict[str, Any]:
    """The button for the whole photo, and its download."""
    full = gr.Button(text.FULL, variant="primary", elem_id="lx-full")
    with gr.Row(elem_classes="lx-save"):
        file_format = gr.Dropdown(
            choices=list(text.FORMATS), value="png8", label=text.FORMAT, filterable=False, elem_id="lx-format"
        )
        save = gr.Button(text.DOWNLOAD, elem_id="lx-save")
    estimate = html(elem_id="lx-estimate")
    long = long_work.layout(shared, "whole")
    return {
        "full": full, "file_format": file_format, "save": save, "estimate": estimate, "long": long,
        "link": download_link("lx-download"),
    }  # fmt: skip
