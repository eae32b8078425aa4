"""What the app's functions give a visitor, without a browser."""

from __future__ import annotations

import importlib.util
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from explorer.app import compare, contact, opening, workspace
from explorer.app.compare_table import table
from explorer.app.restore_layout import Parts
from explorer.app.restore_tab import Handlers, _left_behind
from explorer.app.sessions import Session
from explorer.app.text import FINISH_STEPS
from explorer.engine import backends, graphs
from explorer.errors import PhotoError
from explorer.photo import write_dng
from explorer.sidecar import Finish


@pytest.mark.parametrize(("kind", "ending"), [("png8", "8bit.png"), ("tiff16", "16bit.tif"), ("jpeg8", "8bit.jpg")])
def test_a_download_is_named_after_photo_model_and_ratio(
    session: Session, tmp_path: Path, kind: str, ending: str
) -> None:
    Image.new("RGB", (40, 30), (9, 5, 3)).save(tmp_path / "a night.png")
    opening.open_file(session, tmp_path / "a night.png")
    assert workspace.save(session, "gamma", 20.0, kind).name == f"a-night-gamma-x20-{ending}"


def test_a_bright_photo_is_saved_as_it_was_and_its_settings_say_so(session: Session, tmp_path: Path) -> None:
    day = np.random.default_rng(0).integers(90, 250, (300, 400, 3)).astype(np.uint8)
    Image.fromarray(day).save(tmp_path / "day.png")
    opening.open_file(session, tmp_path / "day.png")
    saved = workspace.save(session, "lynx_rgb.mixed_small", "auto", "png8")
    assert np.array_equal(np.asarray(Image.open(saved)), day)
    made = workspace.settings_of(session, workspace.full(session, "lynx_rgb.mixed_small", "auto"), workspace.PLAIN)
    assert (made.strength, made.ratio) == (0, 1)
    by_hand = workspace.full(session, "lynx_rgb.mixed_small", 1.0)
    assert by_hand.strength == 100 and not np.array_equal(np.rint(by_hand.image * 255), day)


def test_a_comparison_measures_each_model_once_and_keeps_it(session: Session) -> None:
    opening.open_example(session, "cat")
    wanted = compare.wanted_pairs(["gamma", "clahe"], ["auto", 4.0])
    boards = list(compare.compared(session, wanted, session.begins("compare")))
    last = boards[-1]
    assert [len(row.times) for row in last.rows] == [compare.RUNS] * 4
    shown = table(session, last)
    titles = [column["title"] for column in shown["columns"]]
    for row, cells in zip(last.rows, shown["rows"], strict=True):
        assert cells[titles.index("Seconds")] == pytest.approx(sorted(row.times)[1], abs=1e-4)
        assert cells[titles.index("Name")] == row.model
    assert "11 × 11" in " ".join(shown["note"])
    rows, again = last.rows, list(compare.compared(session, wanted, session.begins("compare")))[-1]
    assert all(one is other for one, other in zip(rows, again.rows, strict=True)), "nothing is computed twice"


def test_a_newer_wish_ends_an_older_comparison(session: Session) -> None:
    opening.open_example(session, "cat")
    boards = compare.compared(session, [("gamma", 2.0), ("clahe", 2.0)], session.begins("compare"))
    next(boards)
    session.begins("compare")
    assert [board.stopped for board in boards] == [True]


def test_quick_models_come_first_but_stand_where_they_were_chosen(session: Session) -> None:
    opening.open_example(session, "cat")
    wanted = compare.wanted_pairs(["lime", "gamma"], ["auto"])
    *_, last = compare.compared(session, wanted, session.begins("compare"))
    assert [row.model for row in last.rows] == ["gamma", "lime"]
    shown = table(session, last)
    assert [cells[0] for cells in shown["rows"]] == ["LIME", "Gamma correction"]
    assert "Models at ×1 brighten the photo themselves." in shown["note"]
    *_, by_hand = compare.compared(session, [("gamma", 4.0)], session.begins("compare"))
    assert "Models at ×1" not in str(table(session, by_hand)["note"])


