"""The app without a browser: its structure, and the effect of its functions on a session."""

from __future__ import annotations

import asyncio
import math
import sys
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from explorer.app import (
    build_app,
    compare,
    components,
    model_picker,
    open_photo,
    opening,
    photo_bar,
    sessions,
    text,
    workspace,
)
from explorer.app.feedback import reported, told
from explorer.app.holding import Again
from explorer.app.page import TABS
from explorer.app.sessions import Session
from explorer.errors import PhotoError, RatioError
from explorer.formats import FORMATS
from explorer.photo.types import RawPhoto, RgbPhoto
from explorer.server import ServerOptions
from explorer.views.pictures import png


@pytest.fixture(scope="module")
def demo() -> gr.Blocks:
    return build_app()


@pytest.fixture
def dark_photo(tmp_path: Path) -> Path:
    ramp = np.linspace(2, 40, 900 * 600).reshape(600, 900)
    Image.fromarray(np.stack([ramp, ramp * 0.7, ramp * 0.4], axis=2).astype(np.uint8)).save(tmp_path / "night.png")
    return tmp_path / "night.png"


def test_every_picture_component_is_lossless(demo: gr.Blocks) -> None:
    pictures = [block for block in demo.blocks.values() if hasattr(block, "format") and block.format is not None]
    assert pictures, "the walk found no component with a format; has the histogram gone?"
    assert {block.format for block in pictures} == {"png"}
    lossy = (gr.Image, gr.Gallery, gr.ImageSlider)
    assert not [block for block in demo.blocks.values() if isinstance(block, lossy) and block.format != "png"]


