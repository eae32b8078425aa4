"""The tab that decomposes a photo into reflectance and illumination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from explorer.app import model_picker, retinex, text
from explorer.app.components import chosen_ratio, html, model_dropdown, note, tiles
from explorer.app.feedback import reported
from explorer.app.pictures import result_line
from explorer.app.restore_address import step_in_address
from explorer.app.sessions import Session, open_session
from explorer.app.shared import QUICK, SILENT, Address, Shared, filled, once
from explorer.views.plots import profile_lines

NAME = "retinex"
TITLE = text.TAB_RETINEX
PLACE = 70


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    model: gr.Dropdown
    source: gr.Radio
    run: gr.Button
    board: gr.HTML
    result: gr.HTML
    edit: gr.Column
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
    names, lights = model_picker.decomposing(), retinex.lit()
    with gr.Row(elem_classes="lx-bar"):
        model = model_dropdown(text.RETINEX_MODEL, "lx-retinex-model", names, scale=4)
        source = gr.Radio(
            choices=list(text.COMPARE_RATIOS[:2]), value="own", label=text.RATIO, elem_classes="lx-segments",
            elem_id="lx-retinex-ratio", scale=3,
        )  # fmt: skip
        run = gr.Button(text.RETINEX_RUN, variant="primary", elem_id="lx-retinex-run", scale=1, min_width=130)
    html(f'<p class="lx-note">{text.RETINEX_HELP}</p>')
    board = tiles("lx-retinex-tiles", text.RETINEX_EMPTY if names else text.RETINEX_NONE, "line")
    result = html(elem_id="lx-retinex-result")
    with gr.Row(elem_classes="lx-lower"):
        lit = bool(names) and names[0] in lights
        with gr.Column(scale=1, min_width=340, elem_id="lx-retinex-edit", visible=lit) as edit:
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
            last = lights[-1] if lights else None
            other = model_dropdown(text.RETINEX_SWAP_MODEL, "lx-retinex-other", lights, value=last, visible=False)
            edited = tiles("lx-retinex-edited", "")
        with gr.Column(scale=1, min_width=340):
            html(f"<h2>{text.RETINEX_PROFILE}</h2><p class='lx-note'>{text.RETINEX_PROFILE_HELP}</p>")
            plot = gr.Plot(format="png", show_label=False, label=text.RETINEX_PROFILE, elem_id="lx-retinex-profile")
    with gr.Column(elem_classes="lx-section"):
        html(f"<h2>{text.RETINEX_PAIR}</h2><p class='lx-note'>{text.RETINEX_PAIR_HELP}</p>")
        with gr.Row():
            pair_run = gr.Button(text.RETINEX_PAIR_RUN, elem_id="lx-retinex-pair-run", scale=0, min_width=220)
        pair_board = tiles("lx-retinex-pair", text.RETINEX_PAIR_EMPTY)
    return Parts(
        model, source, run, board, result, edit, gamma, gain, light, swap, other, edited, plot, pair_run, pair_board
    )


@dataclass(frozen=True)
class Handlers:
    """Translates between the page's values and `explorer.app.retinex`."""

    shared: Shared
    parts: Parts

    @property
    def chosen(self) -> set[Any]:
        """Components that determine what is decomposed."""
        return {self.shared.token, self.parts.model, self.parts.source, self.shared.ratio}

    @property
    def editing(self) -> set[Any]:
        """Components that determine the edited light."""
        return {self.shared.token, *self.deciding}

    def choice(self, values: dict[Any, Any]) -> retinex.Choice:
        same = values[self.parts.source] == "same"
        return retinex.Choice(values[self.parts.model], chosen_ratio(values[self.shared.ratio]) if same else "auto")

    def latest(
        self, board: str, make: Callable[[Session, dict[Any, Any]], dict[Any, Any]]
    ) -> Callable[[dict[Any, Any]], dict[Any, Any]]:
        """Wraps `make` as a board's handler that returns nothing if something newer was requested meanwhile."""

        def handler(values: dict[Any, Any]) -> dict[Any, Any]:
            session = open_session(values[self.shared.token])
            turn = session.begins(board)
            made = make(session, values)
            return made if session.is_latest(board, turn) else {}

        return reported(self.shared.message)(handler)

    def show(self, session: Session, values: dict[Any, Any]) -> dict[Any, Any]:
        choice = self.choice(values)
        found = retinex.decomposed(session, choice.model, ratio=choice.ratio)
        session.shows("retinex")
        return {
            self.shared.token: session.token,
            self.shared.message: "",
            self.parts.board: retinex.board(session, found),
            self.parts.result: result_line(found.restoration),
            self.parts.edit: gr.update(visible=choice.model in retinex.lit()),
        }

    def edit(self, session: Session, values: dict[Any, Any]) -> dict[Any, Any]:
        at = self.parts
        light = retinex.Light(*(values[each] for each in (at.gamma, at.gain, at.light, at.swap, at.other)))
        made = retinex.edited(session, self.choice(values), light)
        return {at.edited: made, self.shared.message: ""} if made else {at.edited: None}

    def draw_profile(self, session: Session, values: dict[Any, Any]) -> dict[Any, Any]:
        shown = values[self.parts.board]
        if not session.is_open or not shown:
            return {self.parts.plot: None}
        line = shown.get("line") or retinex.MIDDLE
        return {self.parts.plot: profile_lines(retinex.profiles(session, self.choice(values), line))}

    def show_pair(self, session: Session, values: dict[Any, Any]) -> dict[Any, Any]:
        made = retinex.pair_board(session, self.choice(values))
        session.shows("pair")
        return {self.shared.token: session.token, self.shared.message: "", self.parts.pair_board: made}

    def fill(self, token: str | None, seen: str, *given: Any) -> Iterator[dict[Any, Any]]:
        """Fills the tab for a photo that it does not show yet, and for its reference, if there is one."""
        session = open_session(token) if token and seen == NAME else None
        values: dict[Any, Any] = {self.shared.token: token, **dict(zip(self.deciding, given, strict=True))}
        if session is None or not session.is_open or not session.is_stale("retinex") or not values[self.parts.model]:
            yield {self.shared.token: token}
            return
        said = note(model_picker.preparing(values[self.parts.model]))
        yield {self.shared.token: token, **({self.parts.result: said} if said else {})}
        steps = {"retinex": self.show, "edit": self.edit, "profile": self.draw_profile, "pair": self.show_pair}
        turns, line = {board: session.begins(board) for board in steps}, dict[Any, Any]()
        for board, make in steps.items():
            if board == "pair" and session.require_open().reference is None:
                continue
            made = make(session, values) if session.is_latest(board, turns[board]) else {}
            if not session.is_latest("retinex", turns["retinex"]):
                return
            values[self.parts.board] = made.get(self.parts.board, values.get(self.parts.board))
            # Said with every step: a busy page can miss the first one, and would go on announcing the preparation.
            line = {self.parts.result: made[self.parts.result]} if self.parts.result in made else line
            yield line | (made if session.is_latest(board, turns[board]) else {})

    @property
    def deciding(self) -> list[Any]:
        """`editing` in a fixed order, without the token."""
        at = self.parts
        return [at.model, at.source, self.shared.ratio, at.gamma, at.gain, at.light, at.swap, at.other]

    def clear(self, token: str | None) -> dict[Any, Any]:
        """Another photo was opened."""
        at, session = self.parts, open_session(token)
        emptied: dict[Any, Any] = {}
        if session.is_stale("retinex"):
            emptied |= {at.board: None, at.result: "", at.edited: None, at.plot: None}
        if session.is_stale("pair"):
            emptied |= {at.pair_board: None}
        return emptied


