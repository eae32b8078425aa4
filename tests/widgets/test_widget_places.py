"""The notebooks' views show the position that was asked for: their own scripts on a page, checked by screenshots."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from places import coded, seen

from explorer.views.pictures import FloatArray

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("anywidget", reason="needs anywidget")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

PAGE = """<style>body { margin: 20px; } %s</style><div id="here" class="lx-w" style="width: 760px"></div>
<script type="module">
const values = JSON.parse(%s, (_, value) =>
  value && value.bytes !== undefined ? Uint8Array.from(atob(value.bytes), (letter) => letter.charCodeAt(0)) : value);
const model = { get: (name) => values[name], set(name, value) { values[name] = value; }, on() {}, save_changes() {} };
const script = URL.createObjectURL(new Blob([%s], { type: "text/javascript" }));
(await import(script)).default.render({ model, el: document.getElementById("here") });
</script>"""
"""What a notebook's front end does with a widget."""


def page_of(view: Any) -> str:
    """A widget's view as a page of its own."""
    state = {name: getattr(view, name) for name in view.trait_names(sync=True) if not name.startswith("_")}
    state.pop("layout", None)

    def plain(value: object) -> object:
        assert isinstance(value, bytes), type(value)
        return {"bytes": base64.b64encode(value).decode()}

    words = json.dumps(json.dumps(state, default=plain)), json.dumps(str(view._esm))
    return PAGE % (view._css, *(each.replace("</", "<\\/") for each in words))


def about(found: Any, x: float, y: float, u: float, v: float, zoom: float) -> None:
    left, top = x - u / zoom, y - v / zoom
    assert found.about(left, top, left + 1 / zoom, top + 1 / zoom, 4), f"{found}, not {left, top}"


@pytest.mark.parametrize("kind", ["before_after", "tiles"])
def test_widgets_show_the_place(browser: Browser, kind: str) -> None:
    from explorer.widgets import viewer

    photo: FloatArray = (coded(600, 400) / 255).astype(np.float32)
    view = viewer.BeforeAfter() if kind == "before_after" else viewer.Tiles()
    if kind == "before_after":
        view.show(photo, photo, ("before", "after"), ("before", "after"))
    else:
        view.show([viewer.Tile(name, photo) for name in ("one", "two")], tile_width=340)
    page = browser.new_page(viewport={"width": 1000, "height": 800}, device_scale_factor=2)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_content(page_of(view))
    page.wait_for_selector(".lx-frame img[src]")
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
    frames = page.get_by_test_id("viewer").all()
    frame = frames[-1]
    about(seen(page, frame), 0.5, 0.5, 0.5, 0.5, 1)
    box = frame.bounding_box()
    assert box

    def at(u: float, v: float) -> tuple[int, int]:
        return round(box["x"] + u * box["width"]), round(box["y"] + v * box["height"])

    page.mouse.dblclick(*at(0.8, 0.8))
    for each in frames:
        about(seen(page, each), 0.8, 0.8, 0.8, 0.8, 4)
    page.mouse.move(*at(0.3, 0.3))
    page.mouse.down()
    page.mouse.move(*at(0.6, 0.5), steps=3)
    page.mouse.up()
    about(seen(page, frames[0]), 0.8, 0.8, 1.1, 1.0, 4)
    page.keyboard.press("ArrowLeft")
    about(seen(page, frames[0]), 0.8, 0.8, 1.2, 1.0, 4)
    page.keyboard.press("0")
    page.keyboard.down("Control")
    page.mouse.move(*at(0.3, 0.7))
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(150)
    page.keyboard.up("Control")
    zoomed = seen(page, frames[0])
    zoom = 1 / (zoomed.right - zoomed.left)
    assert zoom > 1.4
    about(zoomed, 0.3, 0.7, 0.3, 0.7, zoom)
    page.click("[aria-label='Zoom out']")
    page.click("[aria-label='Zoom in']")
    page.click("[aria-label='Fit the whole picture']")
    about(seen(page, frame), 0.5, 0.5, 0.5, 0.5, 1)
    assert not problems
    page.close()
