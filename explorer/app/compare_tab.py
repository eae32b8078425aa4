"""Several models and ratios on one photo, side by side under one zoom; one model over many ratios."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.app import catalogue, compare, text
from explorer.app.components import (
    RatioChoice,
    chosen_ratio,
    download_link,
    html,
    note,
    player,
    problem,
    ranking,
    tiles,
)
from explorer.app.feedback import reported
from explorer.app.sessions import address, open_session
from explorer.app.shared import LONG, SILENT, Address, Shared

NAME = "compare"
TITLE = text.TAB_COMPARE


@dataclass(frozen=True)
class SweepParts:
    """The lower half: one model over many ratios."""

    model: gr.Dropdown
    low: gr.Number
    high: gr.Number
    count: gr.Number
    run: gr.Button
    strip: gr.HTML
    animation: gr.HTML
    link: gr.HTML


@dataclass(frozen=True)
class Parts:
    """What the tab lays out."""

    chosen: gr.Dropdown
    source: gr.Radio
    listed: gr.Textbox
    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    board: gr.HTML
    table: gr.HTML
    plot: gr.Plot
    sweep: SweepParts


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    return wire(shared, layout())


def layout() -> Parts:
    """The tab's parts on the page."""
    names = compare.comparable()
    with gr.Row(elem_classes="lx-bar"):
        chosen = gr.Dropdown(
            choices=list(catalogue.choices(names)),
            value=catalogue.unlike(compare.AT_FIRST),
            multiselect=True,
            label=text.COMPARE_MODELS,
            elem_id="lx-compare-models",
            scale=5,
        )
        with gr.Column(scale=5, min_width=440, elem_classes="lx-tight"):
            source = gr.Radio(
                choices=list(text.COMPARE_RATIOS), value="own", label=text.RATIO, elem_id="lx-compare-ratio",
                elem_classes="lx-segments",
            )  # fmt: skip
            listed = gr.Textbox(
                value="auto, 10, 30", label=text.COMPARE_LIST, visible=False, elem_id="lx-compare-list", max_lines=1
            )
        run = gr.Button(text.COMPARE_RUN, variant="primary", elem_id="lx-compare-run", scale=0, min_width=110)
        stop = gr.Button(text.STOP, elem_id="lx-compare-stop", scale=0, min_width=80, interactive=False)
    status = html(elem_id="lx-compare-status")
    board = tiles("lx-compare-tiles", text.COMPARE_EMPTY, "compare", "blind")
    with gr.Column(elem_classes="lx-figures"):
        table = ranking("lx-compare-table", text.COMPARE_TABLE)
        plot = gr.Plot(format="png", label=text.COMPARE_PLOT, visible=False, elem_id="lx-compare-plot")
    return Parts(chosen, source, listed, run, stop, status, board, table, plot, _sweep())


def _sweep() -> SweepParts:
    names = compare.comparable()
    with gr.Column(elem_classes="lx-section"):
        html(f"<h2>{text.SWEEP}</h2>")
        with gr.Row(elem_classes="lx-bar"):
            model = gr.Dropdown(
                choices=list(catalogue.choices(names)), value=names[0] if names else None, label=text.SWEEP_MODEL,
                elem_id="lx-sweep-model", scale=4,
            )  # fmt: skip
            low = gr.Number(1, label=text.SWEEP_FROM, minimum=1, maximum=300, scale=1, min_width=90)
            high = gr.Number(100, label=text.SWEEP_TO, minimum=1, maximum=300, scale=1, min_width=90)
            count = gr.Number(
                6, label=text.SWEEP_COUNT, minimum=2, maximum=compare.MOST_STEPS, precision=0, scale=1, min_width=90
            )
            run = gr.Button(text.SWEEP_RUN, elem_id="lx-sweep-run", scale=1, min_width=110)
        strip = tiles("lx-sweep-strip", text.SWEEP_EMPTY)
        with gr.Column(elem_classes="lx-narrow"):
            animation = player("lx-sweep-player", "")
            link = download_link("lx-sweep-link")
    return SweepParts(model, low, high, count, run, strip, animation, link)


