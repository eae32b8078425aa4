"""Several photos dropped at once: a strip, settings, one ZIP, and an error next to the damaged one."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import opened

pytestmark = pytest.mark.browser

TILE = "#lx-queue-strip .lx-queue li"


def states(page: Page) -> list[str]:
    return [str(each) for each in page.eval_on_selector_all(TILE, "tiles => tiles.map(each => each.dataset.state)")]


def test_three_files_of_which_one_is_broken_give_a_zip_of_two(
    page: Page, address: str, night: Path, project: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.dng"
    broken.write_text("a text, not a photograph")
    raw = project / "explorer/examples/still_life.dng"
    opened(page, address, "?tab=queue&example=cat&model=identity&ratio=2")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/upload?" in request.url else None)
    page.set_input_files("#lx-queue-upload input[type=file]", [str(night), str(broken), str(raw)])
    page.wait_for_function(f"document.querySelectorAll('{TILE}').length === 3")
    page.wait_for_function("document.querySelector('#lx-queue-status').innerText.trim() === ''")
    assert states(page) == ["waiting", "failed", "waiting"]
    assert len(sent) == 3, "each by itself, as large as a single file may be"
    assert "broken.dng" in page.inner_text(f"{TILE}:nth-child(2) [role=alert]")
    for place in (1, 3):
        source = page.eval_on_selector(f"{TILE}:nth-child({place}) img", "image => image.src")
        small = np.asarray(Image.open(io.BytesIO(page.request.get(source).body())).convert("RGB")).astype(int)
        half = small.shape[1] // 2
        assert small[:, half + 2 :].mean() > 1.5 * small[:, : half - 2].mean(), "brightened on the right"

    # For all: CLAHE, quick. For the RAW file: developed, as a DNG.
    page.click("#lx-queue-model input")
    page.fill("#lx-queue-model input", "CLAHE")
    page.click("[role=option]:has-text('CLAHE')")
    page.wait_for_function("!document.querySelector('#lx-queue-best input').checked")
    page.click("#lx-queue-for input")
    page.click("[role=option]:has-text('still_life.dng')")
    page.fill("#lx-queue-strength input[type=number]", "0")
    page.press("#lx-queue-strength input[type=number]", "Enter")
    page.click("#lx-queue-format input")
    page.click("[role=option]:has-text('DNG')")
    page.wait_for_selector(f"{TILE}:nth-child(3) small")
    assert page.locator(f"{TILE} small").count() == 1
    page.wait_for_timeout(500)
    with page.expect_download() as waiting:
        page.click("#lx-queue-run")
    assert waiting.value.suggested_filename.startswith("lowlight-")
    page.wait_for_function("document.querySelector('#lx-queue-status').innerText.includes('2 of 2')")
    assert states(page) == ["done", "failed", "done"]
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.testzip() is None
        picture, negative = archive.namelist()
        assert picture.startswith("night-clahe-x1") and picture.endswith("-8bit.png")
        assert negative.startswith("still_life-clahe-x") and negative.endswith("-s0-16bit.dng")
        assert Image.open(io.BytesIO(archive.read(picture))).size == (480, 320)
        assert archive.read(negative)[:4] == b"II*\0"

    # A reload keeps it.
    page.reload()
    page.wait_for_function(f"document.querySelectorAll('{TILE}').length === 3")
    assert states(page) == ["done", "failed", "done"]
    page.click("#lx-queue-for input")
    page.click("[role=option]:has-text('still_life.dng')")
    page.wait_for_function("document.querySelector('#lx-queue-strength input[type=number]').value === '0'")

    # Chosen again, the settings for all are as they were; a photo goes, and then all.
    page.click("#lx-queue-for input")
    page.click("[role=option]:has-text('All photos')")
    page.wait_for_function("document.querySelector('#lx-queue-strength input[type=number]').value === '100'")
    page.click("#lx-queue-remove")
    page.wait_for_selector("#lx-queue-strip .lx-empty")

    # Dropped anywhere while the queue is seen, files are the queue's.
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(64, 48);
            canvas.getContext("2d").fillRect(0, 0, 64, 48);
            const picture = await canvas.convertToBlob(), dropped = new DataTransfer();
            for (const name of ["one.png", "two.png"]) dropped.items.add(new File([picture], name));
            document.querySelector(".lx-header").dispatchEvent(
                new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }"""
    )
    page.wait_for_function(f"document.querySelectorAll('{TILE}').length === 2")
    assert page.locator(f"{TILE} strong").all_inner_texts() == ["one.png", "two.png"]
    assert page.locator("#lx-examples button[aria-pressed=true]").get_attribute("data-name") == "cat"
