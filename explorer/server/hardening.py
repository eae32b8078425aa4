"""The server's options and the gate before it, as arguments of `gradio.Blocks.launch`."""

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
"""Where Gradio keeps uploads; it reads the variable when components are made."""


def own_uploads() -> Path:
    """Gives uploads a folder of this process's own, unless GRADIO_TEMP_DIR names one. To be called before the app's
    components are made.

    Returns:
        The folder.
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
    """Makes an app ready for visitors who mean it harm.

    Makes upload paths unguessable, fetches nothing from addresses, guards the queue, and starts the photo decoders.

    Args:
        demo: what is about to be launched.
        options: by default those of the environment.
        host: the address to listen on. On loopback, only this machine's names are answered unless the options
            name others.
        share: also answer to the names of Gradio's tunnels.
        frames: restores the frames of live cameras; without, there are none.

    Returns:
        Arguments for `demo.launch`.

    Raises:
        SettingsError: an environment variable holds what it cannot.
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
    with contextlib.suppress(OSError):  # without memory for it now, the first photo tries again and says so
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
