"""Files that are not photos, dropped wherever the page accepts files; and the progress of a long upload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import message, opened, pixels, pixels_once, upload

pytestmark = pytest.mark.browser

DROP = """([selector, name, words]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([words], name));
  const target = document.querySelector(selector);
  for (const type of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


def test_a_broken_file_dropped_in_each_upload(page: Page, address: str, night: Path) -> None:
    opened(page, address, "?example=cat&model=identity&ratio=2")
    page.wait_for_selector("#lx-scores dd")
    shown, scores = pixels(page), page.inner_text("#lx-scores dd")
    page.evaluate(DROP, ["#lx-upload button", "letter.docx", "PK no photo"])
    assert "letter.docx" in message(page)
    assert np.array_equal(pixels(page), shown)

    page.click("#lx-reference-box button >> nth=0")
    page.wait_for_selector("#lx-reference button:visible")
    page.evaluate(DROP, ["#lx-reference button", "poem.tif", "II*\\0 no picture"])
    page.wait_for_selector("#lx-message :text('poem.tif')")
    page.wait_for_function("!document.querySelector('#lx-reference').innerText.includes('poem')")
    assert page.inner_text("#lx-scores dd") == scores, "the example's own reference stays"

    upload(page, night)
    pixels_once(page, lambda picture: picture.shape == (320, 480, 3))
    page.wait_for_selector("#lx-message [role=alert]", state="detached")


def test_a_long_upload_says_how_far_it_is(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address, "?example=cat&model=identity&ratio=2")
    large = tmp_path / "large.tif"
    large.write_bytes(b"no photo" * 250_000)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    line.send("Network.emulateNetworkConditions", slow)
    upload(page, large)
    page.wait_for_selector("#lx-upload progress, #lx-upload .progress-bar, #lx-upload .uploading")
    assert "large" in page.inner_text("#lx-upload")
    line.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    assert "large.tif" in message(page)


def test_an_upload_that_the_server_refuses_is_said_and_the_page_keeps_what_it_had(
    page: Page, address: str, night: Path
) -> None:
    opened(page, address, "?example=cat&model=identity&ratio=2")
    shown = pixels(page)
    why = "The request is larger than the 64 MiB allowed."
    page.route("**/upload?*", lambda route: route.fulfill(status=413, json={"detail": why, "error": why}))
    page.evaluate(DROP, ["#lx-upload button", "huge.tif", "II*\\0 a picture"])
    page.wait_for_selector(f"#lx-message :text('{why}')")
    page.wait_for_function("!document.body.classList.contains('lx-opening')")
    assert np.array_equal(pixels(page), shown)
    page.unroute("**/upload?*")
    page.wait_for_selector("#lx-upload input[type=file]", state="attached")
    page.set_input_files("#lx-upload input[type=file]", str(night))
    page.wait_for_selector("#lx-metadata :text('night')", state="attached")
    assert not page.locator("#lx-message [role=alert]").count(), "what was said before is gone"


def test_a_file_that_is_too_large_is_said_at_once_and_the_page_keeps_what_it_had(
    page: Page, address: str, night: Path, tmp_path: Path
) -> None:
    opened(page, address, "?example=cat&model=identity&ratio=2")
    shown = pixels(page)
    large = tmp_path / "large.tif"
    large.write_bytes(bytes(2**20 + 1))
    page.evaluate("window.gradio_config.max_file_size = 2 ** 20")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/upload?" in request.url else None)
    for brings in (
        lambda: page.set_input_files("#lx-upload input[type=file]", str(large)),
        lambda: page.evaluate(DROP, ["#lx-upload button", "large.tif", "a" * (2**20 + 1)]),
        lambda: page.evaluate(DROP, ["#lx-viewer", "large.tif", "a" * (2**20 + 1)]),
    ):
        brings()
        page.wait_for_selector("#lx-message :text('The request is larger than the 1 MiB allowed.')")
        page.wait_for_function("!document.body.classList.contains('lx-opening')", timeout=20_000)
        assert np.array_equal(pixels(page), shown) and not sent
    page.set_input_files("#lx-upload input[type=file]", str(night))
    page.wait_for_selector("#lx-metadata :text('night')", state="attached")
    assert not page.locator("#lx-message [role=alert]").count(), "what was said before is gone"
