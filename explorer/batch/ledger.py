"""Extends a manifest without ever losing a row.

While a run is at work, every finished photograph has a row of its own under `.manifest/rows/`, written after its result
by the process that made it. The run gathers them into segments, `.manifest/segment-*.parquet`, and at its end into
`manifest.parquet`. Each step writes the new file before it removes the old ones, so that a kill between any two leaves
every row somewhere; a row that is there twice is the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from explorer.batch import addresses
from explorer.batch.manifest import MANIFEST, Row, arrow, as_parquet, from_parquet, read_manifest, schema, table_of
from explorer.batch.photograph import ROWS
from explorer.errors import OutputError

if TYPE_CHECKING:
    import pyarrow as pa

WORK = ".manifest"
_SEGMENT = "segment-"
_READ_AT_ONCE = 16


class Ledger:
    """All rows of a destination, while a run adds to them.

    Args:
        destination: canonical address; its `.manifest` must exist where it is local.

    Raises:
        OutputError: a manifest is there that cannot be read.
    """

    def __init__(self, destination: str) -> None:
        arrow()
        self._destination = destination
        self._work = addresses.join(destination, WORK)
        self._rows = addresses.join(destination, ROWS)
        found = addresses.find_one(addresses.join(destination, MANIFEST))
        self._table = schema().empty_table() if found == addresses.ABSENT else read_manifest(destination)
        self._segments = [n for n in addresses.files_of(self._work) if n.startswith(_SEGMENT)]
        for name in self._segments:
            self._add(from_parquet(addresses.read(addresses.join(self._work, name))))
        self.gather()

    @property
    def table(self) -> pa.Table:
        """Every row, the latest of each photograph last."""
        return self._table

    def _add(self, table: pa.Table) -> None:
        self._table = arrow().concat_tables([self._table, table])

    def gather(self) -> None:
        """Makes a segment of the single rows that have come in since.

        Raises:
            OutputError: the destination takes no more files; the single rows stay.
        """
        names = [name for name in addresses.files_of(self._rows) if name.endswith(".json")]
        if not names:
            return

        def read(name: str) -> Row | None:
            try:
                row: Row = json.loads(addresses.read(addresses.join(self._rows, name)))
                return row
            except ValueError:  # a file system that keeps no order of writes may leave an empty one after a crash
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
        """Writes the manifest, and removes what it was gathered from.

        Args:
            inputs: the source's photographs in its order, also those named twice. Theirs are the first rows, in that
                order; photographs that earlier runs restored into this destination follow, sorted.

        Raises:
            OutputError: the destination takes no more files; everything stays.
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
