"""The cost of photos, as measured in a manifest, and an estimate for more."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from explorer.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_HOUR, _TERABYTE = 3600.0, 1e12


@dataclass(frozen=True)
class Costs:
    """Means over the restored photos of a manifest."""

    photographs: int
    """Measured."""
    megapixels: float
    bytes_in: float
    bytes_out: float
    decode_cpu: float
    """Seconds of a processor, all threads counted."""
    network_cpu: float
    """Likewise; on a GPU, those of the processor meanwhile."""
    encode_cpu: float
    network_wall: float
    """Seconds of the network; those of the GPU if it ran on one."""
    read_wall: float
    """Seconds spent waiting for storage."""
    write_wall: float
    devices: tuple[str, ...]
    """The hardware that the networks ran on."""

    @property
    def on_gpu(self) -> bool:
        """True if the networks ran on GPUs."""
        return all(device != "cpu" for device in self.devices)

    @property
    def cpu(self) -> float:
        """Processor seconds per photo."""
        return self.decode_cpu + self.network_cpu + self.encode_cpu

    def as_plain(self, planned: int) -> dict[str, Any]:
        """Returns measured figures, and those of a plan, as plain data."""
        plan = {
            "photographs": planned,
            "core_hours": planned * self.cpu / _HOUR,
            "gpu_hours": planned * self.network_wall / _HOUR if self.on_gpu else None,
            "terabytes_in": planned * self.bytes_in / _TERABYTE,
            "terabytes_out": planned * self.bytes_out / _TERABYTE,
        }
        return {"measured": asdict(self), "planned": plan}


def costs_of(table: pa.Table) -> Costs:
    """Computes the mean costs of a manifest's restored photos.

    Raises:
        DataError: it has none.
    """
    import pyarrow.compute as pc

    done = table.filter(pc.equal(table.column("status"), "restored"))
    if not done.num_rows:
        raise DataError("No photo was restored, so there are no costs to report; restore some first.")

    def mean(name: str) -> float:
        return float(pc.mean(done.column(name)).as_py() or 0.0)

    pixels = pc.multiply(done.column("width").cast("int64"), done.column("height").cast("int64"))
    return Costs(
        photographs=done.num_rows,
        megapixels=float(pc.mean(pixels).as_py()) / 1e6,
        bytes_in=mean("bytes"),
        bytes_out=mean("output_bytes"),
        decode_cpu=mean("decode_cpu_seconds"),
        network_cpu=mean("network_cpu_seconds"),
        encode_cpu=mean("encode_cpu_seconds"),
        network_wall=mean("seconds"),
        read_wall=mean("read_seconds"),
        write_wall=mean("write_seconds"),
        devices=tuple(sorted(set(done.column("device").to_pylist()))),
    )


def cost_table(costs: Costs, planned: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns headings and rows: each stage for one photo and for the planned number."""

    def row(stage: str, seconds: float) -> tuple[str, ...]:
        return stage, f"{seconds:.3f} core s", f"{planned * seconds / _HOUR:,.0f} core h"

    rows = [
        row("decode", costs.decode_cpu),
        row("network", costs.network_cpu),
        row("encode", costs.encode_cpu),
        row("together", costs.cpu),
    ]
    if costs.on_gpu:
        hours = planned * costs.network_wall / _HOUR
        rows.append(
            (f"network on {', '.join(costs.devices)}", f"{costs.network_wall:.3f} GPU s", f"{hours:,.0f} GPU h")
        )
    for what, size in (("read", costs.bytes_in), ("written", costs.bytes_out)):
        rows.append((what, f"{size / 1e6:.2f} MB", f"{planned * size / _TERABYTE:,.2f} TB"))
    headings = ("STAGE", f"A PHOTO OF {costs.megapixels:.2f} MP (MEAN OF {costs.photographs})", f"{planned:,}")
    return headings, rows
