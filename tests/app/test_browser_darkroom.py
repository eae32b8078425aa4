"""A photo made dark in the page, and a clip restored in it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import PATIENCE, message, opened, pixels_once, upload

pytestmark = pytest.mark.browser

DONE = "The dark photo is open in all tabs and is measured against the original."


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A well-lit picture: a ramp from left to right."""
    ramp = np.linspace(60, 230, 480)[None].repeat(320, axis=0)
    path = tmp_path_factory.mktemp("day") / "day.png"
    Image.fromarray(np.stack([ramp, ramp * 0.8, ramp * 0.9], axis=2).astype(np.uint8)).save(path)
    return path


def tab(page: Page, name: str) -> None:
    page.click(f"#lx-tabs button[role=tab]:has-text('{name}')")


def test_a_photo_is_made_dark_and_measured_against_itself(page: Page, address: str, day: Path) -> None:
    opened(page, address, "?model=identity&ratio=1")
    upload(page, day)
    page.wait_for_selector("#lx-metadata :text('day.png')")
    taken = np.asarray(Image.open(day)).astype(int)
    pixels_once(page, lambda shown: shown.shape == taken.shape and bool(np.abs(shown - taken).max() <= 1), "before")
    tab(page, "Darkroom")
    assert page.is_disabled("#lx-dark-back")
    page.fill("#lx-dark-iso input", "1600")
    page.press("#lx-dark-iso input", "Enter")
    page.click("#lx-dark-run")
    page.wait_for_selector("#lx-dark-light tr:has-text('Electrons at middle grey')")
    # 0.18 of 15,871 counts at 1.53 counts per electron, a hundredth of the light.
    assert page.inner_text("#lx-dark-light tr:has-text('Electrons at middle grey') td").startswith("18.")
    assert "dB" in page.inner_text("#lx-dark-light tr:has-text('Signal-to-noise') td")
    assert page.locator("#lx-dark-light li, #lx-dark-light p").all_inner_texts() == [DONE], "it was well lit"
    shown = page.locator("#lx-dark-tiles .lx-tile img")
    page.wait_for_function("document.querySelectorAll('#lx-dark-tiles .lx-tile img').length === 3")
    files = [page.request.get(shown.nth(k).evaluate("image => image.src")).body() for k in range(3)]
    dark, amplified, reference = (np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int) for file in files)
    assert dark.mean() < 30 < abs(amplified.mean() - dark.mean()) and np.abs(reference - taken).max() <= 2
    tab(page, "Restore")
    page.wait_for_selector("#lx-metadata :text('day-dark.dng')")
    dark = pixels_once(page, lambda shown: shown.mean() < 30, "before")
    assert dark[:, 300:].mean() > dark[:, :180].mean(), "the ramp is still there"
    page.wait_for_selector("#lx-scores :text('PSNR')")
    tab(page, "Darkroom")
    page.click("#lx-dark-back")
    page.wait_for_selector("#lx-dark-light tr", state="detached")
    tab(page, "Restore")
    page.wait_for_selector("#lx-metadata :text('day.png')")
    pixels_once(page, lambda shown: shown.shape == taken.shape and bool(np.abs(shown - taken).max() <= 1), "before")


@pytest.mark.parametrize("given", ["9000000", "-5"])
def test_a_sensitivity_far_from_what_was_measured_is_one_sentence(page: Page, address: str, given: str) -> None:
    opened(page, address, "?model=identity&ratio=2")
    tab(page, "Darkroom")
    page.fill("#lx-dark-iso input", given)
    page.press("#lx-dark-iso input", "Enter")
    page.click("#lx-dark-run")
    assert f"ISO {float(given):g} is far outside the measured range" in message(page)


