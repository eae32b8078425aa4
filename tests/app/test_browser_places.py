"""What is seen is what was asked for: gestures on a picture whose colours say where they are, by screenshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

from driving import opened, pixels_once, upload
from places import Seen, coded, seen

pytestmark = pytest.mark.browser

WHOLE = 0, 0, 1, 1


def photo(folder: Path, width: int, height: int) -> np.ndarray:
    """A position-coded photo that lies in the folder as `places.png`."""
    picture = coded(width, height)
    Image.fromarray(picture).save(folder / "places.png", compress_level=1)
    return picture


def shown_as_it_is(page: Page, address: str, path: Path, query: str = "") -> Locator:
    """Opens a coded photo with the method that changes nothing; the frame that shows it, whole on the screen."""
    opened(page, address, "?model=identity&ratio=1" + query)
    upload(page, path)
    page.wait_for_selector("#lx-metadata :text('places')")
    page.fill(".lx-ratio-number", "1")
    page.press(".lx-ratio-number", "Enter")
    pixels_once(page, lambda shown: bool(np.abs(shown[..., 0] + shown[..., 2] - 255).max() <= 4))
    frame = page.locator("#lx-viewer").get_by_test_id("viewer")
    frame.evaluate("frame => scrollBy(0, frame.getBoundingClientRect().top - 20)")
    return frame


class Hand:
    """A pointer over a frame, at shares of it."""

    def __init__(self, page: Page, frame: Locator) -> None:
        self.page, self.frame = page, frame

    def at(self, u: float, v: float) -> tuple[float, float]:
        box = self.frame.bounding_box()
        assert box
        return box["x"] + u * box["width"], box["y"] + v * box["height"]

    def double_click(self, u: float, v: float) -> None:
        self.page.mouse.dblclick(*self.at(u, v))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up()

    def wheel(self, u: float, v: float, turn: float, key: str = "") -> None:
        self.page.mouse.move(*self.at(u, v))
        if key:
            self.page.keyboard.down(key)
        self.page.mouse.wheel(0, turn)
        self.page.wait_for_timeout(150)  # the browser hands wheel events on with the next frame
        if key:
            self.page.keyboard.up(key)

    def sees(self, left: float, top: float, right: float, bottom: float, pixels: float = 3) -> Seen:
        """What the frame shows, once it has been found to be this part of the picture."""
        found = seen(self.page, self.frame)
        assert found.about(left, top, right, bottom, pixels), f"{found}, not {left, top, right, bottom}"
        return found


def around(x: float, y: float, u: float, v: float, zoom: float) -> tuple[float, float, float, float]:
    """The part of a picture that is seen where its place x, y lies at u, v of the frame."""
    left, top = x - u / zoom, y - v / zoom
    return left, top, left + 1 / zoom, top + 1 / zoom


def gestures(hand: Hand) -> None:
    """Zooms and pans by everything but wheel and fingers; begins and ends with the whole picture."""
    page, root = hand.page, hand.frame.locator("xpath=ancestor::*[starts-with(@id, 'lx-')][1]")
    hand.sees(*WHOLE)
    root.locator(".lx-in").click()
    root.locator(".lx-in").click()
    hand.sees(*around(0.5, 0.5, 0.5, 0.5, 2.25))
    root.locator(".lx-out").click()
    hand.sees(*around(0.5, 0.5, 0.5, 0.5, 1.5))
    root.locator(".lx-fit").click()
    hand.sees(*WHOLE)

    hand.double_click(0.8, 0.8)
    hand.sees(*around(0.8, 0.8, 0.8, 0.8, 4))
    hand.drag((0.7, 0.6), (0.9, 0.5))
    hand.sees(*around(0.8, 0.8, 1.0, 0.7, 4))
    for _ in range(3):
        hand.drag((0.05, 0.1), (0.95, 0.95))
    hand.sees(0, 0, 0.25, 0.25)  # no further than the corner
    hand.frame.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    hand.sees(0.05, 0.025, 0.3, 0.275)
    page.keyboard.press("+")
    hand.sees(*around(0.175, 0.15, 0.5, 0.5, 6))
    page.keyboard.press("-")
    for key in ("ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    hand.sees(0.025, 0, 0.275, 0.25)
    page.keyboard.press("0")
    hand.sees(*WHOLE)
    hand.double_click(0.1, 0.9)
    hand.sees(*around(0.1, 0.9, 0.1, 0.9, 4))
    hand.double_click(0.4, 0.4)
    hand.sees(*WHOLE)


def one_to_one(hand: Hand, picture: np.ndarray, dots: int = 1) -> None:
    """Presses 1:1 and holds every pixel of the screen against the photo's own."""
    page = hand.page
    before = seen(page, hand.frame)
    page.click("#lx-viewer .lx-one")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-zoom').textContent === '100 %'")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-badge').textContent.startsWith('Full')")
    if max(picture.shape) > 1600:
        page.wait_for_selector("#lx-viewer .lx-clip-before .lx-detail[src]:visible")
    found = seen(page, hand.frame)
    height, width = found.pixels.shape[:2]
    for was, now, count in zip(before.middle(), found.middle(), picture.shape[1::-1], strict=True):
        assert abs(was - now) * count < 0.02 * (before.right - before.left) * count + 4, "what was in the middle stays"
    assert same_pixels(found, picture) > 0.95, "each pixel of the screen is one of the photo; labels lie over some"


