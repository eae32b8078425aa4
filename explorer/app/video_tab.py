"""The tab for clips: restores any frame at once, and the whole clip in the background, with its sound."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import gradio as gr

import explorer
from explorer.app import model_picker, text, video_job
from explorer.app.components import download_link, html, model_dropdown, note, tiles
from explorer.app.feedback import reported
from explorer.app.open_photo import PREVIEW_SIDE
from explorer.app.pictures import download_value
from explorer.app.sessions import Session, open_session
from explorer.app.shared import AT_ONCE, LONG, Address, Shared
from explorer.errors import VideoError
from explorer.photo import load_rendering
from explorer.photo.light.reduce import reduced
from explorer.views.pictures import png
from explorer.views.words import ratio_words

NAME = "video"
TITLE = text.TAB_VIDEO
PLACE = 40

_GROUP = "video"
_KEPT = 24
_CLIPS: dict[str, Any] = {"concurrency_id": "clips", "concurrency_limit": 1, "api_visibility": "private"}
"""Options of the event that takes minutes: one clip runs at a time, and nothing else waits for it."""


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    clip: gr.File
    model: gr.Dropdown
    auto: gr.Checkbox
    ratio: gr.Slider
    follow: gr.Checkbox
    place: gr.Slider
    preview: gr.Button
    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    board: gr.HTML
    link: gr.HTML


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it. Without PyAV, the tab says how to install it."""
    if not video_job.available():
        html(f'<div class="lx-empty"><p>{escape(text.VIDEO_ABSENT)}</p></div>', elem_id="lx-video-absent")
        return {}
    parts = layout()
    shared.pickers[parts.model] = model_picker.pickable
    wire(shared, parts)
    return {}


def layout() -> Parts:
    """The tab's parts on the page."""
    most = text.VIDEO_HELP.format(frames=video_job.MOST_FRAMES, pixels=f"{video_job.MOST_PIXELS / 1e6:.1f}")
    html(f'<p class="lx-note">{most}</p>')
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=1, min_width=300, elem_classes="lx-controls"):
            clip = gr.File(
                type="filepath", label=text.VIDEO_UPLOAD, height=108, elem_id="lx-video-upload", elem_classes="lx-drop"
            )
            model = model_dropdown(text.VIDEO_MODEL, "lx-video-model")
            auto = gr.Checkbox(True, label=text.VIDEO_AUTO, elem_id="lx-video-auto")
            ratio = gr.Slider(1, 300, 10, step=0.5, label=text.VIDEO_RATIO, elem_id="lx-video-ratio", buttons=[])
            follow = gr.Checkbox(False, label=text.VIDEO_FOLLOW, elem_id="lx-video-follow")
            place = gr.Slider(0, 100, 50, step=1, label=text.VIDEO_PLACE, elem_id="lx-video-place", buttons=[])
            preview = gr.Button(text.VIDEO_PREVIEW, elem_id="lx-video-preview")
            with gr.Row(elem_classes="lx-save"):
                run = gr.Button(text.VIDEO_RUN, variant="primary", elem_id="lx-video-run", scale=3)
                stop = gr.Button(text.STOP, elem_id="lx-video-stop", scale=1, min_width=80)
        with gr.Column(scale=3, min_width=340, elem_classes="lx-stage"):
            status = html(elem_id="lx-video-status")
            board = tiles("lx-video-tiles", text.VIDEO_EMPTY)
            link = download_link("lx-video-link")
    return Parts(clip, model, auto, ratio, follow, place, preview, run, stop, status, board, link)


def wire(shared: Shared, parts: Parts) -> None:
    """Connects the components' events to their handlers."""
    guard = reported(shared.message)
    quick = {**AT_ONCE, "show_progress": "full", "show_progress_on": [parts.status]}
    chosen = [shared.token, parts.clip, parts.model, parts.auto, parts.ratio]
    answered = [shared.token, shared.message, parts.status]
    parts.clip.upload(
        guard(partial(take_clip, shared, parts)), [shared.token, parts.clip],
        [*answered, parts.board, parts.link], **quick,
    )  # fmt: skip
    parts.preview.click(
        guard(partial(preview, shared, parts)), [*chosen, parts.place], [*answered, parts.board],
        **{**LONG, "show_progress_on": [parts.board]},
    )  # fmt: skip
    parts.run.click(
        guard(partial(run, shared, parts)), [*chosen, parts.follow], [*answered, parts.board, parts.link],
        show_progress="hidden", **_CLIPS,
    )  # fmt: skip
    parts.stop.click(stop, shared.token, None, api_visibility="private", queue=False)


