"""Several models and ratios on one photo, side by side under one zoom; one model over many ratios."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from explorer.app import compare, compare_sharp, contact, long_work, model_picker, text
from explorer.app.compare_table import table
from explorer.app.components import (
    chosen_ratio,
    download_link,
    html,
    model_dropdown,
    note,
    player,
    problem,
    ranking,
    shown_if,
    tiles,
)
from explorer.app.detail import Look
from explorer.app.feedback import reported
from explorer.app.long_work import LongWork
from explorer.app.pictures import download_value
from explorer.app.sessions import Session, address, open_session
from explorer.app.shared import LONG, QUICK, SILENT, Address, Shared, filled, once
from explorer.choices import RatioChoice
from explorer.messages import say

NAME = "compare"
TITLE = text.TAB_COMPARE
PLACE = 60

_SHEET: dict[str, Any] = once(QUICK)
_RATIOS = "(at, ratios) => lxAddress({at: at === 'own' ? null : at, ratios: at === 'list' ? ratios : null})"
"""JavaScript: keeps the compared amplifications in the page's address."""


@dataclass(frozen=True)
class SweepParts:
    """The lower half: one model over many ratios."""

    model: gr.Dropdown
    own: gr.State
    """True once the visitor has chosen its model; until then it is Restore's."""
    low: gr.Number
    high: gr.Number
    count: gr.Number
    run: gr.Button
    long: LongWork
    strip: gr.HTML
    animation: gr.HTML
    link: gr.HTML


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    chosen: gr.Dropdown
    source: gr.Radio
    listed: gr.Textbox
    run: gr.Button
    everything: gr.Button
    stop: gr.Button
    turn: gr.Number
    status: gr.HTML
    board: gr.HTML
    table: gr.HTML
    plot: gr.Plot
    sheets: dict[str, gr.Button]
    link: gr.HTML
    sweep: SweepParts


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    return wire(shared, layout(shared))


def layout(shared: Shared) -> Parts:
    """The tab's parts on the page."""
    names = compare.comparable()
    with gr.Row(elem_classes="lx-bar lx-bar-top"):
        first = model_picker.unlike(compare.AT_FIRST)
        chosen = model_dropdown(text.COMPARE_MODELS, "lx-compare-models", names, value=first, multiselect=True, scale=5)
        with gr.Column(scale=5, min_width=440, elem_classes="lx-tight"):
            source = gr.Radio(
                choices=list(text.COMPARE_RATIOS), value="own", label=text.RATIO, elem_id="lx-compare-ratio",
                elem_classes="lx-segments",
            )  # fmt: skip
            listed = gr.Textbox(
                value="auto, 10, 30",
                label=text.COMPARE_LIST,
                visible=shown_if(False),
                elem_id="lx-compare-list",
                max_lines=1,
            )
        run = gr.Button(text.COMPARE_RUN, variant="primary", elem_id="lx-compare-run", scale=0, min_width=110)
        everything = gr.Button(text.COMPARE_ALL, elem_id="lx-compare-all", scale=0, min_width=80)
        stop = gr.Button(text.STOP, elem_id="lx-compare-stop", scale=0, min_width=80, interactive=False)
        turn = gr.Number(0, visible=False, precision=0)
    status = html(elem_id="lx-compare-status")
    figures = ranking("lx-compare-table", text.COMPARE_TABLE)
    board = tiles("lx-compare-tiles", text.COMPARE_EMPTY, "compare", "blind")
    with gr.Row():
        sheets = {
            kind: gr.Button(words, elem_id=f"lx-compare-{kind}", scale=0, min_width=200, visible=shown_if(False))
            for kind, words in contact.KINDS.items()
        }
    link = download_link("lx-compare-link")
    plot = gr.Plot(format="png", label=text.COMPARE_PLOT, visible=shown_if(False), elem_id="lx-compare-plot")
    return Parts(
        chosen, source, listed, run, everything, stop, turn, status, board, figures, plot, sheets, link, _sweep(shared)
    )


