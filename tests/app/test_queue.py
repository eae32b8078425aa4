"""The queue without a page: the contents of the ZIP, failures, counts, cancelling."""

from __future__ import annotations

import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import restorer
from explorer.app import queue_work, sessions
from explorer.app.queue_tab import strip_of, wished
from explorer.app.queued import Wish
from explorer.app.session import Session
from explorer.encode import quantise
from explorer.errors import ExplorerError, ModelNotFoundError, SettingsError
from explorer.examples import examples


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A picture, another one of the same name but for case, a RAW file and a text that is called a photo."""
    folder, other = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("others")
    ramp = np.linspace(2, 40, 120 * 80).reshape(80, 120)
    for path, scale in ((folder / "a.png", 1.0), (other / "A.png", 0.5)):
        Image.fromarray(np.stack([ramp, ramp * 0.7, ramp * 0.4], axis=2).astype(np.uint8)).save(path)
        ramp = ramp * scale
    (folder / "broken.dng").write_text("a text, not a photograph")
    raw = next(each.path for each in examples() if each.kind == "raw")
    return {"a": folder / "a.png", "same": other / "A.png", "broken": folder / "broken.dng", "raw": Path(raw)}


def added(session: Session, *paths: Path) -> None:
    assert list(queue_work.add(session, [str(path) for path in paths])) == [path.name for path in paths]


def finished(session: Session) -> queue_work.Progress:
    return list(queue_work.run(session, session.begins(queue_work.GROUP)))[-1]


def test_one_broken_file_leaves_the_others(session: Session, photos: dict[str, Path]) -> None:
    added(session, photos["a"], photos["broken"], photos["same"])
    assert [each.state for each in session.queue.photos] == ["waiting", "failed", "waiting"]
    assert "broken.dng" in session.queue.photos[1].said
    session.queue.wish = Wish("gamma", 4.0, 50)
    now = finished(session)
    assert (now.done, now.total, now.name) == (2, 2, "") and now.output is not None
    with zipfile.ZipFile(now.output) as archive:
        assert archive.namelist() == ["a-gamma-x4-s50-8bit.png", "A-gamma-x4-s50-8bit-2.png"]
        for name, path in zip(archive.namelist(), (photos["a"], photos["same"]), strict=True):
            expected = explorer.restore(explorer.open_photo(path), "gamma", 4, strength=50).image
            with archive.open(name) as file:
                assert np.array_equal(np.asarray(Image.open(file)), quantise(expected, 8))
    assert [each.state for each in session.queue.photos] == ["done", "failed", "done"]
    shown = strip_of(session.queue.photos)
    assert shown.count("<li") == 3 and shown.count("<img") == 2 and shown.count('role="alert"') == 1


def test_each_photo_as_it_is_wished_for(session: Session, photos: dict[str, Path], tmp_path: Path) -> None:
    added(session, photos["raw"], photos["a"])
    raw, picture = session.queue.photos
    session.queue.wish = Wish("gamma", 2.0, half=True)
    session.queue.change(raw.key, own=Wish(None, 8.0, 0, "dng", half=True))
    now = finished(session)
    assert now.output is not None
    with zipfile.ZipFile(now.output) as archive:
        archive.extractall(tmp_path)
        dng, png = archive.namelist()
    assert dng.endswith("-x8-s0-16bit.dng") and png == "a-gamma-x2-8bit.png"
    whole, half = (explorer.open_photo(path).size for path in (photos["raw"], tmp_path / dng))
    assert all(abs(2 * small - large) <= 2 for small, large in zip(half, whole, strict=True))
    assert Image.open(tmp_path / png).size == (60, 40)
    # What a format does not take is said at the photo.
    session.queue.change(picture.key, own=Wish("gamma", 2.0, 100, "dng"))
    now = finished(session)
    assert now.done == 1 and "cannot become a DNG" in session.queue.photos[1].said


def test_cancelled_between_tiles_it_gives_what_is_done(
    session: Session, photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    added(session, photos["a"], photos["same"])
    session.queue.wish = Wish("gamma", 4.0)
    run, calls = restorer.run, []

    def restored(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            session.begins(queue_work.GROUP)  # Cancel is pressed
            named["progress"](0.5)
        return run(*given, **named)

    monkeypatch.setattr(restorer, "run", restored)
    now = finished(session)
    assert now.cancelled and now.done == 1 and now.output is not None
    assert [each.state for each in session.queue.photos] == ["done", "waiting"]
    assert len(zipfile.ZipFile(now.output).namelist()) == 1
    assert session.queue.at_work is None and not list(session.folder.glob("queue-*"))


def test_a_page_that_goes_ends_the_work(
    session: Session, photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    added(session, photos["a"], photos["same"])
    session.queue.wish = Wish("gamma", 4.0)
    begun, run = threading.Event(), restorer.run

    def restored(*given: Any, **named: Any) -> Any:
        begun.set()
        for _ in range(600):  # a network that takes a minute, tile by tile
            time.sleep(0.1)
            named["progress"](0.5)
        return run(*given, **named)

    monkeypatch.setattr(restorer, "run", restored)
    steps = queue_work.run(session, session.begins(queue_work.GROUP))
    next(steps)
    next(steps)
    assert begun.wait(60)
    assert session.queue.photos[0].state == "working" and sum(session.held()) > 0, "it counts for the visitor"
    start = time.monotonic()
    steps.close()
    assert time.monotonic() - start < 20
    assert [each.state for each in session.queue.photos] == ["waiting", "waiting"]
    assert session.on_disk()[0] == 0 and session.queue.at_work is None


def test_what_it_holds_counts_for_the_visitor(session: Session, photos: dict[str, Path]) -> None:
    added(session, photos["a"], photos["broken"])
    full = session.on_disk()[1]
    assert full > photos["a"].stat().st_size, "its file and its thumbnail"
    finished(session)
    assert not any(session.held()), "what was decoded is gone"
    sessions.settle()
    assert session.folder.exists()
    assert session.on_disk()[0] > 0, "the ZIP"
    queue_work.remove(session, "")
    assert session.queue.photos == [] and not list(session.folder.glob("queued-*"))
    assert session.on_disk()[1] == full - photos["a"].stat().st_size


def test_the_photo_at_work_is_a_result_that_is_counted(session: Session, photos: dict[str, Path]) -> None:
    from explorer.app.open_photo import open_photo

    opened = session.queue.at_work = open_photo(explorer.open_photo(photos["a"]))
    assert session.held() == (0, 0, sum({id(each): each.nbytes for each in _arrays(opened)}.values()), 0)


def _arrays(opened: Any) -> list[np.ndarray]:
    return [opened.kept.held.image, opened.small.image, opened.as_taken]


def test_no_more_than_it_takes(session: Session, photos: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_work, "MOST", 1)
    with pytest.raises(ExplorerError, match=r"1 photos.*a\.png"):
        list(queue_work.add(session, [str(photos["broken"]), str(photos["a"])]))
    monkeypatch.undo()
    added(session, photos["a"], photos["same"])
    monkeypatch.setattr(queue_work, "LARGEST_ZIP", 10)
    now = finished(session)
    assert now.full and now.done == 1 and now.output is not None
    assert [each.state for each in session.queue.photos] == ["failed", "done", "waiting"]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((False, "nothing", True, 1, 100, "png8", False), ModelNotFoundError),
        ((True, None, False, 999, 100, "png8", False), ExplorerError),
        ((True, None, True, 1, 101, "png8", False), SettingsError),
    ],
)
def test_nonsense_is_refused(values: tuple[Any, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        wished(*values)
