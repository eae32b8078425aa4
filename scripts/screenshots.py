"""Makes the pictures of README.md and the documentation, from the real app, a real lesson and the real command.

    python scripts/screenshots.py            # all of them, into docs/images
    python scripts/screenshots.py restore    # only some
    python scripts/screenshots.py --look DIR [compare zoomed ...]

With --look, every tab and state of the app (or only some) is photographed to be looked at: whole pages in light and
dark, at 390, 1440 and 1920 pixels.

Needs Chromium (set EXPLORER_CHROMIUM to its path), Playwright and Voila, and takes a minute or two.
"""

from __future__ import annotations

import argparse
import html
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from _serving import serving  # noqa: E402

FOLDER = ROOT / "docs" / "images"
MAX_BYTES = 250_000
"""Largest size of a picture, so that a page with five of them still loads quickly on a phone."""
PATIENCE = 180_000
"""Timeout of one step on a busy machine, in milliseconds."""


@dataclass(frozen=True)
class Shot:
    """A view of the app: its address, and the elements to wait for before the picture is taken."""

    query: str
    awaited: str
    size: tuple[int, int] = (1280, 860)
    scheme: Literal["light", "dark"] = "light"
    act: Callable[[Page], None] = lambda page: None


def _in_full(page: Page) -> None:
    shown = "#lx-viewer [data-revision]"
    before = page.get_attribute(shown, "data-revision")
    page.click("#lx-full")
    page.wait_for_selector(f"{shown}:not([data-revision='{before}'])", state="attached")


def _choose_a_layer(page: Page) -> None:
    page.get_by_label("each channel").check()
    page.click("#lx-features-layers .lx-layer-list button >> nth=0")
    page.wait_for_selector("#lx-features-channels button[data-channel='3']")


def _two_runs(page: Page) -> None:
    page.click("#lx-training-other input")
    page.get_by_role("option", name="lynx_rgb.mixed_small").click()
    page.wait_for_selector("#lx-training-replay-other img[src]")


SHOTS = {
    "restore": Shot("?example=espresso&model=lynx.raw_synthetic&ratio=40", "#lx-result dl", (1280, 940), act=_in_full),
    "feature-maps": Shot(
        "?example=cat&tab=features", "#lx-features-tiles .lx-tile img[src]", (1440, 1060), "dark", _choose_a_layer
    ),
    "training": Shot(
        "?tab=training&run=lynx_rgb.mixed", "#lx-training-psnr .js-plotly-plot", (1280, 1120), act=_two_runs
    ),
}


def _zoomed(page: Page) -> None:
    page.dblclick("#lx-viewer .lx-frame", position={"x": 200, "y": 120})
    page.wait_for_function("document.querySelector('#lx-viewer .lx-follows').hidden")
    page.click("#lx-viewer .lx-clipping")


def _unfolded(page: Page) -> None:
    for fold in page.locator("#lx-tabs .tabitem:visible .label-wrap:not(.open)").all():
        fold.click()
    page.wait_for_timeout(500)


