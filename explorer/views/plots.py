"""Line and scatter plots, in the app's quiet style: quality against time, profiles along a line, training curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go

from explorer.metrics import METRICS

COLOURS = ("#c98420", "#3e8ef7", "#30a46c", "#e5484d", "#8e6fd8", "#12a5a5", "#a3a3a0", "#d6649a")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "triangle-down")
_LINES = {"gridcolor": "rgba(128,128,128,0.22)", "zeroline": False}
_GRID = {**_LINES, "fixedrange": True}
_ABOVE = {"orientation": "h", "y": 1.14, "x": 0}


def quality_against_time(points: Sequence[tuple[str, float, float]]) -> go.Figure:
    """Plots PSNR over seconds, a dot per model; up and to the left is better.

    Args:
        points: (label, seconds, PSNR in dB).
    """
    figure = plain_figure(340)
    for index, (label, seconds, quality) in enumerate(points):
        figure.add_scatter(
            x=[seconds],
            y=[quality],
            mode="markers",
            name=label,
            marker={"size": 12, "color": COLOURS[index % len(COLOURS)], "symbol": _SYMBOLS[index % len(_SYMBOLS)]},
            hovertemplate="%{fullData.name}<br>%{x:.3g} s, %{y:.2f} dB<extra></extra>",
            cliponaxis=False,
        )
    figure.update_xaxes(title="seconds (logarithmic)", type="log", dtick=1, **_GRID)
    if points:
        logarithms = np.log10([max(seconds, 1e-4) for _, seconds, _ in points])
        figure.update_xaxes(range=[float(logarithms.min()) - 0.6, float(logarithms.max()) + 0.6])
    figure.update_yaxes(title="PSNR, dB", **_GRID)
    # Names next to the dots would overlap at phone width, or if models are similar.
    tall, top, words, legend = 320, 28, 70, 22 * len(points)
    figure.update_layout(
        height=top + tall + words + legend,
        showlegend=True,
        legend={"x": 0, "xanchor": "left", "y": -words / tall, "yanchor": "top", "itemclick": False},
        margin={"t": top, "b": words + legend},
    )
    return figure


def profile_lines(lines: Mapping[str, NDArray[np.float32]]) -> go.Figure:
    """Plots values along a line drawn on a picture.

    Args:
        lines: by name, evenly spaced values from the line's start to its end.
    """
    figure = plain_figure(280).update_layout(showlegend=True, hovermode="x", legend=_ABOVE)
    for index, (name, values) in enumerate(lines.items()):
        places = np.round(np.linspace(0, 100, len(values)), 2)
        _add_line(figure, index, name, places, np.round(values, 4), "%{y:.3f}")
    figure.update_xaxes(title="% of the line", **_GRID)
    figure.update_yaxes(title="value", rangemode="tozero", **_GRID)
    return figure


def training_curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], figure_name: str) -> go.Figure:
    """Plots one figure of the runs' logs over their steps, a line for each run.

    Args:
        runs: by name, the entries of `log.jsonl`.
        figure_name: "loss" for the training loss, else the name of a validation metric ("psnr").
    """
    figure = plain_figure(280).update_layout(showlegend=len(runs) > 1, legend=_ABOVE)
    for index, (name, entries) in enumerate(runs.items()):
        steps, values = series(entries, figure_name)
        mode = "lines+markers" if len(steps) < 40 else "lines"
        _add_line(figure, index, name, steps, values, "step %{x}: %{y:.4g}", mode=mode)
    figure.update_xaxes(title="step", **_GRID)
    figure.update_yaxes(title=figure_title(figure_name), **_GRID)
    return figure


def quality_against_light(lines: Mapping[str, Sequence[tuple[float, float, float]]]) -> go.Figure:
    """Plots PSNR and SSIM over light, a line for each model; further left is darker.

    Args:
        lines: by model, (electrons of middle grey, PSNR in dB, SSIM).
    """
    figure = plain_figure(420)
    for index, (name, points) in enumerate(lines.items()):
        electrons, psnr, ssim = zip(*sorted(points), strict=True)
        for values, axis in ((psnr, "y"), (ssim, "y2")):
            _add_line(
                figure, index, name, electrons, values, "%{x:.3g} electrons: %{y:.4g}", mode="lines+markers",
                yaxis=axis, legendgroup=name, showlegend=axis == "y",
            )  # fmt: skip
    figure.update_xaxes(title="electrons of middle grey (logarithmic)", type="log", dtick=1, anchor="y2", **_GRID)
    figure.update_layout(
        yaxis={"title": "PSNR, dB", "domain": [0.42, 1], **_GRID},
        yaxis2={"title": "SSIM", "domain": [0, 0.36], "range": [0, 1], **_GRID},
        showlegend=True,
        legend={**_ABOVE, "y": 1.03, "yanchor": "bottom"},
    )
    return figure


def photon_transfer(
    means: NDArray[np.floating], variances: NDArray[np.floating], gain: float, at_dark: float
) -> go.Figure:
    """Plots the photon transfer curve: variance over mean, and the line whose slope is the gain.

    Args:
        means, variances: of parts of flat frames, in counts and counts squared.
        gain: counts per electron.
        at_dark: the variance without light.
    """
    figure = plain_figure(340)
    shown = np.linspace(0, len(means) - 1, min(len(means), 4000)).astype(int)  # more dots would only make a large file
    figure.add_scatter(
        x=np.round(means[shown], 2), y=np.round(variances[shown], 3), mode="markers", name="parts of flat frames",
        marker={"size": 4, "color": COLOURS[1], "opacity": 0.5},
    )  # fmt: skip
    ends = np.array([0.0, float(means.max())])
    figure.add_scatter(
        x=ends, y=at_dark + gain * ends, mode="lines", name=f"slope {gain:.4g}", line={"color": COLOURS[0], "width": 2}
    )
    figure.update_xaxes(title="mean, counts above black", rangemode="tozero", **_GRID)
    figure.update_yaxes(title="variance, counts squared", rangemode="tozero", **_GRID)
    figure.update_layout(showlegend=True, legend=_ABOVE)
    return figure


_TITLES = {
    **{metric.name: metric.heading for metric in METRICS},
    "reconstruction": "mean |R·I − S|",
    "reflectance_difference": "mean |R dark − R bright|",
    "enhanced_mean": "mean Î",
}


def figure_title(name: str) -> str:
    """Formats the name of a figure in a run's log: "psnr_30", the PSNR at that amplification, as "PSNR ×30, dB"."""
    first, _, ratio = name.partition("_")
    if first == "psnr" and ratio.isdecimal():
        return f"PSNR ×{ratio}, dB"
    return _TITLES.get(name, name)


