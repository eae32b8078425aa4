"""The server's options and the gate before it, as arguments of `gradio.Blocks.launch`."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from explorer.photo import isolation
from explorer.photo.limits import Limits
from explorer.server.options import ServerOptions
from explorer.server.temporary import keep_clean, owned_folder

if TYPE_CHECKING:
    import gradio as gr

LOG = logging.getLogger(__name__)

UPLOADS = "GRADIO_TEMP_DIR"
"""Where Gradio keeps uploads; it reads the variable when components are made."""
MOST_FILES = 100
"""Files of one upload, which are open at once."""
_FETCHERS = ("async_ssrf_protected_download", "async_ssrf_protected_get", "ssrf_protected_download",
             "save_url_to_cache", "unsafe_download")  # fmt: skip
"""Functions by which Gradio downloads what a user names."""


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
    demo: gr.Blocks, options: ServerOptions | None = None, *, host: str = "127.0.0.1", share: bool = False
) -> dict[str, Any]:
    """Makes an app ready for visitors who mean it harm.

    Paths of uploads become unguessable, nothing is fetched from addresses, the queue cannot be passed by, and the
    decoders of photographs are started.

    Args:
        demo: what is about to be launched.
        options: by default those of the environment.
        host: what is listened on. Where that is this machine, the server answers to this machine's names only, unless
            the options name others.
        share: also answer to the names of Gradio's tunnels.

    Returns:
        Arguments for `demo.launch`.

    Raises:
        SettingsError: an environment variable holds what it cannot.
    """
    from starlette.middleware import Middleware

    from explorer.server.gate import Gate
    from explorer.server.visitor import LOOPBACK_NAMES, is_loopback

    options = options or ServerOptions.from_environment()
    if options.hosts or is_loopback(host):
        own = (*LOOPBACK_NAMES, f"[{host}]" if ":" in host else host, *(("*.gradio.live",) if share else ()))
        options = replace(options, hosts=(*options.hosts, *own))
    limits = Limits.from_environment()
    demo.api_open = False
    _seed_paths()
    _fetch_nothing()
    _leave_to_the_gate()
    _say_in_a_line()
    keep_clean(own_uploads())
    with contextlib.suppress(OSError):  # without memory for it now, the first photo tries again and says so
        isolation.prewarm()
    arguments: dict[str, Any] = {
        "app_kwargs": {"middleware": [Middleware(Gate, options=options, largest_upload=limits.max_bytes)]},
        "max_file_size": limits.max_bytes,
    }
    if options.accounts:
        arguments["auth"] = options.admits
    return arguments


def _seed_paths() -> None:
    """Uploads lie at the hash of a seed and their content. Gradio keeps one seed for an installation, which all who
    have the same container image know; this one nobody does."""
    from gradio import processing_utils

    if hasattr(processing_utils, "hash_seed"):
        processing_utils.hash_seed = secrets.token_bytes(32)


def _fetch_nothing() -> None:
    """The gate refuses addresses in what is sent; this is for ways around it that are not known."""
    from gradio import processing_utils

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError("The server fetches nothing from addresses.")

    for name in _FETCHERS:
        if hasattr(processing_utils, name):
            setattr(processing_utils, name, refuse)


def _leave_to_the_gate() -> None:
    """Gradio's rules on origins and Uvicorn's on proxies would come before the gate; its parser of uploads keeps what
    is no file in memory, and leaves behind what it has of a file where anything but the upload itself is wrong."""
    from gradio import route_utils
    from starlette.formparsers import MultiPartException

    os.environ["FORWARDED_ALLOW_IPS"] = ""
    route_utils.CustomCORSMiddleware.parent_configures_cors = lambda self: True  # type: ignore[method-assign]
    parser: Any = route_utils.GradioMultiPartParser
    if hasattr(parser, "explorer"):
        return

    class FilesOnly(parser):  # type: ignore[misc]
        explorer = True

        def on_headers_finished(self) -> None:
            super().on_headers_finished()
            file = self._current_part.file
            if file is None or not file.filename or self._current_files > MOST_FILES:
                raise MultiPartException(f"An upload is made of up to {MOST_FILES} files that have names.")

        async def parse(self) -> Any:
            try:
                return await super().parse()
            except BaseException:
                for file in self._files_to_close_on_error:
                    file.close()
                    Path(file.name).unlink(missing_ok=True)
                raise

    route_utils.GradioMultiPartParser = FilesOnly  # type: ignore[misc]


def _say_in_a_line() -> None:
    """Values that a component of the page does not take are a visitor's doing: Gradio tells who sent them, and prints a
    traceback for each besides. Of those that come from preprocessing values, a line of the log is left."""
    from gradio import queueing, routes

    def say() -> None:
        error = sys.exc_info()[1]
        trace = traceback.extract_tb(error.__traceback__ if error else None)
        if any(frame.name.startswith("preprocess") for frame in trace):
            LOG.info("Values of an event were not understood.", extra={"error": type(error).__name__})
        else:
            traceback.print_exc()

    for module in (queueing, routes):
        vars(module)["traceback"] = SimpleNamespace(print_exc=say, format_exc=traceback.format_exc)
