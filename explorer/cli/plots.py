"""Writes plots of measured figures: self-contained HTML, or SVG and PNG if kaleido is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cli.outputs import check_file
from explorer.errors import OutputError
from explorer.formats import is_photo_name
from explorer.identity import identity, nearest_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FORMATS = (".html", ".svg", ".png")
_WIDTH, _HEIGHT = 760, 440


def check_plot(path: Path, folders: Sequence[Path]) -> None:
    """Refuses a plot that cannot be written, before anything is measured.

    Args:
        folders: of the measured pictures.

    Raises:
        OutputError: another suffix, no such folder, SVG or PNG without kaleido, or a plot that would replace one of the
            pictures or be taken for one next time.
    """
    check_file(path, FORMATS)
    among = is_photo_name(path.name) and nearest_of(path.parent, folders) is not None
    there = identity(path)
    if among or (there is not None and any(identity(each) == there for f in folders for each in f.rglob("*"))):
        raise OutputError(f"The plot {path} would end up among the pictures to measure; choose another place.")
    if (suffix := path.suffix.lower()) != ".html":
        from importlib.util import find_spec

        if find_spec("kaleido") is None:
            raise OutputError(
                f"A plot as {suffix} needs kaleido and Chrome; run `pip install kaleido`, or end the name in .html."
            )


def write_plot(path: Path, points: Sequence[tuple[str, float, float]], what: str) -> None:
    """Plots quality against time, with a dot for each model.

    Args:
        path: checked by `check_plot`.
        points: (model, seconds a picture, PSNR in dB).
        what: the data set, for the title.

    Raises:
        OutputError: the file cannot be written, or Chrome fails to draw it.
    """
    from explorer.views.plots import quality_against_time

    write_figure(path, quality_against_time(points), what)


def write_figure(path: Path, figure: Figure, what: str) -> None:
    """Writes a figure with a title, on white.

    Args:
        path: checked by `check_plot`.

    Raises:
        OutputError: as `write_plot`.
    """
    from explorer.encode import write_bytes

    below = max(52, figure.layout.margin.b or 0)  # a legend below the axes needs more
    figure.update_layout(
        # At the very top, above a legend that lies over the axes.
        title={"text": what, "font": {"size": 14}, "yref": "container", "y": 1, "yanchor": "top", "pad": {"t": 16}},
        width=_WIDTH,
        height=_HEIGHT - 52 + below,
        margin={"t": 104, "l": 64, "r": 24, "b": below},
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        font={"size": 13, "color": "#404040"},
    )
    suffix = path.suffix.lower()
    if suffix == ".html":
        # Includes its script, because a plot that must download it shows nothing without a connection.
        figure.update_layout(width=None)  # as wide as the window
        data = figure.to_html(include_plotlyjs=True, full_html=True).encode()
    else:
        try:
            data = figure.to_image(format=suffix[1:], width=_WIDTH, scale=1 if suffix == ".svg" else 2)
        except Exception as error:  # a browser can fail in any way
            raise OutputError(
                f"{path.name} could not be drawn ({type(error).__name__}); kaleido needs Chrome, or end it in .html."
            ) from error
    write_bytes(path, data)
