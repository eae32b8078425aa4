"""Makes small dark pictures, and runs a batch over them in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
from PIL import Image

from explorer.batch.photograph import Treatment
from explorer.batch.run import Engine, Summary, run_batch
from explorer.restorer import load_model

HERE = Engine(workers=0)


def write_photographs(folder: Path, count: int) -> list[Path]:
    """PNGs of 24 x 16 pixels, each another."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(count):
        samples = np.random.default_rng(k).integers(0, 40, (16, 24, 3)).astype(np.uint8)
        paths.append(folder / f"p{k:04d}.png")
        Image.fromarray(samples).save(paths[-1])
    return paths


def restore_all(source: Any, destination: Any, model: str = "gamma", engine: Engine = HERE, **more: Any) -> Summary:
    treatment = more.pop("treatment", Treatment())
    return run_batch(str(source), str(destination), load_model(model), treatment, engine, **more)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the manifest, whose times differ; its digest is compared instead."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.parquet"
    }


class Gate:
    """A photograph that cannot be read before the test wants it to: a named pipe."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self._content = path, content
        self._over = Event()
        os.mkfifo(path)
        self.reset()

    def reset(self) -> None:
        """Writing into a pipe changes its time, by which a changed photograph is known."""
        os.utime(self.path, ns=(0, 0))

    @contextmanager
    def open(self) -> Any:
        """Feeds every reader until the block ends."""
        self._over.clear()

        def feed() -> None:
            while not self._over.wait(0.02):
                try:
                    handle = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
                except OSError:  # nobody reads
                    continue
                try:
                    os.write(handle, self._content)
                except BrokenPipeError:
                    pass
                finally:
                    os.close(handle)

        feeder = Thread(target=feed)
        feeder.start()
        try:
            yield
        finally:
            self._over.set()
            feeder.join()
            self.reset()


def wait_for(condition: Callable[[], bool], alive: Callable[[], bool] = lambda: True, seconds: float = 240) -> None:
    """Waits until something is so; fails where that takes longer than anything should, or its cause is gone."""
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        assert alive(), "what was to bring it about has ended"
        Event().wait(0.05)
    raise AssertionError("it did not come about")
