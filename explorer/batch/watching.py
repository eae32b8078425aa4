"""Watches a folder, and restores photos as they appear, once they are complete."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from explorer.batch import addresses
from explorer.batch.addresses import Found
from explorer.batch.listing import Item, Listing, list_source
from explorer.batch.photograph import Outcome, Treatment
from explorer.batch.run import Engine, Summary, run_batch
from explorer.errors import PhotoError

if TYPE_CHECKING:
    from explorer.weights.store import LoadedModel


@dataclass
class Settled:
    """Recognises complete files: those that have not changed for a while."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _since: dict[str, tuple[Found, float]] = field(default_factory=dict)

    def __call__(self, item: Item) -> bool:
        now = self.clock()
        found, since = self._since.get(item.input, (None, now))
        if found != item.found:
            self._since[item.input] = item.found, now
            return self.seconds <= 0 and item.found.bytes > 0
        return item.found.bytes > 0 and now - since >= self.seconds


def _only(listing: Listing, wanted: Callable[[Item], bool]) -> Listing:
    """Returns a listing of only the wanted photos."""
    kept = [k for k, item in enumerate(listing.items) if wanted(item)]
    return replace(listing, items=[listing.items[k] for k in kept], rows=list(range(len(kept))), left_out=[])


def watch(
    source: str,
    destination: str,
    model: LoadedModel,
    treatment: Treatment,
    *,
    stop: threading.Event,
    every: float = 2.0,
    settle: float = 2.0,
    report: Callable[[Outcome], None] = lambda outcome: None,
    done: Callable[[Summary], None] = lambda summary: None,
) -> None:
    """Restores the photos in a folder and those that appear in it, like `explorer.batch.run.run_batch`, until it is
    stopped.

    Args:
        source: a folder of this machine.
        destination: a folder for results and manifest; created if missing.
        stop: ends it, after the current photos.
        every: seconds between two looks.
        settle: seconds for which a file's size and time must not have changed. A photo of which more arrives later
            still fails, and is restored again when it has changed.
        report: called with each outcome as it comes.
        done: called whenever photos were restored.

    Raises:
        PhotoError: the source is not a folder.
        OutputError: the destination cannot be written to, or another run uses it. Finished results stay.
    """
    address, target = addresses.canonical(source), addresses.canonical(destination)
    if not addresses.is_local(address) or not addresses.is_folder(address):
        raise PhotoError(f"'{source}' is not a folder on this machine; choose a local folder to watch.")
    settled = Settled(settle)
    seen: dict[str, tuple[str, Found]] = {}
    while not stop.is_set():
        listing = _listed(source, target, treatment)
        ready = _only(listing, settled)
        if any(seen.get(item.input) != (item.output, item.found) for item in ready.items):
            done(run_batch(ready, target, model, treatment, Engine(workers=0), report=report))
            seen = {item.input: (item.output, item.found) for item in ready.items}
        stop.wait(every)


def _listed(source: str, target: str, treatment: Treatment) -> Listing:
    try:
        return list_source(source, target, treatment.suffix, only_raw=treatment.only_raw)
    except PhotoError:  # nothing is there yet
        return Listing([], [])