def _given(width: int, height: int, level: int, suffix: str = ".png") -> Callable[[Page], None]:
    """Opens a photo of the given size and brightness, 0 to 255; "broken" if the suffix is not a picture's."""

    def act(page: Page) -> None:
        buffer = io.BytesIO()
        ramp = Image.linear_gradient("L").resize((width, height)).point([level * k // 255 for k in range(256)])
        Image.merge("RGB", [ramp, ramp, ramp.transpose(Image.Transpose.ROTATE_180)]).save(buffer, "PNG")
        data = buffer.getvalue() if suffix == ".png" else b"no photo"
        before = page.get_attribute("#lx-viewer [data-revision]", "data-revision")
        file = {"name": f"night{suffix}", "mimeType": "application/octet-stream", "buffer": data}
        page.set_input_files("#lx-upload input[type=file]", files=[file])  # type: ignore[arg-type]
        changed = f"#lx-viewer [data-revision]:not([data-revision='{before}'])"
        page.wait_for_selector(changed if suffix == ".png" else "#lx-message [role=alert]", state="attached")

    return act


def _at_work(page: Page) -> None:
    _given(6000, 4000, 60)(page)
    page.click("#lx-full")
    page.wait_for_selector("#lx-whole-work progress[value]")


def _queued(page: Page) -> None:
    examples = ROOT / "explorer" / "examples"
    files = [str(examples / name) for name in ("cat.png", "still_life.dng")]
    page.set_input_files("#lx-queue-upload input[type=file]", files)
    page.wait_for_selector("#lx-queue-strip .lx-queue li:nth-child(2) img")


def _differences(page: Page) -> None:
    page.select_option("#lx-compare-tiles .lx-mode", "difference")
    page.click("#lx-compare-tiles .lx-enlarge >> nth=2")
    page.wait_for_timeout(500)


def _dark(page: Page) -> None:
    page.click("#lx-dark-run")
    page.wait_for_selector("#lx-dark-light .lx-facts")


_PICTURE = "#lx-histogram .js-plotly-plot"
_RATED = "#lx-compare-table tbody tr:nth-child(4)"
STATES = {
    "raw": Shot("?example=espresso", _PICTURE),
    "picture": Shot("?example=cat", _PICTURE),
    "zoomed": Shot("?example=still_life", _PICTURE, act=_zoomed),
    "unfolded": Shot("?example=still_life", _PICTURE, act=_unfolded),
    "portrait": Shot("?example=cat&model=zero_dce.lol", _PICTURE, act=_given(1200, 1800, 40)),
    "bright": Shot("?example=cat", _PICTURE, act=_given(1500, 1000, 255)),
    "refused": Shot("?example=cat", _PICTURE, act=_given(8, 8, 9, ".txt")),
    "at-work": Shot("?example=cat&model=lime", _PICTURE, act=_at_work),
    "queue": Shot("?tab=queue&example=cat", "#lx-queue-strip", act=_queued),
    "live": Shot("?tab=live&example=cat", "#lx-live"),
    "video": Shot("?tab=video&example=cat", "#lx-video-upload"),
    "darkroom": Shot("?tab=darkroom&example=cat", "#lx-dark-run", act=_dark),
    "compare": Shot("?tab=compare&example=cat", _RATED),
    "differences": Shot("?tab=compare&example=cat", _RATED, act=_differences),
    "retinex": Shot("?tab=retinex&example=cat", "#lx-retinex-profile .js-plotly-plot"),
    "features": Shot("?tab=features&example=cat", "#lx-features-tiles .lx-tile img[src]", act=_choose_a_layer),
    "training": Shot("?tab=training&run=lynx.raw_synthetic", "#lx-training-psnr .js-plotly-plot"),
    "learn": Shot("?tab=learn", ".lx-lesson"),
    "german": Shot("?lang=de&example=espresso", _PICTURE, act=_unfolded),
    "german-compare": Shot("?lang=de&tab=compare&example=cat", _RATED),
    "german-queue": Shot("?lang=de&tab=queue&example=cat", "#lx-queue-strip", act=_queued),
}
"""What `--look` shows of the app."""
WIDTHS = {1440: 900, 390: 844, 1920: 1080}
"""Widths and heights of screens in pixels."""


def look(browser: Browser, address: str, names: list[str], folder: Path) -> None:
    """Photographs states of the app, each as a whole page on every screen in light and dark."""
    for name in names:
        shot = STATES[name]
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
        try:
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(address + shot.query)
            page.wait_for_selector(shot.awaited)
            shot.act(page)
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                for dark in (False, True):
                    page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
                    page.wait_for_timeout(600)
                    shade = "dark" if dark else "light"
                    page.screenshot(path=folder / f"{name}-{width}-{shade}.png", full_page=True)
        except Exception as error:  # the others are still worth looking at
            print(f"{name}: {error}")
        finally:
            context.close()


@contextmanager
def at_home(*arguments: str, home: Path) -> Iterator[str]:
    """Runs a server with an empty folder for its settings and caches, so that the pictures show a new installation."""
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("DATA", "CONFIG", "CACHE")}
    with serving("-m", *arguments, log=home / "server.log", path="", HOME=str(home), **places) as (address, _):
        yield f"{address}/"


def photographed(browser: Browser, address: str, shot: Shot) -> Image.Image:
    """Photographs the page when the shot's elements are shown and its pictures are loaded."""
    width, height = shot.size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=shot.scheme)
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address + shot.query)
        page.wait_for_selector(shot.awaited)
        shot.act(page)
        page.wait_for_function("[...document.images].filter((image) => image.src).every((image) => image.complete)")
        page.evaluate("() => { window.scrollTo(0, 0); document.activeElement?.blur(); }")
        page.mouse.move(1, 1)
        page.wait_for_timeout(1500)  # Gradio fades in what has changed
        return Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    finally:
        context.close()


