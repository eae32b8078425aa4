"""Reads clips with PyAV: a first pass over the packets collects the facts, a second one decodes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import VideoError
from explorer.photo import Photo, RgbPhoto
from explorer.photo.limits import Limits
from explorer.video.colour import bits_of, srgb_of
from explorer.video.source import Facts, Frame, av_module, even_picks, stamp

_SHORT, _SHORT_SHARE = Fraction(1, 2), Fraction(1, 8)
"""Seconds, and share of the stated duration, by which the packets may end before it; with more than the smaller of the
two, and than two frames, the file was cut off."""
_STATES_LENGTH = ("matroska", "webm", "flv", "avi")
"""Formats whose header states the clip's duration; for others it is guessed from the bit rate."""
_DEFAULT_RATE = Fraction(25)
_FORMATS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,mjpeg,h264,hevc,obu,ivf,flv,ogg,asf,mxf,nut,gif,apng,dv,"
    "yuv4mpegpipe,wtv,rm,swf,3gp"
)
"""Containers that are one file. Others (playlists, lists of pictures, scripts) name files and addresses that FFmpeg
would open, even if an attacker wrote them."""
_ONE_FILE = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}


@dataclass(frozen=True)
class _Pass:
    """Facts from a pass over the packets."""

    count: int
    times: list[int] | None
    """Presentation times, sorted; None if packets have none."""
    last_duration: int
    end: Fraction
    """End of the last packet of any stream, in seconds."""


