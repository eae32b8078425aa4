"""The leaderboard: all networks and methods on the same three sets, each measured once per set of weights.

Measurements are stored in `leaderboard.json` next to this file; the table in docs/leaderboard.md and the page in the
app are made from it. Training data of checkpoints is in the catalogue. Nothing here imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from explorer.errors import DataError
from explorer.weights.catalogue import CATALOGUE
from explorer.weights.checkpoint import UNPUBLISHED, PublishedCheckpoint

BOARD = Path(__file__).with_name("leaderboard.json")
"""The measurements of this release."""
DARKENING = 30.0
"""Divisor of the light of darkened photos, for a mean of about 0.007, like LOL's dark pictures."""
PICTURE = (600, 400)
"""Width and height of the picture for which multiplications are counted (LOL's)."""

Kind = Literal["own", "published", "method"]


@dataclass(frozen=True)
class BoardSet:
    """One of the sets."""

    name: str
    title: str
    about: str
    pictures: int
    """Number of pictures used, the first by name."""


SETS = (
    BoardSet(
        "lol_eval15",
        "LOL eval15",
        "Fifteen real pairs of a dark and a bright exposure. Fourteen of the fifteen scenes are also in our485, on "
        "which most published networks were trained, so a plain PSNR above about 20 needs remembered scenes.",
        15,
    ),
    BoardSet(
        "sice_val",
        "SICE",
        "The first twelve exposure pairs of the scenes held out of this project's part of SICE: all kinds of "
        "light, little noise.",
        12,
    ),
    BoardSet(
        "kodak24_dark",
        "Kodak, darkened",
        f"The first twelve of Kodak's photos as RAW exposures of a random camera with a {DARKENING:g}th of the "
        "light, at base ISO; RGB networks get them developed.",
        12,
    ),
)


@dataclass(frozen=True)
class Row:
    """One network or method."""

    name: str
    kind: Kind
    architecture: str = ""
    title: str = ""
    domain: str = ""
    sha256: str = ""
    """Checksum of the weights; empty if there are none."""
    parameters: int = 0
    gmac: float | None = None
    """1e9 multiplications for a picture of size `PICTURE`; None for methods, which have no layers."""
    trained_on: str = ""
    """Training data of this project's own weights; for published ones, see the catalogue."""
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By set: "pictures", every metric, and "seconds", the median CPU time of a restoration, which hardly depends on
    other load."""

    @property
    def seen(self) -> str:
        """Training data in a few words; empty if unknown, or if nothing was trained."""
        entry = CATALOGUE.get(self.name)
        return entry.trained_on if entry else self.trained_on

    @property
    def saw_eval15(self) -> bool | None:
        """True if the training data contained scenes of eval15; None if unknown."""
        entry = CATALOGUE.get(self.name)
        return entry.saw_eval15 if entry else False


def read_board(path: Path = BOARD) -> list[Row]:
    """Reads the measurements, in the order in which they were made.

    Raises:
        DataError: the file cannot be read as a leaderboard.
    """
    if not path.is_file():
        return []
    try:
        return [Row(**each) for each in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a leaderboard ({error}); remove it and measure again.") from error


def board_json(rows: Sequence[Row]) -> str:
    """Returns the text of `leaderboard.json`: sorted, one row per line, so that diffs are small."""
    lines = ",\n".join(f"  {json.dumps(asdict(row))}" for row in sorted(rows, key=lambda row: (row.kind, row.name)))
    return f'{{"rows": [\n{lines}\n]}}\n'


def merged(rows: Sequence[Row], new: Row) -> list[Row]:
    """Replaces the row of the same name; keeps measurements of the same weights."""
    old = next((row for row in rows if row.name == new.name), None)
    if old is not None and old.sha256 == new.sha256:
        new = replace(new, figures={**old.figures, **new.figures})
    return [*(row for row in rows if row.name != new.name), new]


def is_known(rows: Sequence[Row], name: str, sha256: str, chosen: BoardSet, pictures: int) -> bool:
    """True if a measurement already exists for the same weights and number of pictures, including seconds."""
    row = next((row for row in rows if row.name == name), None)
    figures: Mapping[str, Any] = {} if row is None or row.sha256 != sha256 else row.figures.get(chosen.name, {})
    return figures.get("pictures") == pictures and ("seconds" in figures or not (row and row.architecture))


def published_by_quality() -> list[tuple[PublishedCheckpoint, Mapping[str, float]]]:
    """Published checkpoints with their figures on LOL eval15, the best first; last those that were not measured."""
    measured = {row.name: row.figures.get("lol_eval15", {}) for row in read_board()}
    found = [(entry, measured.get(entry.name, {})) for entry in CATALOGUE.values() if entry.licence != UNPUBLISHED]
    return sorted(found, key=lambda each: -each[1].get("psnr", 0.0))
