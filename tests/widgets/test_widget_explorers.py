"""The explorers from Python: one line each, errors shown and kept, settings by a cell and by the page."""

from __future__ import annotations

import dataclasses
import io
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import restorer, widgets
from explorer.errors import ExplorerError, ModelNotFoundError, PhotoError, RatioError, SettingsError
from explorer.models import create_model
from explorer.photo import amplify
from explorer.widgets.selection import Models

pytest.importorskip("ipywidgets")


def png_of(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture))).astype(int)


@pytest.fixture(scope="module")
def dark() -> np.ndarray:
    """A small dark picture, 48 x 64 x 3."""
    ramp = np.linspace(0.01, 0.2, 48 * 64, dtype=np.float32).reshape(48, 64)
    return np.stack([ramp, 0.7 * ramp, 0.5 * ramp], axis=2)


def uploaded(name: str, content: bytes) -> dict[str, Any]:
    """A file as `ipywidgets.FileUpload` gives it."""
    now = datetime.now(timezone.utc)
    return {"name": name, "type": "", "size": len(content), "content": memoryview(content), "last_modified": now}


def tiny(architecture: str, **options: Any) -> Any:
    """A small network with fresh weights."""
    import torch

    torch.manual_seed(1)
    return widgets.as_model(create_model(architecture, **options), architecture, "tiny")


def test_restore_takes_a_strength(dark: np.ndarray) -> None:
    w = widgets.restore(dark, "gamma", 4, strength=0)
    assert w.error is None and w.strength == 0
    developed, shown = amplify(dark, 4), png_of(w.view.after)
    assert np.array_equal(w.result.image, developed)
    w.strength = 50
    assert w.result.strength == 50 and "50 %" in w._caption.value and not np.array_equal(png_of(w.view.after), shown)
    w._strength.value = 100  # by hand
    assert np.array_equal(w.result.image, explorer.restore(w.photo, "gamma", 4).image)
    with pytest.raises(SettingsError, match="from 0 to 100"):
        w.strength = 101
    assert w.strength == 100
    assert "from 0 to 100" in widgets.restore(dark, "gamma", 4, strength=-1)._problem.value