def _sweep(shared: Shared) -> SweepParts:
    names = compare.comparable()
    with gr.Column(elem_classes="lx-section"):
        html(f"<h2>{text.SWEEP}</h2>")
        with gr.Row(elem_classes="lx-bar"):
            model = model_dropdown(text.SWEEP_MODEL, "lx-sweep-model", names, scale=4)
            low = gr.Number(1, label=text.SWEEP_FROM, minimum=1, maximum=300, scale=1, min_width=90)
            high = gr.Number(100, label=text.SWEEP_TO, minimum=1, maximum=300, scale=1, min_width=90)
            count = gr.Number(
                6, label=text.SWEEP_COUNT, minimum=2, maximum=compare.MOST_STEPS, precision=0, scale=1, min_width=90
            )
            run = gr.Button(text.SWEEP_RUN, elem_id="lx-sweep-run", scale=1, min_width=110)
        long = long_work.layout(shared, "sweep", text.COMPARE_STOPPED)
        strip = tiles("lx-sweep-strip", text.SWEEP_EMPTY)
        with gr.Column(elem_classes="lx-narrow"):
            animation = player("lx-sweep-player", "")
            link = download_link("lx-sweep-link")
    return SweepParts(model, gr.State(False), low, high, count, run, long, strip, animation, link)


