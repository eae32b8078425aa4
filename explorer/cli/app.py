"""`lowlight app`: the explorer in a browser."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from explorer.errors import ExplorerError


def app(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every interface.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port; by default the first free one from 7860.")
    ] = None,
    share: Annotated[
        bool, typer.Option("--share", help="Open a public link too; photographs then leave this machine.")
    ] = False,
) -> None:
    """Start the explorer's app and print its address."""
    where = host if port is None else f"{host}:{port}"
    sentence = (
        f"The app cannot listen on {where}: the port is taken or the address is not this machine's; name another "
        "--port or --host."
    )
    # Gradio would try a hundred ports of an address that is not this machine's, one slow error a port.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        raise ExplorerError(sentence) from error
    from explorer.app import launch

    try:
        launch(host=host, port=port, share=share)
    except OSError as error:  # the port was taken in between
        raise ExplorerError(sentence) from error
