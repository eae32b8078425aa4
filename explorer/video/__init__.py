"""Video: clips and folders of RAW frames, restored and steadied over time. Needs PyAV (the extra `video`)."""

from explorer.video.restore import VideoProgress, VideoResult, restore_video

__all__ = ["VideoProgress", "VideoResult", "restore_video"]
