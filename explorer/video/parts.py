"""Writes the results of a run in parts, so that a killed run resumes: each part is a piece of the final stream, with
the state from which the next one continues. At the end they are joined with the sound, without encoding again."""

from __future__ import annotations

import heapq
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from explorer.atomic import replacing
from explorer.errors import OutputError, VideoError
from explorer.photo.values import FloatArray
from explorer.saving import check_destination
from explorer.video.colour import frame_of
from explorer.video.source import Facts, Source, av_module
from explorer.video.steady import Steady

_JOB = "job.json"
_OWNER = "owner"
_PACKETS = 64
"""Packets of sound with which a container is tried."""


@dataclass(frozen=True)
class Codec:
    """An encoder for results."""

    name: str
    crf: int | None
    """The default; None for a lossless codec."""
    most_crf: int
    options: dict[str, str]
    odd: bool
    """True if it takes 4:4:4, and so odd sides."""
    suffixes: tuple[str, ...]


_WIDE = (".mp4", ".mov", ".mkv", ".m4v")
CODECS = {
    each.name: each
    for each in (
        Codec("libx264", 17, 51, {"preset": "veryfast", "bf": "0"}, True, _WIDE),
        Codec("libx265", 20, 51, {"preset": "medium", "bf": "0", "x265-params": "bframes=0:log-level=0"}, True, _WIDE),
        Codec("libsvtav1", 28, 63, {"preset": "8"}, False, (*_WIDE, ".webm")),
        Codec("libvpx-vp9", 28, 63, {"b": "0", "cpu-used": "4", "row-mt": "1"}, True, (".mp4", ".mkv", ".webm")),
        Codec("ffv1", None, 0, {"g": "1"}, True, (".mkv",)),
    )
}
"""Options that prevent frames coded out of order, so that parts can be joined whatever the times of their frames."""


@dataclass(frozen=True)
class Format:
    """The encoding of a result."""

    codec: Codec
    crf: int | None
    pix_fmt: str
    width: int
    height: int


def check_format(out: Path, codec: str, crf: int | None, bits: int | None, facts: Facts) -> Format:
    """Checks a result's encoding before any work.

    Args:
        bits: 8 or 10; None for those of the source, as far as the codec has them.

    Raises:
        OutputError: an unknown suffix or codec, one that the container or this PyAV lacks, a CRF out of range, or no
            such folder.
    """
    known = CODECS.get(codec)
    if known is None:
        raise OutputError(f"There is no codec {codec!r} here; choose one of {', '.join(CODECS)}.")
    suffix = out.suffix.lower()
    every = sorted({each for one in CODECS.values() for each in one.suffixes})
    if suffix not in every:
        raise OutputError(f"{out.name} does not have a video's suffix; end it in {', '.join(every)}.")
    if suffix not in known.suffixes:
        fitting = " or ".join(f"--codec {each.name}" for each in CODECS.values() if suffix in each.suffixes)
        raise OutputError(
            f"A {suffix} file does not hold {codec}; give {fitting}, or end the name in {' or '.join(known.suffixes)}."
        )
    check_destination(out)
    av = av_module()
    try:
        formats = {each.name for each in av.codec.Codec(codec, "w").video_formats or ()}
    except (av.error.FFmpegError, ValueError) as error:
        have = [name for name in CODECS if name in av.codecs_available]
        raise OutputError(f"This PyAV lacks the encoder {codec}; choose one of {', '.join(have)}.") from error
    if crf is not None and known.crf is None:
        raise OutputError(f"{codec} is lossless and has no CRF; leave it out.")
    if crf is not None and not 0 <= crf <= known.most_crf:
        raise OutputError(f"A CRF of {crf} cannot be used; {codec} takes 0 to {known.most_crf}.")
    if bits not in (None, 8, 10):
        raise OutputError(f"A video has 8 or 10 bits, not {bits}; give one of these.")
    odd = facts.width % 2 or facts.height % 2
    if odd and not known.odd:
        raise OutputError(
            f"{codec} needs even sides, but the frames have {facts.width} x {facts.height} pixels; use "
            f"{' or '.join(each.name for each in CODECS.values() if each.odd and suffix in each.suffixes)}."
        )
    sampling = "444" if odd or known.crf is None else "420"
    deep = f"yuv{sampling}p10le"
    if bits == 10 and deep not in formats:
        raise OutputError(f"This PyAV's {codec} writes 8 bits only; leave the 10 bits out, or use libx265.")
    wide = bits == 10 or (bits is None and facts.bits > 8 and deep in formats)
    return Format(
        known, known.crf if crf is None else crf, deep if wide else f"yuv{sampling}p", facts.width, facts.height
    )


@dataclass
class State:
    """The state from which the next part continues."""

    done: int = 0
    """Number of encoded frames."""
    ratio: float | None = None
    """Ratio of the last frame."""
    damaged: list[tuple[int, float]] = field(default_factory=list)
    """Repeated frames, and their seconds."""
    network: float = 0.0
    """Seconds spent in the network."""
    steady: Steady | None = None