@dataclass(frozen=True)
class Handlers:
    """Translates between the page's values and `explorer.app.compare`."""

    shared: Shared
    parts: Parts

    def wanted(self, models: list[str], choice: str, words: str, ratio: object) -> list[tuple[str, RatioChoice]]:
        ratios: list[RatioChoice] = ["auto"]
        if choice != "own":
            ratios = [chosen_ratio(ratio)] if choice == "same" else compare.parse_ratios(words)
        return compare.wanted_pairs(models, ratios)

    def ask(self, token: str | None) -> dict[Any, Any]:
        """Registers a request, so that an older comparison makes room for it."""
        session = open_session(token)
        turn = session.begins("compare")
        return {self.shared.token: session.token, self.parts.turn: turn, self.parts.stop: gr.update(interactive=True)}

    def halt(self, token: str | None) -> dict[Any, Any]:
        open_session(token).begins("compare")
        return {self.parts.stop: gr.update(interactive=False)}

    def compare_models(self, token: str | None, turn: int, *chosen: Any) -> Iterator[dict[Any, Any]]:
        session = open_session(token)
        session.require_open()
        yield from self.compare_pairs(session, self.wanted(*chosen), turn)

    def compare_pairs(
        self, session: Session, wanted: list[tuple[str, RatioChoice]], turn: int
    ) -> Iterator[dict[Any, Any]]:
        shared, at = self.shared, self.parts
        yield {
            shared.token: session.token,
            shared.message: "",
            at.stop: gr.update(interactive=session.is_latest("compare", turn)),
            at.plot: gr.update(visible=shown_if(False)),
            at.link: None,
        }
        for board in compare.compared(session, wanted, turn):
            shown = {at.board: board.value, at.table: table(session, board)}
            yield {**shown, **self.told(board), **self.offered(bool(board.rows))}
        yield self.idle(session, turn)

    def sharpen(self, token: str | None, shown: dict[str, Any] | None) -> Iterator[dict[Any, Any]]:
        """Shows the visible part of the comparison as sharp as the screen; a newer request ends an older one."""
        session, shown = open_session(token), shown or {}
        opened = session.open
        board: compare.Board | None = opened.work.board if opened else None
        yield {self.shared.token: session.token}  # Gradio takes an empty series for a page whose values are gone
        if opened is None or board is None or board.batch != shown.get("batch") or "asked" not in shown:
            return
        turn = session.begins("sharper")

        def wanted() -> bool:
            return session.open is opened and opened.work.board is board and session.is_latest("sharper", turn)

        try:
            for _ in compare_sharp.sharpened(session, board, Look.said(shown), wanted):
                yield {self.parts.board: board.value}
        finally:
            if wanted():
                board.answered = str(shown["asked"])
        if wanted():
            yield {self.parts.board: board.value}

    def unsharpened(self, token: str | None, shown: dict[str, Any] | None) -> dict[Any, Any]:
        """After a failure, tells the page to stop waiting."""
        opened = open_session(token).open
        board = opened.work.board if opened else None
        return {self.parts.board: board.value} if board else {}

    def offered(self, any_picture: bool) -> dict[Any, Any]:
        """The contact sheets, once there is something to put on them."""
        return {button: gr.update(visible=shown_if(any_picture)) for button in self.parts.sheets.values()}

    def told(self, board: compare.Board) -> dict[Any, Any]:
        """Progress, and at the end the plot and what went wrong."""
        at, counts = self.parts, {"done": board.done, "total": len(board.wanted)}
        if board.next_model is not None:
            words = text.COMPARE_MEASURING if board.measuring else text.COMPARE_NEXT
            return {at.status: note([words.format(model=board.next_model, **counts), *board.preparing])}
        said, plot = text.COMPARE_PROGRESS.format(done=len(board.rows), total=len(board.wanted)), board.plot
        return {
            at.status: note([text.COMPARE_STOPPED, said] if board.stopped else [said]),
            at.plot: gr.update(value=plot, visible=shown_if(plot is not None)),
            self.shared.message: problem(" ".join(board.failures)) if board.failures else "",
        }

    def idle(self, session: Session, turn: int) -> dict[Any, Any]:
        """Hides the Stop button, unless something newer was requested."""
        return {self.parts.stop: gr.update(interactive=False)} if session.is_latest("compare", turn) else {}

    def after(self, token: str | None, turn: int) -> dict[Any, Any]:
        return self.idle(open_session(token), turn)

    def fill(self, token: str | None, seen: str, *chosen: Any) -> Iterator[dict[Any, Any]]:
        """Fills the comparison, then the sweep, if the photo is new to them."""
        session = open_session(token) if token and seen == NAME else None
        if session is None or not session.is_open:
            yield {self.shared.token: token}
            return
        yield {self.shared.token: token}
        *comparing, restoring, own, model, low, high, count = chosen
        model = self.swept_model(restoring, own, model)
        yield {self.parts.sweep.model: model}
        turn = session.turns.get("compare", 0)
        if session.is_stale("compare") and comparing[0]:
            turn = session.begins("compare")
            yield from self.compare_pairs(session, self.wanted(*comparing), turn)
        if session.is_open and session.is_stale("sweep") and session.is_latest("compare", turn) and model:
            asked = session.begins("sweep")
            yield from self.sweeping(
                session, asked, model, low, high, count, lambda: session.is_latest("compare", turn)
            )

    def sweep(self, values: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
        """The sweep that the page asks for."""
        at, session = self.parts.sweep, open_session(values[self.shared.token])
        asked = (values[each] for each in (at.model, at.low, at.high, at.count))
        yield from self.sweeping(session, values[at.long.turn], *asked)

    def sweeping(
        self,
        session: Session,
        turn: int,
        model: str,
        low: float,
        high: float,
        count: float,
        also: Callable[[], bool] = lambda: True,
    ) -> Iterator[dict[Any, Any]]:
        """A sweep that ends with its turn, or as soon as `also` returns False."""
        at, begun = self.parts.sweep, time.perf_counter()
        cancel = gr.update(visible=shown_if(True))
        yield {self.shared.token: session.token, self.shared.message: "", at.link: None, at.long.cancel: cancel}
        for said in model_picker.preparing(model):
            yield {at.long.bar: long_work.bar(said, 0, 0)}
        latest = partial(session.is_latest, "sweep", turn)
        for found in compare.swept(session, model, low, high, count, lambda: latest() and also()):
            link, share = None, len(found.tiles) / found.count
            if found.path is not None:
                source = address(found.path)
                link = {"src": source, "name": found.path.name, "label": text.SWEEP_DOWNLOAD, "wait": True}
            done = long_work.bar(say("long.sweep"), share, time.perf_counter() - begun)
            yield {at.strip: found.strip, at.animation: found.animation, at.link: link, at.long.bar: done}
        if latest():
            yield at.long.idle()

    def everything(self) -> list[str]:
        return compare.comparable()

    def swept_model(self, restoring: str | None, own: bool, chosen: str | None) -> str | None:
        """The model to sweep: Restore's, until the visitor chooses another."""
        return chosen if own or restoring not in compare.comparable() else restoring

    def save_sheet(self, token: str | None, kind: str) -> dict[Any, Any]:
        return {self.parts.link: download_value(contact.saved(open_session(token), kind)), self.shared.message: ""}

    def clear(self, token: str | None) -> dict[Any, Any]:
        """Clears the tab when another photo is opened."""
        at, session = self.parts, open_session(token)
        emptied: dict[Any, Any] = {}
        if session.is_stale("compare"):
            emptied |= {
                at.board: None,
                at.table: None,
                at.status: "",
                at.plot: gr.update(visible=shown_if(False)),
                at.link: None,
            }
            emptied |= {at.stop: gr.update(interactive=False), **self.offered(False)}
        if session.is_stale("sweep"):
            emptied |= {each: None for each in (at.sweep.strip, at.sweep.animation, at.sweep.link)}
            emptied |= at.sweep.long.idle()
        return emptied


def wire(shared: Shared, parts: Parts) -> Address:
    """Connects the components' events to their handlers."""
    do, guard, sweep = Handlers(shared, parts), reported(shared.message), parts.sweep
    shared.pickers.update({parts.chosen: compare.comparable, sweep.model: compare.comparable})
    parts.source.change(
        lambda choice: gr.update(visible=shown_if(choice == "list")), parts.source, parts.listed, **SILENT
    )
    long = {**LONG, "show_progress": "hidden"}
    chosen = [parts.chosen, parts.source, parts.listed, shared.ratio]
    shown = [parts.board, parts.status, parts.table, parts.plot, parts.stop, parts.link, *parts.sheets.values()]
    told = [shared.token, shared.message]
    swept = [sweep.strip, sweep.animation, sweep.link]
    asked: Any = guard(do.ask), shared.token, [shared.token, parts.turn, parts.stop, shared.message]
    comparing: Any = guard(do.compare_models), [shared.token, parts.turn, *chosen], [*told, *shown]
    ended: Any = guard(do.after), [shared.token, parts.turn], [parts.stop, shared.message]
    everything = parts.everything.click(do.everything, None, parts.chosen, **SILENT)
    for event in (parts.run.click(*asked, **SILENT), everything.then(*asked, **SILENT)):
        event.then(*comparing, **long).then(*ended, **SILENT)
    parts.stop.click(guard(do.halt), shared.token, [parts.stop, shared.message], **SILENT)
    parts.board.input(
        reported(shared.message, do.unsharpened)(do.sharpen), [shared.token, parts.board],
        [shared.token, parts.board, shared.message], api_visibility="private", show_progress="hidden",
        trigger_mode="multiple", concurrency_id="sharper", concurrency_limit=4,
    )  # fmt: skip
    for kind, button in parts.sheets.items():
        made = guard(partial(do.save_sheet, kind=kind))
        button.click(made, shared.token, [parts.link, shared.message], show_progress_on=[parts.link], **_SHEET)
    sweeping = [sweep.model, sweep.low, sweep.high, sweep.count]
    followed = [shared.model, sweep.own, sweep.model]
    sweep.model.input(lambda: True, None, sweep.own, **SILENT)
    shared.model.change(do.swept_model, followed, sweep.model, **SILENT)
    sweep.long.wire([sweep.run.click], do.sweep, set(sweeping), swept)
    sweeps = [sweep.model, sweep.long.bar, sweep.long.cancel, *swept]
    emptied = shared.photo.change(guard(do.clear), shared.token, [shared.message, *shown, *sweeps], **SILENT)
    fill = guard(do.fill), [*chosen, *followed, *sweeping[1:]], [*told, *shown, *sweeps]
    filled(shared, NAME, emptied, fill, long)
    for event in (parts.chosen.input, everything.then):
        event(None, parts.chosen, js="(models) => lxAddress({models: models.join(',')})")
    gr.on([parts.source.input, parts.listed.blur, parts.listed.submit], None, [parts.source, parts.listed], js=_RATIOS)
    known = compare.comparable
    kinds = [kind for _, kind in text.COMPARE_RATIOS]
    return {
        "models": (parts.chosen, lambda words: [name for name in words.split(",") if name in known()] or None),
        "at": (parts.source, lambda kind: kind if kind in kinds else None),
        "ratios": (parts.listed, lambda words: words[:200]),
    }