def _given(path: str | None) -> str:
    """The path of the clip.

    Raises:
        VideoError: none was uploaded.
    """
    if not path:
        raise VideoError(text.VIDEO_NONE)
    return path


def take_clip(shared: Shared, parts: Parts, token: str | None, path: str | None) -> dict[Any, Any]:
    """Reads the facts of an uploaded clip."""
    session = open_session(token)
    found = video_job.probe(_given(path))
    words = text.VIDEO_FACTS.format(
        frames=found.frames, width=found.width, height=found.height, rate=f"{found.rate:.4g}"
    )
    return {
        shared.token: session.token, shared.message: "", parts.status: note([words]), parts.board: None,
        parts.link: None,
    }  # fmt: skip


def preview(
    shared: Shared, parts: Parts, token: str | None, path: str | None, model: str, auto: bool, ratio: float,
    place: float,
) -> dict[Any, Any]:  # fmt: skip
    """A frame of the clip, as taken and restored."""
    session, source = open_session(token), _given(path)
    wish = video_job.Wish(source, model, "auto" if auto else ratio).checked()
    photo = reduced(video_job.frame(session, source, place / 100), PREVIEW_SIDE)
    restoration = explorer.restore(photo, model_picker.load(wish.model), wish.ratio, intermediates=False)
    said = f"{model_picker.label(wish.model)}, {ratio_words(restoration.ratio)}"
    shown = [
        _tile(session, "before", text.VIDEO_BEFORE, "", png(load_rendering(photo))),
        _tile(session, "after", text.VIDEO_AFTER, said, png(restoration.image)),
    ]
    return {
        shared.token: session.token, shared.message: "", parts.status: "",
        parts.board: {"batch": secrets.token_hex(4), "tiles": shown},
    }  # fmt: skip


def run(
    shared: Shared, parts: Parts, token: str | None, path: str | None, model: str, auto: bool, ratio: float,
    follow: bool,
) -> Iterator[dict[Any, Any]]:  # fmt: skip
    """Restores the whole clip and shows the finished part."""
    session, source = open_session(token), _given(path)
    wish = video_job.Wish(source, model, "auto" if auto else ratio, follow)
    batch = secrets.token_hex(4)
    yield {
        shared.token: session.token, shared.message: "", parts.status: note([text.VIDEO_BEGINS]), parts.link: None,
    }  # fmt: skip
    for now in video_job.run(session, wish):
        values = {"frames": now.frames, "seconds": f"{now.seconds:.0f}", "ratio": ratio_words(now.ratio)}
        if now.output is not None:
            words = [text.VIDEO_DONE.format(**values)]
            if now.damaged:
                words.append(text.VIDEO_DAMAGED.format(count=now.damaged))
            if now.silent:
                words.append(text.VIDEO_SILENT)
            yield {parts.status: note(words), parts.link: download_value(now.output)}
            continue
        newest = _tile(session, "newest", text.VIDEO_NEWEST, "", now.newest.read_bytes(), ".jpg")
        yield {
            parts.status: note([text.VIDEO_STEP.format(done=now.done, **values)]),
            parts.board: {"batch": batch, "tiles": [newest], "keep": True},
        }  # fmt: skip


def stop(token: str | None) -> None:
    """Ends the run of the page's clip."""
    video_job.stop(open_session(token))


def _tile(session: Session, name: str, title: str, said: str, picture: bytes, suffix: str = ".png") -> dict[str, Any]:
    source = session.serve(picture, suffix, _GROUP, _KEPT)
    return {"id": name, "title": title, "note": said, "src": source, "alt": title, "open": True}
