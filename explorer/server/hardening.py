"""Turns the server's options and its gate into arguments of `gradio.Blocks.launch`."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.photo.limits import Limits
from explorer.sandbox import processes
from explorer.server import gradio_internals as internals
from explorer.server.options import ServerOptions
from explorer.server.temporary import keep_clean, owned_folder

if TYPE_CHECKING:
    import gradio as gr

    from explorer.server.frames import Answer

LOG = logging.getLogger(__name__)

UPLOADS = "GRADIO_TEMP_DIR"
"""Environment variable for Gradio's folder of uploads; Gradio reads it when components are created."""


def own_uploads() -> Path:
    """Gives this process its own folder of uploads, unless GRADIO_TEMP_DIR names one, and returns it.

    Call it before the app's components are created.
    """
    if not os.environ.get(UPLOADS):
        folder = owned_folder() / "uploads"
        folder.mkdir(exist_ok=True)
        os.environ[UPLOADS] = str(folder)
    return Path(os.environ[UPLOADS])


def hardened(
    demo: gr.Blocks,
    options: ServerOptions | None = None,
    *,
    host: str = "127.0.0.1",
    share: bool = False,
    frames: Answer | None = None,
) -> dict[str, Any]:
    """Hardens an app against untrusted clients.

    Makes upload paths unguessable, stops Gradio from fetching addresses, guards the queue, and starts the decoders.

    Args:
        demo: the app to be launched.
        options: by default those of the environment.
        host: the address to listen on. On loopback, the server answers only to this machine's names, unless the
            options name others.
        share: also answer to the names of Gradio's tunnels.
        frames: restores frames of live cameras; None if the app has no camera.

    Returns:
        Arguments for `demo.launch`.

    Raises:
        SettingsError: an environment variable has an invalid value.
    """
    from starlette.middleware import Middleware

    from explorer.server.frames import Frames
    from explorer.server.gate import Gate
    from explorer.server.pages import KeptPages
    from explorer.server.streams import HeldStreams
    from explorer.server.visitor import LOOPBACK_NAMES, is_loopback

    options = options or ServerOptions.from_environment()
    if options.hosts or is_loopback(host):
        own = (*LOOPBACK_NAMES, f"[{host}]" if ":" in host else host, *(("*.gradio.live",) if share else ()))
        options = replace(options, hosts=(*options.hosts, *own))
    limits = Limits.from_environment()
    demo.api_open = False
    internals.change_for_strangers()
    keep_clean(own_uploads(), internals.temporary_names(demo))
    with contextlib.suppress(OSError):  # if memory is short now, the first photo tries again
        processes.prewarm()
    arguments: dict[str, Any] = {
        "app_kwargs": {
            "middleware": [
                Middleware(Gate, options=options, largest_upload=limits.max_bytes),
                Middleware(HeldStreams),
                Middleware(KeptPages),
                *([Middleware(Frames, answer=frames)] if frames else []),
            ]
        },
        "max_file_size": limits.max_bytes,
    }
    if options.accounts:
        arguments["auth"] = options.admits
    return arguments
