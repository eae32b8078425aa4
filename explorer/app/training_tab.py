"""The Training tab: a network's training curves, and its validation picture step by step."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from explorer.app import model_picker, text
from explorer.app.components import html, player, ranking
from explorer.app.feedback import reported
from explorer.app.sessions import Session, open_session
from explorer.app.shared import QUICK, Address, Shared, once
from explorer.errors import DataError
from explorer.inspect.runs import MOST_FRAMES, Run, find_runs, read_run, replay_frames
from explorer.metrics import digits_of
from explorer.views.plots import figure_title, training_curves

NAME = "training"
TITLE = text.TAB_TRAINING
PLACE = 90


def known_runs() -> dict[str, Any]:
    """Folders of runs by name, listed again each time because a training may have begun meanwhile."""
    return find_runs({name: info.weights for name, info in model_picker.models().items() if info.weights})


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    choices: gr.Row
    first: gr.Dropdown
    second: gr.Dropdown
    figure: gr.Dropdown
    status: gr.HTML
    curves: gr.Row
    validation: gr.Plot
    loss: gr.Plot
    pictures: gr.Column
    left: gr.HTML
    right: gr.HTML
    table: gr.HTML


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    return wire(shared, layout())


def layout() -> Parts:
    """The tab's parts on the page."""
    with gr.Row(elem_classes="lx-bar", visible=False) as choices:
        first = gr.Dropdown(choices=[], label=text.TRAINING_RUN, elem_id="lx-training-run", scale=4)
        second = gr.Dropdown(choices=[], label=text.TRAINING_OTHER, elem_id="lx-training-other", scale=4)
        figures = _choices(["psnr"])
        figure = gr.Dropdown(choices=figures, value="psnr", label=text.TRAINING_FIGURE, scale=2, filterable=False)
    status = html(f'<p class="lx-note">{text.TRAINING_EMPTY}</p>', elem_id="lx-training-status")
    with gr.Row(elem_classes="lx-lower", visible=False) as curves:
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.TRAINING_VALIDATION}</h2>")
            validation = gr.Plot(format="png", show_label=False, label=text.TRAINING_FIGURE, elem_id="lx-training-psnr")
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.TRAINING_LOSS}</h2>")
            loss = gr.Plot(format="png", show_label=False, label=text.TRAINING_LOSS, elem_id="lx-training-loss")
    with gr.Column(elem_classes="lx-section", visible=False) as pictures:
        html(f'<h2>{text.TRAINING_REPLAY}</h2><p class="lx-note">{text.TRAINING_REPLAY_HELP}</p>')
        with gr.Row(elem_classes="lx-players"):
            left = player("lx-training-replay", text.TRAINING_REPLAY_EMPTY)
            right = player("lx-training-replay-other", "")
        table = ranking("lx-training-table", text.TRAINING_FACTS)
    return Parts(choices, first, second, figure, status, curves, validation, loss, pictures, left, right, table)


def chosen_runs(name: str | None, other: str | None) -> list[Run]:
    """The chosen run, and the second one if there is one; nothing if no run is known.

    Raises:
        DataError: runs are known, but not this one.
    """
    folders = known_runs()
    if folders and name not in folders:
        raise DataError(text.TRAINING_NONE)
    return [read_run(each, folders[each]) for each in dict.fromkeys([name, other]) if each in folders]


def wire(shared: Shared, parts: Parts) -> Address:
    """Connects the components' events to their handlers."""

    def list_runs(current: str | None, other: str | None) -> dict[Any, Any]:
        names = list(known_runs())
        seen = {part: gr.update(visible=bool(names)) for part in (parts.choices, parts.curves, parts.pictures)}
        if not names:
            return {**seen, parts.status: f'<div class="lx-empty"><p>{escape(text.TRAINING_NONE)}</p></div>'}
        chosen = current if current in names else names[0]
        rest = [name for name in names if name != chosen]
        return {
            **seen,
            parts.first: gr.update(choices=names, value=chosen),
            parts.second: gr.update(choices=rest, value=other if other in rest else None),
            parts.status: "",
        }

    def show(token: str | None, name: str | None, other: str | None, wanted: str) -> dict[Any, Any]:
        session = open_session(token)
        runs = chosen_runs(name, other)
        if not runs:
            return {}
        known = list(dict.fromkeys(each for run in runs for each in run.figures)) or ["psnr"]
        wanted = wanted if wanted in known else known[0]
        logs = {run.name: run.entries for run in runs}
        return {
            shared.token: session.token,
            shared.message: "",
            parts.figure: gr.update(choices=_choices(known), value=wanted),
            parts.validation: training_curves(logs, wanted),
            parts.loss: training_curves(logs, "loss"),
            parts.left: _replay(session, runs[0]),
            parts.right: _replay(session, runs[1]) if len(runs) > 1 else None,
            parts.table: _table(runs, known),
        }

    guard = reported(shared.message)
    first, second, figure = parts.first, parts.second, parts.figure
    shown = [parts.validation, parts.loss, parts.left, parts.right, parts.table]
    showing = guard(show), [shared.token, first, second, figure], [shared.token, shared.message, figure, *shown]
    quick = {**once(QUICK), "show_progress": "hidden"}
    seen = [first, second, parts.status, parts.choices, parts.curves, parts.pictures, shared.message]
    shared.tabs[NAME].select(guard(list_runs), [first, second], seen, **quick).then(*showing, **quick)
    gr.on([first.input, second.input, figure.input], *showing, **{**QUICK, "show_progress": "hidden"})
    first.input(None, first, js="(run) => lxAddress({run})")

    def run_named(name: str) -> Any:
        names = list(known_runs())
        return gr.update(choices=names, value=name) if name in names else None

    return {"run": (first, run_named)}


def _choices(figures: list[str]) -> list[tuple[str, str]]:
    return [(figure_title(each), each) for each in figures]


def _replay(session: Session, run: Run) -> dict[str, Any]:
    frames = [
        {
            "src": session.serve(frame.picture, group="training", keep=3 * MOST_FRAMES),
            "label": text.TRAINING_STEP.format(step=frame.step),
            "alt": text.TRAINING_FRAME_ALT.format(run=run.name, step=frame.step),
        }
        for frame in replay_frames(run)
    ]
    return {"batch": secrets.token_hex(4), "milliseconds": 400, "frames": frames}


def _table(runs: list[Run], figures: list[str]) -> dict[str, Any]:
    rows = []
    for run in runs:
        last = run.validations[-1]["validation"] if run.validations else {}
        seconds = run.entries[-1].get("seconds")
        hours = seconds / 3600 if isinstance(seconds, int | float) else None
        rows.append([run.name, run.entries[-1]["step"], hours, *(last.get(each) for each in figures)])
    columns: list[dict[str, Any]] = [
        {"title": text.TRAINING_COLUMN_RUN},
        {"title": text.TRAINING_COLUMN_STEPS, "digits": 0},
        {"title": text.TRAINING_COLUMN_HOURS, "digits": 1},
        *({"title": figure_title(each), "digits": digits_of(each)} for each in figures),
    ]
    return {"columns": columns, "rows": rows, "caption": text.TRAINING_FACTS, "note": text.TRAINING_NOTE}
