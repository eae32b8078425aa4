"""Several photos at once: a strip of thumbnails, settings for all or for one, one ZIP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from explorer.app import model_picker, queue_text, queue_work, text
from explorer.app.components import download_link, html, model_dropdown, note, problem
from explorer.app.feedback import reported
from explorer.app.pictures import download_value
from explorer.app.queued import Queued, Wish
from explorer.app.sessions import Session, open_session
from explorer.app.shared import SILENT, Address, Shared
from explorer.errors import ExplorerError
from explorer.photo import check_ratio
from explorer.photo.light.strength import FULL, check_strength

NAME = "queue"
TITLE = queue_text.TAB_QUEUE
PLACE = 20

_LONG: dict[str, Any] = {
    "concurrency_id": "queues", "concurrency_limit": 1, "api_visibility": "private", "show_progress": "hidden",
}  # fmt: skip
"""Options of the event that takes minutes: one queue runs at a time, and nothing else waits for it."""
_READING = {**_LONG, "concurrency_id": "queue-reading", "concurrency_limit": 2}
ALL = ""
"""The key that stands for all photos."""


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    upload: gr.File
    target: gr.Dropdown
    best: gr.Checkbox
    model: gr.Dropdown
    auto: gr.Checkbox
    ratio: gr.Slider
    strength: gr.Slider
    file_format: gr.Dropdown
    half: gr.Checkbox
    like_all: gr.Button
    remove: gr.Button
    run: gr.Button
    cancel: gr.Button
    turn: gr.Number
    status: gr.HTML
    strip: gr.HTML
    link: gr.HTML

    @property
    def wish(self) -> list[Any]:
        """The components of a `Wish`, in the order of `wished`."""
        return [self.best, self.model, self.auto, self.ratio, self.strength, self.file_format, self.half]


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    parts = layout()
    shared.pickers[parts.model] = model_picker.pickable
    wire(shared, parts)
    return {}


def layout() -> Parts:
    """The tab's parts on the page."""
    html(f'<p class="lx-note">{queue_text.QUEUE_HELP.format(most=queue_work.MOST)}</p>')
    parts: dict[str, Any] = {}
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=1, min_width=300, elem_classes="lx-controls"):
            parts["upload"] = gr.File(
                type="filepath", file_count="multiple", label=queue_text.QUEUE_UPLOAD, height=108,
                elem_id="lx-queue-upload", elem_classes="lx-drop",
            )  # fmt: skip
            parts["target"] = gr.Dropdown(
                choices=[(queue_text.QUEUE_ALL, ALL)], value=ALL, label=queue_text.QUEUE_FOR, filterable=False,
                elem_id="lx-queue-for",
            )  # fmt: skip
            parts |= _wishes()
            with gr.Row():
                parts["like_all"] = gr.Button(queue_text.QUEUE_LIKE_ALL, elem_id="lx-queue-like-all", min_width=110)
                parts["remove"] = gr.Button(queue_text.QUEUE_REMOVE, elem_id="lx-queue-remove", min_width=90)
            with gr.Row(elem_classes="lx-save"):
                parts["run"] = gr.Button(
                    queue_text.QUEUE_RUN, variant="primary", elem_id="lx-queue-run", scale=3, min_width=170
                )
                parts["cancel"] = gr.Button(
                    queue_text.QUEUE_CANCEL, elem_id="lx-queue-cancel", scale=1, min_width=90, interactive=False
                )
            parts["turn"] = gr.Number(0, visible=False, precision=0)
        with gr.Column(scale=3, min_width=340, elem_classes="lx-queue-stage"):
            parts["status"] = html(elem_id="lx-queue-status")
            parts["link"] = download_link("lx-queue-link")
            parts["strip"] = html(strip_of([]), elem_id="lx-queue-strip")
    return Parts(**parts)


def _wishes() -> dict[str, Any]:
    files = [(words, key) for words, key in text.FORMATS if key != "settings"]
    first = Wish()
    return {
        "best": gr.Checkbox(True, label=queue_text.QUEUE_BEST, elem_id="lx-queue-best"),
        "model": model_dropdown(queue_text.QUEUE_MODEL, "lx-queue-model"),
        "auto": gr.Checkbox(True, label=queue_text.QUEUE_AUTO, elem_id="lx-queue-auto"),
        "ratio": gr.Slider(
            1, 300, 10, step=0.5, label=queue_text.QUEUE_RATIO, elem_id="lx-queue-ratio", buttons=[]
        ),
        "strength": gr.Slider(
            0, FULL, FULL, step=1, label=queue_text.QUEUE_STRENGTH, elem_id="lx-queue-strength", buttons=[]
        ),
        "file_format": gr.Dropdown(
            choices=files, value=first.file_format, label=queue_text.QUEUE_FORMAT, filterable=False,
            elem_id="lx-queue-format",
        ),
        "half": gr.Checkbox(False, label=queue_text.QUEUE_HALF, elem_id="lx-queue-half"),
    }  # fmt: skip


