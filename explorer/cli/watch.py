"""`lowlight watch`: restores the photos of a folder as they appear."""

from __future__ import annotations

import signal
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.grouped import spread
from explorer.cli.options import NeededModelOption, PictureOptions, QuietOption
from explorer.cli.terminal import engine_heard, tell, write_line

if TYPE_CHECKING:
    from explorer.batch.photograph import Outcome
    from explorer.batch.run import Summary


@spread
def watch(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A folder, searched recursively.")],
    destination: Annotated[
        Path, typer.Option("--out", "-o", help="A folder for results and manifest.parquet; made if missing.")
    ],
    model: NeededModelOption,
    picture: PictureOptions,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two checks.")] = 2.0,
    settle: Annotated[float, typer.Option(min=0, help="Seconds that a file must stay unchanged.")] = 2.0,
    quiet: QuietOption = False,
) -> None:
    """Restore the photos of a folder, and each new one that appears in it.

    Writes the same folders and manifest as `lowlight batch`. A file is read once
    it has stopped growing. Ctrl-C ends the command after the current photo; start
    it again to do what is missing.
    """
    from explorer.batch.watching import watch as keep_watch
    from explorer.restorer import load_model

    treatment = picture.folder_treatment()
    loaded = load_model(model, picture.weights)
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())

    def report(outcome: Outcome) -> None:
        if outcome.error:
            write_line(f"error: {outcome.error}", err=True)
        elif not quiet:
            tell(f"{outcome.input} restored")

    def done(summary: Summary) -> None:
        if not quiet:
            tell(f"{summary.photographs - summary.failed} of {summary.photographs} are restored; {summary.manifest}")

    if not quiet:
        tell(f"Watching {source}; Ctrl-C ends it.")
    with nullcontext() if quiet else engine_heard():
        keep_watch(
            str(source), str(destination), loaded, treatment, stop=stop, every=every, settle=settle, report=report,
            done=done,
        )  # fmt: skip
