"""Decoding in separate processes: the same photos and sentences, and failures of a decoder."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from explorer.errors import PhotoError, SettingsError
from explorer.photo import Limits, open_photo
from explorer.photo.limits import DecoderLimits
from explorer.sandbox import processes
from explorer.sandbox.processes import DecoderPool, UnexpectedDecodingError
from explorer.sandbox.serialization import WireError, array_sizes, photo_from_wire, photo_to_wire

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))

from fuzz_samples import samples  # noqa: E402

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded, and /proc there, on Linux alone")

MISCHIEF = """
import ctypes, os, sys, time
import explorer.photo.opening as opening
real = opening.open_photo
def faulty(data, **options):
    act = data[:8].decode("latin-1").strip()
    if act == "crash":
        ctypes.string_at(0)
    if act == "abort":
        os.abort()
    if act == "hang":
        if options["name"].startswith("/"):
            open(options["name"], "w").close()
        time.sleep(600)
    if act == "spin":
        while True: pass
    if act == "greed":
        return [bytearray(2**24) for _ in range(10**6)]
    if act == "bug":
        raise KeyError("planted")
    if act == "leave":
        os._exit(0)
    if act == "lie":
        os.write(answers_fd, b"\\x05" + bytes(7) + b"[1,2]")
        time.sleep(600)
    if act == "huge":
        header = b'{"kind": "RgbPhoto", "values": {}, "shapes": [[2000000000, 2000000000, 3]]}'
        os.write(answers_fd, len(header).to_bytes(8, "little") + header)
        time.sleep(600)
    return real(data, **options)
opening.open_photo = faulty
import explorer.sandbox.decoder as decoder
fdopen = os.fdopen
def remember(number, mode):
    global answers_fd
    if mode == "wb":
        answers_fd = number
    return fdopen(number, mode)
