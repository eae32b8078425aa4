"""The tab that shows what a network's layers make of the photo, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from explorer.app import features, text
from explorer.app.components import (
    channel_grid,
    chosen_ratio,
    download_link,
    html,
    layer_list,
    model_dropdown,
    shown_if,
    tiles,
)
from explorer.app.feedback import reported
from explorer.app.pictures import download_value
from explorer.app.sessions import open_session
from explorer.app.shared import QUICK, SILENT, Address, Shared, once
from explorer.photo import check_ratio

NAME = "features"
TITLE = text.TAB_FEATURES
PLACE = 80


_ASKED_NETWORK = """(restoring, own, chosen) =>
    [location.search.includes("network=") ? chosen : restoring, own, chosen]"""
"""JavaScript: a network in the page's address takes precedence over Restore's model."""
_CHANNEL = "(network, tree, grid) => lxAddress({network, layer: tree.selected, channel: grid.selected})"
"""JavaScript: keeps the channel in the page's address."""


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    model: gr.Dropdown
    own: gr.State
    """True once the visitor has chosen the network; until then it is Restore's model."""
    scope: gr.Radio
    beside: gr.Radio
    beside_ratio: gr.Number
    beside_model: gr.Dropdown
    tree: gr.HTML
    grid: gr.HTML
    page: gr.Slider
    status: gr.HTML
    board: gr.HTML
    kernel: gr.HTML
    as_npy: gr.Button
    as_png: gr.Button
    link: gr.HTML


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    return wire(shared, layout())


def layout() -> Parts:
    """The tab's parts on the page."""
    names = features.networks()
    with gr.Row(elem_classes="lx-bar"):
        model = model_dropdown(text.FEATURES_MODEL, "lx-features-model", names, scale=3)
        scope = gr.Radio(
            choices=list(text.FEATURES_SCOPES), value="channel", label=text.FEATURES_SCOPE, elem_classes="lx-segments",
            elem_id="lx-features-scope", scale=4, min_width=370,
        )  # fmt: skip
        beside = gr.Radio(
            choices=list(text.FEATURES_BESIDES), value="none", label=text.FEATURES_BESIDE, elem_classes="lx-segments",
            elem_id="lx-features-beside", scale=4, min_width=440,
        )  # fmt: skip
        beside_ratio = gr.Number(1.0, label=text.FEATURES_RATIO, minimum=1, maximum=300, visible=False, min_width=120)
        second = names[1] if len(names) > 1 else None
        beside_model = model_dropdown(text.MODEL, "lx-features-other", names, value=second, visible=False, scale=3)
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=2, min_width=320, elem_classes="lx-tight"):
            tree = layer_list("lx-features-layers")
        with gr.Column(scale=3, min_width=340, elem_classes="lx-stage lx-tight"):
            grid = channel_grid("lx-features-channels")
            page = gr.Slider(
                0, features.PAGE, 0, step=features.PAGE, label=text.FEATURES_PAGE, visible=shown_if(False),
                elem_id="lx-features-page", buttons=[],
            )  # fmt: skip
            status = html(elem_id="lx-features-status")
    board = tiles("lx-features-tiles", "")
    kernel = html(elem_id="lx-features-kernel")
    with gr.Row():
        as_npy = gr.Button(text.FEATURES_NPY, elem_id="lx-features-npy", scale=0, min_width=200)
        as_png = gr.Button(text.FEATURES_SHEET, elem_id="lx-features-png", scale=0, min_width=200)
    link = download_link("lx-features-link")
    return Parts(
        model,
        gr.State(False),
        scope,
        beside,
        beside_ratio,
        beside_model,
        tree,
        grid,
        page,
        status,
        board,
        kernel,
        as_npy,
        as_png,
        link,
    )


