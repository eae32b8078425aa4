"""`lowlight app`: the explorer in a browser."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from explorer.cli.terminal import write_line
from explorer.errors import ExplorerError

LOG = logging.getLogger(__name__)


def app(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every interface.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port; by default the first free one from 7860.")
    ] = None,
    share: Annotated[
        bool, typer.Option("--share", help="Also open a public link; photos then leave this machine.")
    ] = False,
    auth: Annotated[
        str | None,
        typer.Option(metavar="USER:PASSWORD", help="Require signing in; or a file with one such line per user."),
    ] = None,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log every request to standard error, one line of JSON each.")
    ] = False,
    max_megabytes: Annotated[
        float | None, typer.Option(min=0.001, help="Largest photo in MiB; 512 by default.")
    ] = None,
    max_megapixels: Annotated[
        float | None, typer.Option(min=0.001, help="Largest photo in megapixels; 120 by default.")
    ] = None,
    jobs_per_minute: Annotated[
        float | None,
        typer.Option(min=1, help="Computations that one user may start per minute; 300 by default."),
    ] = None,
) -> None:
    """Start the explorer's app and print its address."""
    where = host if port is None else f"{host}:{port}"
    sentence = (
        f"The app cannot listen on {where}: the port is taken or the address is not this machine's; choose another "
        "--port or --host."
    )
    given = {
        "EXPLORER_AUTH": auth,
        "EXPLORER_MAX_MEGABYTES": max_megabytes,
        "EXPLORER_MAX_MEGAPIXELS": max_megapixels,
        "EXPLORER_JOBS_PER_MINUTE": jobs_per_minute,
    }
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    note = _check_settings(host)
    _probe(host, port, sentence)
    if note:
        write_line(note, err=True)
    from explorer import logs
    from explorer.app import launch

    logs.configure(as_json=log_json, level=logging.INFO if log_json else logging.WARNING)
    if log_json:
        logs.catch_prints()
    options: dict[str, Any] = {"host": host, "port": port, "share": share}
    try:
        with _ended_in_order():
            url = launch(**options, block=False, quiet=log_json)
            if log_json:
                LOG.info("serving", extra={"address": url})
            _wait()
    except OSError as error:  # the port was taken in between
        raise ExplorerError(sentence) from error


def _wait() -> None:
    """Waits for a signal.

    The system may deliver a signal to any thread, but its handler runs in this one, once it wakes: an endless wait has
    been seen to sleep through the request to stop.
    """
    while True:
        time.sleep(0.5)


def _probe(host: str, port: int | None, sentence: str) -> None:
    """Refuses an address that is not this machine's: Gradio would try a hundred ports on it, each with a slow error.

    Raises:
        ExplorerError: the sentence.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        raise ExplorerError(sentence) from error


def _check_settings(host: str) -> str:
    """Checks the environment before the app takes seconds to start.

    Returns:
        A note on who can use the app; empty if there is nothing to say.

    Raises:
        SettingsError: a variable or a flag has an invalid value.
    """
    from explorer.photo.limits import DecoderLimits, Limits
    from explorer.server.options import ServerOptions
    from explorer.server.visitor import is_loopback

    Limits.from_environment()
    DecoderLimits.from_environment()
    options = ServerOptions.from_environment()
    if is_loopback(host) or options.accounts:
        return ""
    return f"note: whoever can reach {host} may use the app; --auth asks for a password."


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Treats a request to stop (a container's) like Ctrl-C; removes temporary files and ends decoders.

    Then the process exits at once: shutting down an interpreter in which photos are being restored takes many seconds.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)
    finally:
        signal.signal(signal.SIGTERM, before)
