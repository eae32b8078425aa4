"""A live camera, restored while it runs. The work is done in `assets/live.js` and `explorer.app.live`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from explorer.app import model_picker, opening, photo_bar, text
from explorer.app.components import html, live_camera, model_dropdown, note
from explorer.app.feedback import reported
from explorer.app.sessions import open_session
from explorer.app.shared import AT_ONCE, Address, Shared
from explorer.errors import PhotoError

NAME = "live"
TITLE = text.TAB_LIVE
PLACE = 30

QUICKEST = "lamba_m0.raw_synthetic"
"""The tab's initial model, if installed: the fastest network of the project."""
_PREFIX = "data:image/jpeg;base64,"


@dataclass(frozen=True)
class Parts:
    """The tab's components."""

    model: gr.Dropdown
    camera: gr.HTML
    frozen: gr.HTML


def build(shared: Shared) -> Address:
    """Lays the tab out and wires it."""
    parts = layout()
    shared.pickers[parts.model] = model_picker.pickable
    wire(shared, parts)
    return {}


def first_model() -> str | None:
    """The tab's initial model."""
    return QUICKEST if QUICKEST in model_picker.models() else model_picker.default_model()


def layout() -> Parts:
    """The tab's parts on the page."""
    html(f'<p class="lx-note">{text.LIVE_HELP}</p>')
    model = model_dropdown(text.LIVE_MODEL, "lx-live-model", value=first_model())
    return Parts(model, live_camera("lx-live", first_model() or ""), html(elem_id="lx-live-frozen"))


def wire(shared: Shared, parts: Parts) -> None:
    """Connects the components' events to their handlers."""
    parts.model.change(None, parts.model, js="(model) => lxLive({ model })")
    parts.camera.submit(
        reported(shared.message)(partial(freeze, shared, parts)),
        [shared.token, shared.model, parts.camera],
        [shared.token, shared.model, shared.photo, shared.message, shared.upload, shared.picker, parts.frozen],
        **AT_ONCE,
    )  # fmt: skip


def freeze(shared: Shared, parts: Parts, token: str | None, model: str | None, value: object) -> dict[Any, Any]:
    """Opens the camera's frame as the photo of all tabs.

    Raises:
        PhotoError: the page did not send a picture.
    """
    session = open_session(token)
    frame = value.get("frame") if isinstance(value, Mapping) else None
    if not isinstance(frame, str) or not frame.startswith(_PREFIX):
        raise PhotoError(text.LIVE_NO_JPEG)
    try:
        data = base64.b64decode(frame.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PhotoError(text.LIVE_NO_JPEG) from error
    with opening.kept_on_failure(session):
        before = session.open
        opening.open_bytes(session, data, "camera.jpg")
        width, height = session.require_open().size
        return {
            **photo_bar.shown_first(shared, session, before, model),
            shared.upload: None,
            parts.frozen: note([text.LIVE_FROZEN.format(width=width, height=height)]),
        }
