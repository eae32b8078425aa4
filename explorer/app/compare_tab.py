"""Several models on one photo, side by side under one zoom."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, cast

import gradio as gr

from explorer.app import catalogue, restoring, text
from explorer.app.components import chosen_ratio, html, note, problem, tiles
from explorer.app.feedback import reported, sentence
from explorer.app.pictures import input_tile, model_tile, ratio_words, seconds_words
from explorer.app.sessions import open_session
from explorer.app.shared import PREVIEWS, Shared
from explorer.errors import ExplorerError, ModelNotFoundError
from explorer.views import tables
from explorer.views.pictures import FloatArray

NAME = "compare"
TITLE = text.TAB_COMPARE

AT_FIRST = 4
"""Models chosen when the page opens."""


def build(shared: Shared) -> None:
    """Lays the tab out and wires it."""
    names = [name for name in catalogue.models() if name != "identity"]
    with gr.Row(elem_classes="lx-bar"):
        chosen = gr.Dropdown(
            choices=list(catalogue.choices(names)),
            value=names[:AT_FIRST],
            multiselect=True,
            label=text.COMPARE_MODELS,
            elem_id="lx-compare-models",
            scale=6,
        )
        same = gr.Radio(
            choices=list(text.COMPARE_RATIOS), value="own", label=text.RATIO, elem_id="lx-compare-ratio", scale=3
        )
        run = gr.Button(text.COMPARE_RUN, variant="primary", elem_id="lx-compare-run", scale=1, min_width=110)
        stop = gr.Button(text.STOP, elem_id="lx-compare-stop", scale=1, min_width=80)
    status = html(elem_id="lx-compare-status")
    board = tiles("lx-compare-tiles", text.COMPARE_EMPTY, can_blind=True)
    table = html(elem_id="lx-compare-table")

    def compare(token: str | None, models: list[str], source: str, ratio: object) -> Iterator[dict[Any, Any]]:
        session = open_session(token)
        session.require_photo()
        if not models:
            raise ModelNotFoundError(text.COMPARE_NONE)
        wanted = chosen_ratio(ratio) if source == "same" else "auto"
        batch = secrets.token_hex(4)
        shown = [input_tile(session, cast(FloatArray, session.as_taken))]
        rows: list[list[object]] = []
        failures: list[str] = []
        for done, model in enumerate(models):
            words = text.COMPARE_PROGRESS.format(done=done, total=len(models))
            yield {
                shared.token: session.token,
                board: {"batch": batch, "tiles": list(shown)},
                status: note([words]),
                shared.message: "",
            }
            try:
                result = restoring.preview(session, model, wanted).restoration
            except ExplorerError as error:  # one model that cannot be had must not hide the others
                failures.append(sentence(error))
                continue
            shown.append(model_tile(session, result))
            size = catalogue.short_count(catalogue.models()[model].parameters or 0)
            level = round(float(result.image.mean()), 3)
            rows.append([catalogue.label(model), seconds_words(result.seconds), ratio_words(result.ratio), size, level])
        yield {
            board: {"batch": batch, "tiles": shown},
            status: note([text.COMPARE_PROGRESS.format(done=len(rows), total=len(models))]),
            table: tables.grid(text.COMPARE_COLUMNS, rows, text.COMPARE_TABLE)
            + f'<p class="lx-note">{text.COMPARE_HELP}</p>',
            shared.message: problem(" ".join(failures)) if failures else "",
        }

    event = run.click(
        reported(shared.message)(compare),
        [shared.token, chosen, same, shared.ratio],
        [shared.token, shared.message, board, status, table],
        concurrency_id=PREVIEWS,
        concurrency_limit=2,
        api_visibility="private",
        show_progress="hidden",
    )
    stop.click(None, cancels=[event])
    shared.photo.change(
        lambda: (None, "", ""), outputs=[board, status, table], api_visibility="private", show_progress="hidden"
    )
