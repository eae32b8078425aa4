"""A contact sheet: its pictures are in their places, and its page is self-contained."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from explorer.views.contact import Print, sheet_page, sheet_picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COLOURS = ((220, 20, 20), (20, 220, 20), (20, 20, 220), (200, 200, 20))


def prints() -> list[Print]:
    made = []
    for k, colour in enumerate(COLOURS):
        picture = np.zeros((40, 60, 3), np.uint8)
        picture[:, :30] = colour  # the right half stays black
        with io.BytesIO() as buffer:
            Image.fromarray(picture).save(buffer, "PNG")
            made.append(Print(f"Model {k} <b>", (f"×{k + 2}", "PSNR 20.00 dB"), buffer.getvalue(), f"picture {k}"))
    return made


def test_the_picture_holds_every_print_in_its_place() -> None:
    data = sheet_picture("night.png, compared", prints(), ["A note that is long enough to be broken. " * 8], columns=3)
    sheet = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    places = []
    for colour in COLOURS:
        rows, columns = np.nonzero(np.abs(sheet - colour).max(axis=2) < 12)
        assert 0.9 < len(rows) / (240 * 320) < 1.1
        places.append((rows.min(), columns.min()))
    assert places[0][0] == places[1][0] == places[2][0] < places[3][0]
    assert places[0][1] < places[1][1] < places[2][1] and places[3][1] == places[0][1]
    assert (sheet[-60:].max(axis=2) > 120).any(), "the note"


def page() -> str:
    table = (("Model", "Seconds"), [["Model 0", 0.25]])
    return sheet_page("a </script> photo", prints(), ["How it was measured."], table, {"photo": "a </pre> photo"})


def test_the_page_loads_nothing_and_holds_its_settings() -> None:
    html = page()
    assert not re.search(r"""(src|href)=["'](?!data:)""", html)
    assert html.count("</script>") == 1 and html.count("</pre>") == 1 and "<b>" not in html
    made = re.search(r"<pre>(.*?)</pre>", html, re.DOTALL)
    assert made and json.loads(made[1].replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">"))


@pytest.mark.browser
def test_all_pictures_of_the_page_zoom_to_one_place(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "sheet.html").write_text(page(), encoding="utf-8")
    shown = browser.new_page(viewport={"width": 1200, "height": 900})
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto((tmp_path / "sheet.html").as_uri())
    frames = shown.locator(".frame").all()
    box = frames[1].bounding_box()
    assert box
    frames[1].dblclick(position={"x": box["width"] * 0.1, "y": box["height"] * 0.5})
    shown.wait_for_selector("output:has-text('400 %')")
    for frame, colour in zip(frames, COLOURS, strict=True):  # the left part, which has the colour, fills all of them
        seen = np.asarray(Image.open(io.BytesIO(frame.screenshot())).convert("RGB")).astype(int)[20:-20, 20:-20]
        assert np.abs(seen - colour).max() < 30
    shown.click("nav button >> nth=2")
    shown.wait_for_selector("output:has-text('100 %')")
    assert all(url.startswith(("file:", "data:")) for url in asked)
    shown.close()