def test_every_event_is_a_named_endpoint_or_private(demo: gr.Blocks) -> None:
    public = {fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public"}
    assert public == {
        "models", "suggest_ratio", "restore", "compare", "layers", "feature_maps", "decompose",
    }  # fmt: skip


def test_jobs_and_events_outside_the_queue_leave_threads_to_other_requests(demo: gr.Blocks) -> None:
    """As docs/security.md says. An event without a limit would take as many as a visitor asks for."""
    demo.queue(default_concurrency_limit=2)
    queued = [fn for fn in demo.fns.values() if fn.fn and fn.queue]
    limits = {str(fn.concurrency_id): 2 if fn.concurrency_limit == "default" else fn.concurrency_limit for fn in queued}
    jobs = sum(math.inf if limit is None else int(limit) for limit in limits.values())
    frame, threads = 1, 40
    assert jobs == 24 and jobs + frame + ServerOptions().direct < threads


def test_no_telemetry(demo: gr.Blocks) -> None:
    assert demo.analytics_enabled is False


def test_every_tab_is_there_and_has_its_own_address(demo: gr.Blocks) -> None:
    found = [block.id for block in demo.blocks.values() if isinstance(block, gr.Tab)]
    assert found == [module.NAME for module in TABS]
    assert len(set(found)) == len(TABS)


def test_a_new_tab_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer import app
    from explorer.app import page

    (tmp_path / "notes_tab.py").write_text(
        "import gradio as gr\n"
        "NAME, TITLE, PLACE = 'notes', 'Notes', 15\n"
        "def build(shared):\n    gr.Textbox(label='Note')\n    return {}\n"
    )
    monkeypatch.setattr(app, "__path__", [*app.__path__, str(tmp_path)])
    monkeypatch.setattr(page, "TABS", page._tabs())
    monkeypatch.delitem(sys.modules, "explorer.app.notes_tab")
    made = build_app()
    assert [block.id for block in made.blocks.values() if isinstance(block, gr.Tab)][:3] == [
        "restore",
        "notes",
        "queue",
    ]
    assert any(isinstance(block, gr.Textbox) and block.label == "Note" for block in made.blocks.values())


def test_networks_come_first_and_labels_are_unique() -> None:
    listed = list(model_picker.models().values())
    with_weights = [info.weights is not None for info in listed]
    assert with_weights == sorted(with_weights, reverse=True)
    labels = [label for label, _ in model_picker.choices()]
    assert len(set(labels)) == len(labels) == len(listed)


def test_as_shot_brings_back_what_the_photo_was_opened_with(session: Session, tmp_path: Path) -> None:
    """Also where the file has no as-shot gains and was opened with a stated fallback."""
    samples = np.random.default_rng(3).integers(600, 2000, (64, 96)).astype("<u2")
    path = tmp_path / "night_96x64_rggb_b512_w16383.raw"
    path.write_bytes(samples.tobytes())
    opening.open_file(session, path)
    opened = session.require_open().whole
    before = workspace.photo_facts(session)
    opening.set_white_balance(session, "grey_world")
    assert session.require_open().whole is not opened
    assert workspace.photo_facts(session)["White balance"] != before["White balance"]
    opening.set_white_balance(session, "as_shot")
    assert session.require_open().whole is opened
    assert "Suggested ratio" not in before


def test_imported_checkpoints_are_told_apart_and_come_after_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    import explorer

    own = next(info for info in explorer.list_models() if info.name == "lamba_m0.raw_synthetic")
    names = [("lamba_m0", "lamba_m0"), ("retinexnet_port", "retinexnet"), ("retinexnet_joint", "retinexnet")]
    imported = [dataclasses.replace(own, name=name, architecture=architecture) for name, architecture in names]
    monkeypatch.setattr(explorer, "list_models", lambda: [*imported, own], raising=False)
    model_picker.refresh()
    try:
        assert model_picker.default_model() == own.name
        labels = [label for label, _ in model_picker.choices()]
        assert len(set(labels)) == 4
        assert model_picker.label("retinexnet_port").endswith("port (published)")
        assert model_picker.label("lamba_m0").endswith("· (published)")
    finally:
        monkeypatch.undo()
        model_picker.refresh()
    for name in model_picker.models():
        assert "<li" in model_picker.card(name)
    assert model_picker.card("no such model") == ""


def test_a_photo_is_decoded_once_and_restored_at_preview_size(session: Session, dark_photo: Path) -> None:
    opening.open_file(session, dark_photo)
    decoded = session.require_open().kept()
    first = workspace.preview(session, "identity", 1.0)
    assert max(first.restoration.image.shape) <= open_photo.PREVIEW_SIDE
    assert np.abs(first.restoration.image - first.as_taken).max() < 2e-3
    brighter = workspace.preview(session, "identity", 8.0)
    assert brighter.restoration.image.mean() > first.restoration.image.mean() * 1.5
    assert brighter.restoration.ratio == 8.0
    assert session.require_open().kept() is decoded


def test_auto_follows_the_suggestion_and_says_so(session: Session, dark_photo: Path) -> None:
    opening.open_file(session, dark_photo)
    shown = workspace.preview(session, "clahe", "auto")
    assert shown.automatic
    assert shown.restoration.ratio == shown.suggested
    assert shown.restoration.ratio_source == shown.suggested_source
    by_hand = workspace.preview(session, "clahe", 5.0)
    assert not by_hand.automatic
    assert (by_hand.suggested, by_hand.restoration.ratio) == (shown.suggested, 5.0)


@pytest.mark.parametrize("ratio", [0.0, -1.0, 1e9, float("nan")])
def test_a_bad_ratio_is_a_clear_error(session: Session, dark_photo: Path, ratio: float) -> None:
    opening.open_file(session, dark_photo)
    with pytest.raises(RatioError, match="1 to 300"):
        workspace.preview(session, "identity", ratio)


def test_a_broken_file_leaves_the_open_photo_alone(session: Session, dark_photo: Path, tmp_path: Path) -> None:
    opening.open_file(session, dark_photo)
    before = session.open
    broken = tmp_path / "broken.dng"
    broken.write_text("not a photograph")
    with pytest.raises(PhotoError):
        opening.open_file(session, broken)
    assert session.open is before
    assert workspace.preview(session, "identity", 2.0).restoration.ratio == 2.0


def test_without_a_photo_every_action_says_what_to_do(session: Session) -> None:
    for action in (
        lambda: workspace.preview(session, "identity", "auto"),
        lambda: workspace.full(session, "identity", "auto"),
        lambda: opening.set_white_balance(session, "daylight"),
        lambda: workspace.photo_facts(session),
    ):
        with pytest.raises(PhotoError, match="open one above"):
            action()


def test_a_session_that_was_let_go_says_so() -> None:
    stand_in = sessions.open_session("a token of yesterday")
    with pytest.raises(PhotoError, match="idle for too long"):
        stand_in.require_open()
    sessions.close_session(stand_in.token)


@pytest.mark.parametrize(("kind", "depth"), [("png8", np.uint8), ("png16", np.uint16), ("tiff16", np.uint16)])
def test_a_download_has_the_photos_size_and_full_depth(
    session: Session, dark_photo: Path, kind: str, depth: type
) -> None:
    import tifffile

    opening.open_file(session, dark_photo)
    path = workspace.save(session, "identity", 2.0, kind)
    assert path.name.startswith("night-identity")
    if path.suffix == ".tif":
        picture = tifffile.imread(path)
        assert picture.dtype == depth
    else:
        picture = np.asarray(Image.open(path))
        assert path.read_bytes()[24] == np.dtype(depth).itemsize * 8  # bit depth in the header
    assert picture.shape == (600, 900, 3)
    again = workspace.save(session, "identity", 2.0, kind)
    assert again.is_file()
    assert not path.exists(), "an older download is removed when a newer one is made"


def test_an_example_opens_with_facts_and_white_balances(session: Session) -> None:
    name = photo_bar.default_example()
    assert name
    opening.open_example(session, name)
    facts = workspace.photo_facts(session)
    assert facts["Size"]
    assert None not in facts.values()
    assert isinstance(session.require_open().whole, RawPhoto), "the example that greets a visitor is a RAW photo"
    taken = workspace.preview(session, "identity", 4.0).restoration.image
    opening.set_white_balance(session, "daylight")
    assert np.abs(workspace.preview(session, "identity", 4.0).restoration.image - taken).max() > 0.01
    with pytest.raises(PhotoError, match="known ones are"):
        opening.open_example(session, "nowhere")


def test_sessions_keep_their_files_apart_and_remove_them(dark_photo: Path) -> None:
    first, second = sessions.open_session(None), sessions.open_session(None)
    assert first.folder != second.folder
    assert len(first.token) >= 32
    opening.open_file(first, dark_photo)
    assert second.open is None
    picture = np.zeros((4, 4, 3), np.float32)
    for _ in range(sessions.PICTURES_KEPT + 5):
        address = first.serve(png(picture))
    assert first.token in address
    assert len(list(first.folder.glob("*.png"))) == sessions.PICTURES_KEPT
    sessions.close_session(first.token)
    assert not first.folder.exists()
    assert second.folder.exists()
    sessions.close_session(second.token)


def test_the_idlest_session_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_SESSIONS", type(sessions._SESSIONS)())
    monkeypatch.setattr(sessions, "SESSIONS", 2)
    first, second = sessions.open_session(None), sessions.open_session(None)
    assert sessions.open_session(first.token) is first
    third = sessions.open_session(None)
    assert sessions.count() == 2
    assert not second.folder.exists()
    assert first.folder.exists()
    assert third.folder.exists()
    for left in (first, third):
        sessions.close_session(left.token)


def test_errors_become_sentences_in_the_page() -> None:
    with gr.Blocks():
        area = components.message_area()

    def refused() -> dict:
        raise PhotoError("<b>is not a photo</b>.")

    def broken() -> dict:
        raise ZeroDivisionError("a secret of the server")

    shown = reported(area)(refused)()[area]
    assert "&lt;b&gt;is not a photo" in shown
    assert 'role="alert"' in shown
    assert "secret" not in reported(area)(broken)()[area]
    assert told(ValueError("x")) == text.UNEXPECTED


def test_the_ratio_slider_speaks_auto_or_a_number() -> None:
    assert components.chosen_ratio(None) == "auto"
    assert components.chosen_ratio({"ratio": 7, "auto": True}) == "auto"
    assert components.chosen_ratio({"ratio": 7, "auto": False}) == 7.0
    assert np.isnan(components.chosen_ratio({"ratio": "abc", "auto": False}))


def test_example_titles_cannot_break_the_page() -> None:
    with gr.Blocks():
        picker = components.example_picker(
            [components.ExampleCard("a", "${alert(1)} `x` {{y}} <b>", "", "", png(np.zeros((2, 2), np.float32)))]
        )
    for dangerous in ("${", "`", "{{", "<b>"):
        assert dangerous not in picker.html_template


def test_the_upload_names_every_format_of_the_table() -> None:
    from explorer.app.theme import catalogues

    with gr.Blocks():
        upload, _ = photo_bar.build()
    titles = [each.title.split(" and ")[0] for each in FORMATS if each.group == "picture"]
    assert upload.label == f"Your photo: RAW, {', '.join(titles[:-1])} or {titles[-1]}"
    german = catalogues()["de"][text.UPLOAD].format(formats=", ".join(["RAW", *titles[:-1]]), last=titles[-1])
    assert german == f"Ihr Foto: RAW, {', '.join(titles[:-1])} oder {titles[-1]}"


def test_lessons_point_at_what_there_is() -> None:
    from explorer.app.learn_tab import page, stand_in
    from explorer.app.lessons import LESSONS
    from explorer.examples import examples
    from explorer.models import architectures

    names = {example.name for example in examples()}
    for lesson in LESSONS:
        assert lesson.example in names
        assert lesson.model in architectures()
        assert lesson.tab in {module.NAME for module in TABS}
        assert stand_in(lesson)[0] in model_picker.models()
        shown = page(lesson.name)
        assert "<img" in shown or "<svg" in shown or "<table" in shown


def test_a_reference_that_was_replaced_is_not_shown_again(session: Session, dark_photo: Path) -> None:
    """Python gives the next object the address of the one before it, so an address is no name."""
    from explorer.app.retinex import decomposed

    opening.open_file(session, dark_photo)
    for level in (0.25, 0.75, 0.5, 0.25):
        opening.set_reference(session, None)
        picture = RgbPhoto(np.full((60, 90, 3), level, np.float32), 8)
        opening.set_reference(session, open_photo.Reference(Again(picture)))
        assert np.allclose(decomposed(session, "lime", "reference").seen, level, atol=0.01)


def test_texts_that_are_no_unicode_break_no_stream() -> None:
    """A folder of runs whose name is no UTF-8 comes to the page among the choices of a list."""
    from gradio import routes

    from explorer.gradio_internals import write_valid_texts

    write_valid_texts()
    value = {"choices": [("r\udcffn", "run")], "\ud800": 1, "number": 2.5, "ordinary": "ä"}
    assert routes.orjson.loads(routes.orjson.dumps(value)) == {
        "choices": [["r?n", "run"]], "?": 1, "number": 2.5, "ordinary": "ä",
    }  # fmt: skip
    with pytest.raises(TypeError):
        routes.orjson.dumps({"what": object()})


def test_a_handler_may_leave_everything_as_it_is() -> None:
    """Gradio itself takes an empty dict for a value that it has no place for, and fails."""
    with gr.Blocks() as demo:
        area, other = gr.HTML(), gr.HTML()
        gr.Button().click(reported(area)(lambda: {}), None, [area, other])
    answer = asyncio.run(demo.process_api(0, []))
    assert [each["__type__"] for each in answer["data"]] == ["update", "update"]


def test_a_board_that_began_anew_is_not_emptied(session: Session) -> None:
    """The page empties the boards once another photo is open, which may come late."""
    opening.open_example(session, "cat")
    assert session.is_stale("compare")
    boards = compare.compared(session, [("gamma", 2.0)], session.begins("compare"))
    next(boards)
    assert not session.is_stale("compare") and session.is_stale("sweep")
    opening.open_example(session, "still_life")
    assert session.is_stale("compare")
