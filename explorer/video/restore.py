"""`restore_video`: restores a clip or a folder of frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import explorer
from explorer.errors import CancelledError, OutputError, RatioError, VideoError
from explorer.identity import identity, nearest_of
from explorer.photo import check_ratio
from explorer.photo.values import FloatArray
from explorer.restorer import load_model, suggested_ratio
from explorer.video.opening import open_source
from explorer.video.parts import Format, Part, Parts, assemble, check_format, check_sound
from explorer.video.source import Frame, Source
from explorer.video.stages import Stage, ahead, computed, pictured, prepared
from explorer.video.steady import PRIMED, Steady
from explorer.weights.store import LoadedModel

_SAMPLES = 9
"""Number of frames from which a clip's ratio is chosen."""
_PART_FRAMES, _PART_SECONDS, _LEAST_FRAMES = 240, 60.0, 12
"""A part ends after this many frames, or after this many seconds of work and at least a few frames."""


@dataclass(frozen=True)
class VideoProgress:
    """The progress of a run."""

    done: int
    """Restored frames, including those of an earlier run."""
    frames: int
    """Frames in the container."""
    seconds: float
    """Seconds since this run began."""
    network: float
    """Seconds of those spent in the network."""
    ratio: float
    image: FloatArray
    """The newest result, H x W x 3 sRGB in [0, 1], to show during the run."""


@dataclass(frozen=True)
class VideoResult:
    """Report on a restored clip."""

    path: Path
    frames: int
    width: int
    height: int
    ratio: float
    """Ratio of the clip, or of its last frame if the ratio follows the light."""
    ratio_source: str
    damaged: tuple[tuple[int, float], ...]
    """Frames that could not be decoded and repeat the previous one: number (from 0) and seconds."""
    resumed: int
    """Frames that an earlier run restored."""
    seconds: float
    network: float
    """Seconds spent in the network by all runs."""
    model: str
    notes: tuple[str, ...]


