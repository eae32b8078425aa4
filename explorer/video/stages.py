"""The stages of a frame, each in its own thread, so that the network does not wait for the others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from explorer.photo import ModelInput
from explorer.photo.light.scene import picture_and_scene
from explorer.photo.values import FloatArray
from explorer.restorer import Computed, Job, compute, network_input, suggested_ratio
from explorer.video.light import followed
from explorer.video.source import Frame
from explorer.video.steady import seen_of
from explorer.weights.store import LoadedModel

_NONE = np.empty((0, 0, 0), dtype=np.float32)

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Stage:
    """A frame on its way."""

    frame: Frame
    """Without its photo."""
    ratio: float
    """The ratio that follows from the frames up to it."""
    job: Job | None = None
    """None for a damaged frame."""
    given: ModelInput | None = None
    """Without its planes once the network has had them."""
    found: Computed | None = None
    """The network's result."""
    seen: FloatArray | None = None
    """For the temporal step, from `seen_of`."""
    image: FloatArray | None = None
    """The result, H x W x 3 sRGB in [0, 1]."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on how the frame was prepared for the model, in sentences."""
        return tuple(note for each in (self.given, self.found) if each is not None for note in each.notes)


def prepared(
    frames: Iterator[Frame], model: LoadedModel, ratio: float, steady: bool, rate: float | None
) -> Iterator[Stage]:
    """Prepares each frame for the network.

    Args:
        ratio: 1 to 300, that of the frame before.
        steady: the temporal step follows.
        rate: frames a second, if the ratio follows the light; else None.
    """
    for frame in frames:
        bare, photo = replace(frame, photo=None), frame.photo
        if photo is None:
            yield Stage(bare, ratio)
            continue
        if rate is not None and frame.index:
            wanted, _ = suggested_ratio(photo, model)
            ratio = followed(ratio, wanted, 1 / rate)
        seen = seen_of(photo, ratio) if steady else None
        yield Stage(bare, ratio, Job(photo, model, ratio, ""), network_input(photo, model, ratio), seen=seen)


def computed(stages: Iterator[Stage], backend: str) -> Iterator[Stage]:
    """Runs the network on each frame."""
    for stage in stages:
        if stage.job is None or stage.given is None:
            yield stage
            continue
        found = compute(stage.job, stage.given, backend, False, lambda _: None)
        yield replace(stage, given=replace(stage.given, planes=_NONE), found=found)


def pictured(stages: Iterator[Stage]) -> Iterator[Stage]:
    """Converts each result to a picture."""
    for stage in stages:
        if stage.job is None or stage.given is None or stage.found is None:
            yield stage
            continue
        photo, color = stage.job.photo, stage.job.model.config.output.color
        lying = stage.given.placement.lying(stage.found.maps.pop("image"), photo)
        image, _ = picture_and_scene(photo, lying, color, stage.given.camera_to_srgb, False)
        yield replace(stage, image=image)


def ahead(items: Iterator[Item], most: int = 1) -> Iterator[Item]:
    """Yields the same items, while a thread makes the next ones."""
    ready: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(most)
    ended = threading.Event()

    def put(what: tuple[Item | None, BaseException | None]) -> bool:
        while not ended.is_set():
            try:
                ready.put(what, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
        except BaseException as error:  # the reader of the items is told
            put((None, error))
            return
        finally:
            close = getattr(items, "close", None)
            if close is not None:  # this also closes the iterators that they are made from
                close()
        put((None, None))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        ended.set()
        thread.join()
