"""Memory for work on whole photos: work waits until there is enough, and other sessions' photos are discarded for
it."""

from __future__ import annotations

import contextlib
import io
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.app import holding, opening, sessions, workspace
from explorer.app.holding import Room, bytes_to_restore
from explorer.photo import Limits
from explorer.photo.files.dng import write_dng
from explorer.photo.light.develop import unprocess
from explorer.photo.light.reduce import reduced
from explorer.photo.limits import DecoderLimits
from explorer.photo.types import RgbPhoto
from explorer.sandbox import processes
from explorer.sandbox.processes import DecoderPool


@pytest.fixture
def decoders() -> Iterator[DecoderPool]:
    made = DecoderPool(DecoderLimits(processes=1))
    yield made
    made.close()
    processes.use_room(processes.unbounded)


def png(height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (9, 7, 5)).save(buffer, "PNG")
    return buffer.getvalue()


def test_work_waits_for_room_and_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(holding.SETTING, "50")  # 100 MiB with the work
    left: list[float] = []
    room, entered, go_on = Room(left.append), threading.Event(), threading.Event()

    def second() -> None:
        with room(60 * 2**20):
            entered.set()
            assert go_on.wait(60)

    with room(70 * 2**20):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2), "70 and 60 are more than 100"
        with room(20 * 2**20):
            pass
        assert not entered.is_set()
    assert entered.wait(60)
    assert [each / 2**20 for each in left] == [30, 10, 40]
    go_on.set()
    thread.join(60)
    with room(300 * 2**20):  # what is too large for all is done while nothing else is
        assert left[-1] == 0


def test_room_comes_free_after_a_failure() -> None:
    room = Room(lambda left: None)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"), room(2.0**50):
            raise ValueError("no")


def test_a_decoder_takes_memory_when_there_is_room(decoders: DecoderPool) -> None:
    """For the pixels that the header states, before they are decoded, and for no longer than that."""
    asked: list[float] = []
    inside = 0

    @contextlib.contextmanager
    def room(amount: float) -> Iterator[None]:
        nonlocal inside
        asked.append(amount)
        assert not decoders._idle, "the decoder waits meanwhile"
        inside += 1
        yield
        inside -= 1

    processes.use_room(room)
    data = png(1000, 1500)
    photo = decoders.open(data, "a.png", Limits())
    assert photo.size == (1500, 1000) and inside == 0
    assert len(asked) == 1
    # A byte of each sample, its float, and the float that both sides share.
    assert asked[0] >= 1000 * 1500 * 3 * (1 + 4 + 4)
    with pytest.raises(explorer.errors.PhotoError):
        decoders.open(data[:200], "b.png", Limits())
    assert inside == 0 and decoders.open(data, "c.png", Limits()).size == (1500, 1000)


def test_waiting_for_room_takes_no_time_from_the_decoder(decoders: DecoderPool) -> None:
    decoders.limits = DecoderLimits(processes=1, seconds=60.0)
    decoders.open(png(8, 8), "first.png", Limits())

    @contextlib.contextmanager
    def room(amount: float) -> Iterator[None]:
        time.sleep(5)
        yield

    processes.use_room(room)
    for each in decoders._all:
        each._limits = DecoderLimits(processes=1, seconds=4.0)
    assert decoders.open(png(8, 8), "second.png", Limits()).size == (8, 8)


@pytest.mark.skipif(not processes.SHARED_MEMORY, reason="photos are mapped on Linux alone")
def test_a_small_raw_photo_does_not_hold_the_large_one(decoders: DecoderPool, tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", np.full((1200, 1800), 900, np.uint16), black=600)

    def mapped() -> int:
        return Path("/proc/self/maps").read_text().count("memfd:lowlight-photo")

    before = mapped()
    photo = decoders.open(path.read_bytes(), "a.dng", Limits())
    assert mapped() == before + 1
    small = reduced(photo, 100)
    del photo
    assert small.size[0] <= 140 and mapped() == before


def test_photos_make_room_for_a_restoration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1200, 1800))
    monkeypatch.setattr(sessions, "_SESSIONS", type(sessions._SESSIONS)())
    one, other = (sessions._begin(who) for who in ("192.0.2.1", "192.0.2.2"))
    for session in (one, other):
        opening.open_file(session, tmp_path / "a.png")
    assert other.require_open().kept.held is not None
    # Room for the restoration, and not for two photos of 25 MiB beside it.
    monkeypatch.setenv(holding.SETTING, str((bytes_to_restore((1800, 1200)) / 2**20 + 10) / holding.WORK))
    workspace.full(one, "identity", 2.0)
    assert other.require_open().kept.held is None
    assert other.require_open().whole is not None, "it is read again"
    for session in (one, other):
        sessions.close_session(session.token)


def test_reducing_and_unprocessing_take_no_second_photo() -> None:
    image = np.random.default_rng(0).random((2400, 3600, 3), dtype=np.float32)
    photo = RgbPhoto(image, 8)
    for work, most in ((lambda: reduced(photo, 640), 0.35), (lambda: unprocess(photo), 0.6)):
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most * image.nbytes, f"{peak / image.nbytes:.2f} times the photo"
