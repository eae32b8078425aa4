"""The work of the Compare tab: models and ratios on one photo, and one model over many ratios.

Plain functions on a `Session`; `explorer.app.compare_tab` lays them out.
"""

from __future__ import annotations

import io
import itertools
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

import explorer
from explorer.app import model_picker, text, workspace
from explorer.app.budget import probe
from explorer.app.feedback import told
from explorer.app.holding import give_back
from explorer.app.open_photo import PREVIEW_SIDE, SHARPEST
from explorer.app.pictures import input_tile, model_tile, reference_tile
from explorer.app.session import Session
from explorer.choices import RatioChoice
from explorer.errors import ExplorerError, ModelNotFoundError, RatioError
from explorer.inspect import cost, sweep_ratios
from explorer.machine import peak_memory
from explorer.photo import check_ratio
from explorer.restorer import release_memory
from explorer.views.pictures import within
from explorer.views.plots import quality_against_time
from explorer.views.words import ratio_words, seconds_words

if TYPE_CHECKING:
    from explorer.app.open_photo import OpenPhoto
    from explorer.evaluation.metrics import Scores
    from explorer.restoration import Restoration

AT_FIRST = 4
"""Models selected when the page opens."""
MOST = 64
"""Maximum number of pictures in one comparison."""
MOST_STEPS = 24
RUNS = 3
"""Number of runs whose median is a model's time, after a warm-up that does not count."""
_PROBE = 96
"""Side of the picture that is used to order the methods by speed, in pixels."""
_SECONDS_PER_GMAC = 0.02
_NOTHING = np.zeros((0, 0, 3), np.float32)


@dataclass
class Row:
    """One model at one ratio."""

    model: str
    choice: RatioChoice
    tile: dict[str, Any]
    restoration: Restoration
    """The result without its picture, which is in the tile's file."""
    scores: Scores | None
    size: tuple[int, int]
    """Width and height, in pixels."""
    gmac: float | None
    times: list[float] = field(default_factory=list)
    """The network's seconds in each measured run."""
    memory: int | None = None
    """The most bytes by which the server's memory grew in one run; None if that is not measured."""

    @property
    def seconds(self) -> float | None:
        """The median of the runs; None before all are done."""
        return median(self.times) if len(self.times) >= RUNS else None


def parse_ratios(words: str) -> list[RatioChoice]:
    """Amplifications as a visitor lists them ("1, 10, auto"), without repetitions.

    Raises:
        RatioError: a part is neither auto nor a number from 1 to 300.
    """
    found: list[RatioChoice] = []
    for part in words.replace(";", ",").split(","):
        part = part.strip().lower().lstrip("×x")
        if not part:
            continue
        try:
            value: RatioChoice = "auto" if part == "auto" else check_ratio(float(part))
        except ValueError as error:
            raise RatioError(text.COMPARE_BAD_LIST.format(part=part)) from error
        if value not in found:
            found.append(value)
    return found or ["auto"]


def row_of(session: Session, model: str, ratio: RatioChoice) -> Row:
    """One model at one ratio. It is kept as long as the photo stays open, so nothing is computed twice."""
    work = session.require_open().work
    found: Row | None = work.compared.get((model, ratio))
    if found is not None and session.still_has(found.tile["src"], "compare"):
        return found
    shown = workspace.preview(session, model, ratio)
    restoration = shown.restoration
    height, width = restoration.image.shape[:2]
    spent = cost(model_picker.load(model), width, height)
    small = replace(restoration, image=within(restoration.image, PREVIEW_SIDE))  # the same size as all other tiles
    tile = {**model_tile(session, small, label=model_picker.label(model)), "windows": shown.windows}
    scores = workspace.scores(session, restoration.image)
    known = replace(restoration, image=_NOTHING, scene=None, exif=None)
    made = Row(model, ratio, tile, known, scores, (width, height), spent.gmac if spent else None)
    work.compared[model, ratio] = made
    return made