@dataclass(frozen=True)
class Handlers:
    """From the page's values to `explorer.app.compare`, and back."""

    shared: Shared
    parts: Parts

    def compare_models(
        self, token: str | None, models: list[str], choice: str, words: str, ratio: object
    ) -> Iterator[dict[Any, Any]]:
        shared, at, session = self.shared, self.parts, open_session(token)
        session.require_open()
        ratios: list[RatioChoice] = ["auto"]
        if choice != "own":
            ratios = [chosen_ratio(ratio)] if choice == "same" else compare.parse_ratios(words)
        wanted = compare.wanted_pairs(models, ratios)
        yield {
            at.stop: gr.update(interactive=True), at.run: gr.update(interactive=False), shared.token: session.token,
            shared.message: "", at.table: None, at.plot: gr.update(visible=False),
        }  # fmt: skip
        for board in compare.compared(session, wanted):
            shown = {at.board: board.value, at.table: compare.table(session, board.rows) if board.rows else None}
            if board.next_model is not None:
                said = text.COMPARE_NEXT.format(done=board.done, total=len(wanted), model=board.next_model)
                yield {**shown, at.status: note([said])}
                continue
            said = text.COMPARE_PROGRESS.format(done=len(board.rows), total=len(wanted))
            plot = board.plot
            yield {
                **shown,
                at.status: note([text.COMPARE_STOPPED, said] if session.stopping else [said]),
                at.plot: gr.update(value=plot, visible=plot is not None),
                shared.message: problem(" ".join(board.failures)) if board.failures else "",
            }
        yield self.idle()

    def idle(self) -> dict[Any, Any]:
        return {self.parts.stop: gr.update(interactive=False), self.parts.run: gr.update(interactive=True)}

    def halt(self, token: str | None) -> None:
        open_session(token).stopping = True

    def sweep(self, token: str | None, model: str, low: float, high: float, count: float) -> Iterator[dict[Any, Any]]:
        at, session = self.parts.sweep, open_session(token)
        for found in compare.swept(session, model, low, high, count):
            link = None
            if found.path is not None:
                source = address(found.path)
                link = {"src": source, "name": found.path.name, "label": text.SWEEP_DOWNLOAD, "wait": True}
            yield {
                self.shared.token: session.token, self.shared.message: "", at.strip: found.strip,
                at.animation: found.animation, at.link: link,
            }  # fmt: skip

    def clear(self, token: str | None) -> dict[Any, Any]:
        """Another photo was opened."""
        at, session = self.parts, open_session(token)
        emptied: dict[Any, Any] = {}
        if session.is_stale("compare"):
            emptied |= {at.board: None, at.table: None, at.status: "", at.plot: gr.update(visible=False), **self.idle()}
        if session.is_stale("sweep"):
            emptied |= {each: None for each in (at.sweep.strip, at.sweep.animation, at.sweep.link)}
        return emptied


def wire(shared: Shared, parts: Parts) -> Address:
    """What the parts do."""
    do, guard, sweep = Handlers(shared, parts), reported(shared.message), parts.sweep
    shared.pickers.update({parts.chosen: compare.comparable, sweep.model: compare.comparable})
    parts.source.input(lambda choice: gr.update(visible=choice == "list"), parts.source, parts.listed, **SILENT)
    long = {**LONG, "show_progress": "hidden"}
    shown = [parts.board, parts.status, parts.table, parts.plot, parts.stop, parts.run]
    parts.run.click(
        guard(do.compare_models), [shared.token, parts.chosen, parts.source, parts.listed, shared.ratio],
        [shared.token, shared.message, *shown], **long,
    ).then(do.idle, None, [parts.stop, parts.run], **SILENT)  # fmt: skip
    parts.stop.click(do.halt, shared.token, None, api_visibility="private", queue=False)
    sweep.run.click(
        guard(do.sweep), [shared.token, sweep.model, sweep.low, sweep.high, sweep.count],
        [shared.token, shared.message, sweep.strip, sweep.animation, sweep.link], **long,
    )  # fmt: skip
    emptied = [shared.message, *shown, sweep.strip, sweep.animation, sweep.link]
    shared.photo.change(guard(do.clear), shared.token, emptied, **SILENT)
    parts.chosen.input(None, parts.chosen, js="(models) => lxAddress({models: models.join(',')})")
    known = compare.comparable
    return {"models": (parts.chosen, lambda words: [name for name in words.split(",") if name in known()] or None)}