class Clip:
    """A source that is a file with a video stream."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._av = av_module()
        with self._opened() as container:
            stream = self._stream(container)
            time_base = Fraction(stream.time_base or Fraction(1, 90_000))
            found = self._scan(container, stream)
            rate = Fraction(stream.average_rate or stream.guessed_rate or _DEFAULT_RATE)
            sound = len(container.streams.audio)
            aspect = stream.sample_aspect_ratio
        self._times = found.times
        first = self._first_frame()
        self._turns = round(first.rotation / 90) % 4
        self._size = first.width, first.height
        width, height = self._size if self._turns % 2 == 0 else self._size[::-1]
        Limits.from_environment().check_pixels(width, height, path.name)
        if aspect is not None and self._turns % 2:
            aspect = 1 / Fraction(aspect) if aspect else None
        _, note = srgb_of(first)
        notes = [note] if note else []
        if first.interlaced_frame:
            notes.append("The clip is interlaced; its two fields are restored together as one picture.")
        self.facts = Facts(
            path.name, found.count, time_base, rate, bits_of(first), width, height, found.last_duration,
            Fraction(aspect) if aspect and aspect != 1 else None, sound, tuple(notes),
        )  # fmt: skip

    def _opened(self) -> Any:
        try:
            return self._av.open(str(self.path), options=dict(_ONE_FILE), metadata_errors="ignore")
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            raise VideoError(code="error.clip_unopened", name=self.path.name) from error

    def _stream(self, container: Any) -> Any:
        for stream in container.streams.video:
            if not stream.disposition & self._av.stream.Disposition.attached_pic:
                if stream.codec_context is None:
                    raise VideoError(code="error.clip_codec", name=self.path.name)
                stream.thread_type = "SLICE"  # an error then belongs to the packet that was given
                return stream
        raise VideoError(code="error.clip_no_pictures", name=self.path.name)

    def _scan(self, container: Any, stream: Any) -> _Pass:
        """Reads all packets, without decoding.

        Raises:
            VideoError: no frames, or the file was cut off.
        """
        times: list[int | None] = []
        last: tuple[int, int] = (0, 0)
        end = Fraction(0)
        start = Fraction(container.start_time or 0, self._av.time_base)
        try:
            for packet in container.demux():
                if packet.size == 0:
                    continue
                when = packet.pts if packet.pts is not None else packet.dts
                if when is not None and packet.time_base is not None:
                    end = max(end, (when + (packet.duration or 0)) * Fraction(packet.time_base) - start)
                if packet.stream_index == stream.index:
                    times.append(packet.pts)
                    if when is not None and when >= last[0]:
                        last = when, packet.duration or 0
        except self._av.error.FFmpegError as error:
            raise self._cut_off(len(times)) from error
        if not times:
            raise VideoError(code="error.clip_empty", name=self.path.name)
        stated = Fraction(container.duration or 0, self._av.time_base)
        known = any(name in container.format.name for name in _STATES_LENGTH)
        missing = max(min(_SHORT, _SHORT_SHARE * stated), 2 / Fraction(stream.average_rate or _DEFAULT_RATE))
        counted, there = stream.frames or 0, len(times)
        if container.format.name == "avi":  # counts slots for frames; those after the last packet belong to its frame
            there = sum(last) + round(1.25 * last[0] / max(1, len(times) - 1))
        if there < counted or (known and end + missing < stated):
            raise self._cut_off(len(times), stream.frames or 0)
        complete = [time for time in times if time is not None]
        return _Pass(len(times), sorted(complete) if len(complete) == len(times) else None, last[1], end)

    def _cut_off(self, there: int, stated: int = 0) -> VideoError:
        if stated:
            return VideoError(code="error.clip_cut_off_of", name=self.path.name, count=there, stated=stated)
        return VideoError(code="error.clip_cut_off", name=self.path.name, count=there)

    def _first_frame(self) -> Any:
        with self._opened() as container:
            stream = self._stream(container)
            for frame in self._decoded(container, stream):
                if not isinstance(frame, int):
                    return frame
        raise VideoError(code="error.clip_undecoded", name=self.path.name)

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        """Yields decoded frames, and the time (an int) of packets that the decoder refuses."""
        stream.codec_context.options = {"err_detect": "explode"}
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except self._av.error.FFmpegError:
                if packet.size and packet.pts is not None:
                    yield int(packet.pts)

    def _ordered(self, container: Any, stream: Any) -> Iterator[tuple[int, Any]]:
        """Yields times and frames in order; None for damaged frames."""
        damaged: list[int] = []
        last: int | None = None
        step = max(1, round(1 / (self.facts.rate * self.facts.time_base)))
        for each in self._decoded(container, stream):
            if isinstance(each, int):
                damaged = sorted({*damaged, each})
                continue
            frame: Any = None if each.is_corrupt else each
            time = each.pts if each.pts is not None else (0 if last is None else last + step)
            while damaged and damaged[0] < time:
                missing = damaged.pop(0)
                if last is None or missing > last:
                    last = missing
                    yield missing, None
            if damaged and damaged[0] == time:
                damaged.pop(0)
            if last is not None and time <= last:
                time = last + 1
            last = time
            yield time, frame
        for missing in damaged:
            if last is None or missing > last:
                last = missing
                yield missing, None

    def frames(self, skip: int = 0) -> Iterator[Frame]:
        """See `Source.frames`.

        Raises:
            VideoError: the size of the frames changes.
        """
        with self._opened() as container:
            stream = self._stream(container)
            for index, (time, frame) in enumerate(self._ordered(container, stream)):
                if index < skip:
                    continue
                yield Frame(index, time, None if frame is None else self._photo(frame))

    def _photo(self, frame: Any) -> Photo:
        if (frame.width, frame.height) != self._size:
            old, new = (f"{width} x {height}" for width, height in (self._size, (frame.width, frame.height)))
            raise VideoError(code="error.clip_size_changes", name=self.path.name, old=old, new=new)
        image, _ = srgb_of(frame)
        image = np.ascontiguousarray(np.rot90(image, self._turns))
        return RgbPhoto(image, bits_of(frame), name=self.path.name)

    def samples(self, count: int) -> list[Photo]:
        """See `Source.samples`. If the clip is not seekable, the first frame stands for all."""
        found: list[Photo] = []
        times = self._times or []
        with self._opened() as container:
            stream = self._stream(container)
            for pick in even_picks(len(times), count):
                with contextlib.suppress(self._av.error.FFmpegError):
                    container.seek(times[pick], stream=stream)
                    frame = next((f for f in self._decoded(container, stream) if not isinstance(f, int)), None)
                    if frame is not None and not frame.is_corrupt:
                        found.append(self._photo(frame))
        return found or [self._photo(self._first_frame())]

    def frame_at(self, place: float) -> Photo:
        """Returns the frame at a position in the clip, from 0 (the first) to 1 (the last); the nearest one before it if
        that is damaged. If the clip is not seekable, the first frame stands for all."""
        times = self._times or []
        wanted = times[round(min(max(place, 0.0), 1.0) * (len(times) - 1))] if times else 0
        found: Any = None
        with self._opened() as container:
            stream = self._stream(container)
            with contextlib.suppress(self._av.error.FFmpegError):
                if times:
                    container.seek(wanted, stream=stream)
                for frame in self._decoded(container, stream):
                    if isinstance(frame, int) or frame.is_corrupt:
                        continue
                    found = frame if found is None or (frame.pts or 0) <= wanted else found
                    if (frame.pts or 0) >= wanted:
                        break
        return self._photo(found if found is not None else self._first_frame())

    def fingerprint(self) -> str:
        """See `Source.fingerprint`."""
        return stamp([self.path])
