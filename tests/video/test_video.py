"""`restore_video` on clips that the tests make: frames, times, sound, colour, flicker, kills and bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.cli import main
from explorer.darkroom import CAMERAS, darken
from explorer.errors import CancelledError, ExplorerError, OutputError, VideoError
from explorer.photo.types import RgbPhoto

av = pytest.importorskip("av", reason="needs PyAV: pip install 'lowlight-explorer[video]'")

sys.path.insert(0, str(Path(__file__).parent))
from clips import (  # noqa: E402
    Coded,
    darkened,
    odd_times,
    read_clip,
    read_sound,
    scene,
    sound,
    write_clip,
)

RATIO, FRAMES = 20, 30
GREY = slice(20, 60), slice(20, 60)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - other) ** 2)))


def dark_clip(path: Path, clean: list[np.ndarray], electrons: float = 20_000, **options: object) -> Path:
    rng = np.random.default_rng(0)
    images = [darkened(each, RATIO, electrons, rng).astype(np.float32) for each in clean]
    return write_clip(path, images, odd_times(len(clean)), **options)  # type: ignore[arg-type]


def moving(frames: int, step: int = 2) -> list[np.ndarray]:
    wide = scene(240, 320 + step * frames)
    return [wide[:, step * k : 320 + step * k] for k in range(frames)]


def flicker(images: list[np.ndarray]) -> float:
    return float(np.std([each[GREY].mean() for each in images]))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_times_and_sound_stay_and_the_picture_comes_back(tmp_path: Path, suffix: str) -> None:
    clean = moving(FRAMES)
    clip = dark_clip(tmp_path / f"dark{suffix}", clean, audio=sound(2.0))
    result = explorer.restore_video(clip, tmp_path / f"out{suffix}", "identity", RATIO, crf=4)
    images, seconds = read_clip(result.path)
    assert (result.frames, len(images), result.width, result.height) == (FRAMES, FRAMES, 320, 240)
    assert seconds == read_clip(clip)[1]
    if suffix == ".mp4":
        assert seconds == [Fraction(t, 90_000) for t in odd_times(FRAMES)]
    (was, began), (now, begins) = read_sound(clip), read_sound(result.path)
    assert np.array_equal(was, now) and began == begins
    noisy = explorer.restore_video(clip, tmp_path / f"noisy{suffix}", "identity", RATIO, steady=False, crf=4)
    for image, plain, truth in zip(images, read_clip(noisy.path)[0], clean, strict=True):
        assert psnr(image, truth) > 33
        assert psnr(image, truth) > psnr(plain, truth) - 0.5  # no ghosts of what moved
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("electrons", [2_000, 500])
def test_flicker_falls_to_a_third_where_the_picture_stands_still(tmp_path: Path, electrons: int) -> None:
    still = [scene()] * FRAMES
    clip = dark_clip(tmp_path / "dark.mp4", still, electrons)
    dark = [explorer.photo.amplify(each, RATIO) for each in read_clip(clip)[0]]
    images, _ = read_clip(explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO, crf=8).path)
    assert flicker(images) < flicker(dark) / 3
    assert np.mean([psnr(each, scene()) for each in images]) > np.mean([psnr(each, scene()) for each in dark]) + 6


def test_what_moves_over_a_still_scene_leaves_no_ghost(tmp_path: Path) -> None:
    clean = []
    for k in range(16):
        image = scene().copy()
        image[100:160, 20 + 8 * k : 80 + 8 * k] = (0.8, 0.3, 0.2)
        clean.append(image)
    clip = dark_clip(tmp_path / "dark.mp4", clean, 4_000)
    images, _ = read_clip(explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO, crf=8).path)
    plain, _ = read_clip(
        explorer.restore_video(clip, tmp_path / "plain.mp4", "identity", RATIO, steady=False, crf=8).path
    )
    for k in range(1, 16):
        left = slice(100, 160), slice(12 + 8 * k, 20 + 8 * k)  # what the thing has just left
        (error, own) = (
            np.abs(i[left].mean(axis=(0, 1)) - clean[k][left].mean(axis=(0, 1))) for i in (images[k], plain[k])
        )
        assert (error - own).max() < 0.02  # of 0.47 between the thing and what was behind it
        assert psnr(images[k], clean[k]) > psnr(plain[k], clean[k])


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize(("pix_fmt", "full"), [("yuv420p", False), ("yuv420p", True), ("yuv444p10le", False)])
def test_matrix_range_and_depth_are_those_of_the_clip(tmp_path: Path, matrix: int, pix_fmt: str, full: bool) -> None:
    """Patches by the formulas of H.273; what comes out is read by libswscale."""
    colours = np.array([[0.2, 0.2, 0.2], [0.5, 0.15, 0.1], [0.1, 0.4, 0.15], [0.12, 0.18, 0.5]], np.float32)
    image = np.repeat(np.repeat(colours.reshape(2, 2, 3), 32, 0), 32, 1)
    coded = Coded("ffv1", pix_fmt, (), matrix, full)
    clip = write_clip(tmp_path / "in.mkv", [image] * 3, coded=coded)
    result = explorer.restore_video(clip, tmp_path / "out.mkv", "identity", 1.0, codec="ffv1")
    seen = read_clip(result.path)[0][1]
    with av.open(str(result.path)) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == ("yuv444p10le" if "10" in pix_fmt else "yuv444p")
        assert (frame.colorspace, frame.color_range) == (1, 1)
    for y in (16, 48):
        for x in (16, 48):
            patch = seen[y - 8 : y + 8, x - 8 : x + 8].mean(axis=(0, 1))
            assert np.abs(patch - image[y, x]).max() < 1.6 / 255


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_a_rotated_clip_comes_out_upright(tmp_path: Path, rotation: int) -> None:
    image = scene(64, 96)
    clip = write_clip(tmp_path / "in.mp4", [image] * 3, coded=Coded(rotation=rotation))
    result = explorer.restore_video(clip, tmp_path / "out.mp4", "identity", 1.0, crf=4)
    shown = read_clip(result.path)[0][0]
    # The display matrix turns counter-clockwise.
    assert psnr(shown, np.rot90(image, rotation // 90)) > 30
    with av.open(str(result.path)) as container:
        assert next(container.decode(video=0)).rotation == 0


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx265", ".mp4"), ("libsvtav1", ".webm"), ("libvpx-vp9", ".webm"), ("ffv1", ".mkv")]
)
def test_other_codecs(tmp_path: Path, codec: str, suffix: str) -> None:
    image = scene(96, 128)
    clip = write_clip(tmp_path / "in.mp4", [image] * 4, odd_times(4))
    result = explorer.restore_video(clip, tmp_path / f"out{suffix}", "identity", 1.0, codec=codec)
    images, seconds = read_clip(result.path)
    assert len(images) == 4 and psnr(images[3], image) > 26
    assert np.allclose([float(s) for s in seconds], np.array(odd_times(4)) / 90_000, atol=6e-4)


def test_vp9_keeps_odd_sides_and_takes_what_has_more_bits_than_it_writes(tmp_path: Path) -> None:
    image = scene(95, 127)
    deep = write_clip(tmp_path / "in.mkv", [image] * 4, coded=Coded(pix_fmt="yuv444p10le"))
    result = explorer.restore_video(deep, tmp_path / "out.webm", "identity", 1.0, codec="libvpx-vp9")
    images, _ = read_clip(result.path)
    assert len(images) == 4 and images[3].shape == image.shape and psnr(images[3], image) > 26
    with av.open(str(tmp_path / "out.webm")) as container:
        bits = container.streams.video[0].format.components[0].bits
    if bits == 8:  # this PyAV's encoder has no more
        with pytest.raises(OutputError, match="8 bits only"):
            explorer.restore_video(deep, tmp_path / "deep.webm", "identity", 1.0, codec="libvpx-vp9", bits=10)


def test_a_run_that_fails_before_its_first_part_leaves_nothing(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mp4", [scene(96, 128)] * 4)
    with pytest.raises(ExplorerError, match="backend"):
        explorer.restore_video(clip, tmp_path / "out.mp4", "zero_dce.lol", 1.0, backend="nonsense")
    assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may be scheduled in real time")
def test_no_encoder_runs_before_everything_else(tmp_path: Path) -> None:
    """SVT-AV1 would make the process that opens it a real-time one, and whatever that starts later."""
    clip = write_clip(tmp_path / "in.mp4", [scene(96, 128)] * 4, odd_times(4))
    seen: list[int] = []

    def look(_state: object) -> None:
        seen.extend(os.sched_getscheduler(int(each.name)) for each in Path("/proc/self/task").iterdir())

    explorer.restore_video(clip, tmp_path / "out.webm", "identity", 1.0, codec="libsvtav1", progress=look)
    assert set(seen) == {os.SCHED_OTHER} and os.sched_getscheduler(0) == os.SCHED_OTHER


def test_odd_sides_keep_every_pixel(tmp_path: Path) -> None:
    image = scene(97, 131)
    clip = write_clip(tmp_path / "in.mkv", [image] * 3, coded=Coded("ffv1", "yuv444p", ()))
    images, _ = read_clip(explorer.restore_video(clip, tmp_path / "out.mp4", "identity", 1.0, crf=4).path)
    assert images[0].shape == (97, 131, 3) and psnr(images[0], image) > 30
    with pytest.raises(OutputError, match="even sides.*use libvpx-vp9"):
        explorer.restore_video(clip, tmp_path / "out.webm", "identity", 1.0, codec="libsvtav1")


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.video import restore

    clip = dark_clip(tmp_path / "dark.mp4", moving(FRAMES), audio=sound(2.0))
    whole = explorer.restore_video(clip, tmp_path / "whole.mp4", "identity", RATIO)
    code = (
        "import explorer, sys, time\nfrom explorer.video import restore\nrestore._PART_FRAMES = 7\n"
        "def slow(state):\n    print(state.done, flush=True)\n    time.sleep(0.05 if state.done < 20 else 60)\n"
        f"explorer.restore_video({str(clip)!r}, {str(tmp_path / 'out.mp4')!r}, 'identity', {RATIO}, progress=slow)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if int(line) >= 20:
            break
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "out.mp4").exists()
    monkeypatch.setattr(restore, "_PART_FRAMES", 7)
    seen: list[int] = []
    result = explorer.restore_video(
        clip, tmp_path / "out.mp4", "identity", RATIO, progress=lambda state: seen.append(state.done)
    )
    assert result.resumed == 14 and seen[0] == 15 and result.frames == FRAMES
    (images, seconds), (wanted, times) = read_clip(result.path), read_clip(whole.path)
    assert seconds == times
    assert min(psnr(one, other) for one, other in zip(images, wanted, strict=True)) > 34
    assert np.array_equal(read_sound(result.path)[0], read_sound(whole.path)[0])
    assert not list(tmp_path.glob(".*"))


def test_a_cancelled_run_leaves_no_file_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.video import restore

    monkeypatch.setattr(restore, "_PART_FRAMES", 4)
    clip = dark_clip(tmp_path / "dark.mp4", moving(16))
    done = [0]
    with pytest.raises(CancelledError):
        explorer.restore_video(
            clip, tmp_path / "out.mp4", "identity", RATIO,
            progress=lambda state: done.append(state.done), cancelled=lambda: done[-1] >= 10,
        )  # fmt: skip
    assert not (tmp_path / "out.mp4").exists()
    assert explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO).resumed == 8
    # Other settings: nothing of the other run is taken.
    with pytest.raises(CancelledError):
        explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO, cancelled=lambda: True)
    assert explorer.restore_video(clip, tmp_path / "out.mp4", "identity", 5).resumed == 0


def damaged(path: Path, out: Path, packets: set[int]) -> Path:
    """A copy of a clip with the content of some packets of pictures overwritten."""
    with av.open(str(path)) as given, av.open(str(out), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for index, packet in enumerate(p for p in given.demux(video=0) if p.size):
            if index in packets:
                data = bytearray(bytes(packet))
                data[8:] = bytes((37 * k + 11) % 256 for k in range(len(data) - 8))
                bad = av.Packet(bytes(data))
                bad.pts, bad.dts, bad.time_base, bad.duration = (
                    packet.pts, packet.dts, packet.time_base, packet.duration,
                )  # fmt: skip
                packet = bad
            packet.stream = stream
            container.mux(packet)
    return out


@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_damaged_frames_repeat_the_one_before_and_are_named(tmp_path: Path, codec: str) -> None:
    clean = moving(12, 6)
    coded = Coded("ffv1", "yuv444p", (("g", "1"),)) if codec == "ffv1" else Coded(options=(("g", "1"), ("qp", "4")))
    clip = write_clip(tmp_path / "in.mkv", clean, odd_times(12), coded=coded)
    bad = damaged(clip, tmp_path / "bad.mkv", {0, 5, 6})
    result = explorer.restore_video(bad, tmp_path / "out.mp4", "identity", 1.0, steady=False, crf=4)
    assert [index for index, _ in result.damaged] == [0, 5, 6]
    images, seconds = read_clip(result.path)
    assert [float(s) for s in seconds] == pytest.approx([float(s) for s in read_clip(clip)[1]])
    for index, shown in ((0, 1), (1, 1), (4, 4), (5, 4), (6, 4), (7, 7)):
        assert psnr(images[index], clean[shown]) > 28
    assert result.damaged[1][1] == pytest.approx(odd_times(12)[5] / 90_000, abs=1e-3)


def test_the_ratio_is_one_for_the_clip_or_follows_the_light(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bright = [4.0] * 12 + [16.0] * 48
    images = [darkened(scene(96, 128), each, 1e6, rng).astype(np.float32) for each in bright]
    clip = write_clip(tmp_path / "in.mp4", images)
    ratios: dict[bool, list[float]] = {True: [], False: []}
    for follow, seen in ratios.items():
        explorer.restore_video(
            clip, tmp_path / "out.mp4", "identity", follow=follow, progress=lambda s, seen=seen: seen.append(s.ratio)
        )
    assert len(set(ratios[False])) == 1
    steps = np.diff(np.log(ratios[True]))
    # The eight first frames are told together, once the beginning is averaged.
    assert ratios[True][-1] > 1.8 * ratios[True][0] and steps.max() < 0.05


def test_a_folder_of_dng_files_is_raw_video(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    noise = CAMERAS["sony_a7s2"].at(iso=1600)
    clean = scene(96, 128)
    for k in range(10):
        darken(RgbPhoto(clean, 8), noise, ratio=30, seed=k).save(folder / f"A001_{k + 98:04}.dng")
    (folder / "sound.wav").write_bytes(b"RIFF")
    result = explorer.restore_video(folder, tmp_path / "out.mp4", "identity", 30, fps=23.976, crf=8)
    images, seconds = read_clip(result.path)
    assert seconds == [Fraction(1001 * k, 24_000) for k in range(10)]
    single = explorer.restore(explorer.open_photo(folder / "A001_0099.dng"), "identity", 30).image
    assert psnr(images[1], clean) > psnr(single, clean) + 3  # averaged over time
    (folder / "A001_0104.dng").write_bytes(b"II*\0 not a photo")
    again = explorer.restore_video(folder, tmp_path / "again.mp4", "identity", 30)
    assert [index for index, _ in again.damaged] == [6] and again.frames == 10
    with pytest.raises(OutputError, match="among the frames"):
        explorer.restore_video(folder, folder / "out.mp4", "identity", 30)
    (folder / "A001_0104.dng").unlink()
    with pytest.raises(VideoError, match="gap: frame 104 is missing"):
        explorer.restore_video(folder, tmp_path / "hole.mp4", "identity", 30)


def test_pictures_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for k in range(9, 12):
        Image.fromarray(np.full((32, 48, 3), 20 * k, np.uint8)).save(folder / f"f{k}.png")
    result = explorer.restore_video(folder, tmp_path / "out.mp4", "identity", 1, steady=False, crf=2)
    assert [round(float(each.mean()) * 255 / 20) for each in read_clip(result.path)[0]] == [9, 10, 11]


def bad_inputs(folder: Path) -> dict[str, Path]:
    """One of each kind."""
    image = scene(64, 96)
    whole = write_clip(folder / "whole.mp4", [image] * 40)
    matroska = write_clip(folder / "whole.mkv", [image + k / 1000 for k in range(40)])
    (folder / "no_end.mp4").write_bytes(whole.read_bytes()[:-600])
    short = write_clip(folder / "short.mkv", [image] * 12)
    (folder / "cut_short.mkv").write_bytes(short.read_bytes()[: short.stat().st_size * 6 // 10])
    frames = write_clip(folder / "whole.avi", [image + k / 1000 for k in range(12)], [3600 * k for k in range(12)])
    (folder / "cut.avi").write_bytes(frames.read_bytes()[: frames.stat().st_size * 6 // 10])
    (folder / "cut.mkv").write_bytes(matroska.read_bytes()[: matroska.stat().st_size // 2])
    (folder / "text.mp4").write_text("This is not a video.")
    (folder / "empty.mp4").write_bytes(b"")
    with av.open(str(folder / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        for start in range(0, 8192, 1024):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
            block.rate, block.pts = 44_100, start
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    front_options = {"movflags": "faststart"}
    with av.open(str(folder / "front.mp4"), "w", options=front_options) as container, av.open(str(whole)) as given:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    front = (folder / "front.mp4").read_bytes()
    (folder / "front.mp4").write_bytes(front[: len(front) * 2 // 3])
    # H.264 as a plain stream: one size after another.
    small, large = (write_clip(folder / f"{n}.h264", [scene(64, n)] * 3) for n in (96, 128))
    (folder / "grows.h264").write_bytes(small.read_bytes() + large.read_bytes())
    with av.open(str(folder / "none.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    hole, nothing = folder / "hole", folder / "nothing"
    for each in (hole, nothing):
        each.mkdir()
    for k in (1, 2, 5):
        Image.fromarray((image * 255).astype(np.uint8)).save(hole / f"{k:03}.png")
    names = ("no_end.mp4", "cut.mkv", "cut_short.mkv", "cut.avi", "text.mp4", "empty.mp4", "sound.mp4", "front.mp4",
             "grows.h264", "none.mkv", "hole", "nothing", "missing.mp4")  # fmt: skip
    return {name: folder / name for name in names}


def test_bad_input_is_one_sentence_and_no_half_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for name, path in bad_inputs(tmp_path).items():
        out = tmp_path / "results" / f"{name}.mp4"
        out.parent.mkdir(exist_ok=True)
        capsys.readouterr()
        assert main(["video", str(path), "-o", str(out), "-m", "identity", "--ratio", "2"]) == 3, name
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and error.startswith("error: ") and "Unexpected" not in error, error
        assert not list(out.parent.iterdir()), name
        said[name] = error
    assert "no video stream" in said["sound.mp4"]
    assert "truncated" in said["front.mp4"] and "truncated" in said["cut.mkv"]
    assert "end is missing" in said["no_end.mp4"]
    assert "96 x 64 to 128 x 64" in said["grows.h264"]
    assert "frames 3 to 4 are missing" in said["hole"]


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "out.avi"],
        ["-o", "out.webm"],
        ["-o", "nowhere/out.mp4"],
        ["-o", "in.mp4"],
        ["-o", "out.mp4", "--codec", "h263"],
        ["-o", "out.mp4", "--crf", "99"],
        ["-o", "out.mkv", "--codec", "ffv1", "--crf", "3"],
        ["-o", "out.mp4", "--ratio", "0"],
        ["-o", "out.mp4", "--fps", "10"],
        ["-o", "out.mp4", "--ratio", "3", "--follow"],
    ],
)
def test_what_cannot_be_written_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    clip = write_clip(tmp_path / "in.mp4", [scene(32, 48)] * 2)
    before = clip.read_bytes()
    assert main(["video", "in.mp4", "-m", "identity", *options]) in (3, 4, 7)
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Unexpected" not in error
    assert [each.name for each in tmp_path.iterdir()] == ["in.mp4"] and clip.read_bytes() == before


def test_the_command_line_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = dark_clip(tmp_path / "in.mp4", moving(10))
    out = tmp_path / "out.mp4"
    words = ["video", str(clip), "-o", str(out), "-m", "lynx_rgb.mixed", "--ratio", "auto", "--json"]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 10 and report["ratio"] > 3 and report["damaged"] == []
    assert len(read_clip(out)[0]) == 10


def test_two_runs_into_one_file_do_not_meet(tmp_path: Path) -> None:
    clip = dark_clip(tmp_path / "in.mp4", moving(10))
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        folder = tmp_path / ".out.mp4.parts"
        folder.mkdir()
        (folder / "owner").write_text(str(other.pid))
        with pytest.raises(OutputError, match="Another process"):
            explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO)
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO).frames == 10


def test_without_pyav_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "in.mp4", [scene(32, 48)] * 2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ExplorerError, match="pip install"):
        explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO)


def test_decoding_and_encoding_go_on_beside_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other frames are read, prepared, finished and written while the network is at work: in turn they would never
    meet."""
    from explorer.video import clip as clips
    from explorer.video import parts, stages

    busy: set[str] = set()
    met: set[frozenset[str]] = set()

    def noted(name: str, call: object) -> object:
        def wrapped(*given: object, **named: object) -> object:
            busy.add(name)
            met.update(frozenset({name, other}) for other in busy - {name})
            time.sleep(0.01)
            try:
                return call(*given, **named)  # type: ignore[operator]
            finally:
                busy.discard(name)

        return wrapped

    monkeypatch.setattr(clips.Clip, "_photo", noted("read", clips.Clip._photo))
    monkeypatch.setattr(parts.Part, "write", noted("write", parts.Part.write))
    monkeypatch.setattr(stages, "compute", noted("network", stages.compute))
    monkeypatch.setattr(stages, "network_input", noted("prepare", stages.network_input))
    monkeypatch.setattr(stages, "picture_and_scene", noted("finish", stages.picture_and_scene))
    clip = dark_clip(tmp_path / "in.mp4", moving(16))
    explorer.restore_video(clip, tmp_path / "out.mp4", "identity", RATIO, steady=False)
    assert met >= {frozenset({"network", other}) for other in ("read", "prepare", "finish", "write")}
