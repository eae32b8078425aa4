"""Opens a source of frames: a clip in any container that PyAV reads, or a folder of photos in order."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import VideoError
from explorer.video.clip import Clip
from explorer.video.folder import Folder
from explorer.video.source import Source


def open_source(path: Path, fps: float | None = None) -> Source:
    """Opens a source of frames.

    Args:
        fps: frames per second of a folder.

    Raises:
        VideoError: nothing there can be restored as a video; the sentence says why.
    """
    if not path.exists():
        raise VideoError(f"{path} does not exist; check the path.")
    if path.is_dir():
        return Folder(path, fps)
    if fps is not None:
        raise VideoError("The frame rate can be set only for a folder of frames; a clip has its own times.")
    return Clip(path)
