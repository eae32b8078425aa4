"""The manifest of a destination: one row per photo, in Parquet."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from explorer.batch import addresses
from explorer.errors import ExplorerError, OutputError

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.parquet"

COLUMNS = {
    "input": "string",  # the photograph's canonical address
    "sha256": "string",  # of the photograph's bytes
    "bytes": "int64",  # of the photograph
    "stamp": "string",  # its modification time or its ETag, to recognise a changed one
    "camera": "string",
    "width": "int32",  # of the upright picture
    "height": "int32",
    "ratio": "float64",
    "ratio_source": "string",
    "model": "string",
    "weights_sha256": "string",
    "weights_revision": "string",
    "settings": "string",  # a digest of model, options and version: if it differs, so may the result
    "output": "string",  # the result's path in the destination
    "output_bytes": "int64",
    "output_sha256": "string",
    "device": "string",
    "precision": "string",
    "backend": "string",
    "status": "string",  # "restored" or "failed"
    "error": "string",  # one sentence
    "error_code": "int32",  # the exit code of `lowlight restore` for it; 30: it could not be fetched
}
TIMES = {
    "seconds": "float64",  # wall time of the network only
    "read_seconds": "float64",  # wall time of fetching the photograph
    "decode_cpu_seconds": "float64",
    "network_cpu_seconds": "float64",  # with development and everything else between photo and samples
    "encode_cpu_seconds": "float64",
    "write_seconds": "float64",  # wall time of putting the result in its place
}
"""Measured columns, which differ between otherwise equal runs. Processor seconds include all threads."""


Row = dict[str, Any]
"""One row; `COLUMNS` and `TIMES` explain its entries."""


def arrow() -> Any:
    """Imports pyarrow.

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
    """Returns the names and types of the manifest's columns."""
    pa = arrow()
    return pa.schema([(name, getattr(pa, kind)()) for name, kind in (COLUMNS | TIMES).items()])


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Makes a table from rows, with null for missing entries."""
    plain = [{k: addresses.as_text(v) if isinstance(v, str) else v for k, v in row.items()} for row in rows]
    return arrow().Table.from_pylist(plain, schema=schema())


def as_parquet(table: pa.Table) -> bytes:
    """Returns the bytes of a table's file, equal for equal tables."""
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd", row_group_size=65536)
    return buffer.getvalue()


def digest(table: pa.Table) -> str:
    """Returns the sha256 of a manifest without its measured times: equal for two runs with the same results."""
    return hashlib.sha256(as_parquet(table.select(list(COLUMNS)))).hexdigest()


def read_manifest(destination: str) -> pa.Table:
    """Reads the manifest of a destination as the last finished run left it.

    Raises:
        OutputError: there is none, or it cannot be read.
    """
    place = addresses.join(destination, MANIFEST)
    try:
        return from_parquet(addresses.read(place))
    except FileNotFoundError as error:
        raise OutputError(f"{destination} holds no {MANIFEST}; run `lowlight batch` into it first.") from error
    except (OSError, ValueError) as error:
        raise OutputError(f"{place} cannot be read ({error}); remove it to restore everything again.") from error


def from_parquet(data: bytes) -> pa.Table:
    """Reads a table from the bytes of its file.

    Raises:
        ValueError: it lacks columns, or is not such a file.
    """
    from pyarrow import parquet

    arrow()
    table = parquet.read_table(io.BytesIO(data))
    wanted = schema()
    missing = set(wanted.names) - set(table.column_names)
    if missing:
        raise ValueError(f"it lacks the columns {', '.join(sorted(missing))}")
    return table.select(wanted.names).cast(wanted)
