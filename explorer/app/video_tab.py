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
from explorer.app import model_picker, text, video_job, video_text
from explorer.app.components import download_link, html, model_dropdown, note, tiles
from explorer.app.feedback import reported
from explorer.app.open_photo import PREVIEW_SIDE
from explorer.app.pictures import download_value
from explorer.app.sessions import Session, open_session
from explorer.app.shared import AT_ONCE, LONG, SILENT, Address, Shared
from explorer.errors import CancelledError, VideoError
from explorer.photo import load_rendering
from explorer.photo.light.reduce import reduced
from explorer.views.pictures import png
from explorer.views.words import ratio_words

NAME = "video"
TITLE = video_text.TAB_VIDEO
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
        html(f'<div class="lx-empty"><p>{escape(video_text.VIDEO_ABSENT)}</p></div>', elem_id="lx-video-absent")
        return {}
    parts = layout()
    shared.pickers[parts.model] = model_picker.pickable
    wire(shared, parts)
    return {}


def layout() -> Parts:
    """The tab's parts on the page."""
    most = video_text.VIDEO_HELP.format(frames=video_job.MOST_FRAMES, pixels=f"{video_job.MOST_PIXELS / 1e6:.1f}")
    html(f'<p class="lx-note">{most}</p>')
    with gr.Row(elem_classes="lx-layout"):
        with gr.Column(scale=1, min_width=300, elem_classes="lx-controls"):
            clip = gr.File(
                type="filepath",
                label=video_text.VIDEO_UPLOAD,
                height=108,
                elem_id="lx-video-upload",
                elem_classes="lx-drop",
            )
            model = model_dropdown(video_text.VIDEO_MODEL, "lx-video-model")
            auto = gr.Checkbox(True, label=video_text.VIDEO_AUTO, elem_id="lx-video-auto")
            follow = gr.Checkbox(False, label=video_text.VIDEO_FOLLOW, elem_id="lx-video-follow")
            ratio = gr.Slider(
                1, 300, 10, step=0.5, label=video_text.VIDEO_RATIO, elem_id="lx-video-ratio", buttons=[],
                interactive=False,
            )  # fmt: skip
            place = gr.Slider(0, 100, 50, step=1, label=video_text.VIDEO_PLACE, elem_id="lx-video-place", buttons=[])
            preview = gr.Button(video_text.VIDEO_PREVIEW, elem_id="lx-video-preview")
            with gr.Row(elem_classes="lx-save"):
                run = gr.Button(video_text.VIDEO_RUN, variant="primary", elem_id="lx-video-run", scale=3)
                stop = gr.Button(text.STOP, elem_id="lx-video-stop", scale=1, min_width=80, interactive=False)
            # Next to the buttons, because the pictures are far above them on a phone.
            status = html(elem_id="lx-video-status")
            link = download_link("lx-video-link")
        with gr.Column(scale=3, min_width=340, elem_classes="lx-stage"):
            board = tiles("lx-video-tiles", video_text.VIDEO_EMPTY)
    return Parts(clip, model, auto, ratio, follow, place, preview, run, stop, status, board, link)


def wire(shared: Shared, parts: Parts) -> None:
    """Connects the components' events to their handlers."""
    guard = reported(shared.message)
    given, chosen = [shared.token, parts.clip], [parts.model, parts.auto, parts.ratio]
    answered = [shared.token, shared.message]
    clip = [parts.clip, parts.stop, parts.status, parts.board, parts.link]
    looking = {**LONG, "show_progress_on": [parts.board]}
    taken = parts.clip.upload(
        reported(shared.message, lambda *_: emptied(parts))(partial(take_clip, shared, parts)), given,
        [*answered, *clip], **{**AT_ONCE, "show_progress": "full", "show_progress_on": [parts.board]},
    )  # fmt: skip
    frame: Any = [*given, *chosen, parts.place], [*answered, parts.board]
    taken.then(guard(partial(first_frame, shared, parts)), *frame, **looking)
    parts.preview.click(guard(partial(preview, shared, parts)), *frame, **looking)
    parts.clip.clear(guard(partial(let_go, shared, parts)), shared.token, [*answered, *clip], **SILENT)
    parts.auto.input(partial(amplification, parts), parts.auto, [parts.ratio, parts.follow], **SILENT)
    parts.run.click(
        reported(shared.message, lambda *_: ended(parts))(partial(run, shared, parts)),
        [*given, *chosen, parts.follow], [*answered, parts.stop, parts.status, parts.board, parts.link],
        show_progress="hidden", **_CLIPS,
    )  # fmt: skip
    parts.stop.click(stop, shared.token, None, api_visibility="private", queue=False)


def amplification(parts: Parts, auto: bool) -> dict[Any, Any]:
    """The controls of the amplification: only those that count can be used."""
    follow = gr.update(interactive=True) if auto else gr.update(interactive=False, value=False)
    return {parts.ratio: gr.update(interactive=not auto), parts.follow: follow}


def ended(parts: Parts, *said: str) -> dict[Any, Any]:
    """The page's values once no clip is being restored."""
    return {parts.stop: gr.update(interactive=False), parts.status: note(said)}


