"""`lowlight app`: the explorer in a browser."""

from __future__ import annotations

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
    from explorer.app import launch

    try:
        launch(host=host, port=port, share=share)
    except OSError as error:  # gradio's word for a port that is taken or an address that is not this machine's
        where = host if port is None else f"{host}:{port}"
        raise ExplorerError(
            f"The app cannot listen on {where}: the port is taken or the address is not this machine's; name another "
            "--port or --host."
        ) from error
