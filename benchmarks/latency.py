"""Measures the time from the slider's release to the new picture, on a warm server.

    python benchmarks/latency.py                          # the two networks with targets
    python benchmarks/latency.py --model MODEL --rounds 31
    python benchmarks/latency.py --first                  # from an upload to the first picture, in Chromium

Each round sets the amplification to a new value, like a visitor, and measures the handler's whole work: amplification,
network, both pictures as PNG files, text. Prints the median over the rounds, of both CPU and wall seconds, because only
the former are comparable on a machine with other load.

With --first, a file is uploaded to the page, and the clock runs until the page has drawn the restored picture: upload,
decoding in a separate process, network, files, transfer to the browser. Server and browser share this machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from explorer.photo import Photo

PROMISED = {"lamba_m0.raw_synthetic": 0.150, "retinexnet.joint_decom_only": 0.900}
"""Target for the median in seconds, on two cores without a GPU, for the preview size of the model's measured budget."""
WARMING = 3
FIRST = {"jpg": (3000, 2000, 2.0), "dng": (6000, 4000, 3.0)}
"""Width and height of an upload, and the target for its first picture in seconds, on two idle cores."""
SHOWN = """name => {
  const image = document.querySelector("#lx-viewer .lx-after");
  return image && image.alt.includes(name) && image.complete && image.naturalWidth > 0;
}"""


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
    """CPU seconds of all threads of the process."""
    network: float
    """Wall seconds of the network only."""


def enlarged(example: str) -> Photo:
    """Repeats a bundled photo three times in both directions, because the examples are smaller than a preview may be.

    Raises:
        PhotoError: no such example.
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
    """Measures the latency of a model on a bundled example.

    Raises:
        ModelNotFoundError, PhotoError: no such model or example.
    """
    from explorer.app import opening, sessions, workspace
    from explorer.app.pictures import preview_value

    session = sessions.open_session(None)
    opening.take_photo(session, enlarged(example))
    wall, processor, network = [], [], []
    for turn in range(WARMING + rounds):
        ratio = 2.0 + 0.37 * turn
        began, spent = time.perf_counter(), time.process_time()
        shown = workspace.finished_preview(session, model, ratio, workspace.PLAIN)
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


def write_photo(path: Path) -> None:
    """Writes a dark photo in the format of the file's suffix, in the size of `FIRST`."""
    import numpy as np
    from everyday import write_raw
    from PIL import Image

    width, height, _ = FIRST[path.suffix[1:]]
    if path.suffix == ".dng":
        write_raw(path, height, width, compressed=True)
        return
    ramp = np.linspace(4, 60, width)[None, :, None] * np.linspace(1, 0.4, height)[:, None, None] * (1.0, 0.8, 0.6)
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3))
    Image.fromarray(np.clip(ramp + noise, 0, 255).astype(np.uint8)).save(path, quality=92)


def first_pictures(rounds: int, chromium: str | None) -> None:
    """Prints the time from an upload to its first picture on the page; the first of each kind does not count.

    Args:
        chromium: the browser's path.
    """
    from live import served
    from playwright.sync_api import sync_playwright

    print("| upload | median | slowest | promised |")
    print("|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder, served(hold=False) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(300_000)
        page.goto(address)
        page.wait_for_selector("#lx-viewer [data-revision]", state="attached")
        for kind, (width, height, promised) in FIRST.items():
            write_photo(Path(folder) / f"photo.{kind}")
            spans = []
            for turn in range(1 + rounds):
                named = Path(folder) / f"upload-{kind}-{turn}.{kind}"
                shutil.copyfile(Path(folder) / f"photo.{kind}", named)
                if page.locator("#lx-upload button[aria-label='Clear']").count():
                    page.click("#lx-upload button[aria-label='Clear']")
                began = time.perf_counter()
                page.set_input_files("#lx-upload input[type=file]", str(named))
                page.wait_for_function(SHOWN, arg=named.stem)
                spans.append(time.perf_counter() - began)
            cells = f"{statistics.median(spans[1:]):.2f} s | {max(spans[1:]):.2f} s | {promised:g} s"
            print(f"| {kind.upper()}, {width * height / 1e6:.0f} MP | {cells} |")
        browser.close()


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", action="append", help="a model's name; may be given again")
    parser.add_argument("--example", action="append", help="a bundled photo's name; by default a RAW and a picture")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--first", action="store_true", help="time the first picture after an upload, in Chromium")
    parser.add_argument("--chromium", default=os.environ.get("EXPLORER_CHROMIUM") or shutil.which("chromium"))
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    if given.first:
        first_pictures(max(1, given.rounds), given.chromium)
        return
    print("| model | photo | preview | median | slowest | network only | processor seconds | target |")
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