def emptied(parts: Parts) -> dict[Any, Any]:
    """The page's values without a clip."""
    return {**ended(parts), parts.clip: None, parts.board: None, parts.link: None}


def _end_run(session: Session) -> None:
    """Ends the run of the page's former clip, which then says nothing more."""
    session.begins(_GROUP)
    video_job.stop(session)


def let_go(shared: Shared, parts: Parts, token: str | None) -> dict[Any, Any]:
    """Forgets the clip that was removed."""
    session = open_session(token)
    _end_run(session)
    return {shared.token: session.token, shared.message: "", **emptied(parts)}


def _given(path: str | None) -> str:
    """The path of the clip.

    Raises:
        VideoError: none was uploaded.
    """
    if not path:
        raise VideoError(video_text.VIDEO_NONE)
    return path


def take_clip(shared: Shared, parts: Parts, token: str | None, path: str | None) -> dict[Any, Any]:
    """Reads the facts of an uploaded clip."""
    session = open_session(token)
    _end_run(session)
    found = video_job.probe(_given(path))
    words = video_text.VIDEO_FACTS.format(
        frames=found.frames, width=found.width, height=found.height, rate=f"{found.rate:.4g}"
    )
    return {
        shared.token: session.token, shared.message: "", **ended(parts, words), parts.board: None, parts.link: None,
    }  # fmt: skip


def first_frame(
    shared: Shared, parts: Parts, token: str | None, path: str | None, *chosen: Any
) -> dict[Any, Any]:  # fmt: skip
    """A frame of the clip that was just uploaded; nothing if it could not be read."""
    return preview(shared, parts, token, path, *chosen) if path else {}


def preview(
    shared: Shared, parts: Parts, token: str | None, path: str | None, model: str, auto: bool, ratio: float,
    place: float,
) -> dict[Any, Any]:  # fmt: skip
    """A frame of the clip, as taken and restored."""
    session, source = open_session(token), _given(path)
    turn = session.turns.get(_GROUP, 0)
    wish = video_job.Wish(source, model, "auto" if auto else ratio).checked()
    photo = reduced(video_job.frame(session, source, place / 100), PREVIEW_SIDE)
    restoration = explorer.restore(photo, model_picker.load(wish.model), wish.ratio, intermediates=False)
    if not session.is_latest(_GROUP, turn):  # the clip is gone, or its run shows newer pictures
        return {}
    said = f"{model_picker.label(wish.model)}, {ratio_words(restoration.ratio)}"
    shown = [
        _tile(session, "before", video_text.VIDEO_BEFORE, "", png(load_rendering(photo))),
        _tile(session, "after", video_text.VIDEO_AFTER, said, png(restoration.image)),
    ]
    return {
        shared.token: session.token, shared.message: "",
        parts.board: {"batch": secrets.token_hex(4), "tiles": shown},
    }  # fmt: skip


def run(
    shared: Shared, parts: Parts, token: str | None, path: str | None, model: str, auto: bool, ratio: float,
    follow: bool,
) -> Iterator[dict[Any, Any]]:  # fmt: skip
    """Restores the whole clip and shows the finished part."""
    session, source = open_session(token), _given(path)
    wish, turn = video_job.Wish(source, model, "auto" if auto else ratio, follow), session.begins(_GROUP)
    batch = secrets.token_hex(4)
    yield {
        shared.token: session.token, shared.message: "", parts.stop: gr.update(interactive=True),
        parts.status: note([video_text.VIDEO_BEGINS]), parts.link: None,
    }  # fmt: skip
    try:
        for now in video_job.run(session, wish):
            if not session.is_latest(_GROUP, turn):  # another clip, or none
                return
            yield _progress(session, parts, now, batch)
    except CancelledError as error:
        if session.is_latest(_GROUP, turn):
            yield {parts.status: note([str(error)])}
    # By itself: Gradio repeats the last values once the process has ended, and the clip may be removed before.
    yield {parts.stop: gr.update(interactive=False)}


def _progress(session: Session, parts: Parts, now: video_job.Step, batch: str) -> dict[Any, Any]:
    values = {"frames": now.frames, "seconds": f"{now.seconds:.0f}", "ratio": ratio_words(now.ratio)}
    if now.output is None:
        newest = _tile(session, "newest", video_text.VIDEO_NEWEST, "", now.newest.read_bytes(), ".jpg")
        return {
            parts.status: note([video_text.VIDEO_STEP.format(done=now.done, **values)]),
            parts.board: {"batch": batch, "tiles": [newest], "keep": True},
        }  # fmt: skip
    words = [video_text.VIDEO_DONE.format(**values)]
    if now.damaged:
        words.append(video_text.VIDEO_DAMAGED.format(count=now.damaged))
    if now.silent:
        words.append(video_text.VIDEO_SILENT)
    return {parts.status: note(words), parts.link: download_value(now.output)}


def stop(token: str | None) -> None:
    """Ends the run of the page's clip."""
    video_job.stop(open_session(token))


def _tile(session: Session, name: str, title: str, said: str, picture: bytes, suffix: str = ".png") -> dict[str, Any]:
    source = session.serve(picture, suffix, _GROUP, _KEPT)
    return {"id": name, "title": title, "note": said, "src": source, "alt": title, "open": True}
