"""The page is always consistent: after a failure, an odd address, and a reload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import choose_model, message, opened, pixels, pixels_once, state, upload

pytestmark = pytest.mark.browser


def test_after_a_failure_everything_belongs_to_the_old_photo(
    page: Page, address: str, tmp_path: Path, night: Path
) -> None:
    broken = tmp_path / "broken.dng"
    broken.write_text("a text, not a photograph")
    opened(page, address, "?example=cat&model=identity&ratio=3")
    page.wait_for_selector("#lx-metadata :text('cat.png')")
    before, shown = state(page), pixels(page)
    upload(page, broken)
    assert "broken.dng" in message(page)
    page.wait_for_function("!document.querySelector('#lx-upload').innerText.includes('broken')")
    assert state(page) == before
    assert np.array_equal(pixels(page), shown)

    upload(page, night)
    page.wait_for_selector("#lx-metadata :text('night.png')")
    page.wait_for_url(lambda url: "example=" not in url)
    own = state(page)
    assert own["example"] == "" and "night.png" in own["upload"]
    upload(page, broken)
    assert "broken.dng" in message(page)
    page.wait_for_function("document.querySelector('#lx-upload').innerText.includes('night')")
    assert state(page) == own

    choose_model(page, "CLAHE")  # and the app goes on
    page.wait_for_selector("#lx-result :text('clahe')")
    page.wait_for_selector("#lx-message [role=alert]", state="detached")


def test_an_address_that_cannot_be_followed_opens_a_photo_and_says_why(page: Page, address: str) -> None:
    opened(page, address, "?ratio=999&model=nothing&example=nowhere")
    assert pixels(page).std() > 1
    page.wait_for_selector("#lx-message .lx-notes :text('300 is used')")
    said = page.inner_text("#lx-message")
    assert "“nothing”" in said and "“nowhere”" in said
    assert page.input_value(".lx-ratio-number") == "300"


def test_the_steps_after_the_network_are_in_the_address(page: Page, address: str) -> None:
    """What was seen is what is seen after a reload, or by whom the address was sent to; and its cause is in sight."""
    opened(page, address, "?example=cat&model=identity&ratio=2")
    plain = pixels(page)
    assert not page.is_visible("#lx-finish-exposure")
    opened(page, address, "?example=cat&model=identity&ratio=2&exposure=1.5&warmth=99&tint=much")
    page.wait_for_selector("#lx-finish-exposure", state="visible")
    brighter = pixels_once(page, lambda shown: shown.mean() > plain.mean() * 1.5)
    values = [page.input_value(f"#lx-finish-{name} input[type=number]") for name in ("exposure", "warmth", "tint")]
    assert [float(value) for value in values] == [1.5, 1.0, 0.0]
    page.wait_for_url(lambda url: "exposure=1.5" in url and "warmth=1" in url and "tint" not in url)
    page.reload()
    page.wait_for_selector("#lx-viewer [data-revision]", state="attached")
    pixels_once(page, lambda shown: np.array_equal(shown, brighter))
    page.wait_for_selector("#lx-finish-reset", state="visible")
    page.click("#lx-finish-reset")
    pixels_once(page, lambda shown: np.array_equal(shown, plain))
    page.wait_for_url(lambda url: "exposure" not in url and "warmth" not in url)


def test_a_reload_keeps_the_photo(page: Page, address: str, night: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    upload(page, night)
    pixels_once(page, lambda shown: shown.shape == (320, 480, 3))
    page.wait_for_selector("#lx-metadata :text('night.png')")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('night')")
    page.reload()
    page.wait_for_selector("#lx-viewer [data-revision]", state="attached")
    pixels_once(page, lambda shown: shown.shape == (320, 480, 3))
    page.wait_for_selector("#lx-metadata :text('night.png')")
    assert "night" in page.inner_text("#lx-upload")

    # A copy of the tab begins again: two pages must not move one another's sliders.
    with page.context.expect_page() as waiting:
        page.evaluate("open(location.href)")
    copy = waiting.value
    copy.wait_for_selector("#lx-viewer [data-revision]", state="attached")
    copy.wait_for_selector("#lx-metadata td")
    assert "night.png" not in copy.inner_text("#lx-metadata")
    copy.close()


def test_a_photo_opens_with_the_best_network_for_its_kind_unless_one_was_chosen(
    page: Page, address: str, night: Path
) -> None:
    opened(page, address)
    assert "Lynx" in page.input_value("#lx-model input")
    upload(page, night)
    page.wait_for_selector("#lx-metadata :text('night.png')")
    assert page.input_value("#lx-model input") == "Lynx (pictures) · mixed"
    page.click("#lx-examples button >> nth=0")
    page.wait_for_function("document.querySelector('#lx-model input').value.startsWith('Lynx · raw')")
    opened(page, address, "?model=zero_dce.lol")
    upload(page, night)
    page.wait_for_selector("#lx-metadata :text('night.png')")
    assert page.input_value("#lx-model input") == "Zero-DCE · lol"
