"""A photo's way from its bytes to its result and its row of the manifest: the same three stages wherever they run.

`lowlight restore` uses `Treatment` too. The stages are separate functions, so that
decoding, the network and encoding can run in different processes, on different machines.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.batch import addresses
from explorer.batch.listing import Item
from explorer.batch.manifest import Row
from explorer.choices import Bits, RatioChoice
from explorer.errors import ExplorerError, OutputError, PhotoError, WeightsError, sentence
from explorer.machine import threads
from explorer.saving import NEGATIVE, Saving

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.choices import BlackChoice
    from explorer.photo.types import Photo
    from explorer.photo.values import WhiteBalanceChoice
    from explorer.restoration import Restoration
    from explorer.weights.store import LoadedModel

ROWS = ".manifest/rows"
FEWER = "use a lighter model or fewer workers"
"""Advice if a run is short of memory."""
_ATTEMPTS = 3
_HOPELESS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}
)
"""Errors of writing that a second attempt would repeat."""


@dataclass(frozen=True)
class Balance:
    """A white balance that a user asked for; a call applies it to a photo."""

    choice: WhiteBalanceChoice | None = None
    """None keeps the file's own."""
    neutral: tuple[int, int] | None = None
    """A pixel x, y of the upright picture that should be grey."""

    def __call__(self, photo: Photo) -> Photo:
        if self.neutral is not None:
            return photo.with_neutral_point(*self.neutral)
        return photo if self.choice is None else photo.with_white_balance(self.choice)


@dataclass(frozen=True)
class Treatment:
    """All choices for a photo except the model."""

    ratio: RatioChoice = "auto"
    balance: Balance = field(default_factory=Balance)
    bits: Bits = 8
    """Bits per channel of the result."""
    backend: str = "auto"
    black_level: BlackChoice = "auto"
    """Black level of RAW files."""
    strength: float = 100.0
    """0 (the developed photo) to 100 (the network's picture)."""
    suffix: str = ".png"
    """Suffix of the results."""
    saving: Saving = field(default_factory=Saving)
    half: bool = False
    """Halves the photo's width and height."""

    @property
    def only_raw(self) -> bool:
        """True if a folder's developed pictures are left out: next to each RAW file, many cameras write a JPEG."""
        return self.saving.only_raw(self.suffix)

    def max_side(self, photo: Photo) -> int | None:
        """See `explorer.restore`."""
        from explorer.photo.light.reduce import half_side

        return half_side(photo) if self.half else None

    def opened(self, source: str | Path | bytes, name: str | None = None) -> Photo:
        """Opens the photo with its white balance; see `explorer.open_photo`."""
        from explorer.photo import open_photo

        return self.balance(open_photo(source, name=name, black_level=self.black_level))

    def restored(self, photo: Photo, model: LoadedModel, *, intermediates: bool = False) -> Restoration:
        """See `explorer.restore`."""
        from explorer.restorer import restore

        if self.suffix == NEGATIVE:
            from explorer.negative import check_negative

            check_negative(photo, self.saving)
        chosen: dict[str, Any] = {"strength": self.strength, "backend": self.backend, "intermediates": intermediates}
        chosen["max_side"] = self.max_side(photo)
        return restore(photo, model, self.ratio, scene=self.saving.needs_scene(self.suffix), **chosen)


@dataclass(frozen=True)
class ModelFiles:
    """A model to be sent to another process or machine, which need not have its weights."""

    name: str
    """The weights' name, or that of a classical method."""
    revision: str
    sha256: str
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    """Name and content; empty for classical methods."""

    @classmethod
    def of(cls, model: LoadedModel) -> ModelFiles:
        """Collects the files of a loaded model."""
        names = ("config.json", "model.safetensors") if model.architecture.needs_weights else ()
        if names and model.folder is None:
            raise WeightsError(f"{model.name} is not in a folder; make one by `lowlight weights import FILE`.")
        files = tuple((name, (Path(model.folder or "") / name).read_bytes()) for name in names)
        return cls(model.identity.name, model.identity.revision, model.identity.sha256, files)

    def loaded(self) -> LoadedModel:
        """Loads the model.

        Raises:
            WeightsError: the files are not those that were sent.
        """
        from explorer.weights.store import classical_model, load_weights

        if not self.files:
            return classical_model(self.name)
        import tempfile

        with tempfile.TemporaryDirectory(prefix="lowlight-model-") as folder:
            for name, content in self.files:
                (Path(folder) / name).write_bytes(content)
            model = load_weights(Path(folder), self.revision)
        if model.identity.sha256 != self.sha256:
            raise WeightsError(f"The weights {self.name} changed during the transfer; start again.")
        return model