def measure(session: Session, row: Row) -> None:
    """Measures the time of a model on a picture of the comparison: `RUNS` times, after the run that made the picture,
    which prepared the network for its size. Then measures the memory of one run with nothing cached."""
    photo = session.require_open().small
    while len(row.times) < RUNS:
        row.times.append(explorer.restore(photo, row.model, row.restoration.ratio, intermediates=False).seconds)
    release_memory()
    give_back()
    with peak_memory() as grown:
        explorer.restore(photo, row.model, row.restoration.ratio, intermediates=False)
    row.memory = grown[0] if grown else None
    words = f"{ratio_words(row.restoration.ratio)}, {seconds_words(median(row.times))}"
    row.tile = {**row.tile, "note": words}


@lru_cache(maxsize=256)
def _effort(model: str, _sha256: str) -> float:
    loaded = model_picker.load(model)
    counted = cost(loaded, _PROBE, _PROBE)
    if counted is not None:
        return counted.gmac * _SECONDS_PER_GMAC
    spans, photo = [], probe(_PROBE)
    for _ in range(RUNS):  # the first run prepares what a method needs
        begun = time.thread_time()  # thread time, so that other work on the machine does not count
        explorer.restore(photo, loaded, 4.0, intermediates=False)
        spans.append(time.thread_time() - begun)
    return min(spans)


def cheapest_first(wanted: list[tuple[str, RatioChoice]]) -> list[tuple[str, RatioChoice]]:
    """The same pairs, fast models first. A network's time is estimated from its multiplications; a classical method,
    which has none, is timed on a small picture. Unavailable models come last."""

    def effort(pair: tuple[str, RatioChoice]) -> float:
        try:
            return _effort(pair[0], model_picker.load(pair[0]).identity.sha256)
        except ExplorerError:
            return math.inf

    return sorted(wanted, key=effort)


def comparable() -> list[str]:
    """Models that can be compared."""
    return [name for name in model_picker.models() if name != "identity"]


def wanted_pairs(models: list[str], ratios: list[RatioChoice]) -> list[tuple[str, RatioChoice]]:
    """Each model at each ratio.

    Raises:
        ModelNotFoundError: no model, or one that is not known.
        RatioError: more pairs than `MOST`.
    """
    if not models:
        raise ModelNotFoundError(text.COMPARE_NONE)
    pairs = [(model_picker.known(model), ratio) for model in models for ratio in ratios]
    if len(pairs) > MOST:
        raise RatioError(text.COMPARE_TOO_MANY.format(count=len(pairs), most=MOST))
    return pairs