def test_another_strength_runs_no_network(dark: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[float] = []
    computed = restorer.compute
    monkeypatch.setattr(restorer, "compute", lambda job, *given: runs.append(job.ratio) or computed(job, *given))
    w = widgets.restore(dark, "gamma", 4, max_side=64)
    for strength in (50, 0, 20, 100, 50):
        w.strength = strength
        assert w.result.strength == strength
    assert runs == [4]
    expected = explorer.restore(w.photo, "gamma", 4, strength=50, max_side=64)
    assert np.array_equal(w.result.image, expected.image)
    w.ratio = 8
    w.model = "clahe"
    assert runs == [4, 4, 8, 8], "another ratio and another model are another picture"


def test_restore_follows_what_a_cell_sets(dark: np.ndarray) -> None:
    w = widgets.restore(dark, "identity", 1)
    assert w.error is None
    assert np.allclose(w.result.image, dark, atol=1e-6)
    assert np.abs(png_of(w.view.after) - dark * 255).max() <= 1
    assert np.array_equal(png_of(w.view.before), png_of(w.view.after))
    first = w.view.after
    w.ratio = 9
    assert w.ratio == w.result.ratio == 9
    assert png_of(w.view.after).mean() > 1.8 * png_of(first).mean()
    w.model = "clahe"
    assert w.result.model == "clahe" and "CLAHE" in w.view.after_label
    w.ratio = "auto"
    assert w.result.ratio == 1  # CLAHE finds its own brightness
    w.photo = dark[:40]
    assert w.result.image.shape == (40, 64, 3)


def test_restore_follows_its_controls(dark: np.ndarray) -> None:
    w = widgets.restore(dark, "identity", 2)
    w._slider.value = 10.0
    assert w.result.ratio == 10
    w._slider.value = w._slider.base**w._slider.max  # the end of the slider lies a hair beyond 300
    assert w.error is None and w.result.ratio == 300
    w._slider.value = 1.0
    assert w.error is None and w.result.ratio == 1
    w._model.value = "lime"
    assert w.result.model == "lime"
    w._suggested.click()
    assert w._suggested.disabled
    w.model = "identity"
    taken = png_of(w.view.before)
    w._left.value = "amplified"
    assert png_of(w.view.before).mean() > taken.mean()
    assert np.array_equal(png_of(w.view.before), png_of(w.view.after)), "the identity is nothing but amplified"


def test_the_slider_answers_when_it_is_let_go() -> None:
    w = widgets.restore(None, "identity", max_side=96)
    assert w._slider.continuous_update is False
    assert (w._slider.base**w._slider.min, round(w._slider.base**w._slider.max, 9)) == (1.0, 300.0)
    assert w.photo is not None and w.photo.name == "still_life.dng"


def test_an_upload_is_opened(dark: np.ndarray) -> None:
    w = widgets.restore(dark, "identity")
    buffer = io.BytesIO()
    Image.new("RGB", (50, 30), (9, 9, 9)).save(buffer, "PNG")
    w._upload.value = (uploaded("up.png", buffer.getvalue()),)
    assert w.error is None and w.photo is not None
    assert (w.photo.name, w.photo.size) == ("up.png", (50, 30))
    assert "up.png" in w._heading.value
    w._upload.value = (uploaded("bad.dng", b"no photo"),)
    assert isinstance(w.error, PhotoError)
    assert "bad.dng" in w._problem.value
    assert w.photo.name == "up.png", "the open photo stays"
    w.ratio = 3
    assert w.error is None and w._problem.value == ""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: widgets.restore("missing.dng", "identity"), "missing.dng"),
        (lambda: widgets.restore(np.zeros((4, 4, 4))), "(4, 4, 4)"),
        (lambda: widgets.restore(np.full((4, 4, 3), 7.0)), "[0, 1]"),
        (lambda: widgets.restore(np.zeros((4, 4, 3), bool)), "bool"),
        (lambda: widgets.restore("cat", "nothing"), "nothing"),
        (lambda: widgets.restore("cat", "identity", 500), "500"),
        (lambda: widgets.retinex("cat", "no_such"), "no_such"),
        (lambda: widgets.features("cat", "clahe"), "no layers"),
        (lambda: widgets.compare("cat", []), "tick at least one"),
    ],
)
def test_what_cannot_be_shown_is_said_and_kept(make: Any, words: str) -> None:
    w = make()
    assert isinstance(w.error, ExplorerError)
    assert words in str(w.error)
    assert words.replace("<", "&lt;") in w._problem.value
    assert "lx-problem" in w._problem._dom_classes
    with pytest.raises(type(w.error)):
        _ = w.result


def test_compare_says_an_unknown_model_before_it_shows_anything() -> None:
    with pytest.raises(ModelNotFoundError):
        widgets.compare("cat", ["nothing"])


def test_a_cell_that_sets_nonsense_raises(dark: np.ndarray) -> None:
    w = widgets.restore(dark, "identity", 4)
    with pytest.raises(RatioError):
        w.ratio = 500
    assert isinstance(w.error, RatioError) and "500" in w._problem.value
    with pytest.raises(ModelNotFoundError):
        w.model = "nothing"
    with pytest.raises(PhotoError):
        w.photo = "missing.dng"
    w.ratio = 5
    assert w.error is None and w.result.ratio == 5


