"""From the slider's release to the new picture, on the server's side, warm: what a visitor of the app waits for.

    python benchmarks/latency.py                          # the two networks that the app promises figures for
    python benchmarks/latency.py --model MODEL --rounds 31

Each round moves the amplification to a value that was not asked for before, as a visitor does, and takes the handler's
whole work: amplification, network, both pictures as PNG files, words. Median over the rounds; the processor's seconds
beside the clock's, because only the former mean the same on a machine that has other work.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from explorer.photo import Photo

PROMISED = {"lamba_m0.raw_synthetic": 0.150, "retinexnet.joint_decom_only": 0.900}
"""Seconds at the median on two cores without a GPU, at the preview that the model's measured budget allows."""
WARMING = 3


@dataclass(frozen=True)
class Latency:
    """One model on one photo; seconds are medians over the rounds."""

    model: str
    photo: str
    width: int
    height: int
    wall: float
    slowest: float
    processor: float
    """Of all threads of the process together."""
    network: float
    """Of the wall seconds, those of the network alone."""


def enlarged(example: str) -> Photo:
    """A bundled photo three times over in both directions: the examples alone are smaller than a preview may be.

    Raises:
        PhotoError: there is no such example.
    """
    import numpy as np

    import explorer
    from explorer.errors import PhotoError
    from explorer.examples import examples
    from explorer.photo.types import RawPhoto

    known = {each.name: each.path for each in examples()}
    if example not in known:
        raise PhotoError(f"There is no example {example!r}; the known ones are {', '.join(known)}.")
    photo = explorer.open_photo(known[example])
    if isinstance(photo, RawPhoto):
        return replace(photo, mosaic=np.tile(photo.mosaic, (3, 3)))
    return replace(photo, image=np.tile(photo.image, (3, 3, 1)))


def measure(model: str, example: str, rounds: int) -> Latency:
    """The latency of a model on a bundled example.

    Raises:
        ModelNotFoundError, PhotoError: there is no such model or example.
    """
    from explorer.app import opening, restoring, sessions
    from explorer.app.pictures import preview_value

    session = sessions.open_session(None)
    opening.take_photo(session, enlarged(example))
    wall, processor, network = [], [], []
    for turn in range(WARMING + rounds):
        ratio = 2.0 + 0.37 * turn
        began, spent = time.perf_counter(), time.process_time()
        shown = restoring.finished_preview(session, model, ratio, restoring.PLAIN)
        value = preview_value(session, shown)
        if turn >= WARMING:
            wall.append(time.perf_counter() - began)
            processor.append(time.process_time() - spent)
            network.append(shown.restoration.seconds)
    sessions.close_session(session.token)
    return Latency(
        model, example, value["width"], value["height"], statistics.median(wall), max(wall),
        statistics.median(processor), statistics.median(network),
    )  # fmt: skip


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", action="append", help="a model's name; may be given again")
    parser.add_argument("--example", action="append", help="a bundled photo's name; by default a RAW and a picture")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| model | photo | preview | median | slowest | network alone | processor seconds | promised |")
    print("|---|---|---|--:|--:|--:|--:|--:|")
    for model in given.model or list(PROMISED):
        for example in given.example or ["still_life", "cat"]:
            row = measure(model, example, max(1, given.rounds))
            promised = f"{PROMISED[model] * 1000:.0f} ms" if model in PROMISED else ""
            cells = [
                f"`{row.model}`", row.photo, f"{row.width} x {row.height}",
                *(f"{seconds * 1000:.0f} ms" for seconds in (row.wall, row.slowest, row.network)),
                f"{row.processor:.2f} s", promised,
            ]  # fmt: skip
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
