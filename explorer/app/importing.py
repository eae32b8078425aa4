"""Lets visitors import published weights from their authors' pages, after showing the licence."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from explorer.app import model_picker, text
from explorer.app.components import html, problem
from explorer.app.feedback import reported, told
from explorer.app.shared import Shared
from explorer.errors import ExplorerError, WeightsError
from explorer.evaluation.leaderboard import SETS, published_by_quality
from explorer.evaluation.leaderboard_text import HEADINGS, SEEN
from explorer.hub import originals
from explorer.metrics import METRICS
from explorer.photo.limits import told_by_environment
from explorer.server.visitor import is_loopback
from explorer.weights.catalogue import published
from explorer.weights.checkpoint import NO_LICENCE, PublishedCheckpoint

SETTING = "EXPLORER_APP_IMPORT"
"""1 lets every visitor import weights, 0 no one. By default, only a browser on the serving machine may: imported
weights stay there for everyone, and the operator accepts the licence."""

_PROGRESS = gr.Progress()
_IMPORTS = "imports"
"""Concurrency group of imports: one at a time."""


def allowed(request: gr.Request | None) -> bool:
    """True if this visitor may import weights."""
    setting = told_by_environment(SETTING)
    if setting is not None:
        return setting
    if request is None or request.client is None or "SPACE_ID" in os.environ:
        return False
    headers = request.headers
    # A proxy or a tunnel on this machine also connects from here, but names its client, or uses another host name.
    if any(name in headers for name in ("forwarded", "x-forwarded-for", "x-real-ip")):
        return False
    return is_loopback(request.client.host) and is_loopback(_host_of(headers.get("host", "")))


def _host_of(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def missing() -> list[PublishedCheckpoint]:
    """Published checkpoints that can be downloaded and are not installed yet, the best on LOL eval15 first."""
    here = model_picker.models()
    return [entry for entry, _ in published_by_quality() if entry.downloadable and entry.name not in here]


def free() -> list[PublishedCheckpoint]:
    """The checkpoints of `missing` whose licence allows redistribution for any purpose."""
    return [entry for entry in missing() if entry.redistributable]


def fetch_free(report: Callable[[int, int, str], None]) -> list[tuple[str, str]]:
    """Downloads all of `free`, one after the other. A failed download does not stop the others.

    Args:
        report: called with the number done, the total, and the name of the next.

    Returns:
        The names that could not be imported, with reasons.
    """
    entries, failed = free(), []
    for done, entry in enumerate(entries):

        def progress(file: str, have: int, total: int, done: int = done, name: str = entry.name) -> None:
            share = f", {100 * have // total} %" if total else ""
            report(done, len(entries), f"{name}: {file}{share}")

        report(done, len(entries), entry.name)
        try:
            originals.download_original(entry.name, accept_licence=True, progress=progress)
        except ExplorerError as error:
            failed.append((entry.name, told(error)))
    model_picker.refresh()
    return failed


def free_button() -> Any:
    """The button that imports all of `free`, with their number and licences."""
    entries = free()
    if not entries:
        return gr.update(visible=False)
    licences = ", ".join(sorted({entry.licence for entry in entries}))
    return gr.update(value=text.IMPORT_FREE.format(count=len(entries), licences=licences), visible=True)


def picker_update(names: list[str], value: Any = None) -> Any:
    """An update for a model picker: its choices and, if given, its value."""
    chosen = {} if value is None else {"value": value}
    return gr.update(choices=list(model_picker.choices(names)), **chosen)


def notice(name: str | None) -> str:
    """The licence, files, origin and paper of a published checkpoint, as HTML."""
    if not name:
        return f'<p class="lx-note">{escape(text.IMPORT_ALL_HERE)}</p>'
    entry = published(name)
    size = originals.size_words(entry.size)
    rows = [
        (text.IMPORT_LICENCE, escape(entry.licence)),
        *_quality(entry),
        (text.IMPORT_FILES, escape(f"{', '.join(file.name for file in entry.files)} ({size})")),
        (
            text.IMPORT_ORIGIN,
            f'<a href="{escape(entry.origin)}" target="_blank" rel="noreferrer">{escape(entry.origin)}</a>',
        ),
    ]
    items = "".join(f"<div><dt>{escape(label)}</dt><dd>{words}</dd></div>" for label, words in rows)
    terms = "" if entry.shareable else f"<p>{escape(text.IMPORT_KEEP)}</p>"
    return (
        f'<div class="lx-card lx-import"><p>{escape(entry.summary)}</p><p class="lx-paper">{escape(entry.paper)}</p>'
        f"<dl>{items}</dl>{terms}</div>"
    )


def _quality(entry: PublishedCheckpoint) -> list[tuple[str, str]]:
    """This project's figures on LOL eval15, and whether the network knew its scenes: labels and values."""
    figures = next((found for each, found in published_by_quality() if each is entry), {})
    if not figures:
        return []
    reached = ", ".join(f"{each.title} {each.format(figures[each.name])} {each.unit}" for each in METRICS if each.unit)
    return [(SETS[0].title, escape(reached)), (HEADINGS["seen"], SEEN[entry.saw_eval15])]


