"""Benchmarks everything around the networks: opening RAW files, folders, stages from file to file, startup.

    python benchmarks/everyday.py            # three minutes on two cores
    python benchmarks/everyday.py --quick    # small files: shows that it works, measures nothing

- RAW files of 24 megapixels, uncompressed and in lossless JPEG, opened and packed: against rawpy's own unpacking,
  paired within rounds.
- A folder of RAW files of 8 megapixels through `lowlight restore`: user and system time over the time of all cores, for
  the whole command and without its startup (a long folder's run minus a short one's).
- From a RAW file of 24 megapixels to files through `lamba_m0`: CPU and wall seconds of each stage, medians of processes
  whose graph is cached on disk; and the wall time from file to file, as a multiple of what it needs at least.
- From a command to its answer: `import explorer`, `lowlight models`, the app's first page.

Writes Markdown and JSON to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from _serving import APP, serving

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

LIMIT = 1.3
"""Limit of opening and packing, as a multiple of rawpy's own unpacking."""
LIMITS = {"DNG": 1.5, "JPEG": 1.6, "16-bit TIFF": 2.2}
"""Limits from file to file, as multiples of the network's own time and rawpy's unpacking, and a JPEG encoding for
developed files."""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent)}
_TILE = 256, 512
_MODEL = "lamba_m0.raw_synthetic"


def write_raw(path: Path, height: int, width: int, compressed: bool = False) -> Path:
    """Writes a dark DNG with noise, like a camera's at night; uncompressed, or in tiles of lossless JPEG."""
    import numpy as np
    import tifffile

    from explorer.photo import write_dng

    rng = np.random.default_rng(0)
    light = np.linspace(0, 600, width)[None] * np.linspace(1, 0.3, height)[:, None] + 512
    mosaic = np.clip(light + rng.normal(0, 25, (height, width)), 0, 16383).astype(np.uint16)
    written = tifffile.imwrite

    def tiles() -> Iterator[bytes]:
        import imagecodecs

        for y in range(0, height, _TILE[0]):
            for x in range(0, width, _TILE[1]):
                tile = np.zeros(_TILE, np.uint16)
                part = mosaic[y : y + _TILE[0], x : x + _TILE[1]]
                tile[: part.shape[0], : part.shape[1]] = part
                yield imagecodecs.ljpeg_encode(tile, bitspersample=14)

    def in_jpeg(file: str, _mosaic: Any, **given: Any) -> Any:
        return written(file, tiles(), shape=mosaic.shape, dtype=mosaic.dtype, compression=7, tile=_TILE, **given)

    options: dict[str, Any] = {"black": 512, "white": 16383, "iso": 3200, "exposure_seconds": 0.1}
    if not compressed:
        return write_dng(path, mosaic, **options)
    with patch.object(tifffile, "imwrite", in_jpeg):
        return write_dng(path, mosaic, **options)


def seconds(work: Callable[[], object]) -> float:
    """Returns the wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def opening(folder: Path, height: int, width: int, rounds: int) -> list[dict[str, Any]]:
    """Returns medians of opening and packing, and of the ratio within rounds to rawpy's unpacking."""
    import rawpy

    from explorer.photo import model_input, open_photo

    found = []
    for kind in ("uncompressed", "lossless JPEG"):
        path = write_raw(folder / "one.dng", height, width, kind != "uncompressed")

        def theirs(path: Path = path) -> None:
            with rawpy.imread(str(path)) as raw:
                assert raw.raw_image_visible.size  # accessing it unpacks

        def ours(path: Path = path) -> None:
            model_input(open_photo(path, isolated=False), "packed", 100.0)

        theirs()
        ours()
        pairs = [(seconds(theirs), seconds(ours)) for _ in range(rounds)]
        found.append(
            {
                "file": f"{kind}, {height * width / 1e6:.1f} MP",
                "rawpy": statistics.median(a for a, _ in pairs),
                "ours": statistics.median(b for _, b in pairs),
                "ratio": statistics.median(b / a for a, b in pairs),
            }
        )
    return found


def stages(folder: Path, height: int, width: int, rounds: int) -> dict[str, list[float]]:
    """Returns median CPU and wall seconds of each stage from file to file; see `_measure.stages`."""
    small, large = write_raw(folder / "small.dng", 64, 96), scenic_raw(folder / "large.dng", height, width)
    (folder / "saved").mkdir()
    given = [_MODEL, str(small), str(large), str(folder / "saved")]
    command = [sys.executable, str(HERE / "_measure.py"), "stages", *given]
    runs = []
    for _ in range(rounds + 1):  # the first may have to convert the network
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {stage: [statistics.median(run[stage][k] for run in runs[1:]) for k in (0, 1)] for stage in runs[0]}


