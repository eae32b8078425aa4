"""What a reader of a lesson meets: another photo starts afresh, an off channel shows what it held, keys stay hidden."""

from __future__ import annotations

import io
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from explorer import widgets
from explorer.classroom import record
from explorer.errors import ExplorerError, PhotoError
from explorer.models import create_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("ipywidgets")

from explorer.views.stage import PARTS  # noqa: E402  (needs ipywidgets)
from explorer.widgets.compare_explorer import MOST  # noqa: E402
from explorer.widgets.opening import as_photo  # noqa: E402
from explorer.widgets.questions import questions  # noqa: E402
from explorer.widgets.style import asset, css  # noqa: E402

DARK = np.linspace(0.01, 0.2, 40 * 60 * 3, dtype=np.float32).reshape(40, 60, 3)


def upload(w: Any, name: str = "bright.png") -> None:
    """Opens a picture as the page does."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (120, 120, 120)).save(buffer, "PNG")
    w._upload.value = (
        {
            "name": name, "type": "", "size": 1, "content": memoryview(buffer.getvalue()),
            "last_modified": datetime.now(timezone.utc),
        },
    )  # fmt: skip


def test_an_upload_starts_afresh() -> None:
    w = widgets.restore(DARK, "identity", 250)
    w.view.split = 90
    fresh = w.view.fresh
    upload(w)
    assert w.photo.name == "bright.png" and w.error is None
    assert w.ratio == w.result.ratio < 10 and w._suggested.disabled, "the ratio is the new photo's suggestion"
    assert w.view.split == 50 and w.view.fresh == fresh + 1


def test_an_upload_puts_back_the_light_and_the_channels() -> None:
    w = widgets.retinex(DARK, "lime", 30, max_side=64)
    w.gamma, w.gain = 0.4, 2.0
    upload(w)
    assert (w.gamma, w.gain) == (1.0, 1.0) and w.ratio != 30
    torch.manual_seed(1)
    net = widgets.as_model(create_model("zero_dce", width=4), "zero_dce", "tiny")
    f = widgets.features(DARK, net, 2, layer="convs.0", max_side=64)
    f.off = {1}
    upload(f)
    assert f.off == set() and f.error is None


def test_an_upload_has_no_reference_of_another_scene() -> None:
    w = widgets.compare(DARK, ["identity"], 9, reference=DARK)
    assert w.result[0].scores is not None
    upload(w)
    assert w.error is None and w.result[0].scores is None and w._each.value


def test_a_bad_upload_leaves_everything() -> None:
    w = widgets.restore(DARK, "identity", 7)
    w.view.split = 20
    w._upload.value = (
        {
            "name": "bad.dng", "type": "", "size": 1, "content": memoryview(b"no"),
            "last_modified": datetime.now(timezone.utc),
        },
    )  # fmt: skip
    assert isinstance(w.error, PhotoError)
    assert w.ratio == 7 and w.view.split == 20 and w.photo.name == "array"


def test_no_more_can_be_ticked_than_are_compared() -> None:
    w = widgets.compare(DARK, ["identity"], max_side=64)
    for box in w._boxes.values():
        if not box.disabled:
            box.value = True
    assert len(w.chosen) == min(MOST, len(w._boxes))
    w._boxes["identity"].value = False
    assert not any(box.disabled for box in w._boxes.values())


def test_a_channel_that_is_off_shows_what_it_held() -> None:
    torch.manual_seed(1)
    net = widgets.as_model(create_model("zero_dce", width=4), "zero_dce", "tiny")
    w = widgets.features(DARK, net, 2, layer="convs.0", max_side=64)
    w.channel = 2
    held = w.view.tiles[0]
    sheet = w.sheet.png
    w.off = {2}
    assert float(np.abs(w.result.maps[..., 2]).max()) == 0, "the network reads zeros"
    shown = w.view.tiles[0]
    assert shown["png"] == held["png"] and shown["note"].startswith(held["note"]) and "it is off" in shown["note"]
    assert w.sheet.png == sheet and w.sheet.off == [2]


@pytest.mark.parametrize(
    ("given", "bits"),
    [
        (torch.from_numpy(DARK).permute(2, 0, 1), 32),
        (torch.from_numpy(DARK).permute(2, 0, 1)[None].clone().requires_grad_(), 32),
        (torch.from_numpy(DARK), 32),
        (torch.from_numpy(DARK).double(), 32),
        (torch.from_numpy((DARK * 255).round().astype(np.uint8)), 8),
        (Image.fromarray((DARK * 255).round().astype(np.uint8)), 8),
    ],
)
def test_tensors_and_pictures_of_pillow_are_photos(given: Any, bits: int) -> None:
    photo = as_photo(given)
    assert photo.size == (60, 40) and photo.bits == bits
    assert np.abs(photo.image - DARK).max() < (1e-6 if bits == 32 else 0.5 / 255 + 1e-6)


def test_a_picture_of_pillow_is_what_its_file_would_be() -> None:
    grey = Image.fromarray(np.arange(0, 60000, 10, dtype=np.uint16).reshape(60, 100))
    photo = as_photo(grey)
    assert photo.bits == 16 and np.abs(photo.image[..., 0] * 65535 - np.asarray(grey)).max() < 0.6
    turned = Image.new("RGB", (30, 20), (10, 20, 30))
    turned.getexif()[0x0112] = 6
    assert as_photo(turned).size == (20, 30)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tagged = Image.new("RGB", (8, 8), (10, 20, 30))
    tagged.info["icc_profile"] = profile
    assert np.abs(as_photo(tagged).image[0, 0] * 255 - (10, 20, 30)).max() < 1.5
    for mode in ("L", "RGBA", "P", "CMYK", "1", "YCbCr"):
        assert as_photo(Image.new(mode, (12, 9))).size == (12, 9), mode


def test_an_address_is_said_to_be_one() -> None:
    with pytest.raises(PhotoError, match="https://example.com/a.jpg is a web address"):
        as_photo("https://example.com/a.jpg")


def test_no_badge_that_is_not_true() -> None:
    assert "32 bit" not in widgets.restore(DARK, "identity")._heading.value
    eight = widgets.restore((DARK * 255).astype(np.uint8), "identity")
    assert "8 bit" in eight._heading.value


def test_a_question_keeps_its_key_until_it_is_answered() -> None:
    record.EVENTS.clear()
    for name, asked in questions().items():
        p = widgets.ask(name, measured=(lambda: None) if asked.measured else None)
        states = json.dumps([child.value for child in p.children if hasattr(child, "value")])
        assert asked.because not in states, name
    p = widgets.ask("1.green")
    p.guess = "a third"
    p.reveal()
    assert "a half" in p._verdict.value and questions()["1.green"].because in p._verdict.value
    assert [(e.kind, e.name, e.right, e.given) for e in record.EVENTS] == [("prediction", "1.green", False, "a third")]
    with pytest.raises(ExplorerError, match=r"1\.green"):
        widgets.ask("1.nothing")
    with pytest.raises(ExplorerError, match="measured"):
        widgets.ask("6.slower")
    slower = widgets.ask("6.slower", measured={"sid_unet": 3.0, "lamba_m0": 0.5})
    slower.guess = 5.9
    slower.reveal()
    assert "<b>6 times</b>" in slower._verdict.value and "well predicted" in slower._verdict.value


def test_what_a_session_came_to_is_handed_in(tmp_path: Path) -> None:
    record.EVENTS.clear()
    widgets.check("3.gamma", 5)
    widgets.check("3.gamma", 3.32)
    widgets.check("1.levels", 154)
    p = widgets.ask("3.tenth")
    p.guess = 20
    p.reveal()
    path = widgets.hand_in(3, "Ada Löve/lace", tmp_path / "new")
    assert path.name == "3-Ada_Löve_lace.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["name"] == "Ada Löve/lace"
    assert found["summary"] == {
        "exercise 3.gamma": {"right": True, "tries": 2},
        "prediction 3.tenth": {"right": True, "tries": 1},
    }
    assert len(found["events"]) == 4 and "gain" in found["events"][0]["said"]
    record.EVENTS.clear()


def test_a_lesson_of_two_periods_is_one_file(tmp_path: Path) -> None:
    record.EVENTS.clear()
    widgets.check("3.gamma", 5)
    widgets.check("3.gamma", 3.32)
    widgets.hand_in(3, "Ada", tmp_path)
    widgets.hand_in(3, "Ada", tmp_path)  # twice in one session counts once
    record.EVENTS.clear()  # a new kernel
    widgets.check("3.gamma", 3.32)
    widgets.check("3.psnr", lambda x, y: -10 * np.log10(np.mean((x - y) ** 2)))
    found = json.loads(widgets.hand_in(3, "Ada", tmp_path).read_text(encoding="utf-8"))
    assert found["summary"] == {
        "exercise 3.gamma": {"right": True, "tries": 2},
        "exercise 3.psnr": {"right": True, "tries": 1},
    }
    other = json.loads(widgets.hand_in(3, "ada/", tmp_path).read_text(encoding="utf-8"))
    assert other["summary"]["exercise 3.gamma"]["tries"] == 1, "another name begins with nothing"
    (tmp_path / "3-Ada.json").write_text("{")
    assert json.loads(widgets.hand_in(3, "Ada", tmp_path).read_text(encoding="utf-8"))["name"] == "Ada"
    record.EVENTS.clear()


def test_an_exercise_on_a_page_does_not_speak_of_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "run the cell again" in widgets.check("1.levels", ...).sentence
    monkeypatch.setenv("VOILA_KERNEL_ID", "k")
    assert "as a notebook" in widgets.check("1.levels", ...).sentence


PAGE = """<style>%s .lx-frame { width: 400px; height: 300px }</style><div id="at"></div><script>
%s
const values = { before: new Uint8Array(), after: new Uint8Array(), before_label: "as taken", after_label: "a long name of a model",
  before_alt: "", after_alt: "", width: 4, height: 3, split: 50, busy: false, fresh: 0 };
