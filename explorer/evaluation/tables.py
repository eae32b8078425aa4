"""Results as headings and rows of text, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.evaluation.pairs import PairResult
from explorer.evaluation.synthetic import SyntheticResult

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Headings and rows."""


def pair_table(results: Sequence[PairResult]) -> Table:
    """Model, PSNR, SSIM, GT-mean PSNR, seconds a picture, parameters."""
    headings = ("MODEL", "PSNR", "SSIM", "GT-MEAN PSNR", "SECONDS", "PARAMETERS")
    return headings, [
        (r.model, f"{r.psnr:.2f}", f"{r.ssim:.3f}", f"{r.gt_mean_psnr:.2f}", _seconds(r.seconds), _count(r.parameters))
        for r in results
    ]


def synthetic_table(results: Sequence[SyntheticResult]) -> Table:
    """One row a model: PSNR / SSIM at each ratio, seconds a picture, parameters."""
    ratios = sorted({r.ratio for r in results})
    models = list(dict.fromkeys(r.model for r in results))
    found = {(r.model, r.ratio): r for r in results}
    headings = ("MODEL", *(f"RATIO {ratio:g}" for ratio in ratios), "SECONDS", "PARAMETERS")
    rows = []
    for model in models:
        cells = [found[model, ratio] for ratio in ratios]
        seconds = sum(c.seconds for c in cells) / len(cells)
        rows.append(
            (model, *(f"{c.psnr:.2f} / {c.ssim:.3f}" for c in cells), _seconds(seconds), _count(cells[0].parameters))
        )
    return headings, rows


def markdown(table: Table) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    headings, rows = table
    lines = [headings, ("---", *("--:" for _ in headings[1:])), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _count(value: int) -> str:
    return f"{value:,}" if value else "-"
