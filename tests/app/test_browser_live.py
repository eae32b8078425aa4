"""The Live tab with a camera made from a file: it shows the clip's frame, restored."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from camera import BRIGHT, DARK, WIDTH, write_clip
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import opened, pixels_once

pytestmark = pytest.mark.browser

FACTS = "({...document.querySelector('#lx-live [data-frames], #lx-live[data-frames]')?.dataset})"
BOTH = """() => ['.lx-before', '.lx-after'].map((side) => document.querySelector('#lx-live ' + side).toDataURL())"""


@pytest.fixture(scope="module")
def chromium_flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    clip = tmp_path_factory.mktemp("camera") / "clip.y4m"
    write_clip(clip)
    return [
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    ]  # fmt: skip


def facts(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(FACTS)
    return found


def wait_for_frames(page: Page, condition: str) -> None:
    """Waits until the newest frame's facts are as a script says of `shown`."""
    page.wait_for_function(f"() => {{ const shown = {FACTS}; return shown.frames && ({condition}); }}")


def start(page: Page) -> None:
    page.click("#lx-tabs button[role=tab]:has-text('Live')")
    page.click("#lx-live .lx-live-start")


def choose(page: Page, label: str) -> None:
    page.click("#lx-live-model input")
    page.fill("#lx-live-model input", label)
    page.click(f"#lx-live-model [role=option]:has-text('{label}'), .options [role=option]:has-text('{label}')")


def amplify(page: Page, ratio: float) -> None:
    page.evaluate(
        """ratio => {
            const range = document.querySelector('#lx-live .lx-ratio-range');
            range.value = Math.round(1000 * Math.log(ratio) / Math.log(300));
            range.dispatchEvent(new Event('input', { bubbles: true }));
        }""",
        ratio,
    )


def shown(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """Camera and result, drawn in one go, as 8-bit sRGB."""
    return tuple(  # type: ignore[return-value]
        np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB")).astype(float)
        for source in page.evaluate(BOTH)
    )


def bar(picture: np.ndarray) -> float:
    """Where the bright bar stands, as a share of the width."""
    columns = picture.mean(axis=(0, 2))
    return float(np.mean(np.flatnonzero(columns > (columns.min() + columns.max()) / 2))) / picture.shape[1]


def brightened(levels: np.ndarray, ratio: float) -> np.ndarray:
    """8-bit sRGB levels at an amplification (IEC 61966-2-1)."""
    share = levels / 255
    linear = np.minimum(1, ratio * np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4))
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_the_camera_is_restored_while_it_runs(page: Page, address: str) -> None:
    opened(page, address, "?model=identity&ratio=2")
    start(page)
    wait_for_frames(page, "shown.frames > 1")
    choose(page, "Unchanged")
    wait_for_frames(page, "shown.model === 'identity'")
    amplify(page, 8)
    wait_for_frames(page, "Math.abs(shown.ratio - 8) < 0.1")
    ratio, places = float(facts(page)["ratio"]), set()
    for _ in range(4):
        before, after = shown(page)
        assert before.shape == after.shape
        assert abs(bar(before) - bar(after)) < 0.02, "both sides show the same frame"
        places.add(round(bar(before) * 16))
        height, width = before.shape[:2]
        away = slice(None, round(0.4 * width)) if bar(before) > 0.5 else slice(round(0.6 * width), None)
        upper, lower = slice(height // 8, height // 3), slice(2 * height // 3, -height // 8)
        for rows, levels in ((upper, DARK), (lower, DARK[::-1])):
            camera, restored = (picture[rows, away].mean(axis=(0, 1)) for picture in (before, after))
            assert np.abs(camera - levels).max() < 5, "the clip's own colours"
            assert np.abs(restored - brightened(camera, ratio)).max() < 8
        number = int(facts(page)["frames"])
        wait_for_frames(page, f"Number(shown.frames) > {number + 2}")
    assert len(places) > 1, "the picture moves"

    # Neither another amplification nor another model stops it.
    amplify(page, 2)
    wait_for_frames(page, "Math.abs(shown.ratio - 2) < 0.1")
    choose(page, "CLAHE")
    wait_for_frames(page, "shown.model === 'clahe'")
    page.wait_for_selector("#lx-live .lx-live-state:has-text('frames/s')")

    page.click("#lx-live .lx-live-start")
    page.wait_for_selector("#lx-live .lx-live-start[aria-pressed=false]")
    assert page.evaluate("document.querySelector('#lx-live video').srcObject") is None, "the camera's light goes out"


def test_a_recording_is_what_was_shown(page: Page, address: str, tmp_path: Path) -> None:
    opened(page, address, "?model=identity&ratio=2")
    start(page)
    choose(page, "Unchanged")
    amplify(page, 8)
    wait_for_frames(page, "shown.model === 'identity' && Math.abs(shown.ratio - 8) < 0.1")
    number = int(facts(page)["frames"])
    page.click("#lx-live .lx-live-record")
    wait_for_frames(page, f"Number(shown.frames) > {number + 12}")  # a busy browser records few of them
    page.click("#lx-live .lx-live-record")
    with page.expect_download() as waiting:
        page.click("#lx-live .lx-download a")
    assert waiting.value.suggested_filename.endswith(".webm")
    waiting.value.save_as(tmp_path / "clip.webm")
    with av.open(str(tmp_path / "clip.webm")) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(float) for frame in container.decode(video=0)]
    height, width = frames[-1].shape[:2]
    assert len(frames) > 1 and abs(width / height - 4 / 3) < 0.02, "the camera's frame, however small it is made"
    away = slice(None, round(0.4 * width)) if bar(frames[-1]) > 0.5 else slice(round(0.6 * width), None)
    rows = slice(height // 8, height // 3)
    found, expected = frames[-1][rows, away].mean(axis=(0, 1)), brightened(np.asarray(DARK, float), 8)
    assert np.abs(found - expected).max() < 24, "the restored picture, as a video codec keeps its colours"


def test_a_frozen_frame_is_the_open_photo_of_all_tabs(page: Page, address: str) -> None:
    opened(page, address, "?model=identity&ratio=2")
    start(page)
    wait_for_frames(page, "shown.frames > 1")
    page.click("#lx-live .lx-live-freeze")
    page.wait_for_selector("#lx-live-frozen:has-text('640 × 480')")
    page.click("#lx-live .lx-live-start")
    page.click("#lx-tabs button[role=tab]:has-text('Restore')")
    page.wait_for_selector("#lx-metadata :text('camera.jpg')")
    taken = pixels_once(page, lambda picture: picture.shape[:2] == (480, WIDTH), "before")
    assert np.abs(np.median(taken[20:200].reshape(-1, 3), axis=0) - DARK).max() < 5
    assert abs(taken.max() - BRIGHT) < 12
    assert page.locator("#lx-examples button[aria-pressed=true]").count() == 0


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [("NotAllowedError", "The browser blocks the camera"), ("NotFoundError", "No camera is available")],
)
def test_without_a_camera_there_is_one_sentence(page: Page, address: str, problem: str, sentence: str) -> None:
    page.add_init_script(
        f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '{problem}'))"
    )
    opened(page, address)
    start(page)
    page.wait_for_selector(f"#lx-live .lx-live-state:has-text('{sentence}')")
    assert page.get_attribute("#lx-live .lx-live-start", "aria-pressed") == "false"
    assert page.is_disabled("#lx-live .lx-live-freeze")