const heard = {};
window.model = { get: (name) => values[name], set: (name, value) => { values[name] = value; },
  save_changes: () => {}, on: (names, call) => { for (const each of names.split(" ")) heard[each] = call; },
  tell: (name, value) => { values[name] = value; heard["change:" + name](); } };
render({ model, el: document.getElementById("at") });
document.getElementById("at").style.display = "";
</script>"""  # noqa: E501


@pytest.mark.browser
def test_a_double_click_zooms_only_and_another_photo_shows_all(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 500, "height": 500})
    script = (PARTS + asset("kit.js", "before_after.js")).replace("export default { render };", "")
    page.set_content(PAGE % (css(), script))
    box = page.locator(".lx-frame").bounding_box()
    assert box is not None
    zoom = page.locator(".lx-zoom")
    for share in (0.3, 0.5):  # in the picture, and on the divider's handle
        page.mouse.dblclick(box["x"] + share * box["width"] + 1, box["y"] + box["height"] / 3)
        assert zoom.text_content() == "400 %"
        assert page.evaluate("model.get('split')") == 50
        page.evaluate("model.tell('fresh', model.get('fresh') + 1)")
        assert zoom.text_content() == "100 %"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40, steps=4)
    page.mouse.up()
    assert abs(page.evaluate("model.get('split')") - 25) <= 1
    page.close()
