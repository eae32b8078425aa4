"""A run over a whole source: its items, its engine and its summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.batch import addresses
from explorer.batch.ledger import WORK, Ledger, alone
from explorer.batch.left_out import LeftOut
from explorer.batch.listing import Item, Listing, list_source
from explorer.batch.local import restore_here, restore_locally, suggested_workers
from explorer.batch.manifest import digest
from explorer.batch.photograph import ModelFiles, Outcome, Plan, Treatment
from explorer.batch.results import check_own
from explorer.batch.resuming import resume
from explorer.choices import EngineName
from explorer.errors import OutputError, PhotoError
from explorer.machine import cores

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.weights.store import LoadedModel

WAVE = 16384
"""Number of photos given to an engine at once; their rows are gathered after each wave."""


@dataclass(frozen=True)
class Engine:
    """The engine that does the work."""

    name: EngineName = "local"
    address: str | None = None
    """Address of a Ray cluster; None starts one on this machine."""
    workers: int | None = None
    """Processes on this machine: by default as many as its cores and memory allow; 0 uses this process."""
    threads: int | None = None
    """Processor threads per network: by default 2 with Ray, otherwise the cores divided among the processes."""


@dataclass(frozen=True)
class Summary:
    """The summary of a run."""

    photographs: int
    """Rows of the source, including those that a list names twice."""
    restored: int
    """By this run."""
    failed: int
    """Photos of the source that failed, now or before."""
    kept: int
    """Restored before, and kept."""
    manifest: str
    """Its address."""
    digest: str
    """sha256 of the manifest without its measured times."""
    table: pa.Table
    """The manifest."""
    left_out: Sequence[LeftOut] = ()
    """Other files of the source."""


def run_batch(
    source: str | Listing,
    destination: str,
    model: LoadedModel,
    treatment: Treatment,
    engine: Engine | None = None,
    *,
    retry: bool = False,
    overwrite: bool = False,
    begin: Callable[[int, int], None] = lambda waiting, kept: None,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> Summary:
    """Restores everything in a source that the destination does not hold yet, and writes the manifest.

    Args:
        source: a folder, a list or a photograph, see `explorer.batch.listing.list_source`; or a listing of one.
        destination: a folder; made if missing.
        model: what restores.
        overwrite: replace files in the places of results that no earlier run into this destination made.
        retry: also try photographs again that could not be decoded before and have not changed.
        begin: called once with the numbers of photographs to restore and of those that are kept.
        report: called with each outcome as it comes.

    Raises:
        PhotoError: there is nothing in the source.
        OutputError: the destination takes no results, holds other files in their places, or is at work for another
            run. What was done stays done.
    """
    engine = engine or Engine()
    target = addresses.canonical(destination)
    try:
        if isinstance(source, Listing):
            listing = source
        else:
            listing = list_source(source, target, treatment.suffix, only_raw=treatment.only_raw)
    except addresses.UnreachableError as error:
        raise PhotoError(str(error)) from error
    try:
        _check_destination(target)
        if not overwrite:
            _check_free(listing, target)
        return _run(listing, target, model, treatment, engine, retry, begin, report)
    except addresses.UnreachableError as error:
        raise OutputError(str(error)) from error


def _run(
    listing: Listing,
    target: str,
    model: LoadedModel,
    treatment: Treatment,
    engine: Engine,
    retry: bool,
    begin: Callable[[int, int], None],
    report: Callable[[Outcome], None],
) -> Summary:
    threads, workers = shares(engine, len(listing.items))
    environment = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("EXPLORER_")))
    plan = Plan(target, treatment, ModelFiles.of(model), threads, environment)
    restored = kept = 0

    def begun(waiting: Sequence[Item], done: Sequence[Item]) -> None:
        nonlocal kept
        kept = len(done)
        begin(len(waiting), kept)

    def reported(outcome: Outcome) -> None:
        nonlocal restored
        if outcome.stop:
            with suppress(OutputError, OSError):
                ledger.gather()
            raise OutputError(outcome.stop)
        restored += not outcome.error
        report(outcome)

    with alone(target):
        ledger = Ledger(plan, retry)
        resume(listing.items, ledger, lambda items: _outcomes(engine, workers, items, plan, ledger), begun, reported)
        table = ledger.close([listing.items[k].input for k in listing.rows])
    ours = table.slice(0, len(listing.rows)).column("status").to_pylist()
    return Summary(
        photographs=len(listing.rows),
        restored=restored,
        failed=ours.count("failed"),
        kept=kept,
        manifest=addresses.join(target, "manifest.parquet"),
        digest=digest(table),
        table=table,
        left_out=listing.left_out,
    )


def _check_destination(target: str) -> None:
    if addresses.is_local(target) and os.path.isfile(target):
        raise OutputError(f"'{target}' is a file, not a folder; name a folder for the results.")
    addresses.make_folder(target)


def _check_free(listing: Listing, target: str) -> None:
    """Refuses results in the places of files that no run made. A run that was ended in between is taken up: it looked
    before it began, and a result may lack its row."""
    if not addresses.is_local(target) or Path(target, WORK).exists():
        return
    check_own((addresses.join(target, item.output) for item in listing.items), target)


def shares(engine: Engine, photographs: int) -> tuple[int, int]:
    """Threads of each network, and processes of the local engine."""
    workers = min(suggested_workers() if engine.workers is None else engine.workers, photographs)
    if engine.threads is not None:
        return engine.threads, workers
    return (min(2, cores()) if engine.name == "ray" else max(1, cores() // max(1, workers))), workers


def _outcomes(
    engine: Engine, workers: int, waiting: Sequence[Item], plan: Plan, ledger: Ledger
) -> Generator[Outcome, None, None]:
    restore: Callable[[Sequence[Item], Plan], Iterator[Outcome]]
    with ExitStack() as stack:
        if engine.name == "ray":
            from explorer.batch.cluster import RayCluster

            restore = stack.enter_context(closing(RayCluster(engine.address, engine.workers))).restore
        else:
            restore = partial(restore_locally, workers=workers) if workers else restore_here
        for first in range(0, len(waiting), WAVE):
            yield from restore(waiting[first : first + WAVE], plan)
            ledger.gather()
