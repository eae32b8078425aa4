"""Sharpness: one preview size for all models, and any part at the photo's own pixels."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from places import coded

import explorer
from explorer import restorer
from explorer.app import budget, compare, compare_sharp, detail, open_photo, opening, text, workspace
from explorer.app.detail import Look
from explorer.app.holding import Again
from explorer.app.open_photo import SHARPEST
from explorer.app.pictures import preview_value
from explorer.app.restore_tab import Handlers
from explorer.app.sessions import Session
from explorer.photo import RgbPhoto, open_mosaic
from explorer.sidecar import Finish


def picture(width: int, height: int) -> RgbPhoto:
    return RgbPhoto(coded(width, height).astype(np.float32) / np.float32(255), 8)


def test_sharp_previews_of_all_models_are_of_one_size(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    quick_sides = iter([640, 320, 640, 320])
    monkeypatch.setattr(budget, "preview_side", lambda *_: next(quick_sides))
    opening.take_photo(session, picture(1500, 1000))
    assert workspace.sharp_preview(session, 838, Finish()) is None, "there is no preview yet"
    for model, quick in (("identity", 640), ("gamma", 320), ("clahe", 640), ("identity", 320)):
        session.require_open().work.latest = None
        first = workspace.finished_preview(session, model, 1.0, Finish())
        assert max(first.restoration.image.shape) == quick
        shown = workspace.sharp_preview(session, 838, Finish())
        assert shown is not None
        assert shown.restoration.image.shape == shown.as_taken.shape == shown.amplified.shape == (640, 960, 3)
        assert shown.restoration.ratio_source == first.restoration.ratio_source


@pytest.mark.parametrize(("asked", "given"), [(0.0, 640), (1100.5, 1120), (1e5, SHARPEST)])
def test_the_size_that_a_page_asks_for_is_bounded(session: Session, asked: float, given: int) -> None:
    opening.take_photo(session, picture(2000, 1000))
    workspace.finished_preview(session, "identity", 1.0, Finish())
    shown = workspace.sharp_preview(session, asked, Finish())
    assert shown is not None
    assert shown.restoration.image.shape == (given // 2, given, 3)


def test_a_mosaic_is_never_shown_coarser_than_the_screen(session: Session) -> None:
    samples = np.random.default_rng(0).integers(600, 900, (900, 1500)).astype(np.uint16)
    opening.take_photo(session, open_mosaic(samples, black=512, name="dark"))
    workspace.finished_preview(session, "identity", 2.0, Finish())
    for side in (960, 1120, 1440):
        shown = workspace.sharp_preview(session, side, Finish())
        assert shown is not None
        assert max(shown.restoration.image.shape) == max(shown.as_taken.shape) == side


def test_a_detail_is_computed_without_the_whole_photo(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = picture(1500, 1000)
    opening.take_photo(session, photo)
    everything, part = (Look(window, 9e3, 4096) for window in ((0.0, 0.0, 1.0, 1.0), (0.5, 0.1, 0.6, 0.3)))
    assert detail.detail(session, part, Finish()) is None, "there is no preview yet"
    workspace.finished_preview(session, "gamma", 2.0, Finish())
    whole = explorer.restore(photo, "gamma", 2.0).image
    monkeypatch.setattr(explorer, "restore", None)
    found = detail.detail(session, part, Finish())
    assert found and found.box == (750, 100, 900, 300)
    assert np.abs(found.restored - whole[100:300, 750:900]).max() < 1 / 255
    assert np.array_equal(found.as_taken, photo.image[100:300, 750:900])
    monkeypatch.setattr(detail, "LARGEST_WINDOW", 1_400_000)
    assert detail.detail(session, everything, Finish()) is None, "that would take long"
    monkeypatch.undo()
    workspace.finished_preview(session, "clahe", 2.0, Finish())
    assert detail.detail(session, part, Finish()) is None, "it looks at the whole picture"
    workspace.full(session, "clahe", 2.0)
    assert detail.detail(session, part, Finish()) is not None
    workspace.finished_preview(session, "gamma", 3.0, Finish())
    found = detail.detail(session, part, Finish())
    assert found is not None
    brighter = explorer.restore(photo, "gamma", 3.0).image[100:300, 750:900]
    assert np.abs(found.restored - brighter).max() < 1 / 255, "of what is shown now, not of the last full result"


def test_models_say_whether_they_have_windows(session: Session) -> None:
    opening.take_photo(session, picture(700, 500))
    kinds = {name: workspace.preview(session, name, 1.0).windows for name in ("identity", "bilateral", "clahe", "lime")}
    assert kinds == {"identity": True, "bilateral": True, "clahe": False, "lime": False}


@pytest.mark.parametrize(
    "said",
    [
        {}, {"asked": "a"}, {"asked": "a", "revision": -1},
        {"asked": "a", "window": ["x", None, float("nan"), 9e99], "need": "much", "side": -5},
    ],
)  # fmt: skip
def test_whatever_a_page_says_is_bounded(session: Session, said: dict[str, object]) -> None:
    opening.take_photo(session, picture(700, 500))
    shown = workspace.finished_preview(session, "identity", 1.0, Finish())
    finish = dict.fromkeys(text.FINISH_STEPS, 0.0)
    parts = SimpleNamespace(viewer="viewer", result="result", scores="scores", finish=list(finish), strength=100)
    do = Handlers(SimpleNamespace(token="token", message="message"), parts)  # type: ignore[arg-type]
    value = {**preview_value(session, shown), "window": [0, 0, 1, 1], **said}
    answer = do.show_sharper({"token": session.token, "viewer": value, **finish})
    assert ("viewer" in answer) == ("asked" in said and "revision" not in said)
    if "viewer" in answer:
        assert answer["viewer"]["answered"] == "a"
        assert answer["viewer"]["overview"] <= 700


def test_a_comparison_is_of_one_size_and_sharper_where_it_is_looked_at(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pictures of it, at the photo's own pixels where they are enlarged; nothing is computed twice."""
    photo = picture(2100, 1400)
    opening.take_photo(session, photo)
    opening.set_reference(session, open_photo.Reference(Again(photo)))
    wanted = compare.wanted_pairs(["gamma", "clahe"], [2.0])
    [*_, board] = compare.compared(session, wanted, session.begins("compare"))
    assert {tile["across"] for tile in board.tiles} == {640}
    runs: list[str] = []
    run = restorer.run

    def counted(*given: Any, **named: Any) -> Any:
        if named.get("keep"):  # `explorer.restore`, which this test calls too, keeps nothing
            runs.append("x")
        return run(*given, **named)

    monkeypatch.setattr(restorer, "run", counted)

    def seen(look: Look) -> dict[str, list[np.ndarray]]:
        list(compare_sharp.sharpened(session, board, look, lambda: True))
        return {
            tile["title"]: [
                np.asarray(Image.open(io.BytesIO(session.picture_of(each["src"], "sharper")))).astype(int)
                for each in tile["sharper"]
            ]
            for tile in board.value["tiles"]
        }

    whole = Look((0.0, 0.0, 1.0, 1.0), 1100.0, 2000)
    shown = seen(whole)
    assert {each.shape for [each] in shown.values()} == {(747, 1120, 3)}, "one size for all"
    assert len(runs) == 2
    seen(whole)
    assert len(runs) == 2, "they were there"
    part = Look((0.5, 0.1, 0.6, 0.3), 9e3, 2000)
    shown = seen(part)
    own = (photo.image[140:420, 1050:1260] * 255).round().astype(int)
    for title in ("Photo as taken", "Reference"):
        assert np.array_equal(shown[title][-1], own)
    brighter = explorer.restore(photo, "gamma", 2.0).image[140:420, 1050:1260] * 255
    assert np.abs(shown["Gamma correction"][-1] - brighter).max() <= 1
    assert [each.shape for each in shown["CLAHE"]] == [(1067, 1600, 3)], "it has no windows, and is as sharp as can be"
    with monkeypatch.context() as patch:
        patch.setattr(compare_sharp, "window_of", lambda *_: None)
        assert np.array_equal(seen(part)["Gamma correction"][-1], shown["Gamma correction"][-1]), "it was there"
    assert len(runs) == 3


def test_a_newer_look_ends_an_older_one(session: Session) -> None:
    opening.take_photo(session, picture(900, 600))
    [*_, board] = compare.compared(session, [("gamma", 2.0)], session.begins("compare"))
    left = iter([True, False])
    assert len(list(compare_sharp.sharpened(session, board, Look.said({"need": 800}), lambda: next(left)))) == 1
