"""A resting picture becomes as sharp as the screen, and an enlarged one shows the photo's own pixels: by
screenshots."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import explorer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

from driving import PATIENCE, choose_model, opened
from places import Seen, enlarged, screenshot, seen
from test_browser_places import CLEAR, WHOLE, Hand, around, photo, shown_as_it_is

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

AS_SHARP = """dots => {
  const frame = document.querySelector("#lx-viewer .lx-frame"), wanted = Math.min(1600, frame.clientWidth * dots);
  return [".lx-before", ".lx-after"].every((each) => frame.querySelector(each).naturalWidth >= wanted);
}"""
"""True once both pictures have a pixel for each of the screen's."""
OWN = "document.querySelector('#lx-viewer .lx-badge').textContent.startsWith('Full')"
"""True once what is seen is at the photo's own pixels."""
REST = "document.querySelector('#lx-viewer .lx-follows').hidden"
"""True while nothing sharper is awaited."""


def own_pixels(shown: np.ndarray, found: Seen, picture: np.ndarray) -> float:
    """Share of a frame's pixels that are the picture's own, where it is magnified so much that each of them is a square
    of the screen. The squares' edges may lie half a pixel off."""
    wanted = [enlarged(picture, found, shown.shape)]
    wanted += [np.roll(wanted[0], step, axis) for step in (-1, 1) for axis in (0, 1)]
    return float((np.min([np.abs(each - shown).max(axis=2) for each in wanted], axis=0) <= 2).mean())


@pytest.mark.parametrize("dots", [1, 2])
def test_any_place_is_seen_at_the_photos_own_pixels(browser: Browser, address: str, tmp_path: Path, dots: int) -> None:
    picture = photo(tmp_path, 2100, 1400)
    page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=dots)
    page.set_default_timeout(PATIENCE)
    hand = Hand(page, shown_as_it_is(page, address, tmp_path / "places.png"))
    page.wait_for_function(AS_SHARP, arg=dots)
    hand.sees(*WHOLE)
    assert page.inner_text("#lx-viewer .lx-badge").startswith("Preview")

    hand.double_click(0.8, 0.3)
    times = 4 - dots
    for _ in range(times):
        page.click("#lx-viewer .lx-in")
    zoom = 4 * 1.5**times
    page.wait_for_function(OWN)
    page.wait_for_function(CLEAR)
    found = seen(page, hand.frame)
    width, height = 1 / zoom, 1 / zoom
    assert abs(found.right - found.left - width) < 0.002 and abs(found.bottom - found.top - height) < 0.002
    x, y = found.middle()
    assert abs(x - 0.725) < 0.003 and abs(y - 0.35) < 0.003, "what the double click showed"
    assert own_pixels(found.pixels, found, picture) > 0.85, "these are the photo's own pixels, not their mean"
    assert page.eval_on_selector("#lx-viewer .lx-after", "image => image.naturalWidth") <= 1600, "and only these"
    page.close()


def test_the_navigator_shows_and_moves_what_is_seen(page: Page, browser: Browser, address: str, tmp_path: Path) -> None:
    photo(tmp_path, 1500, 1000)
    hand = Hand(page, shown_as_it_is(page, address, tmp_path / "places.png"))
    small = page.locator("#lx-viewer .lx-navigator")
    assert not small.is_visible()
    hand.double_click(0.8, 0.8)
    small.wait_for()
    assert seen(page, small).about(*WHOLE, pixels=3)
    box, mark = small.bounding_box(), small.locator("i").bounding_box()
    assert box and mark
    for share, start, length, side in ((0.6, "x", "width", 0.25), (0.6, "y", "height", 0.25)):
        assert abs((mark[start] - box[start]) / box[length] - share) < 0.03  # type: ignore[literal-required]
        assert abs(mark[length] / box[length] - side) < 0.05  # type: ignore[literal-required]
    Hand(page, small).drag((0.7, 0.7), (0.3, 0.4))
    hand.sees(*around(0.3, 0.4, 0.5, 0.5, 4), pixels=12)  # a pixel of the small picture is several of the large one
    page.click("#lx-viewer .lx-fit")
    small.wait_for(state="hidden")


def test_a_method_that_looks_at_the_whole_says_so(page: Page, address: str, tmp_path: Path) -> None:
    photo(tmp_path, 2400, 1600)
    frame = shown_as_it_is(page, address, tmp_path / "places.png")
    page.wait_for_function(AS_SHARP, arg=1)
    choose_model(page, "CLAHE")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('CLAHE')")
    page.fill(".lx-ratio-number", "2")  # by hand: by itself a photo that is not dark is left as it is
    page.press(".lx-ratio-number", "Enter")
    page.wait_for_url("**ratio=2**")
    page.wait_for_function(AS_SHARP, arg=1)
    whole = page.locator("#lx-viewer .lx-whole")
    assert not whole.is_visible()
    Hand(page, frame).double_click(0.5, 0.5)
    whole.wait_for()
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').naturalWidth === 1600")
    page.wait_for_function(REST)
    assert not page.is_visible("#lx-viewer .lx-detail >> nth=0")
    page.click("button#lx-full, #lx-full button")
    page.wait_for_selector("#lx-viewer .lx-clip-before .lx-detail[src]:visible")
    assert not whole.is_visible()


