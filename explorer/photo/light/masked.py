"""Measures the black level in the masked pixels around the picture, which no light reaches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.choices import BLACK_CHOICES, BlackChoice
from explorer.errors import PhotoError
from explorer.messages import say
from explorer.photo.light.levels import BlackLevel
from explorer.photo.validation import shown

"""Source of a RAW file's black level: its own statement, its masked pixels, or the latter if they clearly differ."""
Area = tuple[int, int, int, int]
"""Top, left, bottom and right on the whole sensor."""

_GUARD = 4
"""Rows and columns to skip next to the picture and at the sensor's edge, where light leaks in or counts are invalid."""
_NARROWEST = 8
_FEWEST = 1000
"""Smallest number of masked samples of one colour."""
_LEAST_COUNTS = 2.0
"""Smallest difference in counts; stated levels are whole numbers, so one count does not matter."""
_LEAST_SHARE = 2e-4
"""Smallest difference as a fraction of the range from black to white: 2 % of it after amplification by 100."""
_MOST_SHARE = 0.01
"""Largest plausible difference, as a fraction of the range; beyond it, the pixels are not masked."""
_LARGEST_NOISE = 0.02
_BLOCK = 16


@dataclass(frozen=True)
class Sensor:
    """A whole sensor and the picture's position on it."""

    counts: NDArray[np.uint16]
    """H x W."""
    picture: Area
    masked: tuple[Area, ...] = ()
    """Areas that the file states as masked; without them, the margins are used."""
    known: bool = False
    """True if the margins of this camera are known to be masked; for a DNG, only if the file names them."""
    period: int = 2
    """Rows and columns after which levels repeat: 2 for Bayer, 1 if all samples share one level."""


def _areas(sensor: Sensor) -> list[Area]:
    """Returns the parts of the sensor to measure."""
    height, width = sensor.counts.shape
    top, left, bottom, right = sensor.picture
    if sensor.masked:
        found = [(max(0, t), max(0, x), min(height, b), min(width, r)) for t, x, b, r in sensor.masked]
        return [area for area in found if area[2] > area[0] and area[3] > area[1]]
    margins = (
        (_GUARD, left, top - _GUARD, right), (bottom + _GUARD, left, height - _GUARD, right),
        (top, _GUARD, bottom, left - _GUARD), (top, right + _GUARD, bottom, width - _GUARD),
    )  # fmt: skip
    return [area for area in margins if area[2] - area[0] >= _NARROWEST and area[3] - area[1] >= _NARROWEST]


def _excess(sensor: Sensor, area: Area, black: BlackLevel) -> NDArray[np.float64]:
    """Returns counts above the stated level; the cell of levels continues beyond the picture."""
    top, left, bottom, right = area
    rows = (np.arange(top, bottom) - sensor.picture[0]) % black.cell.shape[0]
    columns = (np.arange(left, right) - sensor.picture[1]) % black.cell.shape[1]
    return sensor.counts[top:bottom, left:right] - black.cell[np.ix_(rows, columns)]


