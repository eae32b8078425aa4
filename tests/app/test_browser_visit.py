"""A visitor opens tabs, changes models, and opens photos in every way that a page has."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import changed, choose_model, message, opened, pixels, pixels_once, revision, upload

pytestmark = pytest.mark.browser

BRING = """async ([how, name, address]) => {
  const bytes = await (await fetch(address)).blob();
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/png" }));
  const target = document.querySelector("#lx-tabs");
  if (how === "paste") {
    target.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: transfer }));
    return;
  }
  for (const type of ["dragover", "drop"])
    target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


def flat(path: Path, colour: tuple[int, int, int], size: tuple[int, int]) -> str:
    """A picture of one colour in a file, and as an address."""
    import base64

    Image.new("RGB", size, colour).save(path)
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def test_a_photo_is_dropped_anywhere_or_pasted(page: Page, address: str, tmp_path: Path) -> None:
    red, green = (flat(tmp_path / f"{colour}.png", colours, size) for colour, colours, size in (
        ("red", (9, 1, 1), (60, 40)), ("green", (1, 9, 1), (50, 70)),
    ))  # fmt: skip
    opened(page, address, "?example=cat&model=identity&ratio=2")
    page.evaluate(BRING, ["drop", "letter.docx", "data:,no%20photo"])
    assert "letter.docx" in message(page)
    page.evaluate(BRING, ["drop", "red.png", red])
    shown = pixels_once(page, lambda picture: picture.shape == (40, 60, 3))
    assert shown[20, 30].argmax() == 0
    page.wait_for_selector("#lx-metadata :text('red.png')")
    page.wait_for_selector("#lx-message [role=alert]", state="detached")
    page.evaluate(BRING, ["paste", "green.png", green])  # over a photo that the upload shows
    shown = pixels_once(page, lambda picture: picture.shape == (70, 50, 3))
    assert shown[20, 30].argmax() == 1
    page.wait_for_function("!document.body.classList.contains('lx-opening')")
    assert page.is_visible("#lx-viewer .lx-after")


def test_a_photo_that_is_not_dark_comes_back_as_it_was(page: Page, address: str, tmp_path: Path) -> None:
    day = np.random.default_rng(0).integers(90, 250, (300, 400, 3)).astype(np.uint8)
    Image.fromarray(day).save(tmp_path / "day.png")
    Image.new("RGB", (64, 48)).save(tmp_path / "black.png")
    opened(page, address, "?example=cat&model=lynx_rgb.mixed_small")
    upload(page, tmp_path / "day.png")
    page.wait_for_selector("#lx-remarks :text('not dark')")
    assert np.array_equal(pixels_once(page, lambda shown: shown.shape == day.shape), day)
    page.fill(".lx-ratio-number", "3")
    page.press(".lx-ratio-number", "Enter")
    pixels_once(page, lambda shown: shown.shape == day.shape and not np.array_equal(shown, day))
    page.wait_for_selector("#lx-remarks :text('not dark')", state="detached")
    upload(page, tmp_path / "black.png")
    page.wait_for_selector("#lx-remarks :text('completely black')")
    assert not pixels_once(page, lambda shown: shown.shape == (48, 64, 3)).any()


@pytest.mark.parametrize("typed", ["abc", "999"])
def test_a_ratio_that_cannot_be_makes_room_for_the_one_in_force(page: Page, address: str, typed: str) -> None:
    opened(page, address, "?example=cat&model=gamma&ratio=7")
    page.wait_for_selector("#lx-result :text('×7')")
    page.fill(".lx-ratio-number", typed)
    page.press(".lx-ratio-number", "Enter")
    page.wait_for_selector(f"#lx-ratio-note[role=alert]:has-text('“{typed}” is not a number from 1 to 300.')")
    assert page.input_value(".lx-ratio-number") == "7"


def test_a_ratio_set_by_hand_is_offered_to_another_model(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=gamma")
    page.fill(".lx-ratio-number", "50")
    page.press(".lx-ratio-number", "Enter")
    page.wait_for_selector("#lx-result :text('×50')")
    choose_model(page, "CLAHE")
    page.wait_for_selector("#lx-result :text('clahe')")
    page.wait_for_url(lambda url: "ratio=" not in url)
    assert page.input_value(".lx-ratio-number") != "50"
    page.click(".lx-ratio-keep:has-text('Keep ×50')")
    page.wait_for_selector("#lx-result :text('×50')")
    page.wait_for_url(lambda url: "ratio=50" in url and "model=clahe" in url)
    assert page.is_hidden(".lx-ratio-keep")


def test_the_white_balance_is_in_the_address(page: Page, address: str) -> None:
    opened(page, address, "?example=espresso&model=identity&ratio=20")
    before, start = pixels(page), revision(page)
    assert page.is_hidden("#lx-black-level"), "the file has no masked pixels"
    page.click("#lx-balance label:has-text('Grey world')")
    changed(page, start)
    page.wait_for_url(lambda url: "balance=grey_world" in url)
    grey = pixels_once(page, lambda shown: not np.array_equal(shown, before))
    opened(page, address, "?example=espresso&model=identity&ratio=20&balance=grey_world")
    pixels_once(page, lambda shown: np.array_equal(shown, grey))
    opened(page, address, "?example=espresso&model=identity&ratio=20&balance=purple")
    page.wait_for_selector("#lx-message .lx-notes :text('purple')")


def test_compare_fills_itself_once_a_photo(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=gamma&models=clahe,gamma,zero_dce.lol")
    page.click("button[role=tab]:has-text('Compare')")
    page.wait_for_selector("#lx-compare-plot .js-plotly-plot")
    page.wait_for_selector("#lx-sweep-link a:visible")
    names = page.locator("#lx-compare-tiles .lx-tile strong").all_inner_texts()
    assert names[-1].startswith("Zero-DCE"), "the quickest come first"
    sources = "[...document.querySelectorAll('#lx-compare-tiles img, #lx-sweep-strip img')].map((image) => image.src)"
    before = page.evaluate(sources)
    page.click("button[role=tab]:has-text('Retinex')")
    page.wait_for_selector("#lx-retinex-tiles .lx-tile img[src]")
    page.click("button[role=tab]:has-text('Compare')")
    with page.expect_download() as waiting:
        page.click("#lx-compare-table button[data-kind=csv]")
    assert page.evaluate(sources) == before
    assert waiting.value.suggested_filename == "cat-comparison.csv"
    rows = {row["Name"]: row for row in csv.DictReader(waiting.value.path().read_text().splitlines())}
    assert set(rows) == {"clahe", "gamma", "zero_dce.lol"}
    network = rows["zero_dce.lol"]
    assert len(network["Weights sha256"]) == 64 and int(network["Runs"]) >= 3
    assert float(network["Fastest run, s"]) <= float(network["Seconds"]) + 1e-3
    assert float(network["Seconds"]) <= float(network["Slowest run, s"]) + 1e-3


def test_retinex_shows_no_control_that_means_nothing(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&tab=retinex&decompose=zero_dce.lol")
    page.wait_for_selector("#lx-retinex-tiles .lx-tile img[src]")
    page.wait_for_selector("#lx-retinex-edit", state="hidden")
    page.click("#lx-retinex-model input")
    page.fill("#lx-retinex-model input", "LIME")
    page.click("[role=option]:has-text('LIME')")
    page.wait_for_selector("#lx-retinex-edit", state="visible")
