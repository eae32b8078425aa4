"""Runs an operation repeatedly, and kills it with SIGKILL at each of its system calls in turn; run in a subprocess.

    python crash_points.py OPERATION FOLDER

Python calls an audit hook for every file that it opens, renames or removes. A fork of this process counts those in
FOLDER and kills itself at the n-th; afterwards another fork does the operation undisturbed, and its files are compared
with those of an operation that was never killed. Prints the number of kills as one JSON line.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

WATCHED = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "shutil.rmtree",
           "tempfile.mkstemp", "tempfile.mkdtemp")  # fmt: skip


def watch(folder: Path, deadly: int) -> None:
    """Kills this process at the `deadly`-th event in the folder."""
    count = 0

    def hook(event: str, given: tuple[object, ...]) -> None:
        nonlocal count
        if event not in WATCHED or not given or not isinstance(given[0], str | bytes | os.PathLike):
            return
        if event == "open" and isinstance(given[1], str) and not set(given[1]) & set("wax+"):
            return
        if not os.fsdecode(given[0]).startswith(str(folder)):
            return
        count += 1
        if count == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def in_fork(operation: Callable[[], None], folder: Path, deadly: int = 0, largest: int = 0) -> int:
    """Does the operation in a fork; gives its exit status, negative for the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if deadly:
                watch(folder, deadly)
            if largest:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            operation()
            status = 0
        except Exception as error:
            from explorer.errors import ExplorerError

            if isinstance(error, ExplorerError):
                sys.stderr.write(f"{error}\n")
                status = 3
            else:
                import traceback

                traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def listing(folder: Path, hidden: bool = False) -> dict[str, str]:
    """Every file by its path and its bytes' hash."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if hidden or not any(part.startswith(".") for part in Path(name).parts)
    }


def run(
    folder: Path,
    prepare: Callable[[], None],
    operation: Callable[[], None],
    whole: Callable[[], bool],
    *,
    silent: bool = False,
) -> dict[str, int]:
    """Every crash point of an operation, then a disk that is full.

    Args:
        prepare: puts into the (empty) folder what the operation finds there.
        whole: in a fork: whether what is in the folder now can be used, as it was before or as it will be.
        silent: the operation does without what it cannot write, instead of failing.
    """

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        assert in_fork(prepare, folder) == 0

    def check() -> None:
        assert whole()

    fresh()
    assert in_fork(operation, folder) == 0
    wanted = listing(folder)
    kills = 0
    while True:
        fresh()
        status = in_fork(operation, folder, deadly=kills + 1)
        if status == 0:
            break
        assert status == -signal.SIGKILL, status
        kills += 1
        assert in_fork(check, folder) == 0, f"after kill {kills}: {sorted(listing(folder))}"
        assert in_fork(operation, folder) == 0
        assert listing(folder, hidden=True) == wanted, f"after kill {kills}: what was left unfinished stays"
    fresh()
    before = listing(folder)
    status = in_fork(operation, folder, largest=2000)
    assert status == (0 if silent else 3), status
    assert listing(folder) == before, "a full disk changed something, or left a part"
    everything = {path.name for path in folder.rglob("*") if path.is_file()}
    assert everything == {Path(name).name for name in before}, f"a full disk left {everything}"
    assert in_fork(check, folder) == 0
    assert in_fork(operation, folder) == 0
    assert listing(folder) == wanted
    return {"kills": kills, "files": len(wanted)}


def checkpoint(folder: Path) -> dict[str, int]:
    """A run's checkpoint replaced by the next."""
    import torch

    from explorer.training.state import load_checkpoint, save_checkpoint

    torch.set_num_threads(1)

    def save(step: int) -> None:
        generator = torch.Generator().manual_seed(step)
        save_checkpoint(folder, {"recipe": "a", "step": step, "w": torch.rand(3000, generator=generator)})

    return run(folder, lambda: save(1), lambda: save(2), lambda: load_checkpoint(folder, "a")["step"] in (1, 2))


def weights(folder: Path) -> dict[str, int]:
    """A folder of weights replaced by another."""
    import torch

    from explorer.models import create_model
    from explorer.weights.config import WeightsConfig
    from explorer.weights.store import load_weights, write_weights

    torch.set_num_threads(1)
    create_model("zero_dce", width=4)

    def write(seed: int) -> None:
        torch.manual_seed(seed)
        config = WeightsConfig(name="zero_dce.test", architecture="zero_dce", domain="rgb", options={"width": 4})
        write_weights(folder / "zero_dce.test", create_model("zero_dce", width=4), config, f"# {seed}\n")

    def whole() -> bool:
        return load_weights(folder / "zero_dce.test").name == "zero_dce.test"

    return run(folder, lambda: write(1), lambda: write(2), whole)


def result(folder: Path) -> dict[str, int]:
    """A picture restored over an older result."""
    import numpy as np

    from explorer import restore
    from explorer.encode import write_bytes
    from explorer.photo import RgbPhoto, open_photo

    image = np.random.default_rng(0).random((40, 60, 3), dtype=np.float32) * 0.1
    photo = RgbPhoto(image, 8)
    restored = restore(photo, "identity", 4.0)

    def older() -> None:
        from explorer.encode import encode

        write_bytes(folder / "out.png", encode(image[:20, :20].copy(), ".png"))

    return run(
        folder,
        older,
        lambda: (restored.save(folder / "out.png", bits=16), None)[1],
        lambda: open_photo(folder / "out.png").size in ((20, 20), (60, 40)),
    )


def openvino(folder: Path) -> dict[str, int]:
    """A graph put into the cache of converted networks; every process gives what torch gives."""
    import numpy as np
    import torch

    from explorer import load_model
    from explorer.engine import backends

    torch.set_num_threads(1)
    os.environ["XDG_CACHE_HOME"] = str(folder)
    model = load_model("retinexnet.joint_decom_only")
    x = torch.from_numpy(np.random.default_rng(0).random((1, 3, 64, 64), dtype=np.float32))
    expected = backends.torch_backend(model).run(x)["image"].numpy().copy()

    def compute() -> None:
        found = backends.openvino_backend(model, "float32").run(x)["image"].numpy()
        assert np.abs(found - expected).max() < 1e-4

    def whole() -> bool:
        compute()
        return True

    return run(folder, lambda: None, compute, whole, silent=True)


if __name__ == "__main__":
    wanted = {each.__name__: each for each in (checkpoint, weights, result, openvino)}
    sys.stdout.write(json.dumps(wanted[sys.argv[1]](Path(sys.argv[2]).resolve())) + "\n")
