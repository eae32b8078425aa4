"""Results as headings and rows of text, as Markdown, and as points of a plot."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.evaluation.chart import ChartResult
from explorer.evaluation.flat import PERIODS, FlatResult
from explorer.evaluation.pairs import PairResult
from explorer.evaluation.synthetic import SyntheticResult
from explorer.metrics import METRICS, PLAIN

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Headings and rows."""
Point = tuple[str, float, float]
"""Label of a model with its size, seconds per picture, PSNR in dB."""


def pair_table(results: Sequence[PairResult]) -> Table:
    """Columns: model, every metric, seconds per picture, parameters."""
    headings = ("MODEL", *(m.title.upper() for m in METRICS), "SECONDS", "PARAMETERS")
    return headings, [
        (r.model, *(m.format(r.scores[m.name]) for m in METRICS), _seconds(r.seconds), _count(r.parameters))
        for r in results
    ]


def synthetic_table(results: Sequence[SyntheticResult]) -> Table:
    """One row per model: PSNR / SSIM at each ratio, seconds per picture, parameters."""
    ratios = sorted({r.ratio for r in results})
    headings = ("MODEL", *(f"RATIO {ratio:g}" for ratio in ratios), "SECONDS", "PARAMETERS")
    rows = []
    for model, cells in _by_model(results).items():
        rows.append(
            (
                model,
                *(" / ".join(m.format(c.scores[m.name]) for m in PLAIN) for c in cells),
                _seconds(_mean([c.seconds for c in cells])),
                _count(cells[0].parameters),
            )
        )
    return headings, rows


def chart_table(results: Sequence[ChartResult]) -> Table:
    """Columns: model, CIEDE2000 (mean of all patches, of colours, of the neutral ramp, worst patch), gain, seconds."""
    headings = ("MODEL", "CIEDE2000", "COLOURS", "NEUTRALS", "WORST", "RATIO", "GAIN", "SECONDS")
    return headings, [
        (
            r.model,
            f"{r.mean:.2f}",
            f"{r.colours:.2f}",
            f"{r.neutrals:.2f}",
            f"{r.worst:.1f} {r.worst_patch}",
            f"{r.ratio:.3g}",
            f"{r.gain:.3f}",
            _seconds(r.seconds),
        )
        for r in results
    ]


def flat_table(results: Sequence[FlatResult]) -> Table:
    """Columns: model, surface, ratio, and by period the power along rows / columns relative to its surroundings."""
    headings = ("MODEL", "SURFACE", "RATIO", "PATCHES", *(f"PERIOD {period}" for period in PERIODS))
    return headings, [
        (
            r.model,
            r.surface,
            f"{r.ratio:.3g}",
            str(r.patches),
            *(f"{r.rows[period]:.2f} / {r.columns[period]:.2f}" for period in PERIODS),
        )
        for r in results
    ]


def pair_points(results: Sequence[PairResult]) -> list[Point]:
    """Returns the models' time and PSNR, without the unchanged input, which takes no time."""
    return [(_sized(r.model, r.parameters), r.seconds, r.scores.psnr) for r in results if r.seconds is not None]


def synthetic_points(results: Sequence[SyntheticResult]) -> list[Point]:
    """Returns the models' time and PSNR, both averaged over the ratios."""
    return [
        (_sized(model, cells[0].parameters), _mean([c.seconds for c in cells]), _mean([c.scores.psnr for c in cells]))
        for model, cells in _by_model(results).items()
    ]


def _by_model(results: Sequence[SyntheticResult]) -> dict[str, list[SyntheticResult]]:
    """Groups results by model, in the order of the ratios."""
    found: dict[str, list[SyntheticResult]] = {}
    for result in sorted(results, key=lambda r: r.ratio):
        found.setdefault(result.model, []).append(result)
    return {name: found[name] for name in dict.fromkeys(r.model for r in results)}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _sized(model: str, parameters: int) -> str:
    return f"{model} ({parameters / 1e6:.2g} M)" if parameters else model


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _count(value: int) -> str:
    return f"{value:,}" if value else "-"
