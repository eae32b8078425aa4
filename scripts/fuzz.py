"""Opens thousands of damaged photos with `open_photo`, in decoder processes: `make fuzz`.

    python scripts/fuzz.py                                # 20,000 files, some minutes; writes the report
    python scripts/fuzz.py --seed 7 --count 2000
    python scripts/fuzz.py --seed 7 --only png/123 --save . # one of them again, and the file itself

The script damages small photos that it makes itself, and files of real cameras if EXPLORER_SHARED (or `../shared`)
contains some. Every file must result in a photo or in one of the explorer's own errors. A crash, a timeout or any other
exception is a finding: it is reported with the options that reproduce it, and the script exits with 1.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from fuzz_mutations import mutated  # noqa: E402
from fuzz_samples import camera_files, samples  # noqa: E402

from explorer.errors import ExplorerError  # noqa: E402
from explorer.photo.limits import DecoderLimits, Limits  # noqa: E402
from explorer.photo.types import Photo  # noqa: E402
from explorer.sandbox.processes import DecoderPool, UnexpectedDecodingError  # noqa: E402

COUNT = 20_000
SEED = 20_240
CAMERA_SHARE = 50
"""One in this many is a camera's own file, which takes a hundred times as long as a small one."""
SECONDS = 20.0
"""Longest time for one file."""
PHOTO, REFUSED, SLOW, CRASH, MEMORY, UNEXPECTED = "photo", "refused", "slow", "crash", "out of memory", "unexpected"
FINDINGS = (SLOW, CRASH, UNEXPECTED)


@dataclass
class Report:
    """The results of all files."""

    seed: int
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)

    def count(self) -> int:
        return sum(sum(counter.values()) for counter in self.outcomes.values())


def cases(seed: int, count: int, camera: list[tuple[str, bytes]]) -> Iterator[tuple[str, int]]:
    """Yields format and number of each file, the formats in turn."""
    kinds = list(samples())
    for number in range(count):
        if camera and number % CAMERA_SHARE == CAMERA_SHARE - 1:
            yield "camera", number
        else:
            yield kinds[number % len(kinds)], number


def case(seed: int, kind: str, number: int, whole: dict[str, list[tuple[str, bytes]]]) -> tuple[str, bytes]:
    """Makes the damaged file of a number; depends only on the seed, the format, the number and the samples."""
    random = Random(f"{seed}/{kind}/{number}")
    name, data = random.choice(whole[kind])
    _, other = random.choice([sample for each in whole.values() for sample in each if each is not whole.get("camera")])
    return mutated(random, kind, name, data, other)


def outcome(pool: DecoderPool, name: str, data: bytes, limits: Limits) -> tuple[str, str]:
    """Returns the outcome of a file, and the error message or the traceback."""
    if not data:
        return REFUSED, "empty"
    try:
        photo: Photo = pool.open(data, name, limits)
    except ExplorerError as error:
        text = str(error)
        if isinstance(error.__cause__, UnexpectedDecodingError):
            return UNEXPECTED, str(error.__cause__)
        if "could not be decoded within" in text:
            return SLOW, text
        if "crashes its decoder" in text or "ended from outside" in text or "could not be started" in text:
            return CRASH, text
        if "of memory that its decoder may use" in text:
            return MEMORY, text
        one_sentence = text.endswith(".") and "\n" not in text and len(text) < 900
        return (REFUSED, text) if one_sentence else (UNEXPECTED, f"not one sentence: {text!r}")
    width, height = photo.size
    whole = width > 0 and height > 0 and width * height <= limits.max_pixels
    return (PHOTO, "") if whole else (UNEXPECTED, f"a photo of {width} x {height}")


def run(seed: int, count: int, *, camera: list[tuple[str, bytes]] | None = None, quiet: bool = True) -> Report:
    """Damages and opens `count` files; temporary files go into a separate folder, which reveals leftovers."""
    whole = samples() | ({"camera": camera} if camera else {})
    report = Report(seed)
    kept, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder  # here, and in the decoders
        try:
            _run(report, whole, count, quiet)
        finally:
            tempfile.tempdir = kept
            os.environ.pop("TMPDIR")
            if variable is not None:
                os.environ["TMPDIR"] = variable
    return report


