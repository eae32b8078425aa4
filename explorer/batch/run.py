"""A run over a whole source: what is to be done, by which engine, and what it came to."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from explorer.batch import addresses
from explorer.batch.addresses import STAGING
from explorer.batch.ledger import WORK, Ledger
from explorer.batch.left_out import LeftOut
from explorer.batch.listing import Item, Listing, list_source
from explorer.batch.local import restore_here, restore_locally, suggested_workers
from explorer.batch.manifest import digest
from explorer.batch.photograph import ROWS, UNREAD, ModelFiles, Outcome, Plan, Treatment
from explorer.batch.results import Results, foreign
from explorer.errors import OutputError, PhotoError
from explorer.machine import cores

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.weights.store import LoadedModel

WAVE = 16384
"""Photographs that an engine gets at once; between two waves their rows are gathered."""


@dataclass(frozen=True)
class Engine:
    """The engine that does the work."""

    name: Literal["local", "ray"] = "local"
    address: str | None = None
    """Address of a Ray cluster; None starts one on this machine."""
    workers: int | None = None
    """Processes on this machine: by default as many as its cores and memory allow; 0 takes this very process."""
    threads: int | None = None
    """Processor threads per network: by default 2 with Ray, otherwise the cores divided among the processes."""


@dataclass(frozen=True)
class Summary:
    """The summary of a run."""

    photographs: int
    """Rows of the source, with those that a list names twice."""
    restored: int
    """By this run."""
    failed: int
    """Photos of the source that failed, now or before."""
    kept: int
    """Done before, and left as they are."""
    manifest: str
    """Its address."""
    digest: str
    """sha256 of the manifest without its measured times."""
    table: pa.Table
    """The manifest."""
    left_out: Sequence[LeftOut] = ()
    """Other files of the source."""


def run_batch(
    source: str,
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
        source: a folder, a list or a photograph; see `explorer.batch.listing.list_source`.
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
        listing = list_source(source, target, treatment.suffix)
    except addresses.UnreachableError as error:
        raise PhotoError(str(error)) from error
    return run_listing(
        listing, target, model, treatment, engine, retry=retry, overwrite=overwrite, begin=begin, report=report
    )


def run_listing(
    listing: Listing,
    target: str,
    model: LoadedModel,
    treatment: Treatment,
    engine: Engine,
    *,
    retry: bool = False,
    overwrite: bool = False,
    begin: Callable[[int, int], None] = lambda waiting, kept: None,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> Summary:
    """`run_batch` of photographs that are listed already, into a destination by its canonical address."""
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
    threads, workers = _shares(engine, len(listing.items))
    environment = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("EXPLORER_")))
    plan = Plan(target, treatment, ModelFiles.of(model), threads, environment)
    with _alone(target):
        ledger = Ledger(target)
        waiting = _waiting(listing, ledger.table, plan, retry)
        begin(len(waiting), len(listing.items) - len(waiting))
        restored = 0
        with closing(_outcomes(engine, workers, waiting, plan, ledger)) as outcomes:
            for outcome in outcomes:
                if outcome.stop:
                    with suppress(OutputError, OSError):
                        ledger.gather()
                    raise OutputError(outcome.stop)
                restored += not outcome.error
                report(outcome)
        table = ledger.close([listing.items[k].input for k in listing.rows])
    ours = table.slice(0, len(listing.rows)).column("status").to_pylist()
    return Summary(
        photographs=len(listing.rows),
        restored=restored,
        failed=ours.count("failed"),
        kept=len(listing.items) - len(waiting),
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
    there = [place for item in listing.items if os.path.lexists(place := addresses.join(target, item.output))]
    ours = Results([target]) if there else None
    for place in there:
        if ours is None or not ours.note(place):
            raise foreign(place)


def _shares(engine: Engine, photographs: int) -> tuple[int, int]:
    """Threads of each network, and processes of the local engine."""
    workers = suggested_workers() if engine.workers is None else engine.workers
    workers = min(workers, photographs)
    if engine.threads is not None:
        return engine.threads, workers
    return (min(2, cores()) if engine.name == "ray" else max(1, cores() // max(1, workers))), workers


def _waiting(listing: Listing, table: pa.Table, plan: Plan, retry: bool) -> list[Item]:
    """The photographs of a listing that no row of the manifest stands for."""
    names = ("input", "settings", "bytes", "stamp", "status", "error_code", "output", "output_bytes")
    known = {row[0]: row[1:] for row in zip(*(table.column(name).to_pylist() for name in names), strict=True)}
    sizes: dict[str, int] = {}
    if not addresses.is_local(plan.destination) and table.num_rows:
        sizes = {inside: found.bytes for inside, found in addresses.find_all(plan.destination)}

    def size(output: str) -> int:
        if addresses.is_local(plan.destination):
            return addresses.find_one(addresses.join(plan.destination, output)).bytes
        return sizes.get(output, -1)

    def done(item: Item) -> bool:
        row = known.get(addresses.as_text(item.input))
        if row is None or row[:3] != (plan.settings, item.found.bytes, item.found.stamp):
            return False
        status, code, output, output_bytes = row[3:]
        if status == "restored":
            return bool(output == addresses.as_text(item.output) and size(item.output) == output_bytes)
        # A file that cannot be decoded will not be the next time either; all else may have been the machine's fault.
        return bool(code == PhotoError.exit_code and code != UNREAD and not retry)

    return [item for item in listing.items if not done(item)]


def _outcomes(
    engine: Engine, workers: int, waiting: Sequence[Item], plan: Plan, ledger: Ledger
) -> Generator[Outcome, None, None]:
    if not waiting:
        return
    cluster: Any = None
    if engine.name == "ray":
        from explorer.batch.cluster import RayCluster

        cluster = RayCluster(engine.address, engine.workers)
    try:
        for first in range(0, len(waiting), WAVE):
            wave = waiting[first : first + WAVE]
            if cluster is not None:
                yield from cluster.restore(wave, plan)
            elif workers == 0:
                yield from restore_here(wave, plan)
            else:
                yield from restore_locally(wave, plan, workers)
            ledger.gather()
    finally:
        if cluster is not None:
            cluster.close()


@contextmanager
def _alone(target: str) -> Iterator[None]:
    """Makes the folders of an unfinished run, clears what a killed one left half written, and keeps others out.

    Object stores have no locks: there, it is for the user to see that one run at a time writes into a destination.

    Raises:
        OutputError: another run is at work, or the folders cannot be made.
    """
    if not addresses.is_local(target):
        addresses.make_folder(addresses.join(target, ROWS))
        yield
        return
    work = Path(target, WORK)
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = open(work / "lock", "a")  # noqa: SIM115  # closed below, which lets go of it
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written to ({error.strerror}); correct its permissions or choose another destination."
        ) from error
    with lock:
        _lock(lock, target)
        addresses.remove(os.path.join(target, *STAGING.split("/")))
        try:
            for name in (STAGING, ROWS):
                Path(target, name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{target} accepts no files ({error.strerror}); free some space there.") from error
        yield


def _lock(file: Any, target: str) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            f"Another run is restoring into {target}; wait for it to end, or choose another destination."
        ) from error
    except OSError:  # a network file system without locks
        return
