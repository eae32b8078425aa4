"""Who may import weights, the limits of a preview's size, and the contents of a session."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import explorer
from explorer.app import budget, importing, model_picker, open_photo, opening, sessions, workspace
from explorer.app.detail import Look, detail
from explorer.app.sessions import Session
from explorer.errors import ModelNotFoundError, OutputError, PhotoError, WhiteBalanceError
from explorer.examples import examples
from explorer.photo import load_rendering
from explorer.photo.types import RawPhoto, RgbPhoto
from explorer.photo.windows import rendering_of
from explorer.sidecar import Finish
from explorer.weights.catalogue import CATALOGUE


def asked(client: str = "127.0.0.1", **headers: str) -> Any:
    named = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return SimpleNamespace(client=SimpleNamespace(host=client), headers=named)


def test_only_who_sits_at_the_machine_may_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(importing.SETTING, raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert importing.allowed(asked())
    assert importing.allowed(asked("::1", host="[::1]:7860"))
    assert importing.allowed(asked(host="localhost:7860"))
    for elsewhere in (
        asked("192.168.1.7"),
        asked(x_forwarded_for="8.8.8.8"),
        asked(forwarded="for=8.8.8.8"),
        asked(host="abc.example.org"),
        asked(host=""),
        None,
    ):
        assert not importing.allowed(elsewhere)
    monkeypatch.setenv("SPACE_ID", "org/name")
    assert not importing.allowed(asked())
    monkeypatch.setenv(importing.SETTING, "1")
    assert importing.allowed(asked("192.168.1.7", x_forwarded_for="8.8.8.8"))
    monkeypatch.setenv(importing.SETTING, "0")
    assert not importing.allowed(asked())


def test_every_licence_is_named_on_its_button() -> None:
    for entry in (each for each in CATALOGUE.values() if each.downloadable):
        words = importing.agreement(entry.name)["value"]
        assert entry.licence in words or (entry.licence == "none stated" and "No licence is stated" in words)
        terms = importing.notice(entry.name)
        assert entry.origin in terms and ("Redistributing these weights" in terms) == (not entry.shareable)
    assert "Redistributing these weights" not in importing.notice("flight_lol")  # CC BY-NC-SA 4.0


def test_what_is_offered_says_its_quality_and_the_best_comes_first() -> None:
    names = [entry.name for entry in importing.missing()]
    assert names.index("mobileie_lolv1") < names.index("flol_uhdll") < names.index("hvi_cidnet_sice")
    mobile, unseen = importing.notice("mobileie_lolv1"), importing.notice("flol_uhdll")
    assert re.search(r"<dt>LOL eval15</dt><dd>[^<]*26\.12 dB", mobile) and "<dt>Scenes seen</dt><dd>yes</dd>" in mobile
    assert re.search(r"<dt>LOL eval15</dt><dd>[^<]*23\.54 dB", unseen) and "<dt>Scenes seen</dt><dd>no</dd>" in unseen
    assert "<dd>perhaps</dd>" in importing.notice("fourllie_lol2real")
    assert "LOL eval15" not in importing.notice("hvi_cidnet_sice"), "what is not measured has no figure"


def test_weights_that_come_while_the_app_runs_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported by the command line, say; nobody told the app."""
    folder = next((info.weights for info in explorer.list_models() if info.weights), None)
    if folder is None:
        pytest.skip("needs a folder of weights, and none is installed")
    monkeypatch.setenv("EXPLORER_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    model_picker.refresh()
    name = folder.name.split(".")[0] + ".of_a_visitor"
    assert name not in model_picker.models()
    (tmp_path / name).mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / name / path.name).write_bytes(path.read_bytes().replace(folder.name.encode(), name.encode()))
    monkeypatch.setattr("time.monotonic", lambda: 1000.0 + 2 * model_picker.SECONDS)
    assert name in model_picker.models()
    monkeypatch.undo()
    model_picker.refresh()


def test_a_slow_network_gets_a_smaller_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = {"quick": 1e-8, "slow": 2 * budget.BUDGET / (640 * 427), "hopeless": 1.0}
    monkeypatch.setattr(budget, "seconds_per_pixel", lambda model: speeds[model])
    sides = {name: budget.preview_side(name, (640, 427), 640) for name in speeds}  # type: ignore[arg-type]
    assert sides["quick"] == 640
    assert sides["slow"] in budget.SIDES and 320 < sides["slow"] < 640
    assert sides["slow"] ** 2 / 640**2 * 2 <= 1, "half the pixels fit half the time"
    assert sides["hopeless"] == budget.SIDES[-1]