@dataclass(frozen=True)
class Handlers:
    """Translates between the page's values and `explorer.app.features`."""

    shared: Shared
    parts: Parts

    @property
    def inputs(self) -> set[Any]:
        """Components that determine what is shown."""
        at = self.parts
        chosen = {at.model, at.tree, at.grid, at.scope, at.page, at.beside, at.beside_ratio, at.beside_model}
        return {self.shared.token, self.shared.ratio, *chosen}

    def choice(self, values: dict[Any, Any]) -> features.Choice:
        at = self.parts
        return features.checked_choice(
            values[at.model], values[at.tree], values[at.grid], values[at.page],
            ratio=chosen_ratio(values[self.shared.ratio]), scope=values[at.scope], beside=values[at.beside],
            beside_ratio=check_ratio(values[at.beside_ratio] or 1), beside_model=values[at.beside_model],
        )  # fmt: skip

    def followed(self, restoring: str | None, own: bool, chosen: str | None) -> str | None:
        """The network to look into: Restore's model, until the visitor chooses another."""
        return chosen if own or restoring not in features.networks() else restoring

    def list_layers(self, name: str | None, before: dict[str, Any] | None) -> dict[Any, Any]:
        return {self.parts.tree: features.layer_tree(name, (before or {}).get("selected"))}

    def show(self, values: dict[Any, Any]) -> dict[Any, Any]:
        at, session = self.parts, open_session(values[self.shared.token])
        shown = features.show(session, self.choice(values))
        session.shows("features")
        last = shown.last_first
        return {
            self.shared.token: session.token,
            self.shared.message: "",
            at.grid: shown.grid,
            at.page: gr.update(maximum=max(features.PAGE, last), value=shown.first, visible=shown_if(last > 0)),
            at.board: shown.board,
            at.status: shown.status,
            at.kernel: shown.kernel,
            at.link: None,
        }

    def clear(self, token: str | None, grid: dict[str, Any] | None) -> dict[Any, Any]:
        """Another photo was opened. A channel in the page's address is kept."""
        at = self.parts
        if not open_session(token).is_stale("features"):
            return {}
        asked = grid if grid and "count" not in grid else None
        return {at.grid: asked, at.board: None, at.status: "", at.kernel: ""}

    def download(self, values: dict[Any, Any], kind: str) -> dict[Any, Any]:
        path = features.saved(open_session(values[self.shared.token]), self.choice(values), kind)
        return {self.parts.link: download_value(path), self.shared.message: ""}


def wire(shared: Shared, parts: Parts) -> Address:
    """Connects the components' events to their handlers."""
    shared.pickers.update({parts.model: features.networks, parts.beside_model: features.networks})
    do, guard = Handlers(shared, parts), reported(shared.message)
    seen = [parts.grid, parts.page, parts.board, parts.status, parts.kernel, parts.link]
    listing: Any = guard(do.list_layers), [parts.model, parts.tree], [parts.tree, shared.message]
    showing: Any = guard(do.show), do.inputs, [shared.token, shared.message, *seen]
    quick = {**QUICK, "show_progress_on": [parts.status]}
    parts.model.input(lambda: True, None, parts.own, **SILENT)
    taken = shared.tabs[NAME].select(
        do.followed, [shared.model, parts.own, parts.model], parts.model, js=_ASKED_NETWORK, **SILENT
    )
    for event in (taken.then, parts.model.input):
        event(*listing, **once(quick)).then(*showing, **once(quick))
    changes = [parts.tree.select, parts.grid.select, parts.scope.input, parts.page.release]
    gr.on([*changes, parts.beside_ratio.submit, parts.beside_ratio.blur, parts.beside_model.input], *showing, **quick)
    parts.beside.input(
        lambda kind: (gr.update(visible=kind == "ratio"), gr.update(visible=kind == "model")),
        parts.beside, [parts.beside_ratio, parts.beside_model], **SILENT,
    ).then(*showing, **once(quick))  # fmt: skip
    emptied = [shared.message, parts.grid, parts.board, parts.status, parts.kernel]
    shared.photo.change(guard(do.clear), [shared.token, parts.grid], emptied, **SILENT)
    for button, kind in ((parts.as_npy, "npy"), (parts.as_png, "png")):
        button.click(
            guard(partial(do.download, kind=kind)), do.inputs, [parts.link, shared.message],
            **{**once(quick), "show_progress_on": [parts.link]},
        )  # fmt: skip
    parts.model.input(None, parts.model, js="(network) => lxAddress({network, layer: null, channel: null})")
    chosen: list[Any] = [parts.model, parts.tree]
    parts.tree.select(None, chosen, js="(network, tree) => lxAddress({network, layer: tree.selected, channel: null})")
    parts.grid.select(None, [*chosen, parts.grid], js=_CHANNEL)
    return {
        "network": (parts.model, lambda name: name if name in features.networks() else None),
        "layer": (parts.tree, lambda name: {"layers": [], "selected": name}),
        "channel": (parts.grid, lambda typed: {"selected": int(typed)} if typed.isdecimal() else None),
    }
