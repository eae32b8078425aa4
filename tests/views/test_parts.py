"""The parts that the app and the widgets share, on a separate page: the divider, and channels over one sheet."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from explorer.views.stage import PARTS, STYLE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

GREYS = [10 + 20 * k for k in range(11)]
"""What each channel shows; 4 columns, 3 rows, the last one not full."""
PAGE = """<style>%s ul { width: 460px; grid-template-columns: repeat(4, 1fr) !important } .lx-frame { width: 400px }</style>
<div class="lx-frame" tabindex="0"><input class="lx-split" type="range" min="0" max="100" step="1">
<div class="lx-handle"><span></span></div></div><button>elsewhere</button><ul class="lx-channel-list"></ul>
<script>%s
const moves = [], choices = [], list = document.querySelector("ul"), frame = document.querySelector(".lx-frame");
const stage = makeStage(() => {});
const divider = makeDivider(frame, stage, { labels: () => ["dark", "bright"], moved: (share) => moves.push(share) });
const channels = makeChannels(list, (channel) => { choices.push(channel); channels.mark(channel, [7]); });
channels.show({ sheet: "%s", width: 4 * 20 + 3 * 2, height: 3 * 16 + 2 * 2, cell: [20, 16], gap: 2, columns: 4, first: 5, count: 11 });
channels.mark(5, [7]);
</script>"""  # noqa: E501


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    sheet = np.zeros((52, 86), np.uint8)
    for k, grey in enumerate(GREYS):
        row, column = divmod(k, 4)
        sheet[row * 18 : row * 18 + 16, column * 22 : column * 22 + 20] = grey
    with io.BytesIO() as buffer:
        Image.fromarray(sheet).save(buffer, "PNG")
        address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    shown = browser.new_page(viewport={"width": 600, "height": 900})
    shown.set_content(PAGE % (STYLE, PARTS, address))
    yield shown
    shown.close()


def grey(button: Any) -> float:
    picture = np.asarray(Image.open(io.BytesIO(button.screenshot())).convert("L")).astype(float)
    height, width = picture.shape
    return float(np.median(picture[height // 4 : height // 2, width // 4 : 3 * width // 4]))


def test_each_button_shows_its_own_channel(page: Page) -> None:
    buttons = page.locator("li button").all()
    assert [button.get_attribute("data-channel") for button in buttons] == [str(5 + k) for k in range(11)]
    for k, button in enumerate(buttons):
        wanted = GREYS[k] * (0.25 if k == 2 else 1) + (255 * 0.75 if k == 2 else 0)  # channel 7 is off
        assert abs(grey(button) - wanted) <= 3, k
    assert buttons[2].get_attribute("aria-label") == "Channel 7, switched off"


def test_arrow_keys_choose_by_what_lies_where(page: Page) -> None:
    page.focus("button:has-text('elsewhere')")
    page.keyboard.press("Tab")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)  # the last one leads out of the sheet
    assert page.evaluate("choices") == [6, 10, 14, 10, 9, 8]
    assert page.evaluate("document.activeElement.dataset.channel") == "8"
    assert page.locator("button[aria-pressed='true']").get_attribute("data-channel") == "8"
    page.keyboard.press("Shift+Tab")  # the sheet is one stop
    assert page.evaluate("document.activeElement.textContent") == "elsewhere"


def test_the_divider_follows_hand_and_keys_and_a_click_moves_nothing(page: Page) -> None:
    box = page.locator(".lx-frame").bounding_box()
    assert box
    y = box["y"] + 40
    page.mouse.click(box["x"] + 202, y)  # on the handle, a little off its middle
    assert page.evaluate("moves") == [] and page.evaluate("document.activeElement.className") == "lx-split"
    page.mouse.move(box["x"] + 202, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, y, steps=4)
    page.mouse.up()
    assert page.evaluate("divider.share") == 25
    split = page.locator(".lx-split")
    assert split.get_attribute("aria-valuetext") == "25 percent dark, 75 percent bright"
    for key in ("PageUp", "ArrowRight"):  # the range's own arrow
        page.keyboard.press(key)
    assert page.evaluate("divider.share") == 36 and split.input_value() == "36"
    page.focus(".lx-frame")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("moves.at(-1)") == 35
    page.mouse.dblclick(box["x"] + 320, y + 60)
    assert page.evaluate("stage.zoom") == 4 and page.evaluate("divider.share") == 35
    page.keyboard.press("ArrowLeft")  # the picture is moved, not the divider
    assert page.evaluate("divider.share") == 35