def _without_outliers(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Removes hot and dead pixels: keeps samples within six median deviations."""
    median = np.median(samples)
    spread = np.median(np.abs(samples - median))
    return samples[np.abs(samples - median) <= 6 * max(spread, 0.5)]


def _measured(sensor: Sensor, black: BlackLevel) -> tuple[NDArray[np.float64], float, float] | None:
    """Measures the offset of masked pixels above the stated level by row and column of the period, the disagreement
    between areas, and the noise. None if there are too few pixels, or if they are not noise around one level."""
    period = sensor.period
    rows: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    means, noise, count = [], 0.0, 0
    for area in _areas(sensor):
        excess = _excess(sensor, area, black)
        kept = _without_outliers(excess)
        means.append(float(kept.mean()))
        noise, count = max(noise, float(kept.std())), count + kept.size
        np.clip(excess, kept.min(), kept.max(), out=excess)
        for dy in range(period):
            for dx in range(period):
                y, x = (dy + sensor.picture[0] - area[0]) % period, (dx + sensor.picture[1] - area[1]) % period
                rows.setdefault((dy, dx), []).append(excess[y::period, x::period].mean(axis=1))
    if count < _FEWEST * period**2:
        return None
    found = np.zeros((period, period))
    for place, parts in rows.items():  # a row that deviates as a whole is an outlier, too
        found[place] = _without_outliers(np.concatenate(parts)).mean()
    return found, max(means) - min(means), noise


def _is_dark(sensor: Sensor, black: BlackLevel, found: NDArray[np.float64], noise: float) -> bool:
    """True if the picture is nowhere darker than the presumed masked pixels, and mostly brighter unless the areas are
    known to be masked. Otherwise a margin that light reaches could be taken for black."""
    excess = _excess(sensor, sensor.picture, black)
    height, width = (n // _BLOCK * _BLOCK for n in excess.shape)
    if not (height and width):
        return False
    blocks = excess[:height, :width].reshape(height // _BLOCK, _BLOCK, -1, _BLOCK).mean(axis=(1, 3))
    level = float(found.mean())
    if np.percentile(blocks, 1) < level - 3 * noise / _BLOCK - 0.5:
        return False
    return bool(sensor.masked) or sensor.known or float(np.median(blocks)) > level + 2 * noise


@dataclass(frozen=True)
class Believed:
    """A plausible black level from masked pixels."""

    level: NDArray[np.float64]
    """Counts above the stated level, by row and column of the period."""
    disagreement: float
    """Disagreement of the masked areas, in counts."""


def believed(black: BlackLevel, white: float, sensor: Sensor) -> Believed | None:
    """Returns the black level from masked pixels; None if a file has none, or if they are not plausible."""
    measured = None if black.rows is not None or black.columns is not None else _measured(sensor, black)
    if measured is None:
        return None
    found, disagreement, noise = measured
    span, difference = white - float(black.cell.max()), float(np.abs(found).max())
    if not (0.1 < noise < _LARGEST_NOISE * span and difference < _MOST_SHARE * span):
        return None
    return Believed(found, disagreement) if _is_dark(sensor, black, found, noise) else None


def checked_black_level(
    black: BlackLevel, white: float, measured: Believed | None, choice: BlackChoice
) -> tuple[BlackLevel, str | None]:
    """Returns the black level to subtract, and a sentence for the user if it is not the stated one.

    Args:
        black: as stated in the file.
        white: sensor counts at saturation.
        measured: result of `believed`.
        choice: "file" keeps the file's level; "masked" uses that of the masked pixels if there is one; "auto" uses the
            latter if it clearly differs.
    """
    if choice == "file":
        return black, None
    if measured is None:
        return black, say("note.no_masked_black") if choice == "masked" else None
    found, disagreement, period = measured.level, measured.disagreement, len(measured.level)
    span, difference = white - float(black.cell.max()), float(np.abs(found).max())
    clear = difference >= max(_LEAST_COUNTS, _LEAST_SHARE * span) and disagreement <= difference / 2
    if choice == "auto" and not clear:
        return black, None
    sides = [int(np.lcm(n, period)) for n in black.cell.shape]
    cell = np.tile(black.cell, [n // m for n, m in zip(sides, black.cell.shape, strict=True)])
    cell = cell + np.tile(found, [n // period for n in sides])
    stated, mean = float(black.cell.mean()), float(cell.mean())
    note = say("note.masked_black", stated=f"{stated:.4g}", mean=f"{mean:.5g}")
    return replace(black, cell=cell), note


def checked_choice(choice: str) -> BlackChoice:
    """Checks a choice.

    Raises:
        PhotoError: an unknown choice.
    """
    found = next((name for name in BLACK_CHOICES if name == choice), None)
    if found is None:
        raise PhotoError(code="error.black_level_choice", choice=shown(choice), names=", ".join(BLACK_CHOICES))
    return found
