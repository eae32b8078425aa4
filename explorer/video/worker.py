"""Restores a visitor's clip for the app in a separate process: FFmpeg opens untrusted files, and the server must be
able to end work that takes minutes.

The process gets its task as JSON on the command line and reports in lines of JSON on its standard output. It ends with
its parent, which closes the other end of its standard input.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from explorer.encode import encode, write_bytes
from explorer.errors import ExplorerError, VideoError
from explorer.photo import RgbPhoto, load_rendering
from explorer.photo.light.reduce import reduced
from explorer.sandbox.decoder import bound_data

TELL_SECONDS = 0.5
"""Minimum seconds between two lines about one run."""
_SHOWN_SIDE = 640
_NICE = 5
"""Niceness: the page's other visitors come first."""


def main(task: dict[str, Any]) -> None:
    """Does a task: `probe`, `frame` or `run`."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    bound_data(task["most_memory"])
    try:
        {"probe": _probe, "frame": _frame, "run": _run}[task["kind"]](task)
    except ExplorerError as error:
        # Without the server's path: the visitor sees this.
        _tell(error=str(error).replace(os.path.join(os.path.dirname(task.get("output", "")), ""), ""))
    except MemoryError:
        _tell(error=task["no_memory"])


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # past Python's buffer, whose lock a thread must not hold at the end
    os._exit(1)


def _tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _checked(task: dict[str, Any]) -> Any:
    """Opens the clip, if it is no larger and no longer than the page accepts.

    Raises:
        VideoError: it is larger or longer, or not a clip.
    """
    from explorer.video.clip import Clip

    clip = Clip(Path(task["source"]))
    facts = clip.facts
    if facts.frames > task["most_frames"] or facts.width * facts.height > task["most_pixels"]:
        raise VideoError(task["too_much"].format(frames=facts.frames, width=facts.width, height=facts.height))
    return clip


def _probe(task: dict[str, Any]) -> None:
    facts = _checked(task).facts
    _tell(frames=facts.frames, width=facts.width, height=facts.height, rate=float(facts.rate))


def _frame(task: dict[str, Any]) -> None:
    photo = _checked(task).frame_at(float(task["place"]))
    write_bytes(Path(task["output"]), encode(load_rendering(photo), ".png", 16 if photo.bits > 8 else 8))
    _tell(frames=1)


def _run(task: dict[str, Any]) -> None:
    from explorer.video import VideoProgress, restore_video
    from explorer.video.parts import holders

    held = holders(_checked(task), (".mp4", ".mov", ".mkv"))  # what players know best comes first
    output = Path(task["output"]).with_suffix(held[0] if held else ".mp4")
    told = 0.0

    def advance(now: VideoProgress) -> None:
        nonlocal told
        if time.monotonic() - told < TELL_SECONDS and now.done < now.frames:
            return
        told = time.monotonic()
        write_bytes(Path(task["newest"]), encode(load_rendering(reduced(RgbPhoto(now.image, 8), _SHOWN_SIDE)), ".jpg"))
        _tell(done=now.done, frames=now.frames, seconds=now.seconds, ratio=now.ratio)

    result = restore_video(
        task["source"], output, task["model"], task["ratio"], follow=task["follow"], sound=bool(held), progress=advance
    )
    _tell(
        result=result.frames, damaged=len(result.damaged), ratio=result.ratio, seconds=result.seconds,
        suffix=output.suffix, silent=not held,
    )  # fmt: skip


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