def restore_video(
    source: str | Path,
    output: str | Path,
    model: str | LoadedModel,
    ratio: float | str = "auto",
    *,
    follow: bool = False,
    steady: bool = True,
    codec: str = "libx264",
    crf: int | None = None,
    bits: int | None = None,
    fps: float | None = None,
    sound: bool = True,
    backend: str = "auto",
    progress: Callable[[VideoProgress], None] = lambda state: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> VideoResult:
    """Restores a video.

    Frame times and sound stay unchanged. A killed or cancelled run resumes when it is started again
    with the same settings.

    Args:
        source: a clip, or a folder of frames: CinemaDNG, other RAW files, or pictures.
        output: .mp4, .mov, .mkv, .m4v or .webm; it appears complete or not at all.
        model: a name or a loaded model.
        ratio: amplification in linear light, 1 to 300; "auto" uses one ratio for the clip: the median of those that the
            model's rule suggests for nine of its frames.
        follow: with "auto", let the ratio follow the light slowly instead.
        steady: remove flicker where the picture stands still; see `explorer.video.steady`.
        codec: libx264, libx265, libsvtav1, libvpx-vp9 or ffv1.
        crf: quality of the codec, the lower the better; its own default.
        bits: 8 or 10; as the source by default, at most 10.
        fps: frame rate of a folder; by default its files' own, otherwise 24.
        sound: copy the source's sound.
        backend: see `explorer.restore`.
        progress: called after every frame.
        cancelled: called before every frame; True ends the run, and finished parts are kept for the next.

    Raises:
        VideoError: a source that is not a video, is truncated, has a gap, changes its frame size, or has sound that the
            output cannot hold.
        OutputError: an output that cannot be written, or that would replace the source.
        RatioError, ModelNotFoundError, WeightsError: as `explorer.restore`.
        CancelledError: `cancelled` said so.
        ExplorerError: PyAV is not installed.
    """
    path, out = Path(source), Path(output)
    given = _given(ratio, follow)
    clip = open_source(path, fps)
    _check_places(path, out)
    format_ = check_format(out, codec, crf, bits, clip.facts)
    if not sound:
        clip.facts = replace(clip.facts, sound=0)
    check_sound(out, clip, format_.codec)
    way = _Way(load_model(model) if isinstance(model, str) else model, given, follow, steady, backend)
    parts = Parts(out, way.job(clip, codec, format_))
    with _leaving_nothing(parts):
        return _Run(clip, parts, format_, way, progress, cancelled).into(out)


@contextmanager
def _leaving_nothing(parts: Parts) -> Iterator[None]:
    """Removes the parts of a run that failed before the first one; later ones are there to resume from."""
    try:
        yield
    except BaseException:
        if not parts.finished():
            parts.remove()
        raise
    finally:
        parts.release()


@dataclass(frozen=True)
class _Way:
    """The settings for all frames of a clip."""

    model: LoadedModel
    ratio: float | None
    """None follows the model's rule."""
    follow: bool
    steady: bool
    backend: str

    def job(self, clip: Source, codec: str, format_: Format) -> dict[str, Any]:
        """Identifies the job, so that a run recognises the parts of an earlier one."""
        return {
            "source": clip.fingerprint(), "model": [self.model.name, self.model.identity.sha256], "ratio": self.ratio,
            "follow": self.follow, "steady": self.steady, "codec": [codec, format_.crf, format_.pix_fmt],
            "rate": str(clip.facts.rate), "backend": self.backend, "version": explorer.__version__,
        }  # fmt: skip


def _given(ratio: float | str, follow: bool) -> float | None:
    """The ratio if it is a number; None if it is automatic, which following the light requires."""
    if isinstance(ratio, str) and ratio.strip().lower() == "auto":
        return None
    number = check_ratio(ratio)
    if follow:
        raise RatioError("A ratio that follows the light is automatic; leave out the number.")
    return number


def _check_places(path: Path, out: Path) -> None:
    there = identity(out)
    if there is not None and there == identity(path):
        raise OutputError(f"The result would replace the clip '{path}'; choose another output.")
    if path.is_dir() and nearest_of(out.parent, [path]) is not None:
        raise OutputError(f"{out} would be among the frames; name an output outside of {path}.")


class _Run:
    """One run over the missing frames. Decoding, preparing, the network, its colours, the temporal step (in the
    caller's thread) and encoding each have a thread, so that the network does not wait for the others."""

    def __init__(
        self, clip: Source, parts: Parts, format_: Format, way: _Way, progress: Callable[[VideoProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._clip, self._parts, self._format, self._way = clip, parts, format_, way
        self._progress, self._cancelled = progress, cancelled
        self._started = time.perf_counter()
        self._state = parts.state()
        self._resumed = self._state.done
        self._notes: tuple[str, ...] = ()
        self._ratio_source = "given"
        if way.ratio is not None:
            self._state.ratio = way.ratio
        elif self._state.ratio is None:
            self._state.ratio, self._ratio_source = self._chosen()
        else:
            self._ratio_source = "as the run before chose"
        if way.steady and self._state.steady is None:
            self._state.steady = Steady()
        self._here = 0.0
        self._rate = float(clip.facts.rate) if way.follow else None

    def _chosen(self) -> tuple[float, str]:
        """The median of the suggestions for some frames; that of the first frame if the ratio follows the light."""
        photos = self._clip.samples(1 if self._way.follow else _SAMPLES)
        asked = [suggested_ratio(photo, self._way.model) for photo in photos]
        values = sorted(value for value, _ in asked)
        return values[len(values) // 2], asked[0][1]

    def into(self, out: Path) -> VideoResult:
        """Restores what is missing, and joins all parts."""
        state, facts = self._state, self._clip.facts
        self._restore_missing()
        if not state.done:
            raise VideoError(f"{facts.name} contains no frame that can be decoded; choose another clip.")
        assemble(self._parts.finished(), self._clip, out, self._format)
        self._parts.remove()
        return VideoResult(
            out, state.done, facts.width, facts.height, state.ratio or 1.0, self._ratio_source, tuple(state.damaged),
            self._resumed, time.perf_counter() - self._started, state.network, self._way.model.name,
            (*facts.notes, *self._notes),
        )  # fmt: skip

    def _restore_missing(self) -> None:
        state, part = self._state, None
        count, begun = 0, 0.0
        waiting: list[Future[None]] = []
        with ThreadPoolExecutor(1) as writer:
            try:
                for frame, image in self._results():
                    if part is None:
                        part = Part(self._parts.folder, self._format, self._clip.facts)
                        count, begun = 0, time.perf_counter()
                    while len(waiting) > 1:
                        waiting.pop(0).result()
                    waiting.append(writer.submit(part.write, image, frame.time))
                    state.done, count = frame.index + 1, count + 1
                    self._tell(image)
                    long = time.perf_counter() - begun > _PART_SECONDS and count >= _LEAST_FRAMES
                    if long or count >= _PART_FRAMES:
                        self._keep(part, waiting)
                        part = None
                if part is not None:
                    self._keep(part, waiting)
                    part = None
            finally:
                if part is not None:
                    for each in waiting:
                        each.exception()
                    part.abandon()

    def _keep(self, part: Part, waiting: list[Future[None]]) -> None:
        while waiting:
            waiting.pop(0).result()
        self._parts.keep(part.close(), self._state)

    def _tell(self, image: FloatArray) -> None:
        state = self._state
        self._progress(
            VideoProgress(
                state.done,
                self._clip.facts.frames,
                time.perf_counter() - self._started,
                self._here,
                state.ratio or 1.0,
                image,
            )  # fmt: skip
        )

    def _results(self) -> Iterator[tuple[Frame, FloatArray]]:
        """Yields frames with their steadied results, in order; the first ones after the beginning is averaged."""
        primed = self._state.steady is None or self._state.done > 0
        held: list[tuple[Frame, FloatArray | None, FloatArray | None]] = []
        last: FloatArray | None = None
        beginning: list[Frame] = []  # damaged ones, before any that is not
        way, ratio = self._way, self._state.ratio
        assert ratio is not None
        given = prepared(ahead(self._clip.frames(self._state.done)), way.model, ratio, way.steady, self._rate)
        for stage in ahead(pictured(ahead(computed(ahead(given), way.backend)))):
            if self._cancelled():
                raise CancelledError("The run was cancelled; start it again to resume.")
            frame, seen = stage.frame, stage.seen
            if stage.job is None:
                self._state.damaged.append((frame.index, float(frame.time * self._clip.facts.time_base)))
            self._account(stage)
            image = stage.image
            if not primed:
                held.append((frame, image, seen))
                if len(held) < PRIMED:
                    continue
                primed = True
                yield from self._begun(held)
                last = self._last
                held = []
                continue
            if image is not None and seen is not None and self._state.steady is not None:
                image = self._state.steady.step(seen, image)
            if image is None:
                image = last if last is not None else self._previous()
            if image is None:
                beginning.append(frame)
                continue
            last = image
            for each in beginning:
                yield each, image
            beginning.clear()
            yield frame, image
        yield from self._begun(held)

    _last: FloatArray | None = None

    def _previous(self) -> FloatArray | None:
        """The result before the first frame of this run, if the averages have it."""
        return None if self._state.steady is None else self._state.steady.image

    def _begun(
        self, held: list[tuple[Frame, FloatArray | None, FloatArray | None]]
    ) -> Iterator[tuple[Frame, FloatArray]]:
        """Yields the first frames of a clip."""
        steady = self._state.steady
        assert steady is not None or not held
        good = [(seen, image) for _, image, seen in held if image is not None and seen is not None]
        if not good or steady is None:
            return
        steady.prime(good)
        first = good[0][1]
        for frame, image, seen in held:
            if image is not None and seen is not None:
                self._last = steady.step(seen, image)
            yield frame, first if self._last is None else self._last

    def _account(self, stage: Stage) -> None:
        """Takes over a frame's ratio, notes, and seconds in the network."""
        self._state.ratio = stage.ratio
        if stage.found is None:
            return
        seconds = stage.found.by["seconds"]
        self._state.network += seconds
        self._here += seconds
        self._notes = self._notes or stage.notes
