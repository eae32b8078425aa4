"""What Retinex networks and methods see: the photo as reflectance times illumination."""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr

from explorer.app import catalogue, restoring, text
from explorer.app.components import html, tiles
from explorer.app.feedback import reported
from explorer.app.pictures import panel_tiles, result_line
from explorer.app.sessions import open_session
from explorer.app.shared import PREVIEWS, Shared
from explorer.errors import ModelNotFoundError
from explorer.views.retinex import panels

NAME = "retinex"
TITLE = text.TAB_RETINEX


def build(shared: Shared) -> None:
    """Lays the tab out and wires it."""
    names = catalogue.decomposing()
    with gr.Row(elem_classes="lx-bar"):
        model = gr.Dropdown(
            choices=list(catalogue.choices(names)),
            value=names[0] if names else None,
            label=text.RETINEX_MODEL,
            elem_id="lx-retinex-model",
            scale=4,
        )
        run = gr.Button(text.RETINEX_RUN, variant="primary", elem_id="lx-retinex-run", scale=1, min_width=130)
    html(f'<p class="lx-note">{text.RETINEX_HELP}</p>')
    board = tiles("lx-retinex-tiles", text.RETINEX_EMPTY if names else text.RETINEX_NONE)
    result = html(elem_id="lx-retinex-result")

    def decompose(token: str | None, name: str | None) -> dict[Any, Any]:
        session = open_session(token)
        session.require_photo()
        if not name:
            raise ModelNotFoundError(text.RETINEX_NONE)
        restoration = restoring.preview(session, name, "auto").restoration
        # The identity goes through the same preparation, so its picture is exactly what the model was given.
        seen = restoring.preview(session, "identity", restoration.ratio).restoration.image
        shown = panel_tiles(session, panels(seen, restoration.intermediates, restoration.image), name)
        return {
            shared.token: session.token,
            shared.message: "",
            board: {"batch": secrets.token_hex(4), "tiles": shown},
            result: result_line(restoration),
        }

    gr.on(
        [run.click, model.input],
        reported(shared.message)(decompose),
        [shared.token, model],
        [shared.token, shared.message, board, result],
        concurrency_id=PREVIEWS,
        concurrency_limit=2,
        api_visibility="private",
        trigger_mode="always_last",
        show_progress="minimal",
        show_progress_on=[result],
    )
    shared.photo.change(lambda: (None, ""), outputs=[board, result], api_visibility="private", show_progress="hidden")