def wished(
    best: bool, model: str | None, auto: bool, ratio: float, strength: float, file_format: str, half: bool
) -> Wish:
    """The `Wish` that the page's controls describe.

    Raises:
        ModelNotFoundError, RatioError, SettingsError: an invalid value.
    """
    return Wish(
        None if best else model_picker.known(model), "auto" if auto else check_ratio(ratio), check_strength(strength),
        file_format, bool(half),
    )  # fmt: skip


def strip_of(photos: list[Queued]) -> str:
    """The strip of thumbnails as HTML: each with its name, progress and error."""
    if not photos:
        return f'<div class="lx-empty"><p>{escape(queue_text.QUEUE_EMPTY)}</p></div>'
    items = []
    for each in photos:
        picture = f'<img src="{escape(each.thumbnail)}" alt="">' if each.thumbnail else ""
        own = f"<small>{escape(queue_text.QUEUE_OWN)}</small>" if each.own else ""
        said = f'<p role="alert">{escape(each.said)}</p>' if each.said else ""
        state = escape(queue_text.QUEUE_STATES[each.state])
        items.append(
            f'<li data-state="{each.state}"><div>{picture}</div><strong translate="no">{escape(each.name)}</strong>'
            f"<span>{state}</span>{own}{said}</li>"
        )
    return f'<ul class="lx-queue" aria-label="{escape(queue_text.QUEUE_PHOTOS)}">{"".join(items)}</ul>'


@dataclass(frozen=True)
class Handlers:
    """Translates between the page's values and `explorer.app.queue_work`."""

    shared: Shared
    parts: Parts

    def shown(self, session: Session) -> dict[Any, Any]:
        return {self.shared.token: session.token, self.parts.strip: strip_of(session.queue.photos)}

    def targets(self, session: Session, key: str) -> dict[Any, Any]:
        """The photos that settings can apply to, and the controls for the chosen one."""
        at, photos = self.parts, session.queue.photos
        key = key if session.queue.find(key) else ALL
        choices = [(queue_text.QUEUE_ALL, ALL)]
        choices += [(f"{number}. {each.name}", each.key) for number, each in enumerate(photos, 1) if each.source]
        wish = session.queue.wish_of(key)
        controls: dict[Any, Any] = {
            at.best: wish.model is None, at.auto: wish.ratio == "auto", at.strength: wish.strength,
            at.file_format: wish.file_format, at.half: wish.half,
        }  # fmt: skip
        controls |= {at.model: wish.model} if wish.model else {}
        controls |= {at.ratio: wish.ratio} if wish.ratio != "auto" else {}
        return {**controls, at.target: gr.update(choices=choices, value=key)}

    def add(self, token: str | None, paths: list[str] | None, key: str) -> Iterator[dict[Any, Any]]:
        session, at = open_session(token), self.parts
        yield {self.shared.token: session.token, at.upload: None, self.shared.message: ""}
        problems = ""
        try:
            for name in queue_work.add(session, paths or []):
                yield {**self.shown(session), at.status: note([queue_text.QUEUE_READING.format(name=name)])}
        except ExplorerError as error:
            problems = problem(str(error))
        yield {
            **self.shown(session), **self.targets(session, key), at.status: "", at.link: None,
            self.shared.message: problems,
        }  # fmt: skip

    def choose(self, token: str | None, key: str) -> dict[Any, Any]:
        session = open_session(token)
        return {**self.shown(session), **self.targets(session, key)}

    def again(self, token: str | None, key: str) -> dict[Any, Any]:
        """The queue of a page after it was reloaded."""
        return self.choose(token, key) if token and open_session(token).queue.photos else {}

    def wish(self, token: str | None, key: str, *values: Any) -> dict[Any, Any]:
        """Applies the controls to the chosen photo, or to all."""
        session, wish = open_session(token), wished(*values)
        with session.lock:
            if key == ALL:
                session.queue.wish = wish
            elif session.queue.find(key) is None:
                raise ExplorerError(queue_text.QUEUE_GONE.format(name=key))
            elif wish != session.queue.wish_of(key):
                session.queue.change(key, own=wish)
        return {**self.shown(session), self.shared.message: ""}

    def like_all(self, token: str | None, key: str) -> dict[Any, Any]:
        session = open_session(token)
        with session.lock:
            for each in session.queue.photos:
                if key in (ALL, each.key):
                    session.queue.change(each.key, own=None)
        return {**self.shown(session), **self.targets(session, key)}

    def remove(self, token: str | None, key: str) -> dict[Any, Any]:
        session = open_session(token)
        queue_work.remove(session, key)
        return {**self.shown(session), **self.targets(session, ALL)}

    def ask(self, token: str | None) -> dict[Any, Any]:
        """Registers a request, so that an older run makes room for it."""
        session = open_session(token)
        turn = session.begins(queue_work.GROUP)
        return {self.shared.token: session.token, self.parts.turn: turn, self.parts.cancel: gr.update(interactive=True)}

    def cancel(self, token: str | None) -> dict[Any, Any]:
        open_session(token).begins(queue_work.GROUP)
        return {self.parts.cancel: gr.update(interactive=False)}

    def run(self, token: str | None, turn: int) -> Iterator[dict[Any, Any]]:
        session, at, shared = open_session(token), self.parts, self.shared
        if not session.queue.sources:
            yield {shared.message: problem(queue_text.QUEUE_EMPTY), at.cancel: gr.update(interactive=False)}
            return
        yield {shared.message: "", at.link: None}
        before = ""
        for now in queue_work.run(session, turn):
            if not now.name:
                yield {**self.shown(session), **self.ended(now)}
            elif (said := _status(now)) != before:
                before = said
                yield {**self.shown(session), at.status: said}
        if session.is_latest(queue_work.GROUP, turn):
            yield {at.cancel: gr.update(interactive=False)}

    def ended(self, now: queue_work.Progress) -> dict[Any, Any]:
        """The message at the end of a queue."""
        words = [queue_text.QUEUE_CANCELLED] if now.cancelled else []
        words += [queue_text.QUEUE_FULL] if now.full else []
        if now.done:
            words.append(queue_text.QUEUE_DONE.format(done=now.done, total=now.total))
        elif not now.cancelled:
            words.append(queue_text.QUEUE_NOTHING)
        return {self.parts.status: note(words), self.parts.link: download_value(now.output) if now.output else None}


