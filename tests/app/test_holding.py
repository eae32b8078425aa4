"""Memory limits, and what is discarded first: photos by bytes, sessions and results by number."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.app import endpoints, holding, opening, photo_bar, sessions, workspace
from explorer.app.feedback import reported
from explorer.app.holding import Again, Holding, buffers, surplus
from explorer.app.sessions import Session
from explorer.errors import PhotoError
from explorer.sidecar import Finish

PLAIN = Finish()


@dataclass
class World:
    """Visitors, their addresses, and the time."""

    who: str = "192.0.2.1"
    page: str = ""
    now: float = 1000.0

    def loads(self, who: str, page: str) -> Session:
        self.who, self.page, self.now = who, page, self.now + 1
        return sessions.enter_session(None)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    there = World()
    monkeypatch.setattr(sessions, "visitor", lambda: (there.who, there.page))
    monkeypatch.setattr(sessions, "_now", lambda: there.now)
    monkeypatch.setattr(sessions, "_SESSIONS", type(sessions._SESSIONS)())
    monkeypatch.setattr(sessions, "_PAGES", {})
    monkeypatch.setattr(sessions, "_RESULTS", [])
    yield there
    for token in list(sessions._SESSIONS):
        sessions.close_session(token)


@pytest.fixture
def photograph(tmp_path: Path) -> Callable[..., Path]:
    """Writes a picture of 600 x 900 pixels, which takes 6,480,000 bytes when it is open."""

    def write(name: str, height: int = 600) -> Path:
        ramp = np.linspace(2, 40, height * height * 3 // 2).reshape(height, -1)
        Image.fromarray(np.stack([ramp, ramp * 0.7, ramp * 0.4], axis=2).astype(np.uint8)).save(tmp_path / name)
        return tmp_path / name

    return write


def megabytes(monkeypatch: pytest.MonkeyPatch, number: float) -> None:
    monkeypatch.setenv(holding.SETTING, str(number))


def test_a_shared_buffer_never_hides_another_one() -> None:
    for _ in range(50):  # a freed array's address goes to the next one
        holding.share(np.zeros(10, np.uint8))
        assert sum(buffers(np.zeros(10, np.uint8)).values()) == 10


def test_whoever_has_most_gives_first() -> None:
    def held(*each: tuple[str, float, float]) -> list[Holding[str]]:
        return [Holding(f"{owner}{used}", owner, amount, used) for owner, amount, used in each]

    assert surplus(held(("a", 5, 1), ("b", 5, 2)), 6, 10) == []
    # b used everything later than a, and yet a keeps what it has.
    assert surplus(held(("a", 5, 1), ("b", 3, 2), ("b", 3, 3), ("b", 3, 4)), 100, 12) == ["b2"]
    assert surplus(held(("a", 5, 1), ("b", 3, 2), ("b", 3, 3), ("b", 3, 4)), 6, 100) == ["b2"]
    assert surplus(held(("a", 5, 1), *[("b", 1, used) for used in range(2, 200)]), 1000, 10) == [
        f"b{used}" for used in range(2, 195)
    ]


def test_memory_is_counted_by_buffer() -> None:
    array = np.zeros((100, 50), np.float32)
    assert sum(buffers(array, array[10:20], {"a": [array.T]}, (array,)).values()) == 20_000
    assert sum(buffers(array[:1]).values()) == 20_000, "a view holds all of it"
    equal = bytes(bytearray(30)), bytes(bytearray(30))
    assert sum(buffers(*equal, equal[0]).values()) == 60, "equal bytes in two places are held twice"
    kept = Again(np.zeros(10, np.uint8), lambda: np.ones(10, np.uint8))
    assert sum(buffers(kept).values()) == 10
    kept.let_go()
    assert sum(buffers(kept).values()) == 0
    assert kept()[0] == 1
    forever = Again("x")
    forever.let_go()
    assert forever() == "x", "what cannot be made again stays"


def test_loading_pages_costs_nobody_else_a_session(world: World) -> None:
    others = [world.loads(f"192.0.2.{number}", f"page {number}") for number in range(1, 9)]
    for number in range(300):
        world.loads("198.51.100.1", f"again {number}")
    assert all(other.folder.exists() for other in others)
    assert sessions.count() == len(others) + sessions.SESSIONS_EACH
    for number, other in enumerate(others, 1):
        world.who, world.page = f"192.0.2.{number}", f"reloaded {number}"
        assert sessions.enter_session(other.token) is other


def test_many_visitors_share_what_there_is(world: World) -> None:
    first = world.loads("192.0.2.1", "a page")
    for number in range(sessions.SESSIONS - 40):
        world.loads(f"198.51.100.{number}", f"page {number}")
    for number in range(60):
        world.loads("203.0.113.1", f"more {number}")
    assert first.folder.exists() and sessions.count() <= sessions.SESSIONS


def test_pages_without_a_photo_of_ones_own_go_before_those_with_one(
    world: World, photograph: Callable[..., Path]
) -> None:
    own = world.loads("192.0.2.1", "own")
    opening.open_file(own, photograph("night.png"))
    pages = [world.loads("192.0.2.1", f"page {number}") for number in range(sessions.SESSIONS_EACH)]
    assert own.folder.exists() and not pages[0].folder.exists() and pages[-1].folder.exists()


def test_examples_are_nobodys_memory(world: World) -> None:
    session = world.loads("192.0.2.1", "a page")
    for name in (card.name for card in photo_bar.example_cards()):
        opening.open_example(session, name)
        assert not any(session.held()), name
        assert workspace.preview(session, "identity", 2.0).restoration.image.any()
    raw = next(card.name for card in photo_bar.example_cards() if card.badge)
    opening.open_example(session, raw)
    other = world.loads("192.0.2.2", "another")
    opening.open_example(other, raw)
    assert other.require_open().whole is session.require_open().whole, "decoded once for all"
    opening.set_white_balance(other, "daylight")
    assert other.require_open().whole is not session.require_open().whole
    assert session.require_open().white_balance == "as_shot"


def test_photos_are_let_go_first_and_read_again(
    world: World, photograph: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    megabytes(monkeypatch, 60)
    session = world.loads("192.0.2.1", "a page")
    path = photograph("night.png")
    opening.open_file(session, path)
    workspace.finished_preview(session, "identity", "auto", PLAIN)
    before = workspace.save(session, "identity", 3.0, "png16").read_bytes()
    shown_photo = session.require_open()
    sessions.settle()
    assert shown_photo.kept.held is not None, "there is room"
    megabytes(monkeypatch, 26)  # 15.6 MiB for one visitor: 12.4 for photo and result, and the previews
    sessions.settle()
    assert shown_photo.kept.held is None
    assert shown_photo.work.full, "the result takes longer to make than the photo to read"
    megabytes(monkeypatch, 15)
    sessions.settle()
    assert not shown_photo.work.full and not shown_photo.work.latest and session.folder.exists()

    opened: list[Any] = []
    read = explorer.open_photo
    counted = lambda *a, **k: opened.append(k["name"]) or read(*a, **k)  # noqa: E731
    monkeypatch.setattr(explorer, "open_photo", counted, raising=False)
    shown = workspace.finished_preview(session, "identity", "auto", Finish(exposure=1.0))
    assert workspace.photo_facts(session)["Name"] == "night.png"
    assert workspace.notes(session, shown.restoration) is not None
    assert session.open is shown_photo and shown_photo.kept.held is None, "what is seen at preview size needs no photo"
    path.unlink()  # the server removes uploads after an hour
    assert workspace.save(session, "identity", 3.0, "png16").read_bytes() == before
    assert set(opened) == {"night.png"}

    session.let_photos_go()
    assert shown_photo.source
    shown_photo.source.unlink()
    with pytest.raises(PhotoError, match="open the photo again"):
        opening.set_white_balance(session, "grey_world")
        workspace.full(session, "identity", 4.0)


def test_one_visitors_photos_cost_the_others_nothing(
    world: World, photograph: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    megabytes(monkeypatch, 100)  # 60 MiB for one visitor
    path = photograph("night.png")

    def opens(who: str, page: str) -> Session:
        session = world.loads(who, page)
        opening.open_file(session, path)
        workspace.full(session, "identity", 2.0)
        sessions.settle()
        return session

    quiet = [opens("192.0.2.1", "quiet"), opens("192.0.2.2", "quiet too")]
    greedy = [opens("198.51.100.1", f"page {number}") for number in range(12)]
    for session in quiet:
        opened = session.require_open()
        assert opened.kept.held is not None and opened.work.full
    held = [sum(session.held()) for session in greedy if session.folder.exists()]
    assert sum(held) <= 60 * 2**20
    assert sum(held) + sum(sum(session.held()) for session in quiet) <= 100 * 2**20
    assert greedy[-1].folder.exists() and greedy[-1].require_open().work.full


def test_every_handler_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.app import feedback

    settled: list[int] = []
    monkeypatch.setattr(feedback, "settle", lambda: settled.append(1))
    with gr.Blocks():
        area = gr.HTML()

    def fails() -> dict[Any, Any]:
        raise PhotoError("No.")

    def streams() -> Iterator[dict[Any, Any]]:
        yield {}

    reported(area)(fails)()
    list(reported(area)(streams)())
    assert len(settled) == 2


def test_downloads_are_counted_on_the_disk(
    world: World, photograph: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photograph("night.png")
    first, second = world.loads("192.0.2.1", "a"), world.loads("198.51.100.1", "b")
    opening.open_file(first, path)
    kept = workspace.save(first, "identity", 2.0, "png16")
    opening.open_file(second, path)
    other = workspace.save(second, "identity", 2.0, "png16")
    assert first.on_disk()[0] == kept.stat().st_size
    assert first.on_disk()[1] >= path.stat().st_size
    monkeypatch.setattr(sessions, "FILES", sum(first.on_disk()) * 3)
    third = world.loads("198.51.100.1", "c")
    opening.open_file(third, path)
    newest = workspace.save(third, "identity", 2.0, "png16")
    monkeypatch.setattr(sessions, "FILES", sum(first.on_disk()) * 2.5)
    sessions.settle()
    assert kept.exists() and newest.exists() and not other.exists()


def test_what_another_has_made_removes_no_result(
    world: World, photograph: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that is finished nor one that is still being made."""
    photo = {"path": str(photograph("night.png"))}
    monkeypatch.setattr(endpoints, "forget_page", lambda: None)
    finished = Path(endpoints.restore(photo, "identity", "2", "png8").path)
    begun, go_on = threading.Event(), threading.Event()
    save = workspace.save

    def slowly(*arguments: Any, **named: Any) -> Path:
        begun.set()
        assert go_on.wait(60)
        return save(*arguments, **named)

    monkeypatch.setattr(workspace, "save", slowly)
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(endpoints.restore(photo, "identity", "2", "png8")))
    thread.start()
    assert begun.wait(60)
    world.who = "198.51.100.1"
    small = {"path": str(photograph("small.png", 40))}
    others = [endpoints.decompose(small, "lime", "2").path for _ in range(sessions.RESULTS_EACH + 12)]
    world.who = "192.0.2.1"
    go_on.set()
    thread.join(60)
    assert finished.exists() and made and Path(made[0].path).exists()
    assert sum(Path(each).exists() for each in others) == sessions.RESULTS_EACH


