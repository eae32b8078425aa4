"""A Retinex decomposition as pictures: S = R * I, its parts, their product and the residual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from explorer.models.registry import ILLUMINATION, REFLECTANCE, Intermediate
from explorer.photo.values import FloatArray
from explorer.views.pictures import Palette, absolute_difference, as_rgb, false_colour, luminance, resized_like

RESIDUAL_SCALE = 0.25
"""Upper end of the residual's colour scale; fixed, so that models can be compared visually."""

_READ_OUT = 9
"""Largest number of table values in a note."""


@dataclass(frozen=True)
class Panel:
    """One picture of a decomposition."""

    name: str
    title: str
    image: FloatArray
    """H x W x 3 sRGB in [0, 1], ready to display."""
    scale: tuple[float, float] | None = None
    """Values at the ends of the colour scale; None if the picture is not false-coloured."""
    note: str = ""
    palette: Palette = "inferno"
    values: FloatArray | None = None
    """H x W: values of the false colours, for a read-out; None if the picture itself shows them."""


def panels(
    seen: FloatArray,
    maps: Mapping[str, FloatArray],
    described: Sequence[Intermediate],
    restored: FloatArray,
    residual: FloatArray | None = None,
) -> list[Panel]:
    """Returns the panels of a decomposition, in reading order.

    Args:
        seen: S, the network's H x W x 3 sRGB input, in [0, 1].
        maps: H x W x C arrays by name.
        described: descriptions of the maps; maps without one are not shown.
        restored: the H x W x 3 result.
        residual: H x W; computed from reflectance and illumination unless given.

    Returns:
        Input, the maps as described by their architecture, and the result; if both R and I exist, also their product
        before it and the residual |R * I - S| after it.
    """
    shown = [Panel("input", "Input S", seen)]
    for each in described:
        if each.name in maps and each.table:
            shown.append(table_panel(each, maps[each.name], seen.shape[:2]))
        elif each.name in maps:
            shown += [intermediate_panel(step, values) for step, values in in_steps(each, maps[each.name])]
    reflectance, illumination = maps.get(REFLECTANCE.name), maps.get(ILLUMINATION.name)
    if reflectance is not None and illumination is not None:
        product = as_rgb(reflectance) * as_rgb(illumination)
        shown.append(Panel("product", "Product R·I", np.clip(product, 0, 1)))
        shown.append(Panel("image", "Result", restored))
        if residual is None:
            residual = absolute_difference(resized_like(product, seen), seen)
        shown.append(difference_panel("residual", "Residual |R·I − S|", residual))
    else:
        shown.append(Panel("image", "Result", restored))
    return shown


def in_steps(described: Intermediate, values: FloatArray) -> list[tuple[Intermediate, FloatArray]]:
    """A map (H x W x C) as the maps that it holds, each with its own description."""
    if described.steps == 1:
        return [(described, values)]
    parts = np.split(values, described.steps, axis=2)
    names = [(f"{described.name}_{step}", described.title.format(step=step)) for step in range(1, len(parts) + 1)]
    return [(replace(described, name=n, title=t), part) for (n, t), part in zip(names, parts, strict=True)]


def intermediate_panel(described: Intermediate, values: FloatArray) -> Panel:
    """Renders one map (H x W x C) by its description: as a colour picture, or one plane in false colours."""
    name, title, colours = described.name, described.title, described.colours
    if colours == "rgb":
        return Panel(name, title, as_rgb(values))
    plane = values.mean(axis=2) if colours == "diverging" else luminance(values)
    note = "" if colours == "diverging" else f"mean {float(plane.mean()):.3f}"
    return Panel(name, title, false_colour(plane, *described.range, colours), described.range, note, colours, plane)


def table_panel(described: Intermediate, values: FloatArray, size: tuple[int, ...]) -> Panel:
    """Renders numbers about the whole picture (rows x columns x 1) as fields that fill a picture of this height and
    width; the note lists the values of small tables."""
    table = values[..., 0]
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, table.shape, strict=True))
    plane = table[rows[:, None], columns]
    colours = "inferno" if described.colours == "rgb" else described.colours
    note = "" if table.size > _READ_OUT else "; ".join(", ".join(f"{n:.2f}" for n in row) for row in table)
    image = false_colour(plane, *described.range, colours)
    return Panel(described.name, described.title, image, described.range, note, colours, plane)


def illumination_panel(name: str, title: str, light: FloatArray) -> Panel:
    """Renders an illumination (H x W x 1 or x 3) in false colours on the fixed scale 0 to 1."""
    return intermediate_panel(replace(ILLUMINATION, name=name, title=title), light)


def difference_panel(name: str, title: str, difference: FloatArray) -> Panel:
    """Renders an H x W difference in false colours on the fixed scale 0 to `RESIDUAL_SCALE`."""
    colours = false_colour(difference, 0.0, RESIDUAL_SCALE, "viridis")
    mean = f"mean {float(difference.mean()):.4f}"
    return Panel(name, title, colours, (0.0, RESIDUAL_SCALE), mean, "viridis", difference)