def wire(shared: Shared, parts: Parts) -> Address:
    """Connects the components' events to their handlers."""
    shared.pickers.update({parts.model: model_picker.decomposing, parts.other: retinex.lit})
    do, guard = Handlers(shared, parts), reported(shared.message)
    quick = {**QUICK, "show_progress_on": [parts.result]}
    hidden = {**QUICK, "show_progress": "hidden"}
    edits: Any = do.latest("edit", do.edit), do.editing, [parts.edited, shared.message]
    drawing: Any = (
        do.latest("profile", do.draw_profile),
        {*do.chosen, parts.board},
        [parts.plot, shared.message],
    )
    parts.swap.change(lambda kind: gr.update(visible=kind == "model"), parts.swap, parts.other, **SILENT)
    gr.on(
        [parts.run.click, parts.model.input, parts.source.input],
        do.latest("retinex", do.show), do.chosen,
        [shared.token, shared.message, parts.board, parts.result, parts.edit], **quick,
    ).then(*edits, **once(quick)).then(*drawing, **once(quick))  # fmt: skip
    gr.on(
        [parts.gamma.input, parts.gain.input, parts.light.input, parts.swap.input, parts.other.input], *edits, **hidden
    )
    parts.board.select(*drawing, **hidden)
    parts.pair_run.click(
        do.latest("pair", do.show_pair), do.chosen, [shared.token, shared.message, parts.pair_board],
        **{**once(QUICK), "show_progress_on": [parts.pair_board]},
    )  # fmt: skip
    emptied = [shared.message, parts.board, parts.result, parts.edited, parts.plot, parts.pair_board]
    cleared = shared.photo.change(guard(do.clear), shared.token, emptied, **SILENT)
    filled(shared, NAME, cleared, (guard(do.fill), do.deciding, [shared.token, *emptied, parts.edit]), hidden)
    parts.model.input(None, parts.model, js="(decompose) => lxAddress({decompose})")
    told: list[Any] = [parts.gamma, parts.gain, parts.light, parts.swap]
    gr.on([parts.gamma.release, *(each.input for each in told)], None, told, js=_EDITS)
    return {
        "decompose": (parts.model, lambda name: name if name in model_picker.decomposing() else None),
        "gamma": (parts.gamma, partial(step_in_address, 0.0, 2.0)),
        "gain": (parts.gain, partial(step_in_address, 0.0, 4.0)),
        "light": (parts.light, partial(_one_of, text.RETINEX_LIGHTS)),
        "swap": (parts.swap, partial(_one_of, text.RETINEX_SWAPS)),
    }


_EDITS = """(gamma, gain, light, swap) => lxAddress({
    gamma: gamma === 1 ? null : gamma, gain: gain === 1 ? null : gain, light: light === "illumination" ? null : light,
    swap: swap === "none" ? null : swap,
})"""
"""JavaScript: keeps the edits of the light in the page's address."""


def _one_of(choices: Iterable[tuple[str, str]], asked: str) -> str | None:
    """A choice that an address asks for; None if the group does not have it."""
    return asked if asked in [key for _, key in choices] else None