def test_a_result_that_fails_leaves_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    before = set(sessions.public_folder().iterdir())
    with pytest.raises(gr.Error):
        endpoints.restore({"path": str(tmp_path / "broken.png")}, "identity", "2", "png8")
    assert set(sessions.public_folder().iterdir()) == before


def test_a_signed_in_visitors_session_is_nobody_elses(world: World) -> None:
    own = world.loads("user anna", "a page")
    world.who = "user bert"
    assert sessions.open_session(own.token) is not own
    assert sessions.enter_session(own.token, "stolen") is not own
    sessions.leave_session("a page")
    assert own.ends > world.now + sessions.GRACE
    world.who = "user anna"
    assert sessions.open_session(own.token) is own


def test_a_page_finds_its_session_when_gradio_has_forgotten_it(world: World) -> None:
    own = world.loads("192.0.2.1", "a page")
    assert sessions.open_session(None) is own
    world.page = "another"
    assert sessions.open_session(None) is not own


def test_what_a_closed_page_still_asks_for_does_not_keep_it_for_ever(world: World) -> None:
    own = world.loads("192.0.2.1", "a page")
    sessions.leave_session()
    assert sessions.open_session(own.token) is own
    world.now += sessions.HOUR + 1
    sessions.sweep()
    assert not own.folder.exists()


def test_a_session_that_ended_in_the_middle_says_so(world: World) -> None:
    own = world.loads("192.0.2.1", "a page")
    sessions.close_session(own.token)
    for act in (lambda: own.serve(b"x"), lambda: own.download_path("x")):
        with pytest.raises(PhotoError, match="open the photo again"):
            act()


def test_the_sweeper_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sessions._sweeper().daemon and sessions._sweeper() is sessions._sweeper()
    assert sessions._sweeper().is_alive()
    assert time.monotonic() - sessions._now() < 60
