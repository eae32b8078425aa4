"""`lowlight batch`: restores archives of photos with many processes or machines, and writes a manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from explorer.cli.failures import SOME_FAILED, leave
from explorer.cli.grouped import spread
from explorer.cli.options import (
    AddressOption,
    EngineOption,
    NeededModelOption,
    PictureOptions,
    QuietOption,
    WorkersOption,
    chosen_engine,
)
from explorer.cli.terminal import Progress, print_json, print_table, progress, write_line
from explorer.errors import PhotoError
from explorer.messages import say

if TYPE_CHECKING:
    from explorer.batch.photograph import Outcome
    from explorer.batch.run import Summary
    from explorer.weights.store import LoadedModel


SourceArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="SRC",
        help="A folder (searched recursively), a list (.txt, one path or address per line), or a photo; a path or an "
        "address such as s3://bucket/folder.",
    ),
]
DestinationArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="DST", help="A folder or an address for results and manifest.parquet.")
]
ThreadsOption: TypeAlias = Annotated[int | None, typer.Option(min=1, help="Processor threads of each network.")]
RetryOption: TypeAlias = Annotated[
    bool, typer.Option("--retry", help="Also retry photos that failed last time because of what they are.")
]
ReplaceOption: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace files in DST even if no earlier run made them.")
]
CostsOption: TypeAlias = Annotated[
    bool, typer.Option("--report", help="Add the measured cost per photo, and an estimate for --photographs of them.")
]
PlannedOption: TypeAlias = Annotated[int, typer.Option(min=1, help="Photos in the estimate of --report.")]
RunJsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Report on the run as JSON.")]


@spread
def batch(
    context: typer.Context,
    source: SourceArgument,
    destination: DestinationArgument,
    model: NeededModelOption,
    picture: PictureOptions,
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    retry: RetryOption = False,
    overwrite: ReplaceOption = False,
    costs: CostsOption = False,
    photographs: PlannedOption = 1_000_000,
    as_json: RunJsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Restore an archive of photos into DST, on this machine or a Ray cluster.

    DST gets the folders of SRC, with each photo as <stem>.png or with the suffix
    of --suffix. DST/manifest.parquet has one row per photo: what it is, how it
    was restored, or why it was not. Run the same command again to do what is
    missing or changed.

    A photo that cannot be restored does not stop the run; the exit code is then
    10, or the error's own if none could be restored.
    """
    through = chosen_engine(context, engine, address, workers, threads)
    from explorer.batch.run import run_batch
    from explorer.photo.files.quiet import allow_in_threads
    from explorer.restorer import load_model

    treatment = picture.folder_treatment()
    loaded = load_model(model, picture.weights)
    if engine == "local" and workers == 0:
        allow_in_threads()
    with progress(0, quiet=quiet or as_json) as shown:
        told = _Told(
            shown, quiet, as_json, _preparing(loaded, picture.backend) if engine == "local" and workers != 0 else ""
        )
        summary = run_batch(
            source, destination, loaded, treatment, through, retry=retry, overwrite=overwrite, begin=told.begin,
            report=told.report,
        )  # fmt: skip
    _print(summary, photographs if costs else None, as_json, quiet)
    _leave(summary)


def _preparing(model: LoadedModel, backend: str) -> str:
    """The message before worker processes, whose own messages do not appear here, convert a network; empty if none
    does."""
    from explorer.restorer import must_convert

    return say("note.converting", model=model.name) if must_convert(model, backend) else ""


@dataclass
class _Told:
    """Progress messages of a run."""

    shown: Progress
    quiet: bool
    as_json: bool
    preparing: str
    """Shown before the first photo; may be empty."""

    def begin(self, waiting: int, kept: int) -> None:
        self.shown.expect(waiting)
        if not (self.quiet or self.as_json):
            already = f", {kept} {'is' if kept == 1 else 'are'} done already" if kept else ""
            write_line(f"{waiting} {'photo' if waiting == 1 else 'photos'} to restore{already}", err=True)
            if waiting and self.preparing:
                write_line(self.preparing, err=True)

    def report(self, outcome: Outcome) -> None:
        if outcome.error and not self.as_json:
            write_line(f"error: {_named(outcome)}", err=True)
        self.shown.advance()


def _named(outcome: Outcome) -> str:
    from explorer.batch.addresses import name_of

    name = name_of(outcome.input)
    return outcome.error if name in outcome.error else f"{outcome.input}: {outcome.error}"


def _leave(summary: Summary) -> None:
    codes = [code for code in summary.table.column("error_code").to_pylist()[: summary.photographs] if code]
    leave([code if code < SOME_FAILED else PhotoError.exit_code for code in codes], summary.photographs)


def _print(summary: Summary, planned: int | None, as_json: bool, quiet: bool) -> None:
    from explorer.batch.left_out import told
    from explorer.batch.report import cost_table, costs_of

    costs = None if planned is None else costs_of(summary.table)
    if as_json:
        plain: dict[str, Any] = {
            "photographs": summary.photographs,
            "restored": summary.restored,
            "kept": summary.kept,
            "failed": summary.failed,
            "manifest": summary.manifest,
            "digest": summary.digest,
            "left_out": [asdict(each) for each in summary.left_out],
        }
        if costs is not None and planned is not None:
            plain["costs"] = costs.as_plain(planned)
        print_json(plain)
        return
    if not quiet:
        if summary.left_out:
            write_line(told(summary.left_out), err=True)
        write_line(
            f"{summary.restored} restored, {summary.kept} kept, {summary.failed} of {summary.photographs} failed; "
            f"{summary.manifest}"
        )
    if costs is not None and planned is not None:
        print_table(*cost_table(costs, planned))
