"""The texts of the Video tab, with ids and translations as in `explorer.app.text`."""

from __future__ import annotations

TAB_VIDEO = "Video"

VIDEO_HELP = (
    "A dark clip of at most {frames} frames and {pixels} megapixels: preview any frame restored, then restore the "
    "whole clip. Frame times and sound stay unchanged."
)
VIDEO_UPLOAD = "Your clip"
VIDEO_ABSENT = "Video needs PyAV, which is not installed here; run: pip install 'lowlight-explorer[video]'"
VIDEO_MODEL = "Model for the clip"
VIDEO_AUTO = "Let the program choose the amplification"
VIDEO_RATIO = "Your amplification of the clip"
VIDEO_FOLLOW = "Let it follow the light through the clip"
VIDEO_PLACE = "Position in the clip, %"
VIDEO_PREVIEW = "Restore this frame"
VIDEO_RUN = "Restore the clip"
VIDEO_EMPTY = "Upload a clip: a frame of it appears here, as taken and restored."
VIDEO_NONE = "There is no clip yet; upload one first."
VIDEO_FACTS = "{frames} frames, {width} × {height}, {rate} frames/s"
VIDEO_STEP = "{done} of {frames} frames are done after {seconds} s; amplification {ratio}."
VIDEO_BEGINS = "Opening the clip."
VIDEO_DONE = "The clip is restored: {frames} frames in {seconds} s, amplification {ratio}."
VIDEO_DAMAGED = "Frames that could not be decoded and repeat the previous one: {count}."
VIDEO_SILENT = "The sound was left out, because no video file that is written here can hold it."
VIDEO_NEWEST = "Newest frame, restored"
VIDEO_AFTER = "Frame, restored"
VIDEO_BEFORE = "Frame, as taken"
VIDEO_TOO_MUCH = (
    "The clip has {frames} frames of {width} × {height}, more than this page accepts; shorten or reduce it."
)
VIDEO_ENDED = (
    "The clip was not finished: it took too long, or it could not be decoded. Start again, or choose a shorter clip."
)
VIDEO_STOPPED = "Stopped; no clip was written."
VIDEO_NO_MEMORY = "The clip needs more memory than a clip may use here; choose a smaller or shorter one."
VIDEO_ONE = "This page is already restoring a clip; stop it first, or let it finish."