def agreement(name: str | None) -> Any:
    """The button that names the licence of a published checkpoint."""
    if not name:
        return gr.update(value=text.IMPORT_NOTHING, interactive=False)
    licence = published(name).licence
    words = text.IMPORT_UNSTATED if licence == NO_LICENCE else text.IMPORT_AGREE.format(licence=licence)
    return gr.update(value=words, interactive=True)


@dataclass(frozen=True)
class Section:
    """The section's components and handlers."""

    shared: Shared
    entry: gr.Dropdown
    terms: gr.HTML
    agree: gr.Button
    everything: gr.Button
    done: gr.State
    """Changes when weights have arrived."""

    @property
    def offered(self) -> list[Any]:
        return [self.entry, self.terms, self.agree, self.everything]

    def pickers(self) -> dict[Any, Any]:
        return {picker: picker_update(names()) for picker, names in self.shared.pickers.items()}

    def offer(self) -> dict[Any, Any]:
        left = [each.name for each in missing()]
        first = left[0] if left else None
        return {
            self.entry: gr.update(choices=left, value=first), self.terms: notice(first), self.agree: agreement(first),
            self.everything: free_button(),
        }  # fmt: skip

    def offer_again(self, name: str | None) -> dict[Any, Any]:
        """Like `offer`, but keeps the visitor's newer choice if it is not installed yet."""
        left = [each.name for each in missing()]
        if name not in left:
            return self.offer()
        return {self.entry: gr.update(choices=left), self.everything: free_button()}

    def describe(self, name: str | None) -> dict[Any, Any]:
        return {self.terms: notice(name), self.agree: agreement(name)}

    def fetch(self, name: str | None, request: gr.Request, progress: gr.Progress = _PROGRESS) -> dict[Any, Any]:
        if not allowed(request):
            raise WeightsError(text.IMPORT_NOT_HERE)
        if not name:
            return {}

        def report(file: str, have: int, total: int) -> None:
            progress((have, total), desc=file, unit="bytes")

        originals.download_original(name, accept_licence=True, progress=report)
        model_picker.refresh()
        return {
            **self.pickers(),
            self.shared.model: picker_update(model_picker.pickable(), published(name).name),
            **self.offer(),
            self.done: secrets.token_hex(4),
            self.shared.message: "",
        }

    def fetch_all(self, request: gr.Request, progress: gr.Progress = _PROGRESS) -> dict[Any, Any]:
        if not allowed(request):
            raise WeightsError(text.IMPORT_NOT_HERE)
        failed = fetch_free(lambda done, count, what: progress((done, count), desc=what, unit="weights"))
        lines = [text.IMPORT_FAILED.format(name=name, reason=reason) for name, reason in failed]
        return {**self.pickers(), self.shared.message: "".join(problem(line) for line in lines)}


def build(shared: Shared) -> tuple[gr.Accordion, gr.State]:
    """Lays the section out and wires it.

    Returns:
        The section, hidden until `allowed` permits it, and a state that changes when weights have arrived.
    """
    done = gr.State(None)
    with gr.Accordion(text.IMPORT, open=False, visible=False, elem_id="lx-import", elem_classes="lx-fold") as section:
        entry = gr.Dropdown(choices=[], value=None, label=text.IMPORT_WHICH, elem_id="lx-import-name", filterable=False)
        terms = html(elem_id="lx-import-terms")
        agree = gr.Button(text.IMPORT_NOTHING, elem_id="lx-import-run", interactive=False)
        everything = gr.Button(text.IMPORT, elem_id="lx-import-free", visible=False)
    do, guard = Section(shared, entry, terms, agree, everything, done), reported(shared.message)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    alone: dict[str, Any] = {
        "concurrency_id": _IMPORTS, "concurrency_limit": 1, "api_visibility": "private", "show_progress_on": [terms],
    }  # fmt: skip
    section.expand(guard(do.offer), None, [*do.offered, shared.message], **private)
    entry.input(guard(do.describe), entry, [terms, agree, shared.message], **private)

    def wire() -> None:
        agree.click(guard(do.fetch), entry, [*shared.pickers, *do.offered, done, shared.message], **alone)
        everything.click(guard(do.fetch_all), None, [*shared.pickers, shared.message], **alone).then(
            guard(do.offer_again), entry, [*do.offered, shared.message], **private
        )

    shared.later.append(wire)
    return section, done