def three_ways(home: Path) -> Image.Image:
    """Shows the middle of one RAW file three times: as taken, only amplified, and restored by the command line."""
    photo = ROOT / "explorer" / "examples" / "espresso.dng"
    ways = (
        ("as taken", ("identity", "1")),
        ("amplified 40 times", ("identity", "40")),
        ("restored by a network", ("lynx.raw_synthetic", "40")),
    )
    parts = []
    for index, (said, (model, ratio)) in enumerate(ways):
        out = home / f"{index}.png"
        command = ["restore", str(photo), "-m", model, "--ratio", ratio, "-o", str(out)]
        subprocess.run(
            [sys.executable, "-m", "explorer", *command],
            check=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        whole = Image.open(out).convert("RGB")
        left, top = (whole.width - 240) // 2 + 40, (whole.height - 240) // 2 + 20
        part = whole.crop((left, top, left + 240, top + 240)).resize((480, 480), Image.Resampling.LANCZOS)
        ImageDraw.Draw(part).text(
            (16, 16), said, fill="white", stroke_width=3, stroke_fill="black", font=ImageFont.load_default(24)
        )
        parts.append(part)
    strip = Image.new("RGB", (480 * len(parts) + 8 * (len(parts) - 1), 480), "white")
    for index, part in enumerate(parts):
        strip.paste(part, (488 * index, 0))
    return strip


TERMINAL = """<style>
body {{ margin: 0; background: #1b1b1b; }}
pre {{ margin: 0; padding: 24px 28px; width: max-content; color: #ddd; font: 15px/1.5 "DejaVu Sans Mono", monospace; }}
b {{ color: #e5a030; font-weight: normal; }}
</style><pre>{text}</pre>"""


def terminal(browser: Browser, home: Path) -> Image.Image:
    """Shows three commands and their output in a terminal."""
    shutil.copy(ROOT / "explorer" / "examples" / "still_life.dng", home / "night.dng")
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1"}
    text = []
    for command in (
        "info night.dng",
        "restore night.dng -m lynx.raw_synthetic -o night.png --bits 16",
        "restore night.dng -m lynx.raw_synthetic --strength 80 -o clean.dng",
    ):
        done = subprocess.run(
            [sys.executable, "-m", "explorer", *command.split()],
            check=True, cwd=home, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        text.append(f"<b>$ lowlight {command}</b>\n{html.escape(done.stdout.strip())}\n")
    page = browser.new_page(viewport={"width": 1000, "height": 300})
    page.set_content(TERMINAL.format(text="\n".join(text)))
    shown = page.locator("pre").screenshot()
    page.close()
    return Image.open(io.BytesIO(shown)).convert("RGB")


def lesson(browser: Browser, home: Path) -> Image.Image:
    """Shows the fourth lesson as a page, at its first explorer, where the light is made more even by hand."""
    notebooks = home / "notebooks"
    notebooks.mkdir()
    name = "04_retinex.ipynb"
    shutil.copy(ROOT / "notebooks" / name, notebooks)
    # Voila's list of files answers at once; the lesson itself runs on request.
    with at_home("voila", "--no-browser", "--port={port}", str(notebooks), home=home) as address:
        context = browser.new_context(viewport={"width": 1100, "height": 1240})
        try:
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(f"{address}voila/render/{name}")
            seen = page.locator(".lx-viewer .lx-frame img").first
            seen.wait_for()
            page.wait_for_function("[...document.images].filter((image) => image.src).every((image) => image.complete)")
            gamma = page.locator(".lx-w .widget-slider", has_text="Gamma").first
            gamma.locator(".noUi-handle").focus()
            for _ in range(13):
                page.keyboard.press("ArrowLeft")
            page.locator(".lx-w", has_text="gamma 0.35").first.wait_for()
            page.wait_for_function("[...document.images].filter((image) => image.src).every((image) => image.complete)")
            page.evaluate("document.activeElement.blur()")
            page.get_by_role("heading", name="A decomposition").evaluate("heading => heading.scrollIntoView()")
            return Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        finally:
            context.close()


def write_picture(picture: Image.Image, name: str) -> None:
    """Writes a picture as WebP, at the highest of a few qualities that keeps it under `MAX_BYTES`."""
    for quality in (90, 82, 74, 66):
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MAX_BYTES:
            break
    else:
        raise SystemExit(f"{name} does not fit in {MAX_BYTES:,} bytes; make its view smaller.")
    unfinished = FOLDER / f".{name}.tmp"
    unfinished.write_bytes(buffer.getvalue())
    os.replace(unfinished, FOLDER / f"{name}.webp")
    print(f"{name}.webp: {picture.width} × {picture.height}, {buffer.tell():,} bytes")


def main() -> None:
    """Makes the requested pictures."""
    names = [*SHOTS, "three-ways", "terminal", "lesson"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--look", metavar="DIR", type=Path, help=f"photograph states of the app: {', '.join(STATES)}")
    given = parser.parse_args()
    names = list(STATES) if given.look else names
    wanted = given.names or names
    if unknown := sorted(set(wanted) - set(names)):
        parser.error(f"there is no picture {', '.join(unknown)}")

    from playwright.sync_api import sync_playwright

    candidates = [os.environ.get("EXPLORER_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    chromium = next((found for name in candidates if name and (found := shutil.which(name))), None)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if given.look:
            home = given.look / "home"  # files cached here make the next look faster
            home.mkdir(parents=True, exist_ok=True)
            with at_home("explorer", "app", "--port", "{port}", home=home.resolve()) as address:
                look(browser, address, wanted, given.look)
            return
        if "three-ways" in wanted:
            write_picture(three_ways(Path(scratch)), "three-ways")
        if "terminal" in wanted:
            home = Path(scratch, "terminal")
            home.mkdir()
            write_picture(terminal(browser, home), "terminal")
        if shots := [name for name in SHOTS if name in wanted]:
            home = Path(scratch, "app")
            home.mkdir()
            with at_home("explorer", "app", "--port", "{port}", home=home) as address:
                for name in shots:
                    write_picture(photographed(browser, address, SHOTS[name]), name)
        if "lesson" in wanted:
            home = Path(scratch, "lesson")
            home.mkdir()
            write_picture(lesson(browser, home), "lesson")
        browser.close()


if __name__ == "__main__":
    main()
