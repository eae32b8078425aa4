"""The manifest of a destination: one row a photograph, in Parquet, and how it grows without ever losing a row.

While a run is at work, every finished photograph has a row of its own under `.manifest/rows/`, written after its result
by the process that made it. The run gathers them into segments, `.manifest/segment-*.parquet`, and at its end into
`manifest.parquet`. Each step writes the new file before it removes the old ones, so that a kill between any two leaves
every row somewhere; a row that is there twice is the same.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from explorer.batch import addresses
from explorer.batch.photograph import ROWS, Row
from explorer.batch.results import MANIFEST
from explorer.errors import ExplorerError, OutputError

if TYPE_CHECKING:
    import pyarrow as pa

WORK = ".manifest"
_SEGMENT = "segment-"
_READ_AT_ONCE = 16

COLUMNS = {
    "input": "string",  # the photograph's canonical address
    "sha256": "string",  # of the photograph's bytes
    "bytes": "int64",  # of the photograph
    "stamp": "string",  # its time of change or its ETag, by which a changed one is known
    "camera": "string",
    "width": "int32",  # of the upright picture
    "height": "int32",
    "ratio": "float64",
    "ratio_source": "string",
    "model": "string",
    "weights_sha256": "string",
    "weights_revision": "string",
    "settings": "string",  # a digest of model, options and version: another one means another result
    "output": "string",  # the result's path in the destination
    "output_bytes": "int64",
    "output_sha256": "string",
    "device": "string",
    "precision": "string",
    "backend": "string",
    "status": "string",  # "restored" or "failed"
    "error": "string",  # one sentence
    "error_code": "int32",  # the exit code that `lowlight restore` has for it; 30: it could not be fetched
}
TIMES = {
    "seconds": "float64",  # wall time of the network alone
    "read_seconds": "float64",  # wall time of fetching the photograph
    "decode_cpu_seconds": "float64",
    "network_cpu_seconds": "float64",  # with development and everything else between photograph and samples
    "encode_cpu_seconds": "float64",
    "write_seconds": "float64",  # wall time of putting the result in its place
}
"""What is measured, and so differs between two runs that are otherwise equal. Processor seconds count all threads."""


def arrow() -> Any:
    """The module pyarrow.

    Raises:
        ExplorerError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ExplorerError(
            "The manifest needs pyarrow, which is not installed; run `pip install lowlight-explorer[ray]`."
        ) from error
    return pyarrow


def schema() -> pa.Schema:
    """Names and kinds of the manifest's columns."""
    pa = arrow()
    return pa.schema([(name, getattr(pa, kind)()) for name, kind in (COLUMNS | TIMES).items()])


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Rows as a table; what a row lacks is null."""
    plain = [{name: _column(value) for name, value in row.items()} for row in rows]
    return arrow().Table.from_pylist(plain, schema=schema())


def _column(value: Any) -> Any:
    return addresses.as_text(value) if isinstance(value, str) else value


def as_parquet(table: pa.Table) -> bytes:
    """The bytes of a table's file, which are the same for the same table."""
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd", row_group_size=65536)
    return buffer.getvalue()


def without_times(table: pa.Table) -> pa.Table:
    """The columns that are the same for every run over the same photographs with the same settings."""
    return table.select(list(COLUMNS))


def digest(table: pa.Table) -> str:
    """sha256 of a manifest without its measured times: equal for two runs that made the same."""
    return hashlib.sha256(as_parquet(without_times(table))).hexdigest()


def read_manifest(destination: str) -> pa.Table:
    """The manifest of a destination as the last finished run left it.

    Raises:
        OutputError: there is none, or it cannot be read.
    """
    place = addresses.join(destination, MANIFEST)
    try:
        return _from_parquet(addresses.read(place))
    except FileNotFoundError as error:
        raise OutputError(f"{destination} holds no {MANIFEST}; run `lowlight batch` into it first.") from error
    except (OSError, ValueError) as error:
        raise OutputError(f"{place} cannot be read ({error}); remove it to restore everything anew.") from error


def _from_parquet(data: bytes) -> pa.Table:
    from pyarrow import parquet

    arrow()
    table = parquet.read_table(io.BytesIO(data))
    wanted = schema()
    missing = set(wanted.names) - set(table.column_names)
    if missing:
        raise ValueError(f"it lacks the columns {', '.join(sorted(missing))}")
    return table.select(wanted.names).cast(wanted)


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
            self._add(_from_parquet(addresses.read(addresses.join(self._work, name))))
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
                f"{self._destination} takes no more files ({error.strerror or error}); free some space there and run "
                "the same command again: it goes on where it stopped."
            ) from error