@dataclass(frozen=True)
class Plan:
    """The plan that every process of a run gets."""

    destination: str
    """Canonical address of the folder for results and manifest."""
    treatment: Treatment
    model: ModelFiles
    threads: int = 1
    """Processor threads of one network."""
    environment: tuple[tuple[str, str], ...] = ()
    """The EXPLORER_ variables of the planning process, so that its limits apply everywhere."""

    @property
    def suffix(self) -> str:
        """Suffix of the results."""
        return self.treatment.suffix

    @property
    def settings(self) -> str:
        """A digest of everything that determines a result; if it differs, the photo is restored again."""
        from explorer import __version__

        chosen = [self.model.name, self.model.sha256, asdict(self.treatment), self.suffix, __version__]
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]

    def prepare_process(self) -> None:
        """Applies the plan's threads and limits to the calling process."""
        from explorer.photo.files.quiet import allow_in_threads

        allow_in_threads()  # it starts no processes, even if a thread supervises it
        os.environ.update(self.environment)
        os.environ["OMP_NUM_THREADS"] = str(self.threads)  # for libraries that are loaded later

    @lru_cache(maxsize=2)  # noqa: B019  # plans are few, and live as long as their process
    def loaded(self) -> LoadedModel:
        """The model of this process, loaded once."""
        import torch

        torch.set_num_threads(threads(self.threads))
        return self.model.loaded()


@dataclass(frozen=True)
class Decoded:
    """After the first stage: a photo, or in `row` the error that ended it."""

    item: Item
    row: Row
    photo: Photo | None = None


@dataclass(frozen=True)
class Made:
    """After the second stage: the picture's samples, or in `row` the error that ended it."""

    item: Item
    row: Row
    samples: NDArray[np.integer] | None = None
    """H x W x 3, integers of the treatment's bits."""
    exif: bytes | None = None
    data: bytes | None = field(default=None, repr=False)
    """Instead of samples: the whole file, if it contains more than the picture."""


@dataclass(frozen=True)
class Outcome:
    """After the last stage."""

    input: str
    error: str = ""
    """The sentence of its row; empty if it was restored."""
    code: int = 0
    stop: str = ""
    """The reason why nothing more can be written; then there is no row either."""


def _failed(row: Row, error: BaseException, code: int | None = None) -> Row:
    if code is None:
        code = error.exit_code if isinstance(error, ExplorerError) else 1
    return row | {"status": "failed", "error": sentence(error, relief=FEWER), "error_code": code}


@contextmanager
def _timed(row: Row, name: str, clock: Callable[[], float]) -> Iterator[None]:
    started = clock()
    try:
        yield
    finally:
        row[name] = clock() - started


def _begun(item: Item, plan: Plan) -> Row:
    """Returns the facts about a photo before it is opened."""
    # A resumed run compares size and stamp: as listed, not as they are now.
    return {
        "input": item.input,
        "bytes": item.found.bytes,
        "stamp": item.found.stamp,
        "model": plan.model.name,
        "weights_sha256": plan.model.sha256,
        "weights_revision": plan.model.revision,
        "settings": plan.settings,
        "status": "restored",
        "error_code": 0,
    }


def decode(item: Item, plan: Plan) -> Decoded:
    """Reads and decodes a photo. Errors go into the row."""
    from explorer.photo.limits import Limits

    row = _begun(item, plan)
    name = addresses.name_of(item.input)
    try:
        limits = Limits.from_environment()
        limits.check_bytes(item.found.bytes, name)
        with _timed(row, "read_seconds", time.perf_counter):
            data = addresses.read(item.input, limits.max_bytes)
    except PhotoError as error:
        return Decoded(item, _failed(row, error))
    except FileNotFoundError:
        return Decoded(item, _failed(row, PhotoError(f"{item.input} does not exist; check the path."), UNREAD))
    except Exception as error:  # each file system has its own
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Decoded(item, _failed(row, PhotoError(f"{item.input} cannot be read: {reason}; try again."), UNREAD))
    row["sha256"] = hashlib.sha256(data).hexdigest()
    try:
        with _timed(row, "decode_cpu_seconds", time.process_time):
            photo = plan.treatment.opened(data, name)
    except Exception as error:
        return Decoded(item, _failed(row, error))
    width, height = photo.size
    return Decoded(item, row | {"camera": photo.camera, "width": width, "height": height}, photo)


