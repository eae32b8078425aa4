"""Extends a manifest without ever losing a row.

During a run, every finished photo has a row of its own under `.manifest/rows/`, written after its result by the process
that restored it. The run gathers them into segments, `.manifest/segment-*.parquet`, and at its end into
`manifest.parquet`. Each step writes the new file before it removes the old ones, so that a kill never loses a row; rows
that exist twice are equal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.atomic import locked
from explorer.batch import addresses
from explorer.batch.addresses import STAGING
from explorer.batch.listing import Item
from explorer.batch.manifest import MANIFEST, Row, arrow, as_parquet, from_parquet, read_manifest, schema, table_of
from explorer.batch.photograph import ROWS, Plan
from explorer.errors import OutputError, PhotoError

if TYPE_CHECKING:
    import pyarrow as pa

WORK = ".manifest"
_SEGMENT = "segment-"
_READ_AT_ONCE = 16
_OF_THE_PHOTO = (PhotoError.exit_code, OutputError.exit_code)
"""Exit codes of a photo's row that say that it cannot be decoded, or cannot become such a file. If the disk was full,
there is no row."""


class Ledger:
    """The rows of a destination, while a run adds to them.

    Args:
        plan: of the run; the `.manifest` of its destination must exist if it is local.
        retry: also try photos again that could not be decoded.

    Raises:
        OutputError: the existing manifest cannot be read.
    """

    def __init__(self, plan: Plan, retry: bool = False) -> None:
        arrow()
        self._plan, self._retry = plan, retry
        self._destination = destination = plan.destination
        self._work = addresses.join(destination, WORK)
        self._rows = addresses.join(destination, ROWS)
        found = addresses.find_one(addresses.join(destination, MANIFEST))
        self._table = schema().empty_table() if found == addresses.ABSENT else read_manifest(destination)
        self._segments = [n for n in addresses.files_of(self._work) if n.startswith(_SEGMENT)]
        for name in self._segments:
            self._add(from_parquet(addresses.read(addresses.join(self._work, name))))
        self.gather()
        names = ("input", "settings", "bytes", "stamp", "status", "error_code", "output", "output_bytes")
        columns = (self._table.column(name).to_pylist() for name in names)
        self._known = {row[0]: row[1:] for row in zip(*columns, strict=True)}
        self._sizes: dict[str, int] = {}
        if not addresses.is_local(destination) and self._known:
            self._sizes = {inside: found.bytes for inside, found in addresses.find_all(destination)}

    def holds(self, item: Item) -> bool:
        """True if an earlier run recorded the photo, its result exists, and nothing has changed."""
        row = self._known.get(addresses.as_text(item.input))
        if row is None or row[:3] != (self._plan.settings, item.found.bytes, item.found.stamp):
            return False
        status, code, output, output_bytes = row[3:]
        if status == "restored":
            return bool(output == addresses.as_text(item.output) and self._size(item.output) == output_bytes)
        # What a photo is makes it fail again; anything else may have been the machine's fault.
        return bool(code in _OF_THE_PHOTO and not self._retry)

    def _size(self, output: str) -> int:
        if addresses.is_local(self._destination):
            return addresses.find_one(addresses.join(self._destination, output)).bytes
        return self._sizes.get(output, -1)

    def _add(self, table: pa.Table) -> None:
        self._table = arrow().concat_tables([self._table, table])

    def gather(self) -> None:
        """Gathers the single rows written since into a segment.

        Raises:
            OutputError: the destination cannot be written to; the single rows stay.
        """
        names = [name for name in addresses.files_of(self._rows) if name.endswith(".json")]
        if not names:
            return

        def read(name: str) -> Row | None:
            try:
                row: Row = json.loads(addresses.read(addresses.join(self._rows, name)))
                return row
            except ValueError:  # a file system that reorders writes may leave an empty one after a crash
                return None

        with ThreadPoolExecutor(_READ_AT_ONCE) as threads:
            rows = sorted((row for row in threads.map(read, names) if row), key=lambda row: str(row["input"]))
        table = table_of(rows)
        number = 1 + max((int(name[len(_SEGMENT) : -8]) for name in self._segments), default=0)
        segment = f"{_SEGMENT}{number:06d}.parquet"
        self._put(f"{WORK}/{segment}", as_parquet(table))
        self._segments.append(segment)
        addresses.remove_files(self._rows, names)
        self._add(table)

    def close(self, inputs: Sequence[str]) -> pa.Table:
        """Writes the manifest, and removes the rows and segments that it was made from.

        Args:
            inputs: the source's photos in its order, with those named twice. Their rows come first, in that order;
                photos that earlier runs restored into this destination follow, sorted.

        Raises:
            OutputError: the destination cannot be written to; everything stays.
        """
        self.gather()
        places = {name: k for k, name in enumerate(self._table.column("input").to_pylist())}
        inputs = [addresses.as_text(name) for name in inputs]
        now = set(inputs)
        order = [places[name] for name in inputs if name in places]
        order += [places[name] for name in sorted(places.keys() - now)]
        # Combined, so that the file is the same whichever segments its rows came from.
        table = self._table.take(arrow().array(order, arrow().int64())).combine_chunks()
        content = as_parquet(table)
        self._put(MANIFEST, content)
        addresses.remove(self._work)
        self._table = table
        return table

    def _put(self, name: str, content: bytes) -> None:
        try:
            addresses.write(self._destination, name, content)
        except OSError as error:
            raise OutputError(
                f"{self._destination} accepts no more files ({error.strerror or error}); free some space there and run "
                "the same command again: it resumes where it stopped."
            ) from error


@contextmanager
def alone(target: str) -> Iterator[None]:
    """Creates the folders of an unfinished run, removes half-written files of a killed one, and locks out other runs.

    Object stores have no locks: there, the user must ensure that only one run at a time writes to a destination.

    Raises:
        OutputError: another run is working there, or the folders cannot be created.
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
        if locked(lock) is False:
            raise OutputError(
                f"Another run is restoring into {target}; wait for it to end, or choose another destination."
            )
        addresses.remove(os.path.join(target, *STAGING.split("/")))
        try:
            for name in (STAGING, ROWS):
                Path(target, name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{target} accepts no files ({error.strerror}); free some space there.") from error
        yield
