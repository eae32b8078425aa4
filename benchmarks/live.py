"""Measures a live camera in a headless browser: frames per second, and the delay from a frame to its restored picture.

    python benchmarks/live.py                    # the two networks with targets
    python benchmarks/live.py --model MODEL --seconds 20
    python benchmarks/live.py --adaptive         # let a slow model reduce the size of its frames, as for visitors

The camera is a file: a crop that moves over a bundled photo, 640 x 480 at 30 frames per second. Server and browser
share this machine. Reads the page's own figures: the rate over the last three seconds, and the median of the last 30
delays between a camera's frame and its drawn result. Frames stay at 640 x 480 by default.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _serving import serving

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROMISED = ("lamba_m0.raw_synthetic", "lynx.raw_synthetic_small")
"""At least 15 frames per second and at most 200 ms, on two idle cores."""
WIDTH, HEIGHT, FRAMES = 640, 480, 60
PATIENCE = 240_000
FACTS = "({...document.querySelector('#lx-live [data-frames], #lx-live[data-frames]')?.dataset})"
_SERVE = """
import sys
from explorer.app import launch, live

if sys.argv[2] == "hold":
    live.SIDES, live._FIRST = live.SIDES[:1], live.SIDES[0]
launch(port=int(sys.argv[1]))
"""


def write_clip(path: Path) -> None:
    """Writes a moving crop of a bundled photo as a Y4M clip (BT.601, limited range)."""
    import numpy as np

    import explorer
    from explorer.examples import examples
    from explorer.photo import load_rendering

    picture = np.asarray(load_rendering(explorer.open_photo(examples()[0].path)), dtype=np.float32)
    repeats = [-(-(size + FRAMES) // side) for size, side in zip((HEIGHT, WIDTH), picture.shape, strict=False)]
    picture = np.tile(picture, (*repeats, 1))
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(FRAMES):
            red, green, blue = np.moveaxis(picture[number : number + HEIGHT, number : number + WIDTH], 2, 0)
            luma = 0.299 * red + 0.587 * green + 0.114 * blue
            chroma = [128 + 224 * (color - luma) / factor for color, factor in ((blue, 1.772), (red, 1.402))]
            halves = [each.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3)) for each in chroma]
            out.write(b"FRAME\n")
            for plane in (16 + 219 * luma, *halves):
                out.write(np.round(plane).astype(np.uint8).tobytes())


@contextmanager
def served(hold: bool) -> Iterator[str]:
    """Runs the app; yields its address."""
    with serving("-c", _SERVE, "{port}", "hold" if hold else "adapt") as (address, _):
        yield f"{address}/"


def measured(page: Page, model: str, seconds: float) -> dict[str, Any]:
    """Returns the page's figures after a model has run for some time."""
    page.evaluate("model => lxLive({ model })", model)
    page.wait_for_function(f"model => {FACTS}.model === model", arg=model)
    first = int(page.evaluate(FACTS)["frames"])
    page.wait_for_timeout(1000 * seconds)
    page.wait_for_function(f"first => Number({FACTS}.frames) > first + 30", arg=first)  # all delays are this model's
    facts: dict[str, Any] = page.evaluate(FACTS)
    return facts


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", action="append", help="measure this model instead; may be given again")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each model; default: %(default)s")
    parser.add_argument("--adaptive", action="store_true", help="let slow models lower the size of their frames")
    parser.add_argument("--chromium", default=os.environ.get("EXPLORER_CHROMIUM") or shutil.which("chromium"))
    chosen = parser.parse_args(arguments)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        parser.exit(0, "This benchmark needs Playwright for Python and Chromium.\n")
    with tempfile.TemporaryDirectory() as folder, served(not chosen.adaptive) as address, sync_playwright() as driver:
        clip = Path(folder) / "camera.y4m"
        write_clip(clip)
        browser = driver.chromium.launch(
            executable_path=chosen.chromium,
            args=["--headless=new", "--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream",
                  "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={clip}"],
        )  # fmt: skip
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}?tab=live&model=identity")
        page.wait_for_selector("#lx-viewer [data-revision]", state="attached")
        page.click("#lx-tabs button[role=tab]:has-text('Live')")
        page.click("#lx-live .lx-live-start")
        print(f"{'model':32} {'frames':>12} {'frames/s':>9} {'delay, ms':>10} {'load':>6}")
        for model in chosen.model or PROMISED:
            facts = measured(page, model, chosen.seconds)
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
            size = f"{facts['width']} x {facts['height']}"
            print(f"{model:32} {size:>12} {float(facts['rate']):9.1f} {float(facts['delay']):10.0f} {load:6.1f}")
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