def test_the_speed_of_a_network_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    name = next((info.name for info in explorer.list_models() if info.weights), None)
    if name is None:
        pytest.skip("needs a network with weights, and none is installed")
    model = explorer.load_model(name)
    monkeypatch.setattr(budget, "_SPEEDS", defaultdict(budget._Speed))
    budget.took(model, 1000.0, 10, whole=False)
    assert budget.seconds_for(model, 10) == 1000, "all that is known"
    first = budget.seconds_per_pixel(model)
    assert 0 < first < 100, "a first run, which may take long, is not taken for the network's speed"
    monkeypatch.setattr(explorer, "restore", None, raising=False)
    assert budget.seconds_per_pixel(model) == first
    budget.took(model, 1000.0, 10, whole=False)
    assert budget.seconds_per_pixel(model) == first, "a busy moment changes nothing"
    budget.took(model, first * 500, 1000, whole=False)
    assert budget.seconds_per_pixel(model) == pytest.approx(first / 2)
    budget.took(model, 1000.0, 10, whole=True)
    assert budget.seconds_for(model, 10) == 1000 and budget.seconds_per_pixel(model) == pytest.approx(first / 2)
    assert budget.seconds_per_pixel(explorer.load_model("clahe")) == 0


def raw_example() -> str:
    return next(example.name for example in examples() if example.kind == "raw")


def test_the_restored_preview_is_of_the_size_that_the_budget_allows(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "seconds_per_pixel", lambda model: 1.0)
    ramp = np.linspace(0, 0.2, 900 * 1200 * 3, dtype=np.float32).reshape(900, 1200, 3)
    opening.take_photo(session, RgbPhoto(ramp, 8))
    shown = workspace.finished_preview(session, "identity", 2.0, Finish())
    assert shown.restoration.image.shape == shown.as_taken.shape == (240, 320, 3)
    assert workspace.preview(session, "identity", 2.0).restoration.image.shape == (480, 640, 3), "for comparisons"


def test_what_fails_leaves_all_of_the_old_photo(session: Session, tmp_path: Path) -> None:
    opening.open_example(session, raw_example())
    opening.set_white_balance(session, "daylight")
    workspace.preview(session, "identity", "auto")
    before = session.open
    other = tmp_path / "other.png"
    from PIL import Image

    Image.new("RGB", (40, 30), (9, 9, 9)).save(other)
    with pytest.raises(ModelNotFoundError), opening.kept_on_failure(session):
        opening.open_file(session, other)
        workspace.first_preview(session, "no such model")
    assert session.open is before
    with pytest.raises(WhiteBalanceError, match="outside"):
        opening.set_white_balance(session, open_photo.NEUTRAL, (1e6, 3.0))
    assert session.open is before


def test_a_grey_patch_becomes_gains_that_settings_reproduce(session: Session) -> None:
    opening.open_example(session, raw_example())
    opened = session.require_open().whole
    width, height = opened.size
    opening.set_white_balance(session, open_photo.NEUTRAL)
    assert session.require_open().whole is opened, "no place was given yet"
    opening.set_white_balance(session, open_photo.NEUTRAL, (width * 0.6, height * 0.7))
    photo = session.require_open().whole
    assert isinstance(photo, RawPhoto) and photo.white_balance.gains != opened.white_balance.gains
    settings = workspace.settings_of(session, workspace.preview(session, "identity", 4.0).restoration, Finish())
    again = opened.with_white_balance(settings.white_balance)
    assert again.white_balance.gains == photo.white_balance.gains
    opening.set_white_balance(session, "as_shot")
    assert session.require_open().whole is opened and session.require_open().point is None


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_window_is_the_window_of_the_whole(rotation: Any) -> None:
    mosaic = np.random.default_rng(2).random((90, 130)).astype(np.float32)[:90, :130]
    example = next(each for each in examples() if each.kind == "raw")
    opened = explorer.open_photo(example.path)
    assert isinstance(opened, RawPhoto)
    photo = replace(opened, mosaic=mosaic.copy(), rotation=rotation)
    whole = load_rendering(photo)
    height, width = whole.shape[:2]
    for box in ((0, 0, 40, 30), (31, 27, 70, 61), (width - 21, height - 17, width, height)):
        left, top, right, bottom = box
        assert np.allclose(rendering_of(photo, box), whole[top:bottom, left:right], atol=1e-5)


