"""A grey patch for the white balance, and the photo at one pixel per screen pixel."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import message, opened, pixels_once, upload

pytestmark = pytest.mark.browser

SIZE = 2400, 1600
"""Larger than the first pictures of a full result."""


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A headerless RGGB mosaic: a neutral grey under a bluish lamp, with a reddish patch at the lower right."""
    width, height = SIZE
    rows, columns = np.mgrid[:height, :width]
    color = (rows % 2) + (columns % 2)  # 0 red, 1 green, 2 blue
    samples = 512 + np.choose(color, [300, 600, 900]) + np.random.default_rng(1).normal(0, 10, (height, width))
    reddish = (rows > 1300) & (columns > 2000)
    samples[reddish & (color == 0)] += 600
    path = tmp_path_factory.mktemp("mosaic") / f"lamp_{width}x{height}_rggb_b512_w16383.raw"
    path.write_bytes(samples.clip(0, 16383).astype("<u2").tobytes())
    return path


def tint(picture: np.ndarray, share: tuple[float, float]) -> float:
    """How far a place of a picture is from grey: the largest difference of its channels' means."""
    height, width = picture.shape[:2]
    y, x = int(share[1] * height), int(share[0] * width)
    means = picture[y - 10 : y + 10, x - 10 : x + 10].reshape(-1, 3).mean(axis=0)
    return float(means.max() - means.min())


GREY, RED = (0.3, 0.3), (0.92, 0.9)


def test_a_grey_patch_is_picked_and_the_settings_keep_it(
    page: Page, address: str, mosaic: Path, tmp_path: Path
) -> None:
    opened(page, address, "?model=identity&ratio=8")
    upload(page, mosaic)
    page.wait_for_selector("#lx-metadata :text('lamp_')")
    page.wait_for_selector("#lx-viewer .lx-dropper:visible")
    pixels_once(page, lambda shown: tint(shown, GREY) > 20)

    page.click("#lx-viewer .lx-dropper")
    box = page.locator("#lx-viewer .lx-frame").bounding_box()
    assert box
    page.mouse.click(box["x"] + GREY[0] * box["width"], box["y"] + GREY[1] * box["height"])
    pixels_once(page, lambda shown: tint(shown, GREY) < 4 < tint(shown, RED))
    page.wait_for_selector("#lx-metadata :text('neutral point')")
    assert page.is_checked("#lx-balance input[value=neutral]")
    assert abs(int(page.input_value("#lx-neutral-x input")) - GREY[0] * SIZE[0]) < 12
    assert page.is_visible("#lx-viewer .lx-point")

    # By the keyboard: the coordinates.
    page.fill("#lx-neutral-y input", str(int(RED[1] * SIZE[1])))
    page.fill("#lx-neutral-x input", str(int(RED[0] * SIZE[0])))
    page.press("#lx-neutral-x input", "Enter")
    pixels_once(page, lambda shown: tint(shown, RED) < 6 < tint(shown, GREY))

    with page.expect_download() as waiting:
        page.click("#lx-format input")
        page.click("[role=option]:has-text('Settings')")
        page.click("#lx-save")
    gains = json.loads(waiting.value.path().read_text())["white_balance"]
    assert gains[1] == 1.0 and gains[0] < gains[2], "red is what the patch has too much of"

    page.fill("#lx-neutral-x input", "90000")
    page.press("#lx-neutral-x input", "Enter")
    assert "is outside the picture" in message(page)
    page.wait_for_function(f"Number(document.querySelector('#lx-neutral-x input').value) < {SIZE[0]}")


def test_one_to_one_shows_the_photos_own_pixels(page: Page, address: str, mosaic: Path) -> None:
    opened(page, address, "?model=identity&ratio=8")
    upload(page, mosaic)
    page.wait_for_selector("#lx-metadata :text('lamp_')")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-badge').textContent.startsWith('Preview')")
    page.click("#lx-viewer .lx-one")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-zoom').textContent === '100 %'")
    page.wait_for_selector("#lx-viewer .lx-clip-before .lx-detail[src]:visible")
    assert "2400 × 1600" in page.inner_text("#lx-viewer .lx-badge")
    overview = page.eval_on_selector("#lx-viewer .lx-after", "image => image.naturalWidth")
    assert overview <= 1600, "the whole photo is not sent"
    width, shown = page.eval_on_selector(
        "#lx-viewer .lx-detail", "image => [image.naturalWidth, image.getBoundingClientRect().width]"
    )
    assert abs(shown * page.evaluate("devicePixelRatio") - width) < 2
    source = page.eval_on_selector("#lx-viewer .lx-detail", "image => image.src")
    first = np.asarray(Image.open(io.BytesIO(page.request.get(source).body())))
    assert first.std() > 1, "its own noise is there"
    page.focus("#lx-viewer .lx-in")
    box = page.locator("#lx-viewer .lx-frame").bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 100, steps=3)
    page.mouse.up()
    page.wait_for_function("source => document.querySelector('#lx-viewer .lx-detail').src !== source", arg=source)