def clip(path: Path, frames: int = 10, size: tuple[int, int] = (96, 64)) -> Path:
    av = pytest.importorskip("av", reason="needs PyAV")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        for _ in range(frames):
            picture = np.full((size[1], size[0], 3), 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path


def choose_video_model(page: Page, label: str) -> None:
    page.click("#lx-video-model input")
    page.fill("#lx-video-model input", label)
    page.click(f"#lx-video-model [role=option]:has-text('{label}'), .options [role=option]:has-text('{label}')")


def give_clip(page: Page, path: Path) -> None:
    if page.locator("#lx-video-upload button[aria-label='Clear']").count():
        page.click("#lx-video-upload button[aria-label='Clear']")
    page.set_input_files("#lx-video-upload input[type=file]", str(path))


def in_sight(page: Page, place: str) -> bool:
    return bool(
        page.eval_on_selector(
            place,
            "part => { const box = part.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight; }",
        )
    )


def test_a_clip_is_looked_at_and_restored(page: Page, address: str, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="needs PyAV")
    path = clip(tmp_path / "walk.mp4")
    opened(page, address, "?model=identity&ratio=2")
    tab(page, "Video")
    choose_video_model(page, "Unchanged")
    give_clip(page, path)
    page.wait_for_selector("#lx-video-status:has-text('10 frames, 96 × 64')", timeout=3 * PATIENCE)
    # A frame without a press of the button, as the empty board promises.
    page.wait_for_selector("#lx-video-tiles strong:has-text('Frame, restored')", timeout=3 * PATIENCE)
    assert "10 frames, 96 × 64" in page.inner_text("#lx-video-status")
    assert page.is_disabled("#lx-video-ratio input[type=number]") and page.is_enabled("#lx-video-follow input")
    page.uncheck("#lx-video-auto input")
    page.wait_for_selector("#lx-video-ratio input[type=number]:enabled")
    assert page.is_disabled("#lx-video-follow input")
    page.click("#lx-video-preview")
    page.wait_for_selector("#lx-video-tiles figcaption:has-text('×10'), #lx-video-tiles :text('Unchanged, ×10')")
    with page.expect_download(timeout=3 * PATIENCE) as waiting:
        page.click("#lx-video-run")
    page.wait_for_selector("#lx-video-status:has-text('The clip is restored: 10 frames')")
    assert waiting.value.suggested_filename == "walk-identity.mp4"
    with av.open(str(waiting.value.path())) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10
    page.click("#lx-video-upload button[aria-label='Clear']")
    page.wait_for_selector("#lx-video-tiles .lx-tile", state="detached")
    page.wait_for_selector("#lx-video-status p", state="detached")
    page.wait_for_selector("#lx-video-link a", state="hidden")


def test_a_clip_that_cannot_be_read_leaves_nothing_of_the_former(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    tab(page, "Video")
    choose_video_model(page, "Unchanged")
    give_clip(page, clip(tmp_path / "walk.mp4"))
    page.wait_for_selector("#lx-video-tiles strong:has-text('Frame, restored')", timeout=3 * PATIENCE)
    words = tmp_path / "words.mp4"
    words.write_text("no clip")
    page.set_viewport_size({"width": 390, "height": 800})
    give_clip(page, words)
    assert "words.mp4 cannot be opened as a video" in message(page)
    page.wait_for_selector("#lx-video-tiles .lx-tile", state="detached")
    assert "frames" not in page.inner_text("#lx-video-status")
    page.locator("#lx-video-run").scroll_into_view_if_needed()
    assert in_sight(page, "#lx-video-run")
    page.click("#lx-video-run")
    page.wait_for_selector("#lx-message :text('There is no clip yet')")
    assert in_sight(page, "#lx-message [role=alert]"), "a phone shows the error where the button is"


def test_a_stopped_clip_is_no_error(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    tab(page, "Video")
    choose_video_model(page, "Unchanged")
    give_clip(page, clip(tmp_path / "long.mp4", 1500, (320, 240)))
    page.wait_for_selector("#lx-video-tiles strong:has-text('Frame, restored')", timeout=3 * PATIENCE)
    assert page.is_disabled("#lx-video-stop")
    page.set_viewport_size({"width": 390, "height": 800})
    page.click("#lx-video-run")
    page.wait_for_selector("#lx-video-status:has-text('of 1500 frames are done')", timeout=3 * PATIENCE)
    assert in_sight(page, "#lx-video-status"), "its progress is next to the buttons"
    page.click("#lx-video-stop")
    page.wait_for_selector("#lx-video-status:has-text('Stopped; no clip was written.')")
    assert "1500" not in page.inner_text("#lx-video-status")
    assert page.locator("#lx-message [role=alert]").count() == 0
    page.wait_for_selector("#lx-video-stop:disabled")
