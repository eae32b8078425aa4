"""Help in finding the right picture: advice, clipping, before and after by a key, presets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from driving import PATIENCE, opened, pixels, pixels_once
from PIL import Image
from places import coded, screenshot
from test_browser_places import CLEAR, WHOLE, Hand, shown_as_it_is

from explorer.app.advice import noise_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.1])
def test_noise_is_measured_beside_edges(sigma: float) -> None:
    scene = np.full((300, 400, 3), 0.3, np.float32)
    scene[:, ::40] = 0.7
    scene[:60] = 1.0
    noisy = scene + np.random.default_rng(0).normal(0, sigma, scene.shape).astype(np.float32)
    assert noise_of(np.clip(noisy, 0, 1)) == pytest.approx(sigma, rel=0.15)
    assert noise_of(np.ones((20, 20, 3), np.float32)) == 0


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_clipped_pixels_are_marked_and_a_key_shows_the_photo_before(page: Page, address: str, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(30, 60, (400, 600, 3)).astype(np.uint8)
    picture[100:200, 350:450] = (255, 40, 40)
    picture[100:200, 480:580] = 0
    Image.fromarray(picture).save(tmp_path / "places.png")
    opened(page, address, "?model=identity&ratio=2")
    page.set_input_files("#lx-upload input[type=file]", str(tmp_path / "places.png"))
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('places')")
    page.fill(".lx-ratio-number", "2")
    page.press(".lx-ratio-number", "Enter")
    pixels_once(page, lambda shown: shown.shape[1] == 600 and 45 < shown[300:].mean() < 80)
    frame = page.locator("#lx-viewer").get_by_test_id("viewer")
    frame.evaluate("frame => scrollBy(0, frame.getBoundingClientRect().top - 20)")
    page.wait_for_function(CLEAR)

    def at(x: int, y: int) -> list[int]:
        shown = screenshot(page, frame)
        found = shown[int(y / 400 * shown.shape[0]), int(x / 600 * shown.shape[1])]
        return [int(value) for value in found]

    assert at(530, 150) == [0, 0, 0]
    page.click("#lx-viewer .lx-clipping")
    assert at(400, 150) == [255, 0, 0] and at(530, 150) == [0, 80, 255]
    plain = at(400, 350)
    assert plain[0] < 120
    page.click("#lx-viewer .lx-clipping")
    assert at(530, 150) == [0, 0, 0]

    bright = screenshot(page, frame)[-80:, -160:].mean()
    page.mouse.move(*Hand(page, frame).at(0.8, 0.5))
    page.keyboard.down("b")
    assert screenshot(page, frame)[-80:, -160:].mean() < 0.8 * bright, "the photo before"
    page.keyboard.up("b")
    assert abs(screenshot(page, frame)[-80:, -160:].mean() - bright) < 1


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_a_preset_sets_the_steps_after_the_network(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=gamma")
    assert "developed picture" in page.inner_text("#lx-advice")
    before = pixels(page)
    page.click("#lx-finish button >> nth=0")
    page.click("#lx-preset-shadows")
    page.wait_for_url("**shadows=0.5**")
    pixels_once(page, lambda shown: shown.mean() > before.mean() + 3)
    assert float(page.input_value("#lx-finish-shadows input[type=number]")) == 0.5
    page.click("#lx-finish-reset")
    pixels_once(page, lambda shown: abs(shown.mean() - before.mean()) < 0.5)


@pytest.mark.browser
def test_the_photo_of_places_needs_no_advice(page: Page, address: str, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(90, 250, (300, 400, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "places.png")
    opened(page, address, "?example=still_life&model=identity&ratio=1")
    assert "RAW photo" in page.inner_text("#lx-advice")
    page.set_input_files("#lx-upload input[type=file]", str(tmp_path / "places.png"))
    page.wait_for_selector("#lx-metadata :text('places')", state="attached")
    page.wait_for_function("document.querySelector('#lx-advice').innerText.trim() === ''")


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_picture_slider_and_download_are_seen_together(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    opened(page, address, "?example=still_life&model=gamma")
    page.wait_for_selector("#lx-advice p")
    for part in ("#lx-viewer .lx-frame", "#lx-ratio", "#lx-full", "#lx-save"):
        box = page.locator(part).first.bounding_box()
        assert box and box["y"] > 0 and box["y"] + box["height"] <= 900, part
    page.close()


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_a_phone_keeps_the_picture_in_sight_above_the_slider(browser: Browser, address: str, tmp_path: Path) -> None:
    Image.fromarray(coded(1200, 800)).save(tmp_path / "places.png")
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.set_default_timeout(PATIENCE)
    hand = Hand(page, shown_as_it_is(page, address, tmp_path / "places.png"))
    page.evaluate("scrollBy(0, document.querySelector('#lx-ratio').getBoundingClientRect().top - 500)")
    page.wait_for_timeout(500)
    slider = page.locator(".lx-ratio-range").bounding_box()
    assert slider and 0 < slider["y"] < 844
    hand.sees(*WHOLE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_the_tab_key_leaves_lists_closed_and_an_arrow_opens_them(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=gamma")
    page.focus("#lx-tabs button[role=tab][aria-selected=true]")
    reached = "document.activeElement.matches('#lx-model input')"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(reached):
            break
    assert page.evaluate(reached)
    page.wait_for_timeout(300)
    assert not page.locator("[role=option]:visible").count()
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("[role=option]:visible")
    page.keyboard.press("Escape")
    page.wait_for_selector("[role=option]:visible", state="hidden")
