"""What the Compare tab does: models and ratios on one photo, and one model over many ratios.

Plain functions on a `Session`; `explorer.app.compare_tab` lays them out.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from explorer.app import catalogue, restoring, text
from explorer.app.components import RatioChoice
from explorer.app.feedback import told
from explorer.app.pictures import input_tile, model_tile, reference_tile
from explorer.app.session import Session
from explorer.errors import ExplorerError, ModelNotFoundError, RatioError
from explorer.inspect import cost, sweep_ratios
from explorer.metrics import METRICS
from explorer.photo import check_ratio
from explorer.views.pictures import to_bytes
from explorer.views.plots import quality_against_time
from explorer.views.words import ratio_words

AT_FIRST = 4
"""Models chosen when the page opens."""
MOST = 36
"""Pictures of one comparison."""
MOST_STEPS = 24

_COLUMNS: tuple[dict[str, Any], ...] = (
    {"title": text.COMPARE_COLUMN_MODEL},
    {"title": text.COMPARE_COLUMN_RATIO, "digits": 1},
    *(
        {"title": m.heading, "digits": m.digits, "best_high": m.best_high}
        | ({"hint": text.COMPARE_HINT_MATCHED} if m.matched else {})
        for m in METRICS
    ),
    {"title": text.COMPARE_COLUMN_SECONDS, "digits": 3, "best_high": False},
    {"title": text.COMPARE_COLUMN_PARAMETERS, "digits": 0},
    {"title": text.COMPARE_COLUMN_GMAC, "digits": 2},
    {"title": text.COMPARE_COLUMN_MEMORY, "digits": 0, "hint": text.COMPARE_HINT_MEMORY},
)

_SECONDS = [column["title"] for column in _COLUMNS].index(text.COMPARE_COLUMN_SECONDS)


def parse_ratios(words: str) -> list[RatioChoice]:
    """Amplifications as a visitor lists them: "1, 10, auto", each once.

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


def row_of(session: Session, model: str, ratio: RatioChoice) -> tuple[dict[str, Any], list[Any]]:
    """One model at one ratio: its tile, and its row of the table."""
    restoration = restoring.preview(session, model, ratio).restoration
    scores = restoring.scores(session, restoration.image)
    height, width = restoration.image.shape[:2]
    spent = cost(catalogue.load(model), width, height)
    row = [
        catalogue.label(model),
        round(restoration.ratio, 2),
        *(round(scores[m.name], m.digits + 1) if scores else None for m in METRICS),
        round(restoration.seconds, 4),
        catalogue.models()[model].parameters or None,
        round(spent.gmac, 3) if spent else None,
        round(spent.peak_bytes / 1e6, 1) if spent else None,
    ]
    return model_tile(session, restoration, label=catalogue.label(model)), row


def comparable() -> list[str]:
    """Models that are worth a tile."""
    return [name for name in catalogue.models() if name != "identity"]


def wanted_pairs(models: list[str], ratios: list[RatioChoice]) -> list[tuple[str, RatioChoice]]:
    """Each model at each ratio.

    Raises:
        ModelNotFoundError: no model, or one that is not known.
        RatioError: these are more than `MOST`.
    """
    if not models:
        raise ModelNotFoundError(text.COMPARE_NONE)
    pairs = [(catalogue.known(model), ratio) for model in models for ratio in ratios]
    if len(pairs) > MOST:
        raise RatioError(text.COMPARE_TOO_MANY.format(count=len(pairs), most=MOST))
    return pairs


@dataclass
class Board:
    """A comparison as far as it has come."""

    tiles: list[dict[str, Any]]
    rows: list[list[Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    next_model: str | None = None
    """What is at work; None at the end."""
    done: int = 0
    batch: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def value(self) -> dict[str, Any]:
        """The value of the tiles."""
        return {"batch": self.batch, "tiles": list(self.tiles)}

    @property
    def plot(self) -> Any:
        """PSNR against seconds; None for less than two points."""
        points = [(f"{row[0]} {ratio_words(row[1])}", row[_SECONDS], row[2]) for row in self.rows if row[2] is not None]
        return quality_against_time(points) if len(points) > 1 else None


def compared(session: Session, wanted: list[tuple[str, RatioChoice]]) -> Iterator[Board]:
    """Restores each in turn: the board before and after each. Ends early where another photo is opened, and where
    `session.stopping` is set, after the picture at work, so that what is done is shown with its figures."""
    opened = session.require_open()
    session.shows("compare")
    board = Board([input_tile(session, opened.as_taken)])
    if opened.reference is not None:
        board.tiles.append(reference_tile(session, opened.reference.like(opened.as_taken)))
    session.stopping = False
    for model, ratio in wanted:
        if session.open is not opened or session.stopping:
            break
        board.next_model = catalogue.label(model)
        yield board
        try:
            tile, row = row_of(session, model, ratio)
        except ExplorerError as error:  # one model that cannot be had must not hide the others
            board.failures.append(told(error))
        else:
            board.tiles.append(tile)
            board.rows.append(row)
        board.done += 1
    board.next_model = None
    if session.open is opened:  # where another photo is open, the board is its own
        yield board


@dataclass
class Sweep:
    """One model over many ratios, as far as it has come."""

    count: int
    tiles: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)
    path: Path | None = None
    """The animation, once all are there."""
    batch: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def strip(self) -> dict[str, Any]:
        """The value of the tiles."""
        return {"batch": self.batch, "tiles": list(self.tiles), "columns": min(self.count, 6)}

    @property
    def animation(self) -> dict[str, Any]:
        """The value of the player."""
        frames = [{"src": tile["src"], "label": tile["title"], "alt": tile["alt"]} for tile in self.tiles]
        return {"batch": self.batch + str(len(frames) == self.count), "frames": frames}


def swept(session: Session, model: str, low: float, high: float, count: float) -> Iterator[Sweep]:
    """One model at amplifications from low to high, in equal steps of light: what is done so far, after each."""
    opened = session.require_open()
    ratios = sweep_ratios(low, high, min(int(count), MOST_STEPS))
    session.shows("sweep")
    found = Sweep(len(ratios))
    for ratio in ratios:
        if session.open is not opened:
            return
        restoration = restoring.preview(session, model, ratio).restoration
        found.tiles.append(model_tile(session, restoration, group="sweep", title=ratio_words(ratio)))
        found.pictures.append(Image.fromarray(to_bytes(restoration.image)))
        yield found
    found.path = session.download_path(f"sweep-{model}.png", "sweep")
    with io.BytesIO() as buffer:
        found.pictures[0].save(buffer, "PNG", save_all=True, append_images=found.pictures[1:], duration=500, loop=0)
        found.path.write_bytes(buffer.getvalue())
    yield found


def table(session: Session, rows: list[list[Any]]) -> dict[str, Any]:
    """The value of the table."""
    opened = session.require_open()
    height, width = opened.as_taken.shape[:2]
    words = text.COMPARE_HELP.format(width=width, height=height)
    if opened.reference is None:
        words += " " + text.COMPARE_NO_REFERENCE
    return {
        "columns": list(_COLUMNS),
        "rows": [list(row) for row in rows],
        "caption": text.COMPARE_TABLE,
        "note": words,
    }