decoder.os.fdopen = remember
"""
"""What a hostile file might make of a decoder, planted in a real one."""


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., DecoderPool]]:
    """Makes pools whose decoders also do the mischief that a file asks for by its first word."""
    prefix, rest = processes._START.split("from explorer", 1)
    monkeypatch.setattr(processes, "_START", f"{prefix}\nexec({MISCHIEF!r})\nfrom explorer{rest}")
    made: list[DecoderPool] = []

    def make(**limits: Any) -> DecoderPool:
        made.append(DecoderPool(DecoderLimits(**{"processes": 1, "seconds": 60.0, **limits})))
        return made[-1]

    yield make
    for each in made:
        each.close()


def allow(decoders: DecoderPool, seconds: float) -> None:
    """Changes the time that a file may take: little for one that must not end, much for one that must, on a machine of
    any speed."""
    decoders.limits = replace(decoders.limits, seconds=seconds)
    for each in decoders._all:
        each._limits = decoders.limits


def png(value: int, side: int = 16) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (value, 0, 255 - value)).save(buffer, "PNG")
    return buffer.getvalue()


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        if isinstance(getattr(one, field.name), np.ndarray)
        else getattr(one, field.name) == getattr(other, field.name)
        for field in fields(one)
    )


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize("shared", [True, False], ids=["shared memory", "pipe"])
@pytest.mark.parametrize("kind", list(samples()))
def test_the_photo_is_the_same_in_every_field(kind: str, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if shared and not processes.SHARED_MEMORY:
        pytest.skip("this system passes pixels through the pipe")
    monkeypatch.setattr(processes, "SHARED_MEMORY", shared)
    for name, data in samples()[kind]:
        apart = open_photo(data, name=name, isolated=True)
        assert same(apart, open_photo(data, name=name)), name
        array = apart.mosaic if hasattr(apart, "mosaic") else apart.image
        assert not array.flags.writeable and array.dtype == np.float32


def test_a_photo_outlives_its_decoder(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(40, 300))
    photo = open_photo(path, isolated=True)
    wanted = photo.image.copy()
    processes.close()
    assert np.array_equal(photo.image, wanted)
    assert np.array_equal(open_photo(path, isolated=True).image, wanted), "a closed pool starts again"


@pytest.mark.parametrize("name", ["cut.png", "Nacht 夜 \udce9.png", "a\nb.png", "x" * 2000])
def test_refusals_are_those_of_the_direct_way(name: str) -> None:
    for data in (png(3)[:40], b"Dear reader," * 50, b"\xff\xd8\xff", samples()["dng"][0][1][:900]):
        with pytest.raises(PhotoError) as direct:
            open_photo(data, name=name)
        with pytest.raises(PhotoError) as apart:
            open_photo(data, name=name, isolated=True)
        assert str(apart.value) == str(direct.value)


def test_limits_hold_before_anything_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(png(1, 64))
    with pytest.raises(PhotoError, match="64 x 64 pixels, more than the limit"):
        open_photo(path, limits=Limits(max_pixels=1000), isolated=True)
    with pytest.raises(PhotoError, match="MiB"):
        open_photo(path, limits=Limits(max_bytes=10), isolated=True)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("crash", "crashes its decoder"),
        ("leave", "crashes its decoder"),
        ("lie", "crashes its decoder"),
        ("huge", "crashes its decoder"),
        ("spin", "could not be decoded within 1 s"),
        ("bug", r"cannot be decoded \(KeyError\)"),
        pytest.param("greed", "needs more than the 256 MiB of memory", marks=linux),
    ],
)
def test_mischief_costs_a_sentence_and_the_next_photo_is_right(
    act: str, message: str, pool: Callable[..., DecoderPool]
) -> None:
    decoders = pool(memory=256 * 2**20)
    before = decoders.open(png(7), "a.png", Limits())
    first = decoders.pids()
    allow(decoders, 1.0 if act == "spin" else 60.0)
    with pytest.raises(PhotoError, match=message) as caught:
        decoders.open(act.ljust(8).encode(), "bad.dng", Limits())
    text = str(caught.value)
    assert "bad.dng" in text and text.endswith(".") and "\n" not in text
    assert isinstance(caught.value.__cause__, UnexpectedDecodingError) is (act == "bug")
    allow(decoders, 60.0)
    after = decoders.open(png(7), "a.png", Limits())
    assert same(before, after)
    assert (decoders.pids() == first) is (act == "bug"), "a decoder that failed is replaced, a healthy one is kept"
    assert len(decoders.pids()) == 1


@linux
def test_a_real_file_that_asks_for_all_memory(pool: Callable[..., DecoderPool]) -> None:
    """A TIFF of 16 x 16 pixels whose one strip is a JPEG that says it has 60,000 x 60,000."""
    inner = io.BytesIO()
    Image.new("RGB", (16, 16)).save(inner, "JPEG")
    stream = bytearray(inner.getvalue())
    frame = stream.find(b"\xff\xc0")
    stream[frame + 5 : frame + 9] = (60_000).to_bytes(2, "big") * 2
    outer = io.BytesIO()
    tifffile.imwrite(outer, iter([bytes(stream)]), shape=(16, 16, 3), dtype=np.uint8, photometric="rgb", compression=7)
    decoders = pool(memory=512 * 2**20)
    with pytest.raises(PhotoError, match="bomb.tif"):
        decoders.open(outer.getvalue(), "bomb.tif", Limits())
    assert decoders.open(png(9), "a.png", Limits()).size == (16, 16)


@linux
def test_a_decoder_that_was_killed(pool: Callable[..., DecoderPool], tmp_path: Path) -> None:
    decoders = pool()
    decoders.open(png(7), "a.png", Limits())
    (idle,) = decoders.pids()
    os.kill(idle, signal.SIGKILL)
    assert decoders.open(png(8), "b.png", Limits()).size == (16, 16), "nobody notices that an idle one was killed"
    (busy,) = decoders.pids()
    assert busy != idle
    caught: list[BaseException] = []
    begun = tmp_path / "slow.dng"

    def wait() -> None:
        try:
            decoders.open(b"hang    ", str(begun), Limits())
        except PhotoError as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not begun.exists() and thread.is_alive():
        time.sleep(0.01)
    os.kill(busy, signal.SIGKILL)
    thread.join()
    assert "ended from outside" in str(caught[0]) and "slow.dng" in str(caught[0])
    assert decoders.open(png(9), "c.png", Limits()).size == (16, 16)
    assert gone(idle) and gone(busy)


def test_many_threads_share_a_few_decoders_and_each_gets_its_own() -> None:
    decoders = DecoderPool(DecoderLimits(processes=2))
    try:

        def opened(value: int) -> tuple[int, int, int]:
            image = decoders.open(png(value, 20 + value % 7), f"{value}.png", Limits()).image
            assert image.shape[0] == 20 + value % 7
            return value, round(float(image[..., 0].max()) * 255), round(float(image[..., 0].min()) * 255)

        with ThreadPoolExecutor(12) as threads:
            found = list(threads.map(opened, range(60)))
        assert found == [(value, value, value) for value in range(60)]
        assert 1 <= len(decoders.pids()) <= 2
    finally:
        decoders.close()
    assert decoders.pids() == []


@linux
def test_what_a_decoder_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    decoders = DecoderPool(DecoderLimits(processes=1, memory=2**28))
    try:
        decoders.open(png(7), "a.png", Limits())
        folder = Path(f"/proc/{decoders.pids()[0]}")
        assert b"secret" not in (folder / "environ").read_bytes()
        limits = {line[:25].strip(): line[25:].split()[0] for line in (folder / "limits").read_text().splitlines()}
        assert 2**28 < int(limits["Max address space"]) < 2**28 + 2**30
        assert limits["Max file size"] == str(2**28) and limits["Max core file size"] == "0"
        open_files = {os.readlink(each) for each in (folder / "fd").iterdir()}
        assert not [
            each for each in open_files if each.startswith("/") and not each.startswith(("/dev/null", "/memfd"))
        ]
    finally:
        decoders.close()


@linux
def test_nothing_stays_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: Callable[..., DecoderPool]
) -> None:
    import gc
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def held() -> set[str]:
        gc.collect()
        files = [f"{each.name} {os.readlink(each)}" for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return {each for each in files if "/fd" not in each}

    before = held()
    decoders = pool()
    for act in ("crash", "hang", "bug"):
        allow(decoders, 1.0 if act == "hang" else 60.0)
        with pytest.raises(PhotoError):
            decoders.open(act.ljust(8).encode(), "bad.dng", Limits())
        allow(decoders, 60.0)
        decoders.open(png(7, 200), "a.png", Limits())
    pids = decoders.pids()
    decoders.close()
    assert held() == before
    assert all(gone(pid) for pid in pids)
    assert list(tmp_path.iterdir()) == []


@linux
@pytest.mark.parametrize("ending", ["SIGKILL", "SIGTERM", "exit"])
def test_decoders_end_with_their_parent(ending: str) -> None:
    """Also one that is in the middle of a file; and a script without a guard is not run a second time."""
    script = (
        "import sys, threading, time\n"
        "print('begins', flush=True)\n"
        "from explorer.photo import Limits\n"
        "from explorer.sandbox import processes\n"
        f"prefix, rest = processes._START.split('from explorer', 1)\n"
        f"processes._START = prefix + chr(10) + 'exec(' + repr({MISCHIEF!r}) + ')' + chr(10) + 'from explorer' + rest\n"
        f"data = {png(5)!r}\n"
        "pool = processes.pool()\n"
        "pool.open(data, 'a.png', Limits())\n"
        "threading.Thread(target=lambda: pool.open(b'hang    ', 'x', Limits()), daemon=True).start()\n"
        "while len(pool.pids()) < 1 or pool._idle: time.sleep(0.01)\n"
        "pool.prewarm()\n"
        "print(*pool.pids(), flush=True)\n"
        f"{'sys.exit(0)' if ending == 'exit' else 'time.sleep(600)'}\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        pids = [int(each) for each in process.stdout.readline().split()]
        assert len(pids) == 2 and not any(gone(pid) for pid in pids[:0])
        if ending != "exit":
            process.send_signal(getattr(signal, ending))
        assert process.stdout.read() == "", "the program was run a second time"
    deadline = time.monotonic() + 60
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < deadline, "a decoder outlives its parent"
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_leaves_its_parents_decoders_alone() -> None:
    first = open_photo(png(7), isolated=True)
    before = processes.pool().pids()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = int(processes._POOL is not None)
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert same(open_photo(png(7), isolated=True), first)
    assert processes.pool().pids() == before


def test_the_environment_sets_limits_and_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_MAX_MEGAPIXELS", "0.0002")
    monkeypatch.setenv("EXPLORER_MAX_MEGABYTES", "0.5")
    assert Limits.from_environment() == Limits(max_bytes=2**19, max_pixels=200)
    with pytest.raises(PhotoError, match="16 x 16 pixels, more than the limit of 0.0002 megapixels"):
        open_photo(png(3))
    monkeypatch.setenv("EXPLORER_DECODE_SECONDS", "7.5")
    monkeypatch.setenv("EXPLORER_DECODERS", "3")
    monkeypatch.setenv("EXPLORER_DECODE_MEGABYTES", "512")
    assert DecoderLimits.from_environment() == DecoderLimits(2**29, 7.5, 3)
    for text in ("abc", "-1", "nan", "0", "inf", "1e400"):
        monkeypatch.setenv("EXPLORER_MAX_MEGAPIXELS", text)
        with pytest.raises(SettingsError, match="EXPLORER_MAX_MEGAPIXELS"):
            open_photo(png(3))
    monkeypatch.delenv("EXPLORER_MAX_MEGAPIXELS")
    asked: list[str] = []
    monkeypatch.setattr(processes, "pool", lambda: type("Asked", (), {"open": lambda *given: asked.append(given[2])})())
    for value, isolated in (("1", True), ("on", True), ("0", False), ("", False)):
        asked.clear()
        monkeypatch.setenv("EXPLORER_ISOLATED", value)
        open_photo(png(3), name="a")
        assert bool(asked) is isolated
    open_photo(png(3), name="a", isolated=True)
    assert asked == ["a"]


def header_of(photo: Any) -> tuple[dict[str, Any], list[Any]]:
    header, arrays = photo_to_wire(photo)
    return json.loads(json.dumps(header)), arrays


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "WhiteBalance"},
        {"kind": ["RgbPhoto"]},
        {"shapes": [[10_000, 20_000, 3]]},
        {"shapes": [[16, 16, 4]]},
        {"shapes": [[16, 16]]},
        {"shapes": [[-16, 16, 3]]},
        {"shapes": [[True, 16, 3]]},
        {"shapes": "all"},
        {"values": None},
        {"values": {}},
    ],
)
def test_headers_that_no_photo_has(change: dict[str, Any]) -> None:
    header, arrays = header_of(open_photo(png(3)))
    with pytest.raises((WireError, TypeError)) as caught:
        changed = {**header, **change}
        array_sizes(changed, Limits(max_pixels=10**8))
        photo_from_wire(changed, arrays)
    assert caught.type is WireError


@pytest.mark.parametrize(
    "change",
    [
        {"exif": "no base 64 !"}, {"notes": [3]}, {"bits": "8"}, {"bits": 8.5}, {"name": None}, {"camera": 3},
        {"exposure": {"seconds": float("nan")}}, {"exposure": {"shutter": 1}}, {"exposure": []},
        {"white_balance": {"gains": [1, 1]}}, {"white_balance": {"gains": [1, "1", 1], "source": ""}}, {"image": 1},
        {"as_opened": None}, {"notes": ["x"] * 1000}, {"camera": "x" * 20_000},
    ],
)  # fmt: skip
def test_values_that_no_photo_has(change: dict[str, Any]) -> None:
    header, arrays = header_of(open_photo(png(3)))
    assert same(photo_from_wire(header, arrays), open_photo(png(3)))
    with pytest.raises(WireError):
        photo_from_wire({**header, "values": {**header["values"], **change}}, arrays)


def test_no_field_of_a_photo_is_forgotten() -> None:
    """A field that is added to a photo must cross too."""
    photo = open_photo(samples()["dng"][5][1], name="a.dng")
    changed = replace(photo, notes=("one", "two"), camera=None, exif=None, rotation=180, as_shot=None)
    assert same(photo_from_wire(*header_of(changed)), changed)
