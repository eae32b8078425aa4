"""What is seen is what was asked for: gestures on a picture whose colours say where they are, by screenshots."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

from driving import PATIENCE, opened, pixels_once, slowed, upload
from places import LOW, SPAN, Seen, coded, decoded, enlarged, screenshot, seen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

WHOLE = 0, 0, 1, 1
CLEAR = """() => {
  for (let each = document.querySelector("#lx-viewer .lx-frame"); each; each = each.parentElement)
    if (getComputedStyle(each).opacity !== "1") return false;
  return true;
}"""
"""True once the veil over a picture that is being made is gone."""
STILL = """root => {
  const box = document.querySelector(root).getBoundingClientRect(), now = [box.top + scrollY, box.height].join();
  const kept = window.kept || {};
  window.kept = { now, since: kept.now === now ? kept.since : performance.now() };
  return performance.now() - window.kept.since > 500;
}"""
"""True once nothing has moved for half a second: what arrives on a page moves what is below it."""


def photo(folder: Path, width: int, height: int) -> np.ndarray:
    """A position-coded photo that lies in the folder as `places.png`."""
    picture = coded(width, height)
    Image.fromarray(picture).save(folder / "places.png", compress_level=1)
    return picture


def shown_as_it_is(page: Page, address: str, path: Path, query: str = "") -> Locator:
    """Opens a coded photo with the method that changes nothing; the frame that shows it, whole on the screen."""
    opened(page, address, "?model=identity&ratio=1" + query)
    upload(page, path)
    page.wait_for_selector("#lx-metadata :text('places')", state="attached")
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

    def at(self, u: float, v: float) -> tuple[int, int]:
        box = self.frame.bounding_box()
        assert box
        # Browsers tell a click's place in whole pixels.
        return round(box["x"] + u * box["width"]), round(box["y"] + v * box["height"])

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

    def sees(self, left: float, top: float, right: float, bottom: float, pixels: float = 4) -> Seen:
        """What the frame shows, once it has been found to be this part of the picture: it settles within seconds."""
        deadline = time.monotonic() + 10
        found = seen(self.page, self.frame)
        while not found.about(left, top, right, bottom, pixels) and time.monotonic() < deadline:
            self.page.wait_for_timeout(200)
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
    page.wait_for_function(CLEAR)
    found = seen(page, hand.frame)
    for was, now, count in zip(before.middle(), found.middle(), picture.shape[1::-1], strict=True):
        assert abs(was - now) * count < 0.02 * (before.right - before.left) * count + 4, "what was in the middle stays"
    assert same_pixels(found, picture) > 0.88, "each pixel of the screen is one of the photo; labels lie over some"


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
    detail = page.get_attribute("#lx-viewer .lx-detail", "src")
    hand.drag((0.9, 0.9), (0.3, 0.6))
    before = seen(page, frame)
    newer = "old => document.querySelector('#lx-viewer .lx-detail').getAttribute('src') !== old"
    page.wait_for_function(newer, arg=detail)
    after = seen(page, frame)
    assert after.about(before.left, before.top, before.right, before.bottom, 1.5), "the sharp picture lies on the first"
    assert same_pixels(after, picture) > 0.9

    # Two places in the time that one answer takes: the second is what becomes sharp.
    slowed(page, '"window"')
    hand.drag((0.3, 0.6), (0.6, 0.7))
    page.wait_for_timeout(600)
    hand.drag((0.4, 0.4), (0.6, 0.5))
    deadline = time.monotonic() + PATIENCE / 1000
    while same_pixels(seen(page, frame), picture) < 0.9:
        assert time.monotonic() < deadline, "what was looked at last stays unsharp"
        page.wait_for_timeout(200)


@pytest.mark.parametrize(("width", "height"), [(900, 1500), (40, 30), (4500, 3000)])
def test_photos_of_any_shape_show_the_place(page: Page, address: str, tmp_path: Path, width: int, height: int) -> None:
    picture = photo(tmp_path, width, height)
    hand = Hand(page, shown_as_it_is(page, address, tmp_path / "places.png"))
    tolerance = 3 if width > 100 else 20  # a pixel of the smallest covers more than that
    hand.sees(*WHOLE, pixels=tolerance)
    hand.double_click(0.8, 0.3)
    hand.sees(*around(0.8, 0.3, 0.8, 0.3, 4), pixels=2 * tolerance)
    if width > 100:
        one_to_one(hand, picture)
        return
    # The smallest is smaller than its frame: one pixel of the screen for each of its own, in the middle.
    page.focus("#lx-viewer .lx-split")
    page.keyboard.press("Home")
    page.click("#lx-viewer .lx-one")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-zoom').textContent === '100 %'")
    page.wait_for_function(CLEAR)
    shown = screenshot(page, hand.frame)
    rows, columns = shown.shape[:2]
    found = [
        (y, x)
        for y in range((rows - height) // 2 - 1, (rows - height) // 2 + 3)
        for x in range((columns - width) // 2 - 1, (columns - width) // 2 + 3)
        if (np.abs(shown[y : y + height, x : x + width] - picture).max(axis=2) <= 1).mean() > 0.9
    ]
    assert len(found) == 1
    page.click("#lx-viewer .lx-in")
    assert page.inner_text("#lx-viewer .lx-zoom") == "150 %"


def test_a_phone_shows_the_place(browser: Browser, address: str, tmp_path: Path) -> None:
    """390 pixels wide, two pixels of the screen for each of the page, and fingers."""
    picture = photo(tmp_path, 1500, 1000)
    page = browser.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True)
    page.set_default_timeout(PATIENCE)
    hand = Hand(page, shown_as_it_is(page, address, tmp_path / "places.png"))
    hand.sees(*WHOLE)
    hand.double_click(0.8, 0.8)
    hand.sees(*around(0.8, 0.8, 0.8, 0.8, 4), pixels=4)
    hand.drag((0.3, 0.3), (0.6, 0.5))
    hand.sees(*around(0.8, 0.8, 1.1, 1.0, 4), pixels=4)
    one_to_one(hand, picture)
    page.click("#lx-viewer .lx-fit")

    # Two fingers that part by a half: what lay between them stays there.
    touch = page.context.new_cdp_session(page)
    x, y = hand.at(0.3, 0.6)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchMove", 100), ("touchEnd", 0)):
        points = [{"x": x - apart / 2, "y": y, "id": 1}, {"x": x + apart / 2, "y": y, "id": 2}] if apart else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    found = seen(page, hand.frame)
    zoom = 1 / (found.right - found.left)
    assert 1.5 < zoom < 2.6
    hand.sees(*around(0.3, 0.6, 0.3, 0.6, zoom), pixels=4)
    page.close()


def test_grey_is_picked_where_the_pointer_is(page: Page, address: str, tmp_path: Path) -> None:
    """Under a lamp whose red grows to the right and whose blue grows downwards, one place alone is grey afterwards."""
    width, height = 1800, 1200
    rows, columns = np.mgrid[:height, :width]
    levels = [1000 + 3000 * columns / width, np.full((height, width), 2000), 1000 + 3000 * rows / height]
    path = tmp_path / f"lamp_{width}x{height}_rggb_b512_w16383.raw"
    path.write_bytes((512 + np.choose(rows % 2 + columns % 2, levels)).astype("<u2").tobytes())
    opened(page, address, "?model=identity&ratio=2")
    upload(page, path)
    page.wait_for_selector("#lx-metadata :text('lamp_')", state="attached")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('lamp_')")
    frame = page.locator("#lx-viewer").get_by_test_id("viewer")
    frame.evaluate("frame => scrollBy(0, frame.getBoundingClientRect().top - 20)")
    hand = Hand(page, frame)
    hand.double_click(0.7, 0.3)
    page.focus("#lx-viewer .lx-split")
    page.keyboard.press("Home")
    page.click("#lx-viewer .lx-dropper")
    page.mouse.click(*hand.at(0.3, 0.8))
    page.wait_for_selector("#lx-metadata :text('neutral point')", state="attached")
    for axis, share, side in (("x", 0.525 + 0.3 / 4, width), ("y", 0.225 + 0.8 / 4, height)):
        assert abs(int(page.input_value(f"#lx-neutral-{axis} input")) - share * side) < 3
    page.wait_for_function("document.querySelector('#lx-viewer .lx-point').checkVisibility()")
    page.wait_for_timeout(500)
    shown = screenshot(page, frame)
    grey = np.abs(shown[..., 0] - shown[..., 1]) + np.abs(shown[..., 2] - shown[..., 1])
    down, across = np.nonzero((grey <= 2) & (shown.max(axis=2) < 240) & (shown.min(axis=2) > 60))
    assert abs(np.median(across) / shown.shape[1] - 0.3) < 0.03
    assert abs(np.median(down) / shown.shape[0] - 0.8) < 0.03


def tiles_of(page: Page, root: str) -> tuple[list[Locator], list[np.ndarray]]:
    """The frames of a tab, whole on the screen, and the pictures that they were given."""
    frames = page.locator(root).get_by_test_id("viewer").all()
    page.wait_for_function(STILL, arg=root)
    frames[0].evaluate("frame => scrollBy(0, frame.getBoundingClientRect().top - 60)")
    pictures = []
    for frame in frames:
        source = frame.locator("img").evaluate("image => image.src")
        answer = page.request.get(source)
        pictures.append(np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGB")))
    return frames, pictures


def all_see(page: Page, frames: list[Locator], pictures: list[np.ndarray], part: tuple[float, ...]) -> None:
    """Every frame in sight shows the same part: the coded photo in the first, its own picture in each other."""
    found = Hand(page, frames[0]).sees(*part)  # type: ignore[arg-type]
    for frame, picture in zip(frames, pictures, strict=True):
        box = frame.bounding_box()
        assert box
        if box["y"] + box["height"] > page.viewport_size["height"]:  # type: ignore[index]
            continue
        shown = screenshot(page, frame)
        wanted = enlarged(picture, found, shown.shape)
        assert np.percentile(np.abs(coarse(shown) - coarse(wanted)), 95) < 6


def coarse(pixels: np.ndarray) -> np.ndarray:
    """Means over 12 x 12 pixels, for which it is all one where the edge of an enlarged pixel lies."""
    height, width = (side // 12 for side in pixels.shape[:2])
    return pixels[: 12 * height, : 12 * width].reshape(height, 12, width, 12, 3).mean(axis=(1, 3))


def test_compare_shows_and_reads_the_same_place_of_every_picture(page: Page, address: str, tmp_path: Path) -> None:
    photo(tmp_path, 600, 400)
    shown_as_it_is(page, address, tmp_path / "places.png", "&models=gamma,clahe")
    page.click("button[role=tab]:has-text('Compare')")
    page.wait_for_selector("#lx-compare-status :text('2 of 2 pictures are done.')")
    page.wait_for_function("document.querySelectorAll('#lx-compare-tiles .lx-tile').length === 3")
    frames, pictures = tiles_of(page, "#lx-compare-tiles")
    assert len(frames) == 3
    hand = Hand(page, frames[0])
    gestures(hand)
    Hand(page, frames[1]).double_click(0.8, 0.3)
    all_see(page, frames, pictures, around(0.8, 0.3, 0.8, 0.3, 4))

    for u, v in ((0.2, 0.3), (0.9, 0.8)):
        page.mouse.move(*hand.at(u, v))
        read = [
            [int(word) for word in frame.locator("xpath=..").locator("code").inner_text().split()] for frame in frames
        ]
        # What is read is a pixel of the tile's own picture, beside the place that the first frame shows there.
        shown = decoded(screenshot(page, frames[0]))
        spot_x, spot_y = shown.left + u * (shown.right - shown.left), shown.top + v * (shown.bottom - shown.top)
        for picture, values in zip(pictures, read, strict=True):
            y, x = int(spot_y * picture.shape[0]), int(spot_x * picture.shape[1])
            around_it = picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).astype(int)
            assert (around_it == values).all(axis=1).any(), f"{values} is not what is seen"
        words = page.inner_text("#lx-compare-tiles .lx-where").replace("%", "").replace("x", "").split(", y")
        spot = 0.6 + u / 4, 0.225 + v / 4
        assert all(abs(float(word) / 100 - share) < 0.003 for word, share in zip(words, spot, strict=True)), words
    page.select_option("#lx-compare-tiles .lx-mode", "difference")
    page.select_option("#lx-compare-tiles .lx-against", index=0)
    page.mouse.move(*hand.at(0.9, 0.81))
    page.mouse.move(*hand.at(0.9, 0.8))
    difference = float(frames[1].locator("xpath=..").locator("code").inner_text())
    assert abs(difference - np.abs(np.subtract(read[0], read[1])).mean() / 255) < 0.001


def test_retinex_draws_the_profile_where_the_pointer_draws(page: Page, address: str, tmp_path: Path) -> None:
    photo(tmp_path, 600, 400)
    shown_as_it_is(page, address, tmp_path / "places.png", "&decompose=lime")
    page.click("button[role=tab]:has-text('Retinex')")
    page.wait_for_selector("#lx-retinex-profile .js-plotly-plot")
    picture = "document.querySelector('#lx-retinex-tiles .lx-tile img').getAttribute('src')"
    before = page.evaluate(picture)
    page.click("#lx-retinex-ratio label >> nth=1")
    page.wait_for_function(f"before => {picture} !== before", arg=before)
    frames, pictures = tiles_of(page, "#lx-retinex-tiles")
    hand = Hand(page, frames[0])
    hand.sees(*WHOLE)
    hand.double_click(0.7, 0.4)
    all_see(page, frames, pictures, around(0.7, 0.4, 0.7, 0.4, 4))

    page.click("#lx-retinex-tiles .lx-draw")
    hand.drag((0.1, 0.2), (0.9, 0.7))
    ends = [(0.525 + u / 4, 0.3 + v / 4) for u, v in ((0.1, 0.2), (0.9, 0.7))]
    red, green = (LOW + SPAN * np.linspace(ends[0][k], ends[1][k], 256) for k in (0, 1))
    wanted = (0.2126 * red + 0.7152 * green + 0.0722 * (255 - red)) / 255
    # One of the curves becomes the photo's own brightness along the drawn line.
    drawn = """wanted => document.querySelector("#lx-retinex-profile .js-plotly-plot").data.some(({ y }) => {
      const line = Array.from(y._inputArray || y);
      return line.length === 256 && line.reduce((sum, value, i) => sum + Math.abs(value - wanted[i]), 0) < 256 * 0.01;
    })"""
    page.wait_for_function(drawn, arg=wanted.tolist())
    white = screenshot(page, frames[0]).min(axis=2) > 200
    for edge in (white[:8], white[-8:], white[:, :8], white[:, -8:]):
        edge[:] = False  # the frame's round corners show the page
    rows, columns = np.nonzero(white)
    height, width = white.shape
    assert abs(columns.min() / width - 0.1) < 0.03 and abs(columns.max() / width - 0.9) < 0.03
    assert abs(rows.min() / height - 0.2) < 0.03 and abs(rows.max() / height - 0.7) < 0.03


def test_feature_maps_show_the_same_place(page: Page, address: str, tmp_path: Path) -> None:
    photo(tmp_path, 320, 240)
    shown_as_it_is(page, address, tmp_path / "places.png")
    page.click("button[role=tab]:has-text('Feature maps')")
    if not page.input_value("#lx-features-model input"):
        pytest.skip("needs a network with weights, and none is installed")
    page.wait_for_selector("#lx-features-tiles .lx-tile img[src]")
    page.wait_for_function("document.querySelectorAll('#lx-features-tiles img').length >= 3")
    frames, pictures = tiles_of(page, "#lx-features-tiles")
    Hand(page, frames[2]).double_click(0.3, 0.6)
    all_see(page, frames, pictures, around(0.3, 0.6, 0.3, 0.6, 4))