def test_a_contact_sheet_needs_a_comparison_and_holds_it(session: Session) -> None:
    opening.open_example(session, "cat")
    with pytest.raises(PhotoError, match="compare models first"):
        contact.saved(session, "png")
    list(compare.compared(session, [("gamma", 2.0)], session.begins("compare")))
    with Image.open(contact.saved(session, "png")) as sheet:
        assert sheet.width > 1200
    page = contact.saved(session, "html")
    assert page.name == "cat-contact-sheet.html" and page.read_text().count("data:image/png") == 3
    assert "&quot;model&quot;: &quot;gamma&quot;" in page.read_text()


def test_only_a_ratio_that_was_set_for_another_model_is_left_behind() -> None:
    by_hand = {"ratio": 50, "auto": False, "turn": 3}
    shown = {"model": "gamma", "ratio": by_hand, "left": {}}
    assert _left_behind(shown, "clahe", by_hand) == {"ratio": 50, "turn": 3}
    assert not _left_behind(shown, "gamma", by_hand)
    assert not _left_behind(shown, "clahe", {**by_hand, "turn": 4}), "chosen for this one"
    assert not _left_behind(shown, "clahe", {**by_hand, "auto": True})
    assert not _left_behind({}, "clahe", by_hand)


def handlers() -> Handlers:
    """The Restore tab's, with names in the place of components."""
    shared = SimpleNamespace(token="token", model="model", ratio="ratio", message="message")
    parts: Any = SimpleNamespace(
        **{f.name: f.name for f in fields(Parts)} | {"point": ("x", "y"), "finish": FINISH_STEPS}
    )
    return Handlers(cast("Any", shared), parts)


def values(session: Session, model: str, ratio: dict[str, Any]) -> dict[str, Any]:
    """What the Restore tab's handlers are given."""
    given = {"token": session.token, "model": model, "ratio": ratio, "x": None, "y": None}
    return given | {"strength": 100, "balance": "as_shot", "black_level": "auto", **dict.fromkeys(FINISH_STEPS, 0.0)}


def test_the_page_says_that_a_network_is_prepared_and_then_shows_its_picture(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("openvino") is None:  # importing it here would load its telemetry
        pytest.skip("OpenVINO is not installed")
    monkeypatch.setenv("EXPLORER_BACKEND", "openvino")
    monkeypatch.setattr(graphs, "graph_folder", lambda: tmp_path / "graphs")
    monkeypatch.setattr(backends, "_GRAPHS", {})
    opening.open_example(session, "cat")
    do, given = handlers(), values(session, "zero_dce.lol", {"auto": True})
    assert "Preparing Zero-DCE" in do.announce("zero_dce.lol")
    shown = do.show(given)
    assert "Preparing" not in shown["result"] and shown["viewer"]["after"]["src"]
    assert do.announce("zero_dce.lol") == gr.skip(), "only once"


def test_a_choice_that_a_page_sends_twice_is_taken_once(session: Session) -> None:
    opening.open_example(session, "cat")
    do = handlers()

    def chosen(model: str, ratio: dict[str, Any]) -> dict[str, Any]:
        shown = do.show(values(session, model, ratio))["ratio"]
        return {key: shown[key] for key in ("auto", "kept")}

    by_hand = {"ratio": 50, "auto": False, "turn": 3}
    assert chosen("gamma", by_hand) == {"auto": False, "kept": None}
    assert chosen("clahe", by_hand) == {"auto": True, "kept": 50}
    assert chosen("clahe", by_hand) == {"auto": True, "kept": 50}, "the same choice once more"
    assert chosen("clahe", {**by_hand, "turn": 4}) == {"auto": False, "kept": None}, "kept by a click"
    assert chosen("ssr", {**by_hand, "turn": 4})["kept"] == 50


def test_a_dng_leaves_the_steps_after_the_network_out_and_says_so(session: Session, tmp_path: Path) -> None:
    opening.open_file(session, write_dng(tmp_path / "night.dng", np.full((64, 64), 900, np.uint16)))
    finish = Finish(exposure=1.0)
    files = {}
    for steps in (Finish(), finish):
        path = workspace.save(session, "gamma", 2.0, "dng", steps)
        files[steps] = path.read_bytes()
        notes = workspace.notes_of_file(session, "dng", steps)
        assert any("steps after the network" in each for each in notes) is (steps == finish)
        assert any("The model gives sRGB" in each for each in notes)
    assert files[Finish()] == files[finish]
    assert workspace.notes_of_file(session, "png8", finish) == ()
