"""Turns the server's options and its gate into arguments of `gradio.Blocks.launch`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.gradio_internals import change_for_strangers
from explorer.photo.limits import Limits
from explorer.server.options import ServerOptions

if TYPE_CHECKING:
    import gradio as gr
    from starlette.middleware import Middleware
    from starlette.routing import BaseRoute


def hardened(
    demo: gr.Blocks,
    options: ServerOptions | None = None,
    *,
    host: str = "127.0.0.1",
    share: bool = False,
    middleware: Sequence[Middleware] = (),
    routes: Sequence[BaseRoute] = (),
) -> dict[str, Any]:
    """Hardens an app against untrusted clients.

    Makes upload paths unguessable, stops Gradio from fetching addresses, and guards the queue.

    Args:
        demo: the app to be launched.
        options: by default those of the environment.
        host: the address to listen on. On loopback, the server answers only to this machine's names, unless the
            options name others.
        share: also answer to the names of Gradio's tunnels.
        middleware: the app's own, behind the gate.
        routes: the app's own, behind the gate, which must know them (`explorer.server.rules`).

    Returns:
        Arguments for `demo.launch`.

    Raises:
        SettingsError: an environment variable has an invalid value.
    """
    from starlette.middleware import Middleware

    from explorer.server.gate import Gate
    from explorer.server.pages import KeptPages
    from explorer.server.visitor import LOOPBACK_NAMES, is_loopback

    options = options or ServerOptions.from_environment()
    if options.hosts or is_loopback(host):
        own = (*LOOPBACK_NAMES, f"[{host}]" if ":" in host else host, *(("*.gradio.live",) if share else ()))
        options = replace(options, hosts=(*options.hosts, *own))
    most = Limits.from_environment().max_bytes
    demo.api_open = False
    change_for_strangers()
    gate = Middleware(Gate, options=options, largest_upload=most)
    arguments = {
        "app_kwargs": {"middleware": [gate, Middleware(KeptPages), *middleware], "routes": list(routes)},
        "max_file_size": most,
    }
    return arguments | ({"auth": options.admits} if options.accounts else {})