def test_an_error_of_ours_is_said_and_raised(dark: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    w = widgets.restore(dark, "identity", 4)

    def broken() -> None:
        raise TypeError("a slip of the programmer")

    monkeypatch.setattr(w, "_update", broken)
    with pytest.raises(TypeError):
        w._slider.value = 8.0
    assert "a slip of the programmer" in w._problem.value
    assert isinstance(w.error, TypeError)


def test_compare_measures_against_the_examples_own_reference() -> None:
    w = widgets.compare("cat", ["identity", "gamma"], max_side=160)
    assert w.error is None
    assert [each.model for each in w.result] == ["gamma", "identity"]
    titles = [tile["title"] for tile in w.view.tiles]
    assert titles[:2] == ["Photo as taken", "Reference"] and len(titles) == 4
    by_hand = w.result[1].scores
    assert by_hand is not None and 15 < by_hand.psnr < 40
    assert f"{by_hand.psnr:.2f}" in w._table.value
    assert len(w.plot().data) == 2
    w.chosen = ["clahe"]
    assert [each.model for each in w.result] == ["clahe"]
    w.ratio = 3
    assert w.result[0].restoration.ratio == 3 and not w._each.value
    w._each.value = True
    assert w.result[0].restoration.ratio == 1


def test_compare_without_a_reference_has_no_figures(dark: np.ndarray) -> None:
    w = widgets.compare(dark, ["identity"])
    assert w.result[0].scores is None
    with pytest.raises(ExplorerError, match="reference"):
        w.plot()
    w = widgets.compare(dark, ["identity"], 1, reference=dark)
    scores = w.result[0].scores
    assert scores is not None and scores.psnr > 90
    w = widgets.compare(dark, ["identity"], reference=dark[:20])
    assert isinstance(w.error, PhotoError)


def test_compare_takes_the_button(dark: np.ndarray) -> None:
    w = widgets.compare(dark, ["identity"])
    w._boxes["gamma"].value = True
    assert len(w.result) == 1, "ticking alone computes nothing"
    w._run.click()
    assert [each.model for each in w.result] == ["gamma", "identity"]


def test_retinex_shows_parts_that_explain_the_picture(dark: np.ndarray) -> None:
    w = widgets.retinex(dark, "lime", 4)
    assert w.error is None
    found = w.result
    assert found.residual is not None and float(found.residual.mean()) < 0.01
    titles = [tile["title"] for tile in w.view.tiles]
    assert "Reflectance R" in titles and "Illumination I" in titles
    assert next(tile for tile in w.view.tiles if tile["title"] == "Illumination I")["scale"]["high"] == "1"
    assert w.relit is not None and np.abs(w.relit - found.seen).mean() < 0.01, "unchanged light gives what was seen"
    before = w.relit.mean()
    w.gamma = 0.4
    assert w.relit.mean() > before
    w.gamma, w.gain = 0.0, 1.0
    assert np.allclose(w.relit, np.clip(found.reflectance, 0, 1), atol=1e-6)
    assert {name for name in w.models.labels} >= {"lime", "ssr", "msrcr"}
    assert "clahe" not in w.models.labels


def test_features_shows_channels_and_switches_them_off(dark: np.ndarray) -> None:
    w = widgets.features(dark, tiny("zero_dce", width=8), 2, layer="convs.0", max_side=64)
    assert w.error is None
    assert w.result.maps.shape == (48, 64, 8)
    assert (w.sheet.count, w.sheet.first, w.channel) == (8, 0, 0)
    large = w.view.tiles[0]["png"]
    w.sheet.chosen = 3  # as a click in the page
    assert w.view.tiles[0]["png"] != large
    assert "Channel 3" in w.view.tiles[0]["title"]
    w._silence.value = True
    assert w.off == {3} and w.sheet.off == [3]
    assert float(np.abs(w.result.maps[..., 3]).max()) == 0
    assert w.picture.before != w.picture.after
    w._restore_all.click()
    assert w.off == set() and w.picture.before == w.picture.after
    w.layer = "convs.6"
    assert w.result.maps.shape[2] == 24
    w.channel = 20
    assert w.channel == 20
    with pytest.raises(ModelNotFoundError):
        w.layer = "nothing"
    with pytest.raises(ModelNotFoundError):
        w.channel = 99
    with pytest.raises(ModelNotFoundError):
        w.off = {99}
    w.off = {0, 1}
    assert w.error is None and w.off == {0, 1}


def test_imported_checkpoints_are_told_apart_in_the_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    own = next(info for info in explorer.list_models() if info.name == "retinexnet.joint")
    imported = [dataclasses.replace(own, name=name) for name in ("retinexnet_port", "retinexnet_joint")]
    monkeypatch.setattr(explorer, "list_models", lambda: [own, *imported], raising=False)
    labels = {name: label for label, name in Models().options}
    assert len(set(labels.values())) == 3
    assert labels["retinexnet.joint"].endswith("· joint")
    assert labels["retinexnet_port"].endswith("· port (published)")


def test_a_network_of_a_cell_goes_everywhere(dark: np.ndarray) -> None:
    mine = tiny("zero_dce", width=4)
    assert widgets.restore(dark, mine).result.model == "zero_dce.tiny"
    assert [each.model for each in widgets.compare(dark, [mine, "identity"]).result] == ["identity", "zero_dce.tiny"]
    curves = widgets.retinex(dark, mine)
    assert curves.error is None and curves.relit is None
    assert "lx-gone" in curves._edit._dom_classes, "without a light there is none to edit"
    with pytest.raises(ModelNotFoundError):
        widgets.as_model(mine.net, "no_such_architecture")


def test_a_brought_network_does_not_change_with_further_training(dark: np.ndarray) -> None:
    net = create_model("zero_dce", width=4)
    mine = widgets.as_model(net, "zero_dce")
    before = explorer.restore(explorer.widgets.restore(dark, "identity").photo, mine).image.copy()
    for parameter in net.parameters():
        parameter.data.add_(0.5)
    after = explorer.restore(explorer.widgets.restore(dark, "identity").photo, mine).image
    assert np.array_equal(before, after)


def test_names_of_examples_and_paths(tmp_path: Path) -> None:
    assert widgets.restore("cat", "identity", max_side=64).photo.name == "cat.png"
    Image.new("RGB", (40, 40), (5, 5, 5)).save(tmp_path / "cat.png")
    photo = widgets.restore(tmp_path / "cat.png", "identity").photo
    assert photo.size == (40, 40), "a path is the file that it names, whatever an example is called"
    assert widgets.restore((tmp_path / "cat.png").read_bytes(), "identity").photo.size == (40, 40)
    assert widgets.restore(np.full((9, 9), 300, np.uint16), "identity").photo.bits == 16


def test_pictures_only_looks(dark: np.ndarray) -> None:
    shown = widgets.pictures({"one | a note": dark, "two": dark[..., 0]})
    tiles = shown.children[1].tiles
    assert [(t["title"], t["note"]) for t in tiles] == [("one", "a note"), ("two", "")]
    with pytest.raises(PhotoError):
        widgets.pictures({"bad": np.zeros(4)})


def test_play_draws_anew_and_says_errors() -> None:
    seen = []

    def draw(strength: float, kind: str) -> Any:
        seen.append((strength, kind))
        if strength > 8:
            raise ValueError("too strong")
        return [{"picture": np.full((4, 4, 3), strength / 10)}, f"<b>{kind}</b>"]

    w = widgets.play(draw, "A title", strength=(0.0, 9.0, 2.0), kind=["soft", "hard"])
    assert seen == [(2, "soft")]
    assert len(w.view.tiles) == 1
    w.set(strength=5, kind="hard")
    assert seen[1:] == [(5, "hard")]
    with pytest.raises(ValueError):
        w._controls["strength"].value = 9
    assert isinstance(w.error, ValueError) and "too strong" in w._problem.value
    with pytest.raises(ExplorerError, match="colour"):
        w.set(colour=3)
    w.set(strength=1)
    assert w.error is None and w._problem.value == ""
