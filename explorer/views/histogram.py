"""Histograms of a picture before and after, of display values or linear light."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go

from explorer.photo import srgb_to_linear
from explorer.photo.values import FloatArray
from explorer.views.plots import plain_figure

Axis = Literal["srgb", "stops"]

BINS = 96
DARKEST_STOP = -12.0
"""Start of the linear axis, in stops below saturation; a 14-bit sensor ends two stops lower."""

CHANNELS = (("Red", "#e5484d"), ("Green", "#30a46c"), ("Blue", "#3e8ef7"))


def counts(image: FloatArray, axis: Axis = "srgb") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the shares of pixels per bin and channel.

    Args:
        image: H x W x 3 sRGB in [0, 1].
        axis: "srgb" bins the display values 0..1; "stops" bins log2 of linear light, from -12 stops to saturation,
            with everything darker in the first bin.

    Returns:
        Bin centres (BINS) and shares in percent (3 x BINS, each row summing to 100).
    """
    values = np.clip(np.nan_to_num(image.reshape(-1, image.shape[-1])[:, :3]), 0.0, 1.0)
    low, high = 0.0, 1.0
    if axis == "stops":
        values = np.maximum(np.log2(np.maximum(srgb_to_linear(values), 2.0**-24)), DARKEST_STOP)
        low, high = DARKEST_STOP, 0.0
    edges = np.linspace(low, high, BINS + 1)
    rows = [np.histogram(values[:, channel], bins=edges)[0] for channel in range(3)]
    shares = np.stack(rows) * (100.0 / max(1, len(values)))
    return (edges[:-1] + edges[1:]) / 2, shares


def histogram(before: FloatArray, after: FloatArray, axis: Axis = "srgb") -> go.Figure:
    """Plots before (dotted) and after (filled) in red, green and blue.

    Args:
        before, after: H x W x 3 sRGB in [0, 1]; their sizes may differ.
        axis: "srgb" for display values, "stops" for linear light in stops below saturation.
    """
    figure = plain_figure(240)
    for title, image, dash in (("before", before, "dot"), ("after", after, "solid")):
        centres, shares = counts(image, axis)
        for (channel, colour), row in zip(CHANNELS, shares, strict=True):
            figure.add_scatter(
                x=np.round(centres, 4),
                y=np.round(row, 3),
                name=f"{channel}, {title}",
                legendgroup=title,
                mode="lines",
                line={"color": colour, "width": 1.5, "dash": dash, "shape": "hvh"},
                fill="tozeroy" if title == "after" else None,
                fillcolor=f"rgba{(*bytes.fromhex(colour[1:]), 0.12)}",
                hovertemplate="%{y:.2f} % of the pixels<extra>%{fullData.name}</extra>",
            )
    tallest = max(float(np.percentile(np.asarray(trace.y), 98)) for trace in figure.data)
    labels = {"srgb": "display value (sRGB)", "stops": "linear light, stops below saturation"}
    figure.update_layout(margin={"l": 48, "r": 8, "t": 8, "b": 40}, hovermode="x")
    figure.update_xaxes(title=labels[axis], fixedrange=True)
    # One crowded bin (all black) would flatten everything else, so the axis ends just above the 98th percentile.
    return figure.update_yaxes(title="% of pixels", range=[0, max(1.0, tallest * 1.3)], fixedrange=True)
