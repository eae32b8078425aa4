"""Records measured metrics in a folder of weights: in its config and its model card."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from explorer.encode import write_bytes
from explorer.errors import WeightsError
from explorer.evaluation.flat import PERIODS, FlatResult
from explorer.evaluation.pairs import PairResult
from explorer.evaluation.synthetic import SyntheticResult
from explorer.training.card import FLAT, with_figures
from explorer.weights.config import WeightsConfig, read_config
from explorer.weights.store import MODEL_FILE, sha256_of

Figures = Mapping[str, Mapping[str, float]]
"""By the data set's name, then by the metric's."""


def pair_figures(result: PairResult, low: Path, high: Path) -> Figures:
    """Returns a model's metrics on pairs; the data set is named after the folder that contains both."""
    low, high = low.resolve(), high.resolve()
    name = _plain(low.parent.name if low.parent == high.parent else f"{low.name}_{high.name}")
    return {name: {"pictures": result.pictures, **_rounded(result.scores)}}


def synthetic_figures(results: Iterable[SyntheticResult], folder: Path) -> Figures:
    """Returns a model's metrics on synthetic RAW: a data set `<folder>_<sensor>_iso_raw_<ratio>` for each ratio."""
    name = _plain(folder.resolve().name)
    return {f"{name}_{r.sensor}_iso_raw_{r.ratio:g}": {"pictures": r.pictures, **_rounded(r.scores)} for r in results}


def flat_figures(results: Iterable[FlatResult], chart: str | None) -> Figures:
    """Returns a model's metrics on flat surfaces: the pattern at each period, the larger of both directions.

    Args:
        chart: the surface that is a chart, whose fitted ratio is not part of the data set's name.
    """
    return {
        f"{FLAT}{_plain(r.surface)}" + ("" if r.surface == chart else f"_{r.ratio:g}"): {
            "patches": r.patches,
            **{f"weave_{period}": round(r.weave(period), 4) for period in PERIODS},
        }
        for r in results
    }


def record(folder: Path, figures: Figures, sha256: str) -> WeightsConfig:
    """Writes metrics to a folder's `config.json` and to the section "Figures" of its card.

    Args:
        folder: of weights.
        figures: replace those of the same data sets; others are kept.
        sha256: of the weights that were measured.

    Returns:
        The config as written.

    Raises:
        WeightsError: the folder now contains other weights.
        OutputError: it cannot be written.
    """
    config = read_config(folder)
    if sha256_of(folder / MODEL_FILE) != sha256:
        raise WeightsError(f"{folder} contains different weights from those that were measured; measure them again.")
    metrics = {name: dict(values) for name, values in (config.metrics | dict(figures)).items()}
    config = config.model_copy(update={"metrics": metrics})
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {config.name}\n\n{config.summary}\n"
    write_bytes(card, with_figures(text, config).encode())
    write_bytes(folder / "config.json", config.to_json().encode())
    return config


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items()}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "pictures"