def test_a_phone_has_no_navigator(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page.set_default_timeout(PATIENCE)
    opened(page, address, "?model=identity&ratio=4")
    page.wait_for_function(AS_SHARP, arg=2)
    page.click("#lx-viewer .lx-in")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-frame.lx-zoomed')")
    assert not page.is_visible("#lx-viewer .lx-navigator")
    page.close()


TILES_AS_SHARP = """dots => [...document.querySelectorAll("#lx-compare-tiles .lx-tile-frame")].every((frame) => {
  const widths = [...frame.querySelectorAll("img")].map((image) => image.complete ? image.naturalWidth : 0);
  return frame.clientWidth && Math.max(...widths) >= Math.min(1600, frame.clientWidth * dots);
})"""
"""True once every picture of a comparison has a pixel for each of the screen's."""
TILES = "#lx-compare-tiles .lx-tile"


def compared(page: Page, address: str, path: Path) -> list[Hand]:
    """Opens the coded photo in Compare, by itself and by gamma correction at x2: hands over the two frames."""
    shown_as_it_is(page, address, path, "&models=gamma")
    page.click("button[role=tab]:has-text('Compare')")
    page.click("#lx-compare-ratio label:has-text('These')")
    page.fill("#lx-compare-list textarea, #lx-compare-list input", "2")
    page.click("#lx-compare-run")
    page.wait_for_selector("#lx-compare-table td:text-is('2.0')")
    page.wait_for_selector("#lx-compare-status :text('1 of 1 pictures are done.')")
    frames = page.locator("#lx-compare-tiles").get_by_test_id("viewer").all()
    frames[0].evaluate("frame => scrollBy(0, frame.getBoundingClientRect().top - 60)")
    return [Hand(page, frame) for frame in frames]


@pytest.mark.parametrize("dots", [1, 2])
def test_every_picture_of_a_comparison_shows_the_photos_own_pixels(
    browser: Browser, address: str, tmp_path: Path, dots: int
) -> None:
    picture = photo(tmp_path, 2100, 1400)
    brighter = explorer.restore(explorer.open_photo(tmp_path / "places.png"), "gamma", 2.0).image
    page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=dots)
    page.set_default_timeout(PATIENCE)
    first, second = compared(page, address, tmp_path / "places.png")
    page.wait_for_function(TILES_AS_SHARP, arg=dots)
    first.sees(*WHOLE)
    page.click(f"{TILES} >> nth=1 >> .lx-enlarge")
    page.wait_for_function(TILES_AS_SHARP, arg=dots)
    box = second.frame.bounding_box()
    assert box and box["width"] > 900
    page.keyboard.press("Escape")

    first.double_click(0.8, 0.3)
    times = 7 - 2 * dots  # squares of about four dots of the screen, whatever a dot's size
    for _ in range(times):
        page.click("#lx-compare-tiles .lx-in")
    zoom = 4 * 1.5**times
    deadline = time.monotonic() + PATIENCE / 1000
    shares = [0.0]
    while min(shares) < 0.85:
        assert time.monotonic() < deadline, f"not the photo's own pixels: {shares}"
        page.wait_for_timeout(300)
        found = seen(page, first.frame)
        pictures = (picture, np.rint(brighter * 255).astype(int))
        shares = [
            own_pixels(screenshot(page, hand.frame), found, each)
            for hand, each in zip((first, second), pictures, strict=True)
        ]
    width = found.right - found.left
    assert abs(width * zoom - 1) < 0.1
    assert np.abs(np.subtract(found.middle(), (0.725, 0.35))).max() < 0.003, (
        "the middle of what the double click showed"
    )
    page.close()


def test_a_number_puts_another_picture_in_its_place(page: Page, address: str, tmp_path: Path) -> None:
    photo(tmp_path, 600, 400)
    _, second = compared(page, address, tmp_path / "places.png")
    title = page.locator(f"{TILES} >> nth=1 >> strong")
    own = title.inner_text()
    page.mouse.move(*second.at(0.5, 0.5))
    page.keyboard.press("1")
    assert title.inner_text() == "Photo as taken"
    page.wait_for_timeout(500)
    second.sees(*WHOLE)
    page.keyboard.press("2")
    assert title.inner_text() == own
    page.mouse.move(2, 2)
    page.keyboard.press("1")
    assert title.inner_text() == own, "nothing is pointed at"


def test_a_sweep_begins_with_the_model_of_restore(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=clahe&models=gamma")
    page.click("button[role=tab]:has-text('Compare')")
    page.wait_for_selector("#lx-sweep-link a[download*=clahe]", state="attached")
    assert page.input_value("#lx-sweep-model input") == "CLAHE"


def test_a_photo_fills_the_tab_that_is_seen_however_quickly_it_was_changed(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=gamma&models=gamma")
    for tab in ("Compare", "Training", "Compare", "Restore", "Training"):
        page.click(f"button[role=tab]:has-text('{tab}')")
    page.click("#lx-examples button >> nth=0")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('still_life')")
    page.click("button[role=tab]:has-text('Compare')")
    page.click("#lx-examples button[data-name=cat]")
    page.wait_for_selector("#lx-compare-tiles img[alt*='cat']")
