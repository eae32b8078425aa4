"""Video: clips and folders of RAW frames, restored and steadied over time. Needs PyAV (the extra `video`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.video.restore import VideoProgress as VideoProgress
    from explorer.video.restore import VideoResult as VideoResult
    from explorer.video.restore import restore_video as restore_video

__all__ = ["VideoProgress", "VideoResult", "restore_video"]


def __getattr__(name: str) -> Any:
    """Imports restoring functions on first use, because the app's start needs only one function of this package."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from explorer.video import restore

    return getattr(restore, name)