def _run(report: Report, whole: dict[str, list[tuple[str, bytes]]], count: int, quiet: bool) -> None:
    seed, camera = report.seed, whole.get("camera", [])
    limits = Limits(max_bytes=64 * 2**20, max_pixels=40_000_000)
    before = traces()
    pool = DecoderPool(DecoderLimits(memory=2 * 2**30, seconds=SECONDS, processes=1))
    try:
        for done, (kind, number) in enumerate(cases(seed, count, camera)):
            name, data = case(seed, kind, number, whole)
            started = time.perf_counter()
            result, words = outcome(pool, name, data, limits)
            report.seconds.setdefault(kind, []).append(time.perf_counter() - started)
            report.outcomes.setdefault(kind, Counter())[result] += 1
            if result in FINDINGS:
                report.findings.append(f"--seed {seed} --only {kind}/{number} ({name}): {result}: {words}")
            if not quiet and done % 1000 == 999:
                print(f"{done + 1} of {count}, {len(report.findings)} findings", flush=True)
    finally:
        pool.close()
    gc.collect()
    report.left_behind = sorted(traces() - before)


def traces() -> set[str]:
    """Counts our files in shared memory, all in the temporary folder, and this process's open files and children."""
    found = {str(path) for path in _inside(Path("/dev/shm")) if "lowlight" in path.name}
    found |= {str(path) for path in _inside(Path(tempfile.gettempdir()))}
    found |= {f"open file {path.name}" for path in _inside(Path("/proc/self/fd"))}
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    found |= {f"process {pid}" for pid in children.read_text().split()} if children.is_file() else set()
    return found


def _inside(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def markdown(report: Report, seconds: float) -> str:
    """Formats the report."""
    import imagecodecs
    import PIL
    import rawpy
    import tifffile

    kinds = [PHOTO, REFUSED, MEMORY, SLOW, CRASH, UNEXPECTED]
    lines = [
        "# Fuzzing of `open_photo`",
        "",
        f"{report.count():,} damaged files, seed {report.seed}, {seconds:.0f} s, each decoded in a process of its own. "
        f"Made by `make fuzz` (`scripts/fuzz.py --seed {report.seed} --count {report.count()}`) with LibRaw "
        f"{'.'.join(map(str, rawpy.libraw_version))}, tifffile {tifffile.__version__}, imagecodecs "
        f"{imagecodecs.__version__}, Pillow {PIL.__version__}, Python {platform.python_version()}.",
        "",
        "| format | files | " + " | ".join(kinds) + " | median ms | longest ms |",
        "|---|" + "--:|" * (len(kinds) + 3),
    ]
    for kind, counter in report.outcomes.items():
        spent = [1000 * each for each in report.seconds[kind]]
        cells = [f"{counter[each]:,}" for each in kinds]
        lines.append(
            f"| {kind} | {sum(counter.values()):,} | {' | '.join(cells)} | {statistics.median(spent):.1f} "
            f"| {max(spent):.0f} |"
        )
    lines += [
        "",
        "*photo*: opened anyway. *refused*: one sentence of the explorer's own. *out of memory*: one sentence, and "
        "the decoder was replaced. *slow*, *crash* and *unexpected* are findings. The longest time includes the start "
        "of a decoder.",
        "",
        "## Findings",
        "",
        *([f"- `{each}`" for each in report.findings] or ["None."]),
        "",
        "## Left behind",
        "",
        *([f"- {each}" for each in report.left_behind] or
          ["No file in the temporary folder or the shared memory, no open file, no process."]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", metavar="FORMAT/NUMBER", help="one file, opened in this very process")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write the file of --only")
    parser.add_argument("--report", type=Path, default=HERE.parent / "docs" / "fuzz-report.md")
    given = parser.parse_args()
    shared = Path(os.environ.get("EXPLORER_SHARED") or HERE.parents[1] / "shared")
    camera = camera_files(shared / "data" / "raw")
    if given.only:
        from explorer.photo import open_photo

        kind, number = given.only.split("/")
        name, data = case(given.seed, kind, int(number), samples() | {"camera": camera})
        if given.save:
            (given.save / name).write_bytes(data)
        print(f"{name}, {len(data)} bytes")
        print(open_photo(data, name=name, isolated=False))
        return 0
    started = time.perf_counter()
    report = run(given.seed, given.count, camera=camera, quiet=False)
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(markdown(report, time.perf_counter() - started))
    print(f"{report.count():,} files, {len(report.findings)} findings, {len(report.left_behind)} things left behind")
    for each in report.findings:
        print(f"  {each}")
    return 1 if report.findings or report.left_behind else 0


if __name__ == "__main__":
    sys.exit(main())