def same_pixels(found: Seen, picture: np.ndarray) -> float:
    """Share of a frame's pixels that are the photo's own where it shows the photo at 1:1."""
    height, width = found.pixels.shape[:2]
    left, top = round(found.left * picture.shape[1]), round(found.top * picture.shape[0])
    return max(
        float((np.abs(part - found.pixels).max(axis=2) <= 1).mean())
        for y in range(max(0, top - 4), top + 5)
        for x in range(max(0, left - 4), left + 5)
        if (part := picture[y : y + height, x : x + width].astype(int)).shape == found.pixels.shape
    )


def divider(found: Seen) -> float:
    """Where the white line between before and after stands, as a share of the frame."""
    white = (found.pixels.min(axis=2) > 220).mean(axis=0) > 0.8
    assert white.any()
    return float(np.flatnonzero(white).mean() / len(white))


def test_restore_shows_the_place(page: Page, address: str, tmp_path: Path) -> None:
    picture = photo(tmp_path, 2400, 1600)
    frame = shown_as_it_is(page, address, tmp_path / "places.png")
    hand = Hand(page, frame)
    gestures(hand)

    hand.wheel(0.3, 0.7, -300, "Control")
    first = hand.sees(*around(0.3, 0.7, 0.3, 0.7, np.e))
    frame.focus()
    hand.wheel(0.6, 0.6, -150)
    x = first.left + 0.6 * (first.right - first.left)
    y = first.top + 0.6 * (first.bottom - first.top)
    hand.sees(*around(x, y, 0.6, 0.6, np.exp(1.5)))
    page.keyboard.press("0")

    # The divider: a drag takes it along, and a double click leaves it where it is.
    hand.drag((0.4, 0.9), (0.25, 0.9))
    hand.double_click(0.8, 0.2)
    assert abs(divider(seen(page, frame)) - 0.25) < 0.01
    page.focus("#lx-viewer .lx-split")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    found = hand.sees(*around(0.8, 0.225, 0.8, 0.2, 4))
    assert abs(divider(found) - 0.26) < 0.01

    one_to_one(hand, picture)
    hand.drag((0.9, 0.9), (0.3, 0.6))
    before = seen(page, frame)
    detail = page.get_attribute("#lx-viewer .lx-detail", "src")
    newer = "old => document.querySelector('#lx-viewer .lx-detail').getAttribute('src') !== old"
    page.wait_for_function(newer, arg=detail)
    after = seen(page, frame)
    assert after.about(before.left, before.top, before.right, before.bottom, 1.5), "the sharp picture lies on the first"
    assert same_pixels(after, picture) > 0.95
