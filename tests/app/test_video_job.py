"""A visitor's clip in a separate process, without a browser."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="needs PyAV")

import av  # noqa: E402
from driving import german_of  # noqa: E402

from explorer.app import sessions, video_job, video_tab  # noqa: E402
from explorer.app.sessions import Session  # noqa: E402
from explorer.app.video_job import Wish  # noqa: E402
from explorer.errors import CancelledError, ExplorerError, ModelNotFoundError, RatioError, VideoError  # noqa: E402

WIDTH, HEIGHT, FRAMES = 96, 64, 24


def level(number: int) -> int:
    """8-bit grey of a frame, which tells frames apart."""
    return 10 + 3 * (number % 70)


def write(path: Path, frames: int = FRAMES, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """A grey clip whose frames become brighter, one keyframe at its beginning."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"qp": "0", "preset": "ultrafast", "g": "1000"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), level(number), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("clip") / "night walk.mp4")


def test_a_clip_is_looked_at(session: Session, clip: Path) -> None:
    found = video_job.probe(str(clip))
    assert (found.frames, found.width, found.height, found.rate) == (FRAMES, WIDTH, HEIGHT, 24)
    # Between keyframes too: the last one, and one amid.
    for place, number in ((1.0, FRAMES - 1), (10 / (FRAMES - 1), 10)):
        photo = video_job.frame(session, str(clip), place)
        assert photo.size == (WIDTH, HEIGHT)
        assert abs(255 * float(photo.image.mean()) - level(number)) < 1.2, number  # type: ignore[union-attr]
    assert not list(session.folder.iterdir()), "nothing is left of the frames"


def test_a_clip_is_restored_with_its_progress(session: Session, clip: Path) -> None:
    steps = list(video_job.run(session, Wish(str(clip), "identity", 4.0)))
    last = steps[-1]
    assert last.output is not None and last.output.name == "night-walk-identity.mp4" and last.done == FRAMES
    assert all(step.newest == steps[0].newest and step.frames == FRAMES for step in steps[:-1]) and len(steps) > 1
    with av.open(str(last.output)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == FRAMES and shown[0].shape == (HEIGHT, WIDTH, 3)
    linear = ((level(0) / 255 + 0.055) / 1.055) ** 2.4
    expected = 255 * (1.055 * (4 * linear) ** (1 / 2.4) - 0.055)
    assert abs(shown[0].mean() - expected) < 5
    assert shown[-1].mean() > shown[0].mean() + 30


def test_a_run_is_stopped_by_its_page_only(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "long.mp4", 600, (320, 240))
    other = sessions.open_session(None)
    begun, ended = threading.Event(), threading.Event()
    problems: list[tuple[type[ExplorerError], str]] = []

    def work() -> None:
        try:
            for _ in video_job.run(session, Wish(str(path), "nlm", 4.0)):
                begun.set()
        except ExplorerError as error:
            problems.append((type(error), str(error)))
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert begun.wait(120)
        with pytest.raises(VideoError, match="already"):
            next(video_job.run(session, Wish(str(path), "identity", 4.0)))
        video_job.stop(other)
        assert not ended.is_set()
    finally:
        video_job.stop(session)
        thread.join(60)
    assert problems == [(CancelledError, "Stopped; no clip was written.")] and not video_job._RUNNING
    sessions.close_session(other.token)


def test_a_run_ends_with_who_waits_for_it(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "long.mp4", 600, (320, 240))
    steps = video_job.run(session, Wish(str(path), "nlm", 4.0))
    next(steps)
    [process] = video_job._RUNNING.values()
    steps.close()  # type: ignore[attr-defined]
    assert process.poll() is not None


def test_what_cannot_be_restored_is_one_sentence(
    session: Session, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "words.mp4"
    text.write_text("no clip")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    join = tmp_path / "join.ffconcat"
    join.write_text(f"ffconcat version 1.0\nfile '{clip}'\n")
    for path in (text, playlist, join):
        with pytest.raises(VideoError, match="cannot be opened as a video"):
            video_job.probe(str(path))
    with pytest.raises(ModelNotFoundError):
        next(video_job.run(session, Wish(str(clip), "../weights", 4.0)))
    with pytest.raises(RatioError):
        next(video_job.run(session, Wish(str(clip), "identity", 0.0)))
    endless = tmp_path / "endless.y4m"  # a frame in thirty years, which no MP4 can say
    frame = b"FRAME\n" + bytes(64 * 48 * 3 // 2)
    endless.write_bytes(b"YUV4MPEG2 W64 H48 F1:1000000000 Ip A1:1 C420jpeg\n" + frame * 10)
    with pytest.raises(VideoError, match="could not be written") as caught:
        list(video_job.run(session, Wish(str(endless), "identity", 4.0)))
    assert str(session.folder) not in str(caught.value), "the visitor is not told where the server keeps files"
    monkeypatch.setattr(video_job, "MOST_FRAMES", FRAMES - 1)
    with pytest.raises(VideoError, match=f"The clip has {FRAMES} frames of {WIDTH} × {HEIGHT}"):
        video_job.probe(str(clip))
    with pytest.raises(VideoError, match="more than this page accepts"):
        list(video_job.run(session, Wish(str(clip), "identity", 4.0)))


def test_what_is_wrong_with_a_clip_is_said_in_german(clip: Path, tmp_path: Path) -> None:
    words, cut, sound = tmp_path / "words.mp4", tmp_path / "cut.mkv", tmp_path / "sound.mp4"
    words.write_text("no clip")
    whole = write(tmp_path / "whole.mkv", 200).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for path, part in ((words, "als Video öffnen"), (cut, "abgeschnitten"), (sound, "keine Videospur")):
        with pytest.raises(VideoError) as caught:
            video_job.probe(str(path))
        assert part in (german_of(str(caught.value)) or ""), caught.value


def test_the_process_sees_no_secrets(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    started = video_job.subprocess.Popen

    def start(*arguments: object, **options: object) -> object:
        seen.append(options["env"])  # type: ignore[arg-type]
        return started(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("EXPLORER_AUTH", "me:a-secret-word")
    for name in ("HF_TOKEN", "AWS_KEY", "SECRET"):
        monkeypatch.setenv(name, "a-secret-word")
    monkeypatch.setattr(video_job.subprocess, "Popen", start)
    video_job.probe(str(clip))
    assert seen and not any("a-secret-word" in value for value in seen[0].values())


def test_a_decoder_that_hangs_is_ended(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_job, "PROBE_SECONDS", 0.01)
    began = time.monotonic()
    with pytest.raises(VideoError, match="took too long"):
        video_job.probe(str(clip))
    assert time.monotonic() - began < 60


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such bound")
def test_a_clip_that_fills_the_memory_ends_in_a_sentence(
    session: Session, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_job, "MOST_MEMORY", 96 << 20)
    with pytest.raises(VideoError, match="more memory than a clip may use|was not finished"):
        list(video_job.run(session, Wish(str(clip), "identity", 4.0)))


def test_without_pyav_the_tab_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import gradio as gr

    monkeypatch.setattr(video_job, "available", lambda: False)
    with gr.Blocks() as demo:
        assert video_tab.build(None) == {}  # type: ignore[arg-type]
    [said] = [each for each in demo.blocks.values() if isinstance(each, gr.HTML)]
    assert "pip install &#x27;lowlight-explorer[video]&#x27;" in said.value
