"""The app as visitors have it: the real server, a real Chromium. Opening, restoring, sessions."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

from driving import PATIENCE, changed, choose_model, opened, pixels, revision, upload

pytestmark = pytest.mark.browser


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
