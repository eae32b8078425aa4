"""Sound that a result's file cannot hold: refused before any work by the command line, and another file on the page."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.app import sessions, video_job
from explorer.cli import main
from explorer.errors import VideoError

pytest.importorskip("av", reason="PyAV is not installed")
sys.path.insert(0, str(Path(__file__).parent))
from clips import read_clip, read_sound, scene, sound, write_clip  # noqa: E402


def spoken(path: Path, voice: str) -> Path:
    return write_clip(path, [scene(48, 64) / 4] * 4, audio=np.repeat(sound(0.2), 2, axis=0), voice=voice)


def test_what_a_file_refuses_only_at_its_end_is_known_before(tmp_path: Path) -> None:
    clip, begun = spoken(tmp_path / "dark.mkv", "pcm_s16le"), []
    with pytest.raises(VideoError, match=r"end the name in \.mov or \.mkv"):
        explorer.restore_video(clip, tmp_path / "out.mp4", "identity", 4, progress=begun.append)
    assert not begun and list(tmp_path.iterdir()) == [clip]
    explorer.restore_video(clip, tmp_path / "out.mov", "identity", 4)
    assert np.array_equal(read_sound(tmp_path / "out.mov")[0], read_sound(clip)[0])


def test_sound_that_the_file_cannot_hold_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, out = spoken(tmp_path / "dark.mp4", "aac"), tmp_path / "out.webm"
    begun = []
    with pytest.raises(VideoError, match=r"\.webm file cannot hold the sound of dark\.mp4.*\.mkv"):
        explorer.restore_video(clip, out, "identity", 4, codec="libvpx-vp9", progress=begun.append)
    assert not begun and list(tmp_path.iterdir()) == [clip]
    arguments = ["video", str(clip), "-o", str(out), "-m", "identity", "--codec", "libvpx-vp9", "--ratio", "4"]
    assert main([*arguments, "--no-sound"]) == 0
    assert len(read_clip(out)[0]) == 4
    with pytest.raises(IndexError):
        read_sound(out)


@pytest.mark.parametrize(
    ("voice", "held", "suffix"), [("aac", "mp4", ".mp4"), ("pcm_u8", "avi", ".mov"), ("pcm_s16le", "mkv", ".mov")]
)
def test_the_page_chooses_a_file_that_holds_the_sound(tmp_path: Path, voice: str, held: str, suffix: str) -> None:
    clip = spoken(tmp_path / f"dark.{held}", voice)
    last = list(video_job.run(sessions.open_session(None), video_job.Wish(str(clip), "identity", 4.0)))[-1]
    assert last.output is not None and last.output.suffix == suffix and not last.silent
    assert np.array_equal(read_sound(last.output)[0], read_sound(clip)[0])


def test_the_page_says_that_a_sound_that_no_file_holds_was_left_out(tmp_path: Path) -> None:
    clip = spoken(tmp_path / "dark.avi", "adpcm_ms")
    last = list(video_job.run(sessions.open_session(None), video_job.Wish(str(clip), "identity", 4.0)))[-1]
    assert last.output is not None and last.silent and len(read_clip(last.output)[0]) == 4