def test_a_detail_of_the_full_result_is_cut_out_and_bounded(session: Session) -> None:
    ramp = np.linspace(0, 0.2, 60 * 2500 * 3, dtype=np.float32).reshape(60, 2500, 3)
    opening.take_photo(session, RgbPhoto(ramp, 8))
    everything = Look.said({"side": 500})
    assert detail(session, everything, Finish()) is None
    full = workspace.full(session, "identity", 2.0)
    found = detail(session, everything, Finish())
    assert found and found.box == (0, 0, 2500, 60), "all that is seen, reduced"
    for picture in (found.restored, found.as_taken, found.amplified):
        assert picture.shape == (12, 500, 3)
    assert np.abs(found.as_taken - ramp.reshape(12, 5, 500, 5, 3).mean(axis=(1, 3))).max() < 1e-4
    found = detail(session, Look.said({"window": [0.5, 0.5, 0.52, 1.0], "side": 4096}), Finish())
    assert found and found.box == (1250, 30, 1300, 60)
    assert np.array_equal(found.restored, full.image[30:60, 1250:1300])
    assert np.array_equal(found.as_taken, ramp[30:60, 1250:1300])
    for odd in ([5.0, -1.0, float("1e9"), 0.0], [float("nan")], "all of it"):
        assert detail(session, Look.said({"window": odd}), Finish()) is not None, "odd windows are clamped"


def test_the_photo_is_decoded_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    decode = explorer.open_photo
    monkeypatch.setattr(explorer, "open_photo", lambda *a, **k: opened.append(a) or decode(*a, **k), raising=False)
    example = next(each for each in examples() if each.kind == "raw")
    opening.open_file(session, example.path)
    workspace.finished_preview(session, "identity", "auto", Finish())
    for balance in ("daylight", "grey_world", "as_shot"):
        opening.set_white_balance(session, balance)
        workspace.finished_preview(session, "clahe", 3.0, Finish(exposure=1.0))
    workspace.save(session, "identity", 2.0, "jpeg8")
    again = sessions.enter_session(session.token)  # a reload
    assert again is session
    workspace.preview(again, "identity", 5.0)
    assert len(opened) == 1
    with pytest.raises(OutputError, match="png16"):
        workspace.save(session, "identity", 2.0, "bmp")


def test_a_session_lives_as_long_as_a_page_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(sessions, "_now", lambda: now[0])
    session = sessions.enter_session(None, "first")
    assert sessions.enter_session(session.token, "reloaded") is session
    sessions.leave_session("first")
    now[0] += sessions.GRACE + 1
    sessions.sweep()
    assert session.folder.exists(), "the page that was reloaded shows it"
    sessions.leave_session("reloaded")
    now[0] += sessions.GRACE - 1
    sessions.sweep()
    assert sessions.enter_session(session.token, "once more") is session, "a reload takes a moment"
    now[0] += sessions.GRACE
    sessions.sweep()
    assert session.folder.exists()
    sessions.leave_session("once more")
    now[0] += sessions.GRACE + 1
    sessions.sweep()
    assert not session.folder.exists()
    fresh = sessions.enter_session(session.token, "late")
    assert fresh is not session and not fresh.was_lost
    sessions.close_session(fresh.token)
    with pytest.raises(PhotoError):
        fresh.require_open()


@pytest.mark.parametrize(
    ("asked_for", "ratio", "said"),
    [
        ("12.5", 12.5, ""),
        ("999", 300.0, "300 is used"),
        ("-4", 1.0, "1 is used"),
        ("inf", 300.0, "300 is used"),
        ("nan", None, "not a number"),
        ("<b>much</b>" * 20, None, "not a number"),
    ],
)
def test_what_an_address_asks_for_is_brought_within_limits(asked_for: str, ratio: float | None, said: str) -> None:
    from explorer.app.page import _asked_ratio

    found, words = _asked_ratio(asked_for)
    assert found == ratio
    assert said in " ".join(words) and len(" ".join(words)) < 200
    assert bool(words) == bool(said)