UNREAD = 30
"""`error_code` of a photo that could not be fetched: the next attempt may succeed."""


def make(decoded: Decoded, plan: Plan, model: LoadedModel) -> Made:
    """Runs the network. Errors go into the row."""
    row = dict(decoded.row)
    if decoded.photo is None:
        return Made(decoded.item, row)
    try:
        with _timed(row, "network_cpu_seconds", time.process_time):
            result = plan.treatment.restored(decoded.photo, model)
            whole_file = plan.treatment.saving.needs_scene(plan.suffix)
            samples = None if whole_file else result.quantised(plan.treatment.bits)
        data = None
        if whole_file:
            with _timed(row, "encode_cpu_seconds", time.process_time):
                data = result.encoded(plan.suffix, plan.treatment.bits, plan.treatment.saving)
    except Exception as error:
        return Made(decoded.item, _failed(row, error))
    row |= {
        "ratio": float(result.ratio),
        "ratio_source": result.ratio_source,
        "device": str(result.device),
        "precision": result.precision,
        "backend": result.backend,
        "seconds": float(result.seconds),
    }
    return Made(decoded.item, row, samples, result.exif, data)


def finish(made: Made, plan: Plan) -> Outcome:
    """Encodes and writes the result, then its row: a photo is done when its row exists."""
    from explorer.encode import encode

    row, item = dict(made.row), made.item
    if made.samples is not None or made.data is not None:
        bits = plan.treatment.bits
        try:
            data = made.data
            if made.samples is not None:
                with _timed(row, "encode_cpu_seconds", time.process_time):
                    data = encode(made.samples, plan.suffix, bits, made.exif)
            assert data is not None
        except Exception as error:
            row = _failed(row, error)
        else:
            row |= {
                "output": item.output,
                "output_bytes": len(data),
                "output_sha256": hashlib.sha256(data).hexdigest(),
            }
            try:
                with _timed(row, "write_seconds", time.perf_counter):
                    _write(plan.destination, item.output, data)
            except _UnnameableError as error:
                row = _failed(row, OutputError(str(error)))
            except OutputError as error:
                return Outcome(item.input, stop=str(error))
    return note(row, plan)


def note(row: Row, plan: Plan) -> Outcome:
    """Writes a row of the manifest."""
    content = json.dumps(row, sort_keys=True).encode()
    try:
        _write(plan.destination, f"{ROWS}/{row_name(row['input'])}", content)
    except OutputError as error:
        return Outcome(row["input"], stop=str(error))
    return Outcome(row["input"], row.get("error") or "", row["error_code"])


def lost(item: Item, plan: Plan, error: Exception) -> Outcome:
    """Writes the row of a photo whose process died."""
    return note(_failed(_begun(item, plan), error), plan)


def row_name(source: str) -> str:
    """Returns the name of a photo's row in the unfinished manifest."""
    return f"{hashlib.sha256(os.fsencode(source)).hexdigest()[:32]}.json"


def whole(item: Item, plan: Plan) -> Outcome:
    """Runs all three stages in this process."""
    return finish(make(decode(item, plan), plan, plan.loaded()), plan)


class _UnnameableError(Exception):
    """The destination does not allow the result's name, which concerns only this photo."""


def _write(destination: str, name: str, data: bytes) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            addresses.write(destination, name, data)
            return
        except Exception as error:  # each file system has its own
            code = getattr(error, "errno", None)
            if code == errno.ENAMETOOLONG:
                raise _UnnameableError(
                    f"The name of its result is too long for {destination}; give the photo a shorter name."
                ) from error
            if code in _HOPELESS or isinstance(error, PhotoError) or attempt == _ATTEMPTS:
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise OutputError(
                    f"{destination} accepts no more results ({reason}); free some space there or correct its "
                    "permissions, then run the same command again: it resumes where it stopped."
                ) from error
        time.sleep(0.5 * attempt)