def from_file_to_file(folder: Path, height: int, width: int, rounds: int) -> dict[str, float]:
    """Returns the median times from a RAW file to files, as multiples of their parts; see `_measure.ratios`."""
    large = scenic_raw(folder / "large.dng", height, width)
    command = [sys.executable, str(HERE / "_measure.py"), "ratios", _MODEL, str(large), str(folder), str(rounds)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return {kind: statistics.median(runs) for kind, runs in json.loads(done.stdout.splitlines()[-1]).items()}


def scenic_raw(path: Path, height: int, width: int) -> Path:
    """Writes a DNG of a bundled example, repeated to a size, because compression time depends on the content."""
    import numpy as np

    from explorer.examples import examples
    from explorer.photo import RawPhoto, open_photo, write_dng

    photo = next(p for each in examples() if isinstance(p := open_photo(each.path), RawPhoto))
    counts = np.clip(photo.mosaic * (16383 - 512) + 512, 0, 16383).astype(np.uint16)
    once_high, once_wide = (side // 2 * 2 for side in counts.shape)
    counts = np.tile(counts[:once_high, :once_wide], (-(-height // once_high), -(-width // once_wide)))
    neutral = [1 / gain for gain in photo.white_balance.gains]
    return write_dng(path, counts[:height, :width], black=512, white=16383, as_shot_neutral=neutral)


def processor() -> str:
    """Returns the CPU's name, if the system provides it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def folder_runs(folder: Path, height: int, width: int, count: int) -> dict[str, float]:
    """Runs `lowlight restore` on a folder of `count` photos and on one of a third of them; returns the seconds, and the
    share of all cores that were busy, in the longer run and in its difference from the shorter."""
    runs = [_folder_run(folder / str(n), height, width, n) for n in (count // 3, count)]
    cores = os.cpu_count() or 1
    (short, less), (long, more) = runs
    return {
        "photographs": count,
        "seconds": long,
        "busy": more / long / cores,
        "seconds_a_photograph": (long - short) / (count - count // 3),
        "busy_after_the_start": (more - less) / (long - short) / cores,
    }


def _folder_run(folder: Path, height: int, width: int, count: int) -> tuple[float, float]:
    """Returns wall time and CPU time of one command, in seconds."""
    photographs, results = folder / "in", folder / "out"
    photographs.mkdir(parents=True)
    results.mkdir()
    for index in range(count):
        write_raw(photographs / f"{index}.dng", height, width)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "explorer", "restore", str(photographs), "-m", _MODEL, "-q"]
    subprocess.run([*command, "-o", str(results)], env=ENVIRONMENT, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_page() -> float:
    """Returns the seconds from `lowlight app` to the loaded page."""
    started = time.perf_counter()
    with serving(*APP, path="", tick=0.02):
        return time.perf_counter() - started


def starting(rounds: int) -> dict[str, float]:
    """Returns median seconds of startup, before anything is computed."""
    bare = [sys.executable, "-c", "pass"]
    commands = {
        "import explorer": [sys.executable, "-c", "import explorer"],
        "lowlight models": [sys.executable, "-m", "explorer", "models", "--json"],
    }

    def once(command: list[str]) -> float:
        return seconds(lambda: subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True))

    interpreter = statistics.median(once(bare) for _ in range(rounds))
    found = {name: statistics.median(once(command) for _ in range(rounds)) for name, command in commands.items()}
    found["import explorer"] -= interpreter
    return {**found, "lowlight app": statistics.median(first_page() for _ in range(rounds))}


def as_markdown(report: dict[str, Any]) -> str:
    """Formats the report."""
    lines = [
        "# Opening, folders, stages, starting",
        "",
        f"{report['processor']}, {report['cores']} cores, load {report['load']:.1f} before it, {report['date']}. "
        "Medians, in seconds.",
        "",
    ]
    lines += [f"| RAW file | rawpy unpacks | opened and packed | ratio (at most {LIMIT:g}) |", "|---|--:|--:|--:|"]
    for row in report["opening"]:
        lines.append(f"| {row['file']} | {row['rawpy']:.3f} | {row['ours']:.3f} | {row['ratio']:.2f} |")
    run = report["folder"]
    lines += [
        "",
        f"A folder of {run['photographs']} photographs of 8 megapixels took {run['seconds']:.1f} s with "
        f"{run['busy']:.0%} of all cores busy;",
        f"after the start {run['seconds_a_photograph']:.2f} s a photograph, {run['busy_after_the_start']:.0%} busy.",
    ]
    lines += ["", f"From a RAW file of {report['megapixels']:.0f} megapixels to files, {_MODEL}:", ""]
    lines += ["| stage | processor | wall clock |", "|---|--:|--:|"]
    lines += [f"| {stage} | {busy:.2f} | {wall:.2f} |" for stage, (busy, wall) in report["stages"].items()]
    lines += ["", "| to a file | times its parts | at most |", "|---|--:|--:|"]
    lines += [f"| {kind} | {value:.2f} | {LIMITS[kind]:g} |" for kind, value in report["ratios"].items()]
    lines += ["", "| start | seconds |", "|---|--:|"]
    lines += [f"| {name} | {value:.2f} |" for name, value in report["starting"].items()]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Runs everything and writes the report."""
    parser = argparse.ArgumentParser(description="Opening RAW files, folders, starting up.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small files, one round")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given, _ = parser.parse_known_args(argv)  # `make bench` passes its arguments to every benchmark
    rounds = 1 if given.quick else given.rounds
    size = (256, 512) if given.quick else (4000, 6000)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        report = {
            "date": time.strftime("%Y-%m-%d"),
            "processor": processor(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "megapixels": size[0] * size[1] / 1e6,
            "stages": stages(folder, *size, rounds),
            "ratios": from_file_to_file(folder, *size, rounds),
            "opening": opening(folder, *size, rounds),
            "folder": folder_runs(folder, *((64, 96, 3) if given.quick else (2048, 4096, 30))),
            "starting": starting(rounds),
        }
    given.out.mkdir(parents=True, exist_ok=True)
    stem = given.out / ("everyday_quick" if given.quick else "everyday")
    stem.with_suffix(".md").write_text(as_markdown(report))
    stem.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")
    print(as_markdown(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