def series(entries: Sequence[Mapping[str, Any]], figure_name: str) -> tuple[list[int], list[float]]:
    """Returns steps and values of one figure; see `training_curves`."""
    steps, values = [], []
    for entry in entries:
        found: Any = None
        if figure_name == "loss":
            losses = entry.get("losses")
            found = losses.get("loss") if isinstance(losses, dict) else None
        elif isinstance(entry.get("validation"), dict):
            found = entry["validation"].get(figure_name)
        if isinstance(found, int | float) and np.isfinite(found):
            steps.append(int(entry.get("step", 0)))
            values.append(float(found))
    return steps, values


def _add_line(figure: go.Figure, index: int, name: str, x: Any, y: Any, hover: str, **options: Any) -> None:
    figure.add_scatter(
        x=x, y=y, name=name, line={"color": COLOURS[index % len(COLOURS)], "width": 2},
        hovertemplate=f"{hover}<extra>%{{fullData.name}}</extra>", **{"mode": "lines", **options},
    )  # fmt: skip


def plain_figure(height: int) -> go.Figure:
    """An empty plot without a background, its words and lines grey: it can be read on light pages and on dark ones.

    Args:
        height: in pixels.
    """
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 56, "r": 12, "t": 12, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        font={"size": 12, "color": "#808080"},
    )
    return figure.update_xaxes(**_LINES).update_yaxes(**_LINES)
