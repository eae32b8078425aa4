"""Measures what one student costs a hub: peak memory and time of each lesson's kernel, run from top to bottom.

    python benchmarks/lessons.py [--only 4 --only 7] [--json FILE]

Each lesson runs headless in a kernel of its own, with one thread for every pool, as on a hub that gives a student one
core. Peak memory is the kernel's VmHWM (Linux), processor time its user and system seconds, and the last column wall
time; all include starting the kernel and the imports. JupyterLab's own server, which every student has as well, is
measured up to its first page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
from _serving import serving
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
CELL_TIMEOUT = 1200
"""Timeout in seconds."""


def peak_of(process: int) -> float:
    """Returns the peak memory of a process in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class Measured(NotebookClient):
    """Runs a notebook, and reads its kernel's counters after the last cell."""

    found: dict[str, float]

    async def async_execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Executes one cell."""
        done = await super().async_execute_cell(cell, cell_index, **options)
        if cell_index == len(self.nb.cells) - 1:
            process = self.km.provisioner.process.pid  # type: ignore[union-attr]
            times = psutil.Process(process).cpu_times()
            self.found = {"peak_mib": round(peak_of(process)), "processor_s": round(times.user + times.system, 1)}
        return done


def lesson(path: Path) -> dict[str, Any]:
    """Measures peak memory and CPU time of one lesson."""
    notebook = nbformat.read(path, as_version=4)
    client = Measured(
        notebook, timeout=CELL_TIMEOUT, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}
    )
    began = time.monotonic()
    client.execute()
    return {"lesson": path.stem, **client.found, "seconds": round(time.monotonic() - began, 1)}


def server() -> dict[str, Any]:
    """Measures the same for JupyterLab's server after its start."""
    arguments = ["-m", "jupyterlab", "--no-browser", "--port={port}", "--ip=127.0.0.1", "--allow-root",
                 "--IdentityProvider.token="]  # fmt: skip
    began = time.monotonic()
    with serving(*arguments, path="lab", folder=NOTEBOOKS) as (_, process):
        times = psutil.Process(process.pid).cpu_times()
        return {
            "lesson": "JupyterLab's server",
            "peak_mib": round(peak_of(process.pid)),
            "processor_s": round(times.user + times.system, 1),
            "seconds": round(time.monotonic() - began, 1),
        }


def main() -> int:
    """Measures and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", type=int, action="append", help="number of a lesson; may be given again")
    parser.add_argument("--json", type=Path, help="also write the figures to a file")
    wanted = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    print("| lesson | peak memory, MiB | processor, s | seconds |\n|---|--:|--:|--:|")
    rows = []

    def keep(row: dict[str, Any]) -> None:
        rows.append(row)
        print(f"| {row['lesson']} | {row['peak_mib']} | {row['processor_s']:.0f} | {row['seconds']:.0f} |", flush=True)

    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        if wanted.only and int(path.name[:2]) not in wanted.only:
            continue
        keep(lesson(path))
    keep(server())
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
