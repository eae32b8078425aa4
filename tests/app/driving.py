"""A visitor's actions on the page, for the browser tests."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

from explorer.app import theme

PATIENCE = 60_000
"""Milliseconds that a busy two-core machine may take for a preview."""


def revision(page: Page) -> int:
    return int(page.get_attribute("#lx-viewer [data-revision]", "data-revision") or 0)


def opened(page: Page, address: str, query: str = "") -> None:
    page.goto(address + query)
    page.wait_for_selector("#lx-viewer [data-revision]", state="attached")


def changed(page: Page, before: int) -> None:
    page.wait_for_function(
        "before => Number(document.querySelector('#lx-viewer [data-revision]').dataset.revision) > before", arg=before
    )


def entered(page: Page, field: str, value: str) -> None:
    """Types a number into a slider's field until the page has sent it.

    A busy page can put in its own value once more, the one it began with, after a fold was opened: somebody who looks
    at the field types again, and so does this.
    """
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/queue/join" in request.url else None)
    for _ in range(4):
        page.fill(field, value)
        page.press(field, "Enter")
        page.wait_for_timeout(1500)
        if sent and float(page.input_value(field)) == float(value):
            return
    raise AssertionError(f"{field} does not keep {value}; it says {page.input_value(field)}")


def slowed(page: Page, marked: str) -> None:
    """Holds back, for a second and a half, what the page asks of the server where the question holds some text."""
    page.evaluate(
        """marked => {
            const fetch = window.fetch;
            window.fetch = async (...asked) => {
                const held = String(asked[0]).includes("queue/join") && String(asked[1]?.body).includes(marked);
                if (held) await new Promise((done) => setTimeout(done, 1500));
                return fetch(...asked);
            };
        }""",
        marked,
    )


def pixels(page: Page, side: str = "after") -> np.ndarray:
    """The picture that the page shows, as the file that it got."""
    source = page.eval_on_selector(f"#lx-viewer .lx-{side}", "image => image.src")
    answer = page.request.get(source)
    assert answer.ok
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.body()))).astype(int)


def pixels_once(page: Page, condition: Callable[[np.ndarray], bool], side: str = "after") -> np.ndarray:
    """The picture that the page shows, as soon as it is what a test waits for.

    One gesture can bring several answers of the server (a slider tells of each of its values): a new picture alone
    need not be the last one.
    """
    deadline = time.monotonic() + PATIENCE / 1000
    while not condition(shown := pixels(page, side)):
        assert time.monotonic() < deadline, f"the picture did not become what was awaited; its mean is {shown.mean()}"
        page.wait_for_timeout(100)
    return shown


def upload(page: Page, path: Path) -> None:
    if page.locator("#lx-upload button[aria-label='Clear']").count():
        page.click("#lx-upload button[aria-label='Clear']")
    page.set_input_files("#lx-upload input[type=file]", str(path))


def choose_model(page: Page, label: str) -> None:
    page.click("#lx-model input")
    page.fill("#lx-model input", label)
    page.click(f"#lx-model [role=option]:has-text('{label}'), .options [role=option]:has-text('{label}')")


def german_of(sentence: str) -> str | None:
    """The German pattern of a sentence of the server, found as the page finds it; None if it would stay English."""
    for english, german in theme.catalogues()["de"].items():
        parts = re.split(r"\{+\w+(?:!r)?\}+", english)
        if len(parts) > 1 and re.fullmatch(".+?".join(re.escape(part) for part in parts), sentence):
            return german
    return None


def message(page: Page) -> str:
    """The error that the page shows, as soon as it shows one."""
    page.wait_for_selector("#lx-message [role=alert]")
    return page.inner_text("#lx-message")


def state(page: Page) -> dict[str, str]:
    """Everything on the page that belongs to the open photo."""
    return {
        "name": page.inner_text("#lx-metadata tr:has-text('Name') td >> nth=0"),
        "alt": page.get_attribute("#lx-viewer .lx-after", "alt") or "",
        "example": page.eval_on_selector_all(
            "#lx-examples button[aria-pressed=true]", "buttons => buttons.map(each => each.dataset.name).join()"
        ),
        "upload": "".join(page.locator("#lx-upload").inner_text().split()),
        "model": page.input_value("#lx-model input"),
        "result": page.inner_text("#lx-result dl"),
        "address": page.url,
    }
