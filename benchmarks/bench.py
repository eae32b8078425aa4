"""Compares speed and memory of the explorer's engine with the published, eager form of each network, in paired runs.

    python benchmarks/bench.py                  # everything; some minutes on two cores
    python benchmarks/bench.py --only lamba_m0 --rounds 9
    python benchmarks/bench.py --quick          # tiny pictures: shows that it works, measures nothing

Each round runs both forms in alternating order, so that other load on the machine affects both; the ratio is computed
within a round. Writes Markdown and JSON to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

TARGETS = {
    "lamba_m0 8 MP": 4.5, "lamba_m1 8 MP": 3.5, "lamba_m2 8 MP": 3.5, "sid_unet 8 MP": 3.5,
    "retinexnet 1 MP": 3.0, "zero_dce 1 MP": 3.0,
}  # fmt: skip
"""The project's target ratios on two cores."""
SIDES = {"rgb": 1, "bayer": 1, "packed": 2, "xtrans": 3}
"""Side of a mosaic's cells, of which a network's planes have one sample each."""
MOSAIC = ("8 MP", 2048, 4096)


@dataclass(frozen=True)
class Case:
    """A network on a picture."""

    architecture: str
    label: str
    height: int
    """Height of the network's input planes."""
    width: int
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Result:
    """The measurements of a case."""

    case: str
    backend: str
    precision: str
    gmac: float
    eager_seconds: float
    """Median."""
    ours_seconds: float
    ratio: float
    """Median over rounds of eager / ours."""
    ratio_low: float
    """The second lowest of the rounds (the lowest if there are few)."""
    ratio_high: float
    ceiling_share: float
    """Fraction of the arithmetic rate of a large matrix product in this run."""
    difference: float
    """Largest difference between the two results."""
    eager_mib: float
    """Peak memory above the process's memory before."""
    ours_mib: float
    target: float | None


