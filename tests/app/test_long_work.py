"""Work that takes long tells how far it is and can be ended: by threads, and in Chromium."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from explorer.app import budget, model_picker, opening, workspace
from explorer.app.long_work import bar, in_shares
from explorer.app.sessions import Session
from explorer.errors import CancelledError
from explorer.messages import say
from explorer.photo import RgbPhoto

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import PATIENCE, opened, pixels, upload
from test_browser_places import CLEAR, photo


def test_shares_are_told_and_the_result_comes_last() -> None:
    tell = threading.Semaphore(0)

    def work(report: Callable[[float], None]) -> str:
        for share in (0.25, 0.5, 1.0):
            tell.acquire()
            report(share)
        return "made"

    steps, shares = in_shares(work, lambda: True), []
    with pytest.raises(StopIteration) as end:
        while True:
            share, _ = next(steps)
            shares.append(share)
            tell.release()
    assert end.value.value == "made"
    assert sorted(set(shares)) == [0, 0.25, 0.5, 1] and shares == sorted(shares)


def test_what_nobody_wants_ends_at_the_next_tile() -> None:
    wanted, ended = threading.Event(), threading.Event()
    wanted.set()

    def work(report: Callable[[float], None]) -> None:
        try:
            for k in range(10_000):
                report(k / 10_000)
                threading.Event().wait(0.01)
        except CancelledError:
            ended.set()
            raise

    steps = in_shares(work, wanted.is_set)
    next(steps)
    wanted.clear()
    with pytest.raises(CancelledError):
        for _ in steps:
            pass
    assert ended.wait(10), "the thread is gone, too"
    again = in_shares(work, lambda: True)
    next(again)
    ended.clear()
    again.close()  # the page was closed
    assert ended.wait(10)


def test_a_failure_of_the_work_is_the_pages() -> None:
    def work(_report: Callable[[float], None]) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(in_shares(work, lambda: True))


def test_what_is_left_is_told_from_what_is_done() -> None:
    assert say("long.step", percent="25", seconds="10", left="30") in bar("Work", 0.25, 10.0)
    assert "value" not in bar("Work", 0, 3.0)


@pytest.mark.parametrize("model", ["clahe", "histogram_equalisation", "ssr", "msrcr", "lime", "bilateral", "nlm"])
def test_a_method_without_tiles_tells_its_share_and_ends_when_nobody_wants_it(session: Session, model: str) -> None:
    scene = np.random.default_rng(0).uniform(0, 0.1, (800, 700, 3)).astype(np.float32)
    opening.take_photo(session, RgbPhoto(scene, 8))
    shares: list[float] = []

    def report(share: float) -> None:
        shares.append(share)
        if 0.2 < share < 0.9:
            raise CancelledError("enough")

    with pytest.raises(CancelledError, match="enough"):
        workspace.full(session, model, 4.0, report=report)
    assert shares == sorted(shares)
    assert session.require_open().work.full is None
    shares = []
    workspace.full(session, model, 4.0, report=shares.append)
    assert shares == sorted(shares) and 0 <= shares[0] and shares[-1] == 1
    assert len({round(share, 2) for share in shares}) > 3


def test_a_wish_for_the_same_joins_and_another_one_ends_what_is_at_work(session: Session) -> None:
    picture = session.begins("whole", ("photo", "lime"))
    file = session.begins("whole", ("photo", "lime"))
    assert session.is_wanted("whole", picture) and session.is_wanted("whole", file)
    other = session.begins("whole", ("photo", "gamma"))
    assert [session.is_wanted("whole", turn) for turn in (picture, file, other)] == [False, False, True]
    session.begins("whole")  # Cancel
    assert not session.is_wanted("whole", other)
    again = session.begins("whole", ("photo", "gamma"))
    assert session.is_wanted("whole", again) and not session.is_wanted("whole", other), "what was ended stays ended"


def test_what_takes_long_is_said_before(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    opening.take_photo(session, RgbPhoto(np.full((900, 1200, 3), 0.02, np.float32), 8))
    monkeypatch.setattr(budget, "_SPEEDS", defaultdict(budget._Speed))
    assert workspace.estimate(session, "gamma", 2.0) == [], "nothing is known of it"
    budget.took(model_picker.load("gamma"), 0.5, 1200 * 900, whole=False)
    workspace.preview(session, "gamma", 2.0)
    assert workspace.estimate(session, "gamma", 2.0) == [], "it is quick"
    budget.took(model_picker.load("gamma"), 30.0, 1200 * 900, whole=True)
    assert workspace.estimate(session, "gamma", 2.0) == [say("long.estimate", seconds="30", memory="0.2")]
    workspace.preview(session, "gamma", 2.0)
    assert "30" in workspace.estimate(session, "gamma", 2.0)[0], "a preview knows less than a whole photo"
    workspace.full(session, "gamma", 2.0)
    assert workspace.estimate(session, "gamma", 2.0) == [], "it is there"


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_the_whole_photo_shows_its_tiles_can_be_cancelled_and_survives_a_reload(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.set_default_timeout(3 * PATIENCE)  # so large that it is cut into tiles
    photo(tmp_path, 4500, 3000)
    opened(page, address, "?example=cat&model=zero_dce.lol")
    upload(page, tmp_path / "places.png")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('places')")
    page.fill(".lx-ratio-number", "2")
    page.press(".lx-ratio-number", "Enter")
    page.wait_for_url("**ratio=2**")
    before = pixels(page)
    page.click("#lx-full")
    page.wait_for_selector("#lx-whole-work progress")
    assert "so far" in page.inner_text("#lx-whole-work")
    assert page.evaluate(CLEAR), "no veil lies over the picture"
    page.click("#lx-whole-cancel")
    page.wait_for_selector(f"#lx-whole-work :text('{say('long.cancelled')}')")
    assert not page.is_visible("#lx-whole-cancel")
    page.wait_for_timeout(1500)
    badge = "document.querySelector('#lx-viewer .lx-badge')?.textContent.startsWith('Full')"
    assert not page.evaluate(badge)
    page.click("#lx-full")
    page.wait_for_function(badge)
    page.wait_for_function("document.querySelector('#lx-whole-work').innerText.trim() === ''")
    assert pixels(page).shape[1] > before.shape[1]
    page.reload()
    page.wait_for_function(badge)


WATCH = """() => {
  window.shares = [];
  new MutationObserver(() => {
    const bar = document.querySelector("#lx-whole-work progress[value]");
    if (bar && window.shares.at(-1) !== bar.value) window.shares.push(bar.value);
  }).observe(document.body, { attributes: true, childList: true, subtree: true });
}"""
"""Writes down every share that the page shows."""


def noise(folder: Path) -> None:
    """A photo that non-local means work on for some seconds, as `noise.png`."""
    values = np.random.default_rng(0).integers(0, 60, (1600, 2400, 3)).astype(np.uint8)
    Image.fromarray(values).save(folder / "noise.png", compress_level=1)


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_a_download_joins_the_restoration_that_is_at_work(page: Page, address: str, tmp_path: Path) -> None:
    page.set_default_timeout(3 * PATIENCE)
    noise(tmp_path)
    opened(page, address, "?example=cat&model=nlm&ratio=2")
    upload(page, tmp_path / "noise.png")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('noise')")
    page.evaluate(WATCH)
    page.click("#lx-full")
    page.wait_for_selector("#lx-whole-work progress[value]")
    with page.expect_download() as waiting:
        page.click("#lx-save")
    assert waiting.value.suggested_filename.startswith("noise-nlm")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-badge')?.textContent.startsWith('Full')")
    page.wait_for_function("document.querySelector('#lx-whole-work').innerText.trim() === ''")
    shares = page.evaluate("window.shares")
    assert len(shares) > 2 and shares == sorted(shares), "it did not begin again"


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_another_photo_or_model_does_not_get_the_older_choices_picture(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.set_default_timeout(3 * PATIENCE)
    noise(tmp_path)
    opened(page, address, "?example=cat&model=nlm&ratio=2")
    upload(page, tmp_path / "noise.png")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('noise')")
    page.click("#lx-full")
    page.wait_for_selector("#lx-whole-work progress[value]")
    page.click("#lx-examples button[data-name=still_life]")
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after').alt.includes('still_life')")
    page.wait_for_function("document.querySelector('#lx-whole-work').innerText.trim() === ''")
    page.wait_for_timeout(1500)
    assert "still_life" in str(page.get_attribute("#lx-viewer .lx-after", "alt"))
    assert not page.is_visible("#lx-whole-cancel")
