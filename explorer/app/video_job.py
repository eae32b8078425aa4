"""A visitor's clip: its facts, one restored frame, and the whole clip restored, each in a process that can be ended."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import explorer
from explorer.app import model_picker, video_text
from explorer.app.naming import stem_of
from explorer.app.session import Session
from explorer.errors import CancelledError, VideoError
from explorer.photo import Photo, check_ratio
from explorer.server.options import AUTH

MOST_FRAMES, MOST_PIXELS = 1800, 1920 * 1088
"""Limits of a clip: a minute at 30 frames per second, and Full HD as codecs pad it."""
MOST_MEMORY, MOST_TO_LOOK = 6 << 30, 1 << 30
"""Memory limits of a clip's process in bytes: to restore it, and to read its facts, which several may do at once."""
PROBE_SECONDS, RUN_SECONDS = 180.0, 3 * 3600.0
"""Longest time for reading a clip's facts, and for restoring it, in seconds."""
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_", "LD_LIBRARY_PATH", "DYLD_", "HOME", "USERPROFILE", "SYSTEMROOT",
              "TMP", "TEMP", "XDG_", "HF_HOME", "HF_HUB_", "OMP_", "OPENBLAS_", "MKL_", "CUDA_", "NVIDIA_",
              "EXPLORER_")  # fmt: skip
"""Prefixes of the environment variables that the process sees: locations and compute settings, but no tokens."""

_RUNNING: dict[str, subprocess.Popen[bytes]] = {}
"""The process that restores a session's clip, by the session's token."""
_STOPPED: set[str] = set()
"""The tokens of sessions whose visitor stopped the running process."""
_LOCK = threading.Lock()


def available() -> bool:
    """True if PyAV is installed."""
    return importlib.util.find_spec("av") is not None


@dataclass(frozen=True)
class ClipFacts:
    """The facts about a clip."""

    frames: int
    width: int
    height: int
    rate: float


@dataclass(frozen=True)
class Wish:
    """How to restore a clip."""

    source: str
    model: str
    ratio: float | str
    """1 to 300, or "auto"."""
    follow: bool = False

    def checked(self) -> Wish:
        """Validates the wish.

        Raises:
            ModelNotFoundError, RatioError: an unknown model, or an invalid ratio.
        """
        return Wish(
            self.source, model_picker.known(self.model),
            self.ratio if self.ratio == "auto" else check_ratio(self.ratio), self.follow and self.ratio == "auto",
        )  # fmt: skip


def _task(kind: str, source: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "source": source, "most_frames": MOST_FRAMES, "most_pixels": MOST_PIXELS,
        "too_much": video_text.VIDEO_TOO_MUCH, "most_memory": MOST_MEMORY if kind == "run" else MOST_TO_LOOK,
        "no_memory": video_text.VIDEO_NO_MEMORY, **more,
    }  # fmt: skip


@contextmanager
def _worker(task: dict[str, Any], seconds: float, token: str = "") -> Iterator[Iterator[dict[str, Any]]]:
    """The messages of a worker process about a task. The process ends with the block, or after this many seconds."""
    root = str(Path(explorer.__file__).resolve().parent.parent)
    environment = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON) and name != AUTH}
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [environment.get("PYTHONPATH")])])
    with _LOCK:
        if token in _RUNNING:
            raise VideoError(video_text.VIDEO_ONE)
        process = subprocess.Popen(
            [sys.executable, "-m", "explorer.video.worker", json.dumps(task)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        if token:
            _RUNNING[token] = process
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield _said(process, token)
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        with _LOCK:
            if _RUNNING.get(token) is process:
                del _RUNNING[token]
                _STOPPED.discard(token)


def _said(process: subprocess.Popen[bytes], token: str) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise VideoError(said["error"])
        yield said
    if process.wait() != 0:
        if token in _STOPPED:
            raise CancelledError(video_text.VIDEO_STOPPED)
        raise VideoError(video_text.VIDEO_ENDED)


def probe(source: str) -> ClipFacts:
    """Reads the facts of a clip.

    Raises:
        VideoError: not a clip, or one that is too long or too large.
    """
    with _worker(_task("probe", source), PROBE_SECONDS) as said:
        for found in said:
            return ClipFacts(found["frames"], found["width"], found["height"], found["rate"])
    raise VideoError(video_text.VIDEO_ENDED)


def frame(session: Session, source: str, place: float) -> Photo:
    """A frame of a clip.

    Args:
        place: position in the clip, 0 to 1.

    Raises:
        VideoError: as `probe`.
    """
    path = session.folder / f"frame-{secrets.token_hex(8)}.png"
    try:
        with _worker(_task("frame", source, place=place, output=str(path)), PROBE_SECONDS) as said:
            for _ in said:
                pass
        return explorer.open_photo(path, name=Path(source).name, isolated=True)
    finally:
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Step:
    """The progress of a run."""

    done: int
    frames: int
    ratio: float
    seconds: float
    newest: Path
    """A JPEG of the newest result, once a frame is done."""
    output: Path | None = None
    """The restored clip, at the end."""
    damaged: int = 0
    silent: bool = False
    """True if no container holds the clip's sound."""


def run(session: Session, wish: Wish) -> Iterator[Step]:
    """Restores a clip. Yields the progress twice a second.

    Raises:
        VideoError: the clip cannot be restored.
        CancelledError: `stop` ended it.
        ModelNotFoundError, RatioError: as `Wish.checked`.
    """
    wish = wish.checked()
    # The sound may make it a .mov or .mkv.
    output = session.download_path(f"{stem_of(wish.source)}-{wish.model}.mp4", group="video")
    newest = output.with_name("newest.jpg")
    task = _task("run", wish.source, output=str(output), newest=str(newest), model=wish.model, ratio=wish.ratio,
                 follow=wish.follow)  # fmt: skip
    with _worker(task, RUN_SECONDS, session.token) as said:
        for now in said:
            if "result" in now:
                done = now["result"]
                made = output.with_suffix(now["suffix"])
                yield Step(done, done, now["ratio"], now["seconds"], newest, made, now["damaged"], now["silent"])
            else:
                yield Step(now["done"], now["frames"], now["ratio"], now["seconds"], newest)


def stop(session: Session) -> None:
    """Ends the session's run, if there is one."""
    with _LOCK:
        process = _RUNNING.get(session.token)
        if process is not None:
            _STOPPED.add(session.token)
            process.kill()
