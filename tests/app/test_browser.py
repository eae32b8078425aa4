"""The app as visitors use it, with the real server and a real Chromium: opening, restoring, sessions."""

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

from driving import PATIENCE, choose_model, opened, pixels, pixels_once, slowed, upload

pytestmark = pytest.mark.browser


def test_the_main_job(page: Page, address: str, night: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    greeting = pixels(page)
    assert greeting.std() > 1, "the example that greets a visitor is shown"

    upload(page, night)
    pixels_once(page, lambda shown: shown.shape == (320, 480, 3))
    page.wait_for_selector("#lx-metadata :text('night.png')")

    page.focus("#lx-ratio-range")
    page.keyboard.press("Home")
    taken = np.asarray(Image.open(night)).astype(int)
    at_one = pixels_once(page, lambda shown: bool(np.abs(shown - taken).max() <= 1))  # ratio 1 leaves it as it is

    page.fill(".lx-ratio-number", "12")
    page.press(".lx-ratio-number", "Enter")
    at_twelve = pixels_once(page, lambda shown: shown.mean() > at_one.mean() * 2)
    page.wait_for_url("**ratio=12**")

    choose_model(page, "CLAHE")
    pixels_once(page, lambda shown: bool(np.abs(shown - at_twelve).mean() > 2))
    page.wait_for_url("**model=clahe**")

    page.wait_for_selector(".lx-ratio-use", state="hidden")  # another model begins with the ratio that suits it
    page.fill(".lx-ratio-number", "3")
    page.press(".lx-ratio-number", "Enter")
    page.click(".lx-ratio-use")
    page.wait_for_selector(".lx-ratio-use", state="hidden")
    page.wait_for_selector("#lx-histogram .js-plotly-plot .trace, #lx-histogram .js-plotly-plot path.js-line")


def test_the_last_choice_holds_whatever_is_under_way(page: Page, address: str, night: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    upload(page, night)
    pixels_once(page, lambda shown: shown.shape == (320, 480, 3))
    slowed(page, '"ratio"')
    for ratio in ("12", "3", "1"):
        page.fill(".lx-ratio-number", ratio)
        page.press(".lx-ratio-number", "Enter")
        page.wait_for_timeout(400)
    taken = np.asarray(Image.open(night)).astype(int)
    pixels_once(page, lambda shown: bool(np.abs(shown - taken).max() <= 1))
    page.wait_for_timeout(2500)
    assert page.input_value(".lx-ratio-number") == "1"
    assert np.abs(pixels(page) - taken).max() <= 1


def test_download_at_full_depth(page: Page, address: str, night: Path, tmp_path: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    upload(page, night)
    pixels_once(page, lambda picture: picture.shape == (320, 480, 3))
    page.click("#lx-format input")
    page.click("[role=option]:has-text('PNG, 16 bit')")
    with page.expect_download() as waiting:
        page.click("#lx-save button, button#lx-save")
    target = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(target)
    ratio = page.input_value(".lx-ratio-number")
    assert target.name == f"night-identity-x{ratio}-16bit.png"
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
    upload(page, night)
    pixels_once(page, lambda picture: picture.shape == (320, 480, 3))
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