class Parts:
    """A folder of parts, next to the result."""

    def __init__(self, out: Path, job: dict[str, Any]) -> None:
        self._out = out
        self.folder = out.with_name(f".{out.name}.parts")
        self._job = json.dumps(job, sort_keys=True, default=str)
        self._own()

    def _own(self) -> None:
        """Continues with the parts of an earlier run of the same job; removes those of another one.

        Raises:
            OutputError: another process is writing them, or the folder cannot be written to.
        """
        try:
            owner = int((self.folder / _OWNER).read_text())
            if owner != os.getpid():
                os.kill(owner, 0)
                raise OutputError(f"Another process ({owner}) is writing {self._out}; wait for it, or end it.")
        except (FileNotFoundError, ValueError, ProcessLookupError, NotADirectoryError):
            pass
        except PermissionError as error:
            raise OutputError(f"Another process is writing {self._out}; wait for it, or end it.") from error
        try:
            if not (self.folder / _JOB).is_file() or (self.folder / _JOB).read_text() != self._job:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir()
                with replacing(self.folder / _JOB) as temporary:
                    temporary.write_text(self._job)
            (self.folder / _OWNER).write_text(str(os.getpid()))
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written ({error.strerror}); choose another place.") from error

    def finished(self) -> list[Path]:
        """The complete parts, in order."""
        found: list[Path] = []
        while (path := self._part(len(found))).is_file() and self._state(len(found)).is_file():
            found.append(path)
        return found

    def _part(self, index: int) -> Path:
        return self.folder / f"{index:06}.nut"

    def _state(self, index: int) -> Path:
        return self.folder / f"{index:06}.npz"

    def state(self) -> State:
        """End of the last complete part."""
        count = len(self.finished())
        if not count:
            return State()
        with np.load(self._state(count - 1), allow_pickle=False) as stored:
            said = json.loads(str(stored["said"]))
            steady = None
            if "image" in stored:
                noise = stored.get("noise")
                steady = Steady(stored["seen"], stored["image"], stored["count"], noise)
        damaged = [(int(index), float(seconds)) for index, seconds in said["damaged"]]
        return State(said["done"], said["ratio"], damaged, said["network"], steady)

    def keep(self, temporary: Path, state: State) -> None:
        """Moves a finished part to its place."""
        index = len(self.finished())
        arrays: dict[str, Any] = {}
        if state.steady is not None and state.steady.image is not None:
            of = state.steady
            arrays = {"seen": of.seen, "image": of.image, "count": of.count}
            if of.still_noise is not None:
                arrays["noise"] = of.still_noise
        damaged = [each for each in state.damaged if each[0] < state.done]  # others are read ahead
        said = {"done": state.done, "ratio": state.ratio, "damaged": damaged, "network": state.network}
        with replacing(self._state(index)) as path, path.open("wb") as file:
            np.savez(file, said=json.dumps(said), **arrays)
        os.replace(temporary, self._part(index))
        if index:  # only the newest one is needed to continue; the pictures of all would fill the disk
            with replacing(self._state(index - 1)) as path, path.open("wb") as file:
                np.savez(file, said=json.dumps({}))

    def release(self) -> None:
        """Records that no process is writing here any more."""
        (self.folder / _OWNER).unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _stream(av: Any, container: Any, format_: Format, facts: Facts) -> Any:
    """Adds the stream of pictures, with the same settings and therefore the same header for every part and the
    whole."""
    options = dict(format_.codec.options)
    if format_.crf is not None:
        options["crf"] = str(format_.crf)
    os.environ.setdefault("SVT_LOG", "1")  # only errors; it would print thirty lines about itself
    stream = container.add_stream(format_.codec.name, rate=facts.rate.limit_denominator(60_000), options=options)
    stream.width, stream.height, stream.pix_fmt = format_.width, format_.height, format_.pix_fmt
    context = stream.codec_context
    context.time_base = stream.time_base = facts.time_base
    context.flags |= int(av.codec.context.Flags.global_header)
    context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
    if facts.aspect is not None:
        context.sample_aspect_ratio = facts.aspect
    with _usual_scheduling():
        context.open(strict=False)
    return stream


@contextmanager
def _usual_scheduling() -> Iterator[None]:
    """Undoes a change that SVT-AV1 makes when root opens it, as in a container: this thread, the encoder's and those
    that they start would run with real-time priority, ahead of everything else on the machine."""
    if sys.platform != "linux":
        yield
        return
    usual = os.sched_getscheduler(0)
    try:
        yield
    finally:
        for thread in Path("/proc/self/task").iterdir():
            with suppress(OSError):  # it may have ended
                if os.sched_getscheduler(int(thread.name)) not in (usual, os.SCHED_OTHER, os.SCHED_BATCH):
                    os.sched_setscheduler(int(thread.name), usual, os.sched_param(0))


