"""The strength in the Restore tab: by pixels of the preview, of a window, of the whole photo and of the files."""

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

from driving import entered, opened, pixels, pixels_once, upload

import explorer
from explorer.encode import quantise

pytestmark = pytest.mark.browser

MODEL, RATIO = "lynx.raw_synthetic_small", 8
FIELD = "#lx-strength input[type=number]"


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A noisy RGGB mosaic with an edge, longer than the sharpest preview."""
    width, height = 2000, 1300
    rows, columns = np.mgrid[:height, :width]
    light = 90 + 110 * (columns > 1000) + 60 * ((rows // 40 + columns // 40) % 2)
    samples = 512 + light + np.random.default_rng(1).normal(0, 60, (height, width))
    path = tmp_path_factory.mktemp("mosaic") / f"noisy_{width}x{height}_rggb_b512_w16383.raw"
    path.write_bytes(samples.clip(0, 16383).astype("<u2").tobytes())
    return path


def download(page: Page, kind: str, folder: Path) -> Path:
    page.click("#lx-format input")
    page.click(f"[role=option]:has-text('{kind}')")
    with page.expect_download() as waiting:
        page.click("#lx-save")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def grain(picture: np.ndarray) -> float:
    """How noisy a picture is: the mean difference of neighbours."""
    return float(np.abs(np.diff(picture, axis=1)).mean())


def window(page: Page) -> np.ndarray:
    """The window at the photo's own pixels, restored."""
    page.wait_for_selector("#lx-viewer .lx-clip-before .lx-detail[src]:visible")
    source = page.evaluate("document.querySelector('#lx-viewer .lx-after ~ .lx-detail').src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body()))).astype(int)


def test_strength_lies_between_the_developed_and_the_restored_picture(
    page: Page, address: str, mosaic: Path, tmp_path: Path
) -> None:
    opened(page, address, f"?model={MODEL}")
    upload(page, mosaic)
    page.wait_for_selector("#lx-metadata :text('noisy_')")
    page.fill(".lx-ratio-number", str(RATIO))
    page.press(".lx-ratio-number", "Enter")
    page.wait_for_url(f"**ratio={RATIO}**")
    assert float(page.input_value(FIELD)) == 100
    full = pixels_once(page, lambda shown: shown.shape[1] > 700)  # as sharp as the screen
    page.click("#lx-viewer .lx-one")
    restored = window(page)
    page.click("#lx-viewer .lx-fit")

    entered(page, FIELD, "0")
    developed = pixels_once(page, lambda shown: shown.shape == full.shape and grain(shown) > 1.5 * grain(full))
    page.wait_for_url(lambda url: "strength=0" in url)
    page.wait_for_selector("#lx-remarks :text('no network ran')")

    entered(page, FIELD, "50")

    def away(shown: np.ndarray, other: np.ndarray) -> float:
        return float(np.abs(shown - other).mean()) if shown.shape == other.shape else 0.0

    apart = away(full, developed)
    half = pixels_once(page, lambda shown: 0.1 * apart < away(shown, full) < 0.9 * apart)
    assert 0.1 * apart < away(half, developed) < 0.9 * apart
    page.wait_for_url(lambda url: "strength=50" in url)

    # The same on the photo's own pixels, in the whole photo and in the files.
    page.click("#lx-viewer .lx-one")
    part = window(page)
    assert part.shape == restored.shape and grain(part) > 1.2 * grain(restored)
    picture, settings = download(page, "PNG, 16 bit", tmp_path), download(page, "Settings", tmp_path)
    assert picture.name.endswith("-x8-s50-16bit.png")
    assert json.loads(settings.read_text())["strength"] == 50
    photo = explorer.open_photo(mosaic)
    written = explorer.open_photo(picture)
    assert isinstance(written, explorer.RgbPhoto)
    assert np.abs(written.image - explorer.restore(photo, MODEL, RATIO, strength=50).image).mean() < 2e-3

    # After a reload the page shows what was restored in full, at the strength that is in the address.
    page.reload()
    page.wait_for_selector("#lx-viewer [data-revision]", state="attached")
    page.wait_for_function(f"document.querySelector('{FIELD}').value === '50'")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-badge')?.textContent.startsWith('Full')")
    entered(page, FIELD, "0")
    page.click("#lx-full")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-badge').textContent.startsWith('Full')")
    whole = explorer.restore(photo, MODEL, RATIO, strength=0).image
    picture = download(page, "PNG, 8 bit", tmp_path)
    assert np.array_equal(np.asarray(Image.open(picture)), quantise(whole, 8)), "bit for bit"
    entered(page, FIELD, "100")
    pixels_once(page, lambda shown: np.array_equal(shown, full))
    page.wait_for_url(lambda url: "strength" not in url)
    assert not np.array_equal(pixels(page), developed)