def cases(quick: bool) -> list[Case]:
    """Lists all networks with weights: 8 MP mosaics for RAW networks, 1 MP and 0.24 MP pictures for the others."""
    if quick:
        return [Case("lamba_m0", "tiny", 64, 64), Case("zero_dce", "tiny", 32, 48)]
    from explorer.models import architectures

    found = []
    for each in (each for each in architectures().values() if each.needs_weights):
        for label, *sides in [("1 MP", 1024, 1024), ("0.24 MP", 400, 600)] if each.domain == "rgb" else [MOSAIC]:
            height, width = (each.size.padded(side // SIDES[each.domain]) for side in sides)  # an allowed size
            found.append(Case(each.name, label, height, width))
    return [*found, Case("lynx", "small 8 MP", 2048, 4096, (("size", "small"),))]


def seconds(work: Callable[[], object]) -> float:
    """Returns the wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ceiling(side: int = 2048) -> float:
    """Returns GMac per second of a float32 matrix product on all cores: the best of five."""
    import torch

    a = torch.rand(side, side)
    a @ a
    return side**3 / 1e9 / min(seconds(lambda: a @ a) for _ in range(5))


def memory(case: Case, form: str) -> float:
    """Returns the peak MiB of a form in a separate process, above its memory with everything loaded."""
    command = [sys.executable, str(HERE / "_measure.py"), "network", case.architecture, form]
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}"}
    done = subprocess.run(
        [*command, str(case.height), str(case.width), *map("=".join, case.options)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    return float(found["peak"] - found["before"])


def measured(case: Case, rounds: int, with_memory: bool, best: float) -> Result:
    """Runs one case."""
    import torch
    from _measure import untrained
    from eager import as_published, multiplications

    from explorer.engine import choose_backend

    model = untrained(case.architecture, **dict(case.options))
    plain = as_published(model.net)
    engine = choose_backend(model, image_only=True)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, model.net.input_channels, case.height, case.width, generator=generator)
    gmac = multiplications(model.net, x) / 1e9

    def published() -> torch.Tensor:
        with torch.inference_mode():
            return plain(x)

    def ours() -> torch.Tensor:
        return engine.run(x)["image"]

    difference = float((published() - ours()).abs().max())  # then both are warm
    times: dict[str, list[float]] = {"eager": [], "ours": []}
    for number in range(rounds):
        order = [("eager", published), ("ours", ours)]
        for name, work in order if number % 2 == 0 else order[::-1]:
            times[name].append(seconds(work))
    ratios = sorted(e / o for e, o in zip(times["eager"], times["ours"], strict=True))
    trim = 1 if len(ratios) >= 5 else 0
    ours_median = statistics.median(times["ours"])
    name = f"{case.architecture} {case.label}"
    return Result(
        case=name,
        backend=engine.name,
        precision=engine.precision,
        gmac=gmac,
        eager_seconds=statistics.median(times["eager"]),
        ours_seconds=ours_median,
        ratio=statistics.median(ratios),
        ratio_low=ratios[trim],
        ratio_high=ratios[-1 - trim],
        ceiling_share=gmac / ours_median / best,
        difference=difference,
        eager_mib=memory(case, "eager") if with_memory else 0.0,
        ours_mib=memory(case, "ours") if with_memory else 0.0,
        target=TARGETS.get(name),
    )


def frames_per_second() -> dict[str, float]:
    """Measures lamba_m0 at 3840x2160 on a GPU, frame by frame; empty without a GPU."""
    import torch

    if not torch.cuda.is_available():
        return {}
    from _measure import untrained

    from explorer.engine.backends import cuda_backend

    found = {}
    for precision in ("bfloat16", "float32"):
        engine = cuda_backend(untrained("lamba_m0"), precision)
        frame = torch.rand(1, 1, 2176, 3840)
        for _ in range(3):  # the second captures the graph
            engine.run(frame)
        found[precision] = 20 / seconds(lambda: [engine.run(frame) for _ in range(20)])  # noqa: B023
    return found


def as_markdown(results: list[Result], facts: dict[str, object]) -> str:
    """Formats the report."""
    lines = ["# Speed and memory against the published, eager form", ""]
    lines += [f"- {key}: {value}" for key, value in facts.items()]
    lines += [
        "",
        "Ratio is the median over rounds of eager / ours, with its spread; ceiling is ours against a large matrix "
        "product of the same run; memory is the peak above what the process held before.",
        "",
        "| case | backend | GMac | eager s | ours s | ratio (spread) | target | ceiling | eager MiB | ours MiB | "
        "largest difference |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        target = "" if r.target is None else f"{r.target:g}{'' if r.ratio >= r.target else ' (missed)'}"
        lines.append(
            f"| {r.case} | {r.backend} {r.precision} | {r.gmac:.1f} | {r.eager_seconds:.3f} | {r.ours_seconds:.3f} | "
            f"{r.ratio:.2f} ({r.ratio_low:.2f}-{r.ratio_high:.2f}) | {target} | {r.ceiling_share:.0%} | "
            f"{r.eager_mib:.0f} | {r.ours_mib:.0f} | {r.difference:.1e} |"
        )
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and writes its report."""
    parser = argparse.ArgumentParser(description="The engine against the published, eager networks.")
    parser.add_argument("--only", nargs="*", help="architectures; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="tiny pictures, two rounds, no memory")
    parser.add_argument("--no-memory", action="store_true", help="leave out the peaks, which take a process each")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args(argv)

    import torch

    best = ceiling(256 if given.quick else 2048)
    results = []
    for case in cases(given.quick):
        if given.only and case.architecture not in given.only:
            continue
        rounds = 2 if given.quick else given.rounds
        results.append(measured(case, rounds, not (given.quick or given.no_memory), best))
        r = results[-1]
        print(f"{r.case}: {r.eager_seconds:.3f} s -> {r.ours_seconds:.3f} s, {r.ratio:.2f} times", flush=True)
    facts: dict[str, object] = {
        "command": f"python benchmarks/bench.py {' '.join(sys.argv[1:] if argv is None else argv)}".strip(),
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "arithmetic ceiling": f"{best:.0f} GMac/s (float32 matrix product)",
    }
    facts |= {f"frames per second, lamba_m0 at 3840x2160, {k}": round(v, 1) for k, v in frames_per_second().items()}
    given.out.mkdir(parents=True, exist_ok=True)
    stem = "quick" if given.quick else "bench"
    (given.out / f"{stem}.md").write_text(as_markdown(results, facts))
    everything = {"facts": facts, "results": [asdict(r) for r in results]}
    (given.out / f"{stem}.json").write_text(json.dumps(everything, indent=2, default=str) + "\n")
    print(f"written to {given.out / stem}.md and .json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