@dataclass
class Board:
    """The current state of a comparison."""

    tiles: list[dict[str, Any]]
    wanted: list[tuple[str, RatioChoice]]
    """In the order in which they were chosen; fast ones are computed first."""
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    next_model: str | None = None
    """The model that is running; None at the end."""
    measuring: bool = False
    """True once all pictures are done and times are being measured."""
    preparing: list[str] = field(default_factory=list)
    """Message while the current model is prepared for this machine, which happens once."""
    done: int = 0
    stopped: bool = False
    batch: str = field(default_factory=lambda: secrets.token_hex(4))
    size: tuple[int, int] = (0, 0)
    """Width and height of the photo, in pixels."""
    sharper: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Sharper pictures over each tile, by its id: the whole picture at the screen's sharpness, and a window of it."""
    answered: str = ""
    """The last question for sharper pictures that was answered."""
    alone: threading.Lock = field(default_factory=threading.Lock)
    """Held during any computation for the board, so that nothing else counts in a model's time."""
    _serial: Iterator[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def value(self) -> dict[str, Any]:
        """What the tiles show. Two events update it, so the page ignores a value that is older than its own."""
        with self._lock:
            tiles = [{**tile, "sharper": list(self.sharper.get(tile["id"], ()))} for tile in self.tiles]
            return {
                "batch": self.batch, "tiles": tiles, "size": list(self.size), "sharpest": SHARPEST,
                "answered": self.answered, "serial": next(self._serial),
            }  # fmt: skip

    @property
    def plot(self) -> Any:
        """PSNR against seconds; None if there are fewer than two points."""
        points = [
            (f"{model_picker.label(row.model)} {ratio_words(row.restoration.ratio)}", row.seconds, row.scores["psnr"])
            for row in self.rows
            if row.scores is not None and row.seconds is not None
        ]
        return quality_against_time(points) if len(points) > 1 else None


def compared(session: Session, wanted: list[tuple[str, RatioChoice]], turn: int) -> Iterator[Board]:
    """Restores each pair in turn, then measures times and memory. Yields the board before each step and at the end.

    Ends early if another photo is opened, which has a board of its own, and after the current step if something newer
    is requested; finished rows then appear with their figures.
    """
    opened = session.require_open()
    session.shows("compare")
    board = opened.work.board = Board([input_tile(session, opened.as_taken)], wanted, size=opened.size)
    if opened.reference is not None:
        board.tiles.append(reference_tile(session, opened.reference.like(opened.as_taken)))
    for _ in _steps(session, board, opened):
        if session.open is not opened:
            return
        if not session.is_latest("compare", turn):
            board.stopped = True
            break
        yield board
    board.next_model = None
    if session.open is opened:
        yield board


def _steps(session: Session, board: Board, opened: OpenPhoto) -> Iterator[None]:
    """Performs one step per iteration, after `board` has announced it."""
    for model, ratio in cheapest_first(board.wanted):
        board.next_model, board.preparing = model_picker.label(model), model_picker.preparing(model)
        yield
        try:
            with board.alone:
                row = row_of(session, model, ratio)
        except ExplorerError as error:  # an unavailable model must not hide the others
            board.failures.append(told(error))
        else:
            board.tiles.append(row.tile)
            board.rows.append(row)
        board.done += 1
    board.measuring, board.preparing = True, []
    for number, row in enumerate(board.rows):
        if row.seconds is None:
            board.next_model, board.done, tile = model_picker.label(row.model), number, row.tile
            yield
            with board.alone:
                measure(session, row)
            board.tiles[board.tiles.index(tile)] = row.tile
    board.done = len(board.rows)


@dataclass
class Sweep:
    """The current state of one model over many ratios."""

    count: int
    tiles: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)
    path: Path | None = None
    """The animation, once all frames are done."""
    batch: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def strip(self) -> dict[str, Any]:
        """What the tiles show."""
        return {"batch": self.batch, "tiles": list(self.tiles), "columns": min(self.count, 6)}

    @property
    def animation(self) -> dict[str, Any]:
        """The value of the player."""
        frames = [{"src": tile["src"], "label": tile["title"], "alt": tile["alt"]} for tile in self.tiles]
        return {"batch": self.batch + str(len(frames) == self.count), "frames": frames}


def swept(
    session: Session, model: str, low: float, high: float, count: float, wanted: Callable[[], bool] = lambda: True
) -> Iterator[Sweep]:
    """Restores with one model at amplifications from low to high, in equal steps of light. Yields the state after each.

    Args:
        wanted: called before each step; the sweep ends if it returns False. Another photo ends it in any case.
    """
    opened = session.require_open()
    ratios = sweep_ratios(low, high, min(int(count), MOST_STEPS))
    session.shows("sweep")
    found = Sweep(len(ratios))
    for ratio in ratios:
        if session.open is not opened or not wanted():
            return
        row = row_of(session, model, ratio)
        found.tiles.append({**row.tile, "title": ratio_words(ratio), "note": seconds_words(row.restoration.seconds)})
        with Image.open(io.BytesIO(session.picture_of(row.tile["src"], "compare"))) as picture:
            found.pictures.append(picture.convert("RGB"))
        yield found
    found.path = session.download_path(f"sweep-{model}.png", "sweep")
    with io.BytesIO() as buffer:
        found.pictures[0].save(buffer, "PNG", save_all=True, append_images=found.pictures[1:], duration=500, loop=0)
        found.path.write_bytes(buffer.getvalue())
    yield found
