"""The app as visitors have it: the real server, a real Chromium."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 60_000
"""Milliseconds that a busy two-core machine may take for a preview."""


@pytest.fixture(scope="module")
def address(project: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with log.open("w") as sink:
        server = subprocess.Popen(
            [sys.executable, "-c", f"from explorer.app import launch; launch(port={port})"],
            cwd=project,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(project)},
        )
    try:
        url = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + 120
        while True:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                urllib.request.urlopen(url, timeout=5).read()
                break
            except OSError:
                time.sleep(0.5)
        yield url
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE)
    problems: list[str] = []
    outside: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            outside.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None
        ),
    )
    yield opened
    opened.close()
    assert not problems
    assert not outside, "the page reached out to another host"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ramp = np.linspace(2, 40, 480 * 320).reshape(320, 480)
    path = tmp_path_factory.mktemp("photo") / "night.png"
    Image.fromarray(np.stack([ramp, ramp * 0.7, ramp * 0.4], axis=2).astype(np.uint8)).save(path)
    return path


def revision(page: Page) -> int:
    return int(page.get_attribute("#lx-viewer [data-revision]", "data-revision") or 0)


def opened(page: Page, address: str, query: str = "") -> None:
    page.goto(address + query)
    page.wait_for_selector("#lx-viewer [data-revision]", state="attached")


def changed(page: Page, before: int) -> None:
    page.wait_for_function(
        "before => Number(document.querySelector('#lx-viewer [data-revision]').dataset.revision) > before", arg=before
    )


def pixels(page: Page, side: str = "after") -> np.ndarray:
    """The picture that the page shows, as the file that it got."""
    source = page.eval_on_selector(f"#lx-viewer .lx-{side}", "image => image.src")
    answer = page.request.get(source)
    assert answer.ok
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.body()))).astype(int)


def upload(page: Page, path: Path) -> None:
    if page.locator("#lx-upload button[aria-label='Clear']").count():
        page.click("#lx-upload button[aria-label='Clear']")
    page.set_input_files("#lx-upload input[type=file]", str(path))


def choose_model(page: Page, label: str) -> None:
    page.click("#lx-model input")
    page.fill("#lx-model input", label)
    page.click(f"#lx-model [role=option]:has-text('{label}'), .options [role=option]:has-text('{label}')")


def test_the_main_job(page: Page, address: str, night: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    greeting = pixels(page)
    assert greeting.std() > 1, "the example that greets a visitor is shown"

    start = revision(page)
    upload(page, night)
    changed(page, start)
    assert "night.png" in page.inner_text("#lx-metadata")
    at_suggestion = pixels(page)
    assert at_suggestion.shape == (320, 480, 3)

    start = revision(page)
    page.focus("#lx-ratio-range")
    page.keyboard.press("Home")
    changed(page, start)
    at_one = pixels(page)
    assert np.abs(at_one - np.asarray(Image.open(night)).astype(int)).max() <= 1, "ratio 1 leaves the photo as it is"

    start = revision(page)
    page.fill(".lx-ratio-number", "12")
    page.press(".lx-ratio-number", "Enter")
    changed(page, start)
    at_twelve = pixels(page)
    assert at_twelve.mean() > at_one.mean() * 2
    assert "ratio=12" in page.url

    start = revision(page)
    choose_model(page, "CLAHE")
    changed(page, start)
    assert np.abs(pixels(page) - at_twelve).mean() > 2
    page.wait_for_url("**model=clahe**")

    start = revision(page)
    page.click(".lx-ratio-use")
    changed(page, start)
    assert page.is_hidden(".lx-ratio-use")
    page.wait_for_selector("#lx-histogram .js-plotly-plot .trace, #lx-histogram .js-plotly-plot path.js-line")


def test_a_broken_file_gets_a_sentence_and_the_app_goes_on(
    page: Page, address: str, tmp_path: Path, night: Path
) -> None:
    opened(page, address, "?model=identity&ratio=3")
    shown = pixels(page)
    broken = tmp_path / "broken.dng"
    broken.write_text("a text, not a photograph")
    upload(page, broken)
    page.wait_for_selector("#lx-message [role=alert]")
    message = page.inner_text("#lx-message")
    assert "broken.dng" in message
    assert "Traceback" not in message
    assert np.array_equal(pixels(page), shown), "the open photo stays"
    start = revision(page)
    upload(page, night)
    changed(page, start)
    assert page.locator("#lx-message [role=alert]").count() == 0
    assert pixels(page).shape == (320, 480, 3)


def test_an_address_that_cannot_be_followed_says_why(page: Page, address: str) -> None:
    page.goto(address + "?model=nothing")
    page.wait_for_selector("#lx-message [role=alert]")
    assert "known ones are" in page.inner_text("#lx-message")


def test_download_at_full_depth(page: Page, address: str, night: Path, tmp_path: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    start = revision(page)
    upload(page, night)
    changed(page, start)
    page.click("#lx-format input")
    page.click("[role=option]:has-text('PNG, 16 bit')")
    with page.expect_download() as waiting:
        page.click("#lx-save button, button#lx-save")
    target = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(target)
    assert target.name == "night-identity.png"
    header = target.read_bytes()[:29]
    assert header[16:26] == (480).to_bytes(4, "big") + (320).to_bytes(4, "big") + bytes([16, 2])

    before = page.inner_text("#lx-viewer .lx-badge")
    page.click("button#lx-full, #lx-full button")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-badge').textContent.startsWith('Full')")
    assert before.startswith("Preview")


def test_the_divider_moves_by_keyboard(page: Page, address: str) -> None:
    opened(page, address, "?model=identity&ratio=4")
    page.focus(".lx-split")
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    assert page.eval_on_selector(".lx-frame", "frame => frame.style.getPropertyValue('--split')") == "30%"
    assert page.get_attribute(".lx-split", "aria-valuetext") == "30 percent before, 70 percent after"
    for side in ("before", "after"):
        assert len(page.get_attribute(f"#lx-viewer .lx-{side}", "alt") or "") > 10


def test_nobody_sees_anothers_photo(page: Page, browser: Browser, address: str, night: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE)
    opened(other, address, "?model=identity&ratio=2")
    theirs = pixels(other)
    start = revision(page)
    upload(page, night)
    changed(page, start)
    page.wait_for_timeout(1000)
    assert np.array_equal(pixels(other), theirs)
    assert "night.png" not in other.content()
    mine = page.eval_on_selector("#lx-viewer .lx-after", "image => image.src")
    folder = mine.rsplit("/", 1)[0]
    for guess in (folder, folder.rsplit("/", 1)[0], folder.rsplit("/", 1)[0] + "/"):
        assert not other.request.get(guess).ok, "folders must not be listed"
    other.context.close()


def test_monitoring_is_shut(address: str) -> None:
    for path in ("monitoring", "monitoring/summary", "gradio_api/monitoring/summary"):
        try:
            body = urllib.request.urlopen(address + path, timeout=10).read().decode(errors="replace")
        except urllib.error.HTTPError as refused:
            assert refused.code in (403, 404)
        else:
            assert "success_rate" not in body
            assert "functions" not in body


def test_compare_puts_every_model_under_one_zoom(page: Page, address: str) -> None:
    opened(page, address)
    page.click("button[role=tab]:has-text('Compare')")
    page.wait_for_url("**tab=compare**")
    page.click("button#lx-compare-run, #lx-compare-run button")
    page.wait_for_selector("#lx-compare-table table")
    tiles = page.locator("#lx-compare-tiles .lx-tile img")
    assert tiles.count() >= 3
    page.click("#lx-compare-tiles .lx-in")
    zooms = {tiles.nth(index).evaluate("image => image.style.transform") for index in range(tiles.count())}
    assert len(zooms) == 1
    assert "scale(1.5)" in zooms.pop()
    names = page.locator("#lx-compare-tiles .lx-tile strong").all_inner_texts()
    page.click("#lx-compare-tiles .lx-blind")
    assert page.locator("#lx-compare-tiles .lx-tile strong").all_inner_texts()[1:3] == ["A", "B"]
    page.click("#lx-compare-tiles .lx-blind")
    assert page.locator("#lx-compare-tiles .lx-tile strong").all_inner_texts() == names


def test_retinex_shows_the_parts(page: Page, address: str) -> None:
    opened(page, address, "?tab=retinex")
    page.click("button#lx-retinex-run, #lx-retinex-run button")
    page.wait_for_selector("#lx-retinex-tiles .lx-tile img[src]")
    titles = page.locator("#lx-retinex-tiles .lx-tile strong").all_inner_texts()
    assert titles[0] == "Input S"
    assert any(title.startswith("Illumination") for title in titles)
    assert page.locator("#lx-retinex-tiles .lx-legend:visible").count() >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_width_fits(browser: Browser, address: str, scheme: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    phone.set_default_timeout(PATIENCE)
    opened(phone, address)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    box = phone.locator("#lx-viewer .lx-frame").bounding_box()
    assert box
    assert box["width"] > 340
    phone.close()
