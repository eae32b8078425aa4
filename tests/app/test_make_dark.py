"""Making the open photo dark, without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from driving import german_of
from PIL import Image

import explorer
import explorer.examples
from explorer.app import darken, model_picker, opening, workspace
from explorer.app.darken import Wish, back_to_light, make_dark
from explorer.app.open_photo import open_photo
from explorer.app.sessions import Session
from explorer.errors import DataError, ExplorerError, OutputError, PhotoError, RatioError
from explorer.photo.types import RawPhoto, RgbPhoto

GREY = 118
LIGHT = ((GREY / 255 + 0.055) / 1.055) ** 2.4
"""A surface that reflects about 18 %, as 8-bit sRGB and as linear light."""
A7S2_GAIN = 0.0956 * (6.12 / 0.0956) ** (np.log(1600 / 100) / np.log(6400 / 100))
"""Counts per electron at ISO 1600: on the line through the two that were published (docs/darkroom.md)."""


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    """Middle grey, and white in the upper left corner, of an odd size."""
    picture = np.full((241, 323, 3), GREY, np.uint8)
    picture[:60, :60] = 255
    Image.fromarray(picture).save(tmp_path / "grey.png")
    return tmp_path / "grey.png"


def test_grey_collects_as_many_electrons_as_the_page_says(session: Session, grey: Path) -> None:
    opening.open_file(session, grey)
    light = make_dark(session, Wish("sony_a7s2", 1600.0, 30.0))
    expected = 0.18 * (16383 - 512) / A7S2_GAIN / 30
    assert light.grey_electrons == pytest.approx(expected, rel=0.01)
    opened = session.require_open()
    photo = opened.whole
    assert isinstance(photo, RawPhoto) and photo.name == "grey-dark.dng" and opened.source and opened.source.is_file()
    rows, columns = np.mgrid[: photo.mosaic.shape[0], : photo.mosaic.shape[1]]
    green = photo.mosaic[((rows + columns) % 2 == 1) & (rows > 100)]
    counts = green.mean() * (16383 - 512) - 1.475  # the measured error of the black level
    assert counts / A7S2_GAIN == pytest.approx(expected * LIGHT / 0.18, rel=0.01)


@pytest.mark.parametrize("kind", ["raw", "jpeg"])
def test_the_photo_itself_is_the_reference(session: Session, grey: Path, kind: str) -> None:
    opening.open_file(session, grey)
    taken = np.asarray(Image.open(grey)) / 255
    make_dark(session, Wish("nikon_d850", 100.0, 4.0, kind))
    opened = session.require_open()
    assert isinstance(opened.small, RawPhoto if kind == "raw" else RgbPhoto)
    if kind == "jpeg":
        assert opened.small.bits == 8
    assert opened.reference is not None and opened.size == (323, 241)
    assert np.abs(opened.reference.like(opened.as_taken) - taken).max() < 2 / 255
    found = workspace.scores(session, workspace.preview(session, "identity", 4.0).restoration.image)
    assert found is not None and found.psnr > 25, "the light that was taken brings the photo back"


def test_dark_again_begins_with_the_photo_and_back_shows_it(session: Session, grey: Path) -> None:
    opening.open_file(session, grey)
    first = make_dark(session, Wish("sony_a7s2", 1600.0, 10.0))
    again = make_dark(session, Wish("sony_a7s2", 1600.0, 100.0))
    assert again.grey_electrons == pytest.approx(first.grey_electrons / 10)
    mean = float(session.require_open().as_taken.mean())
    assert mean < 0.1, "a tenth of what was dark already would be darker, but not by so little light lost twice"
    assert back_to_light(session)
    opened = session.require_open()
    assert opened.upload == str(grey) and opened.well_lit is None and opened.reference is None
    assert abs(float(opened.as_taken[100:].mean()) - GREY / 255) < 0.01
    assert not back_to_light(session)


def test_it_can_be_read_again_after_it_was_let_go(session: Session, grey: Path, tmp_path: Path) -> None:
    opening.open_file(session, grey)
    make_dark(session, Wish("canon_5d4", 800.0, 20.0))
    before = session.require_open()
    mosaic, reference = before.whole.mosaic.copy(), before.reference
    assert reference is not None
    light = reference.kept().image.copy()
    # Another file of the visitor's comes, for which older ones are removed.
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((241, 323, 3), np.uint8)).save(other)
    opening.open_reference(session, other)
    session.let_photos_go()
    assert np.array_equal(session.require_open().whole.mosaic, mosaic)
    assert np.array_equal(reference.kept().image, light)
    assert make_dark(session, Wish("canon_5d4", 800.0, 20.0)).grey_electrons > 0
    assert {path.name for path in session.folder.glob("source-*")} >= {path.name for path in session.sources()}


def test_what_it_holds_is_counted(session: Session, grey: Path) -> None:
    opening.open_file(session, grey)
    make_dark(session, Wish("sony_a7s2", 1600.0, 10.0))
    well_lit = session.require_open().well_lit
    assert well_lit is not None
    assert session.held()[3] > well_lit.small.image.nbytes + well_lit.as_taken.nbytes / 2


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Wish("no_camera", 100.0, 10.0), DataError),
        (Wish("sony_a7s2", 1e9, 10.0), DataError),
        (Wish("sony_a7s2", -5.0, 10.0), DataError),
        (Wish("sony_a7s2", None, 10.0), DataError),
        (Wish("imx686", float("nan"), 10.0), DataError),
        (Wish("sony_a7s2", 1600.0, 0.0), RatioError),
        (Wish("sony_a7s2", 1600.0, 10.0, "exe"), OutputError),
    ],
)
def test_a_wish_that_cannot_be_met(session: Session, grey: Path, wish: Wish, error: type[ExplorerError]) -> None:
    opening.open_file(session, grey)
    shown = session.open
    with pytest.raises(error) as caught:
        make_dark(session, wish)
    assert session.open is shown
    if error is not DataError or wish.camera in darken.CAMERAS:  # the page offers only the cameras that there are
        assert german_of(str(caught.value)), caught.value


def test_the_light_that_was_taken_is_suggested(session: Session, grey: Path) -> None:
    opening.open_file(session, grey)
    make_dark(session, Wish("sony_a7s2", 6400.0, 100.0))
    for model in ("identity", "zero_dce" if "zero_dce" in model_picker.models() else "identity"):
        own = model_picker.load(model).config.input.ratio_rule == "none"
        shown = workspace.preview(session, model, "auto")
        assert (shown.suggested, shown.restoration.ratio) == ((1, 1) if own else (100, 100)), model
    assert shown.suggested_source == "the factor by which the darkroom reduced the light"
    whole = workspace.full(session, "identity", "auto")
    assert (whole.ratio, whole.ratio_source) == (100, shown.suggested_source), "the whole photo agrees"
    assert back_to_light(session)
    assert workspace.preview(session, "identity", "auto").suggested < 10, "the original is not darkened"


def test_only_a_dark_photo_is_a_poor_reference(shared: Path, tmp_path: Path) -> None:
    """24 well-lit photos, 17 of the dark ones that more than half consist of darkness, and the bundled examples."""

    def dim(path: Path) -> bool:
        return darken.is_dim(open_photo(explorer.open_photo(path)))

    day = sorted((shared / "data" / "kodak24").iterdir())
    assert len(day) == 24
    small = tmp_path / "small.png"
    for path in day:
        Image.open(path).resize((320, 240)).save(small)
        assert not dim(path) and not dim(small), path
    night = [path for path in (shared / "data" / "dark").iterdir() if path.name.startswith("lime")]
    night += [shared / "data" / "dark" / f"dicm_{number}.jpg" for number in ("01", "13", "19", "27", "33", "65")]
    for path in [*night, *(example.path for example in explorer.examples.examples())]:
        assert dim(path), path


def test_without_a_photo(session: Session) -> None:
    with pytest.raises(PhotoError, match="No photo is open"):
        make_dark(session, Wish("sony_a7s2", 1600.0, 10.0))


def test_every_camera_is_made_dark_with_what_the_page_begins_with(session: Session, grey: Path) -> None:
    opening.open_file(session, grey)
    for camera in darken.CAMERAS:
        light = make_dark(session, Wish(camera, darken.ISO if darken.has_iso(camera) else darken.GAIN, 100.0))
        assert 0 < light.grey_electrons < 100 and 0 <= light.below_one_count <= 1
