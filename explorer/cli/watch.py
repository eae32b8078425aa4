"""`lowlight watch`: restores the photos of a folder as they appear."""

from __future__ import annotations

import signal
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import (
    BackendOption,
    BlackLevelOption,
    ForceLinearOption,
    HalfSizeOption,
    KeepExposureOption,
    LinearOption,
    NeededModelOption,
    NeutralPointOption,
    QuietOption,
    RatioOption,
    ResultBitsOption,
    StrengthOption,
    SuffixOption,
    WeightsOption,
    WhiteBalanceOption,
    check_format,
    chosen_treatment,
)
from explorer.cli.terminal import engine_heard, tell, write_line
from explorer.saving import Saving

if TYPE_CHECKING:
    from explorer.batch.photograph import Outcome
    from explorer.batch.run import Summary


def watch(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A folder, searched recursively.")],
    destination: Annotated[
        Path, typer.Option("--out", "-o", help="A folder for results and manifest.parquet; made if missing.")
    ],
    model: NeededModelOption,
    ratio: RatioOption = "auto",
    strength: StrengthOption = None,
    half_size: HalfSizeOption = False,
    suffix: SuffixOption = ".png",
    keep_exposure: KeepExposureOption = False,
    force_linear: ForceLinearOption = False,
    linear: LinearOption = False,
    bits: ResultBitsOption = "8",
    white_balance: WhiteBalanceOption = None,
    neutral_point: NeutralPointOption = None,
    black_level: BlackLevelOption = "auto",
    weights: WeightsOption = None,
    backend: BackendOption = "auto",
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

    saving = Saving(False, keep_exposure, force_linear, linear)
    treatment = chosen_treatment(
        ratio, strength, suffix, bits, white_balance, neutral_point, black_level, backend, saving, half_size
    )
    check_format(treatment)
    loaded = load_model(model, weights)
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