class Part:
    """An encoder that writes one part."""

    def __init__(self, folder: Path, format_: Format, facts: Facts) -> None:
        av = av_module()
        self.path = folder / "writing.nut"
        self._facts = facts
        self._format = format_
        self._container = av.open(str(self.path), "w", format="nut")
        self._stream = _stream(av, self._container, format_, facts)

    def write(self, image: FloatArray, time: int) -> None:
        """Encodes a frame: H x W x 3 sRGB in [0, 1], at a time in the source's time base."""
        frame = frame_of(image, self._format.pix_fmt, time, self._facts.time_base)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> Path:
        """Ends the part; returns its file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self.path

    def abandon(self) -> None:
        """Discards the part."""
        self._container.close()
        self.path.unlink(missing_ok=True)


def holders(source: Source, suffixes: Iterable[str] = _WIDE) -> list[str]:
    """Returns those suffixes whose files can hold the source's sound; found out by writing the beginning of it."""
    if not source.facts.sound:
        return list(suffixes)
    av = av_module()

    def holds(path: str) -> bool:
        with suppress(av.error.FFmpegError, ValueError), av.open(str(source.path), metadata_errors="ignore") as given:
            with av.open(path, "w") as container:  # MP4 refuses some sounds with the first packet, others at its end
                pairs = _copied(given, container)
                for _, _, packet in islice(_sounds(given, pairs), _PACKETS):
                    container.mux(packet)
            return True
        return False

    with TemporaryDirectory() as folder:
        return [suffix for suffix in suffixes if holds(f"{folder}/sound{suffix}")]


def check_sound(out: Path, source: Source, codec: Codec) -> None:
    """Checks before any work that a result can hold the source's sound.

    Raises:
        VideoError: it cannot.
    """
    if holders(source, [out.suffix.lower()]):
        return
    others = holders(source, codec.suffixes)
    way = f"end the name in {' or '.join(others)}, or leave the sound out" if others else "leave the sound out"
    raise VideoError(f"A {out.suffix} file cannot hold the sound of {source.facts.name}; {way} (--no-sound).")


def assemble(parts: list[Path], source: Source, out: Path, format_: Format) -> None:
    """Joins the parts and the source's sound, packet by packet.

    Raises:
        OutputError: the file cannot be written.
    """
    av = av_module()
    options = {"movflags": "+faststart"} if out.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
    try:
        with replacing(out) as temporary, av.open(str(temporary), "w", options=options) as container:
            _fill(av, container, parts, source, format_)
    except (OSError, av.error.FFmpegError) as error:
        raise OutputError(f"{out} could not be written ({error.strerror}); choose another place.") from error


def _fill(av: Any, container: Any, parts: list[Path], source: Source, format_: Format) -> None:
    picture = _stream(av, container, format_, source.facts)
    if not source.facts.sound:
        for _, _, packet in _pictures(av, parts, picture, source.facts):
            container.mux(packet)
        return
    with av.open(str(source.path), metadata_errors="ignore") as given:
        pairs = _copied(given, container)
        for name, value in given.metadata.items():
            if "location" not in name.lower() and name.lower() in (
                "title",
                "artist",
                "comment",
                "creation_time",
                "date",
            ):
                container.metadata[name] = value
        streams = [_pictures(av, parts, picture, source.facts), _sounds(given, pairs)]
        for _, _, packet in heapq.merge(*streams, key=lambda each: each[:2]):
            container.mux(packet)


def _copied(given: Any, container: Any) -> dict[int, Any]:
    """Adds the streams of sound to a container; by their index in the source."""
    return {stream.index: container.add_stream_from_template(stream, opaque=True) for stream in given.streams.audio}


_Timed = tuple[Fraction, int, Any]


def _pictures(av: Any, parts: list[Path], stream: Any, facts: Facts) -> Iterator[_Timed]:
    """Yields the packets of all parts, each with its duration: until the next one."""
    held: Any = None
    for part in parts:
        with av.open(str(part)) as container:
            for packet in container.demux(video=0):
                if packet.size == 0:
                    continue
                # A part's time base may be a finer one of the container's own.
                time = round(packet.pts * Fraction(packet.time_base) / facts.time_base)
                if held is not None:
                    held.duration = max(1, time - held.pts)
                    yield held.pts * facts.time_base, 0, held
                held = packet
                held.stream, held.time_base = stream, facts.time_base
                held.pts = held.dts = time
    if held is not None:
        held.duration = facts.last_duration or max(1, round(1 / (facts.rate * facts.time_base)))
        yield held.pts * facts.time_base, 0, held


def _sounds(container: Any, pairs: dict[int, Any]) -> Iterator[_Timed]:
    last = Fraction(0)
    for packet in container.demux([stream for stream in container.streams.audio]):
        if packet.size == 0:
            continue
        when = packet.dts if packet.dts is not None else packet.pts
        last = last if when is None else when * Fraction(packet.time_base)
        packet.stream = pairs[packet.stream_index]
        yield last, 1, packet