def _status(now: queue_work.Progress) -> str:
    words = queue_text.QUEUE_STEP.format(done=now.done, total=now.total, name=now.name)
    share = (now.tried + min(now.share, 1.0)) / max(1, now.total)
    bar = f'<progress class="lx-queue-bar" max="1" value="{share:.2f}" aria-hidden="true"></progress>'
    return note([words]) + bar


def wire(shared: Shared, parts: Parts) -> None:
    """Connects the components' events to their handlers."""
    do, guard = Handlers(shared, parts), reported(shared.message)
    shown = [shared.token, shared.message, parts.strip]
    controls = [parts.target, *parts.wish]
    parts.upload.upload(
        guard(do.add), [shared.token, parts.upload, parts.target],
        [*shown, *controls, parts.upload, parts.status, parts.link], **_READING,
    )  # fmt: skip
    given = [shared.token, parts.target]
    for event, handler in (
        (parts.target.input, do.choose), (parts.like_all.click, do.like_all), (parts.remove.click, do.remove),
    ):  # fmt: skip
        event(guard(handler), given, [*shown, *controls], **SILENT)
    for seen in (shared.photo.change, shared.tabs[NAME].select):
        seen(guard(do.again), given, [*shown, *controls], **SILENT)
    changed = [each.input for each in (parts.best, parts.auto, parts.file_format, parts.half, parts.strength)]
    wishing: Any = guard(do.wish), [*given, *parts.wish], shown
    gr.on([*changed, parts.strength.release], *wishing, **{**SILENT, "trigger_mode": "always_last"})
    # Choosing a model or a ratio by hand turns its automatic choice off.
    for events, box in (([parts.model.input], parts.best), ([parts.ratio.input, parts.ratio.release], parts.auto)):
        gr.on(events, None, None, box, js="() => false").then(*wishing, **SILENT)
    asked = parts.run.click(guard(do.ask), shared.token, [shared.token, shared.message, parts.turn, parts.cancel],
                            **SILENT)  # fmt: skip
    asked.then(
        guard(do.run), [shared.token, parts.turn], [*shown, parts.status, parts.link, parts.cancel], **_LONG
    )  # fmt: skip
    parts.cancel.click(guard(do.cancel), shared.token, [shared.message, parts.cancel], **SILENT)
