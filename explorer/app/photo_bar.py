"""The strip above the tabs: a drop zone for the visitor's own photo, and the bundled examples."""

from __future__ import annotations

import logging
import secrets
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

import explorer
from explorer.app import model_picker, opening, text, workspace
from explorer.app.components import ExampleCard, example_picker, html
from explorer.app.feedback import reported
from explorer.app.open_photo import OpenPhoto
from explorer.app.sessions import Session, open_session
from explorer.app.shared import AT_ONCE, Shared
from explorer.errors import PhotoError
from explorer.formats import listed
from explorer.messages import say
from explorer.photo import amplify, load_rendering, suggest_ratio
from explorer.photo.light.reduce import reduced
from explorer.photo.types import Photo
from explorer.views.pictures import png, within

LOG = logging.getLogger(__name__)

THUMBNAIL_SIDE = 176
"""Twice the displayed size of a thumbnail, for dense screens."""


def thumbnail(photo: Photo) -> bytes:
    """A small PNG of a photo: as taken on the left, brightened on the right."""
    small = reduced(photo, 2 * THUMBNAIL_SIDE)
    picture = within(load_rendering(small), THUMBNAIL_SIDE).copy()
    right = slice(picture.shape[1] // 2, None)
    picture[:, right] = amplify(picture[:, right], min(30.0, suggest_ratio(small).ratio))
    return png(picture, 9)


@cache
def example_cards() -> tuple[ExampleCard, ...]:
    """The bundled examples with thumbnails."""
    from explorer.examples import examples

    cards = []
    for example in examples():
        try:
            photo = explorer.open_photo(example.path)
        except PhotoError as error:  # a damaged installation: the app still works for the visitor's own photos
            LOG.warning("Skipped the example %s: %s", example.name, error)
            continue
        cards.append(
            ExampleCard(
                example.name,
                example.title,
                example.caption,
                text.RAW if example.kind == "raw" else "",
                thumbnail(photo),
            )
        )
    return tuple(cards)


def default_example() -> str | None:
    """The example that opens first."""
    cards = example_cards()
    return cards[0].name if cards else None


def build() -> tuple[gr.File, gr.HTML]:
    """The upload and the picker, laid out."""
    with gr.Row(elem_classes="lx-photo-bar"):
        formats, last = listed(text.RAW)
        label = text.UPLOAD.format(formats=formats, last=last)
        upload = gr.File(type="filepath", label=label, height=126, elem_id="lx-upload", scale=2, min_width=280)
        with gr.Column(scale=5, min_width=280, elem_classes="lx-offer"):
            picker = example_picker(example_cards())
            html(f'<p class="lx-note">{say("upload.privacy")}</p>', elem_id="lx-privacy")
    return upload, picker


def open_values(session: Session) -> dict[str, Any]:
    """Values of the strip for the open photo: "upload" and "picker"."""
    opened = session.open
    if opened is None:
        return {"upload": None, "picker": ""}
    here = opened.upload if opened.upload and Path(opened.upload).is_file() else None
    return {"upload": here, "picker": opened.example or ""}


def shown_first(shared: Shared, session: Session, before: OpenPhoto | None, model: str | None) -> dict[Any, Any]:
    """The page's values for a photo that was opened. They use the chosen model; if that was the best model for the
    previous photo, they use the best one for this photo. If a network must be prepared first, the page says so when it
    shows the photo."""
    if before is None or model == model_picker.best_for(before.small):
        model = model_picker.best_for(session.require_open().small)
    if not model_picker.preparing(model):
        workspace.first_preview(session, model)
    return {
        shared.model: model,
        shared.token: session.token,
        shared.photo: secrets.token_hex(4),
        shared.message: "",
        shared.picker: session.require_open().example or "",
    }


def wire(upload: gr.File, picker: gr.HTML, shared: Shared) -> None:
    """Opening a photo changes the `photo` state, which every tab follows."""

    def open_upload(current: str | None, path: str | None, model: str | None, name: str | None) -> dict[Any, Any]:
        session = open_session(current)
        if path is None:
            return {shared.message: ""}
        with opening.kept_on_failure(session):
            before = session.open
            opening.open_file(session, path, isolated=True)
            return shown_first(shared, session, before, model)

    def open_example(current: str | None, path: str | None, model: str | None, name: str | None) -> dict[Any, Any]:
        session = open_session(current)
        with opening.kept_on_failure(session):
            before = session.open
            opening.open_example(session, name or "")
            return {**shown_first(shared, session, before, model), upload: None}

    def still_open(current: str | None, *_: object) -> dict[Any, Any]:
        shown = open_values(open_session(current))
        return {upload: shown["upload"], picker: shown["picker"]}

    guard = reported(shared.message, still_open)
    options: dict[str, Any] = {
        "inputs": [shared.token, upload, shared.model, picker],
        "outputs": [shared.token, shared.photo, shared.message, shared.model, upload, picker],
        **AT_ONCE,
        "show_progress": "minimal",
        "show_progress_on": [upload],
    }
    upload.upload(None, None, shared.message, js="() => ''")  # an old error disappears before the new photo is read
    upload.upload(guard(open_upload), **options)
    picker.select(guard(open_example), **options)
    shared.photo.change(None, picker, js="(example) => lxAddress({example: example || null, own: example ? null : 1})")
