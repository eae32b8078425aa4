"""Takes one measurement in a separate process: peak memory of a network on a picture, ours or the published form.

    python benchmarks/_measure.py network ARCHITECTURE ours|free|eager HEIGHT WIDTH [OPTION=VALUE ...]
    python benchmarks/_measure.py mosaic ARCHITECTURE FILE.dng OUT.png [TILES]
    python benchmarks/_measure.py stages MODEL SMALL.dng FILE.dng FOLDER
    python benchmarks/_measure.py ratios MODEL FILE.dng FOLDER ROUNDS

"free" is ours, not compiled for the picture's shape. "mosaic" restores a RAW file from disk to disk; after TILES tiles
(0 for all), the network's results are replaced by grey, which saves time without changing memory. "stages" measures CPU
and wall seconds from file to file, including startup; "ratios" wall time
from file to file, compared with its parts. Prints a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.weights.store import LoadedModel

MIB = 2**20
_STARTED = time.perf_counter()


def peak() -> float:
    """Returns the peak memory of this process in MiB.

    On Linux, read from its own status, because the counter of `getrusage` (in KiB) starts at the parent's value.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def untrained(architecture: str, **options: Any) -> LoadedModel:
    """Makes a network of the published width with seeded parameters, whose values do not affect speed and memory."""
    import torch

    from explorer.models import architecture as described
    from explorer.weights.config import WeightsConfig
    from explorer.weights.store import LoadedModel, WeightsIdentity, classical_model

    descriptor = described(architecture)
    if not descriptor.needs_weights:
        return classical_model(architecture)
    torch.manual_seed(0)
    config = WeightsConfig(name=architecture, architecture=architecture, domain=descriptor.domain, options=options)
    identity = WeightsIdentity(architecture, "untrained", "")
    return LoadedModel(architecture, descriptor, descriptor.create(**options), config, identity)


def network(architecture: str, form: str, height: int, width: int, **options: str) -> dict[str, float]:
    """Measures the peak memory of one run, and the process's memory before it."""
    import numpy as np
    import torch
    from eager import as_published

    from explorer.engine import backends, choose_backend, run_tiled
    from explorer.engine.memory import budget_for

    if form == "free":
        backends._LARGE = sys.maxsize
    model = untrained(architecture, **options)
    planes = np.random.default_rng(0).random((model.net.input_channels, height, width), dtype=np.float32)
    if form == "eager":
        net = as_published(model.net)
        before = peak()
        with torch.inference_mode():
            net(torch.from_numpy(planes)[None])
    else:
        engine = choose_backend(model, image_only=True)
        before = peak()
        pixels = height * width * (4 if model.architecture.domain == "packed" else 1)
        run_tiled(engine.run, model.net, planes, budget_for(pixels), names={"image"})
    return {"before": before, "peak": peak()}


def mosaic(architecture: str, photograph: str, out: str, tiles: int) -> dict[str, Any]:
    """Measures the peak memory of a restoration from file to file."""
    import dataclasses

    import explorer
    from explorer import restorer

    if tiles:
        choose = restorer.choose_backend

        def shortened(*given: Any, **named: Any) -> Any:
            engine, runs = choose(*given, **named), [0]
            shapes: dict[str, tuple[int, float]] = {}

            def run(x: Any, *place: Any) -> Any:
                runs[0] += 1
                if runs[0] > tiles:
                    height, width = x.shape[2:]
                    sizes = {n: (1, c, round(height * s), round(width * s)) for n, (c, s) in shapes.items()}
                    return {name: x.new_full(size, 0.5) for name, size in sizes.items()}
                maps = engine.run(x, *place)
                shapes.update({name: (value.shape[1], value.shape[3] / x.shape[3]) for name, value in maps.items()})
                return maps

            return dataclasses.replace(engine, run=run)

        restorer.choose_backend = shortened
    started = time.perf_counter()
    photo = explorer.open_photo(photograph)
    opened = peak()
    result = explorer.restore(photo, untrained(architecture), 8.0, intermediates=False)
    restored = peak()
    result.save(out)
    return {
        "opened": opened,
        "restored": restored,
        "peak": peak(),
        "seconds": time.perf_counter() - started,
        "backend": result.backend,
        "notes": list(result.notes),
    }


def stages(model: str, small: str, photograph: str, out: str) -> dict[str, list[float]]:
    """Measures CPU seconds (of all threads) and wall seconds of each stage from file to file in this process.

    The first stage starts with the interpreter and ends when a small photo is restored: the time to load and compile a
    network.
    """
    found: dict[str, list[float]] = {}
    began = [0.0, _STARTED]

    def done(stage: str) -> None:
        now = [time.process_time(), time.perf_counter()]
        found[stage] = [end - start for start, end in zip(began, now, strict=True)]
        began[:] = time.process_time(), time.perf_counter()

    import explorer

    explorer.restore(explorer.open_photo(small), model, 40.0, intermediates=False)
    done("start, load, a small photo")
    photo = explorer.open_photo(photograph)
    done("open")
    result = explorer.restore(photo, model, 40.0, intermediates=False)
    done("restore")
    for stage, name, bits in _FILES:
        result.save(Path(out) / name, bits=bits)
        done(f"save as {stage}")
    return found


def ratios(model: str, photograph: str, out: str, rounds: str) -> dict[str, list[float]]:
    """Measures the wall time from a RAW file to each kind of file, as a multiple of what it needs at least.

    That is the network's own time and rawpy's unpacking, and for developed files also one JPEG encoding. All are
    measured in the same round. The first round, which compiles the network, does not count.
    """
    import io

    import numpy as np
    import rawpy
    from PIL import Image

    import explorer
    from explorer.saving import NEGATIVE

    def seconds(work: Any) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    def unpacked() -> None:
        with rawpy.imread(photograph) as raw:
            assert raw.raw_image_visible.size

    found: dict[str, list[float]] = {}
    for _ in range(1 + int(rounds)):
        for name, file, bits in (_FILES[4], _FILES[0], _FILES[2]):
            developed = not file.endswith(NEGATIVE)
            started = time.perf_counter()
            photo = explorer.open_photo(photograph)
            result = explorer.restore(photo, model, 40.0, intermediates=False, scene=not developed)
            result.save(Path(out) / file, bits=bits)
            took = time.perf_counter() - started
            least = result.seconds + seconds(unpacked)
            if developed:
                picture = Image.fromarray(np.uint8(result.image * 255))
                least += seconds(lambda p=picture: p.save(io.BytesIO(), "JPEG", quality=95, subsampling=0))
            found.setdefault(name, []).append(took / least)
            del photo, result
    return {name: values[1:] for name, values in found.items()}


_FILES = (
    ("JPEG", "8.jpg", 8), ("PNG", "8.png", 8), ("16-bit TIFF", "16.tif", 16), ("16-bit PNG", "16.png", 16),
    ("DNG", "16.dng", 8),
)  # fmt: skip


if __name__ == "__main__":
    kind, *given = sys.argv[1:]
    if kind == "network":
        options = dict(each.split("=", 1) for each in given[4:])
        print(json.dumps(network(given[0], given[1], int(given[2]), int(given[3]), **options)))
    elif kind == "stages":
        print(json.dumps(stages(*given)))
    elif kind == "ratios":
        print(json.dumps(ratios(*given)))
    else:
        print(json.dumps(mosaic(given[0], given[1], given[2], int(given[3]) if len(given) > 3 else 0)))
