"""A Retinex decomposition as pictures: S = R * I, its parts, their product and what is left over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.views.pictures import Palette, absolute_difference, as_rgb, false_colour, luminance, resized_like

FloatArray = NDArray[np.float32]

RESIDUAL_SCALE = 0.25
"""Upper end of the residual's colour scale: fixed, so that two models can be compared by eye."""


@dataclass(frozen=True)
class Panel:
    """One picture of a decomposition."""

    name: str
    title: str
    image: FloatArray
    """H x W x 3 sRGB in [0, 1], ready to be shown."""
    scale: tuple[float, float] | None = None
    """Values at the ends of the colour scale; None where the picture is not false-coloured."""
    note: str = ""
    palette: Palette = "inferno"
    values: FloatArray | None = None
    """H x W: the numbers behind false colours, for a read-out; None where the picture shows them itself."""


def panels(
    seen: FloatArray,
    intermediates: Mapping[str, FloatArray],
    restored: FloatArray,
    residual: FloatArray | None = None,
) -> list[Panel]:
    """What there is to see of a decomposition, in reading order.

    Args:
        seen: S, the H x W x 3 sRGB picture that the network was given, in [0, 1].
        intermediates: H x W x C arrays by name; "reflectance", "illumination", "illumination_enhanced" and "curves"
            are shown.
        restored: the H x W x 3 result.
        residual: H x W; computed from reflectance and illumination unless given.

    Returns:
        Input, reflectance, illumination, enhanced illumination, Zero-DCE's curves (the mean over channels and steps,
        on -1 to 1), their product, result, the residual |R * I - S| (where R and I are both given), as far as they are
        there. Illuminations are false-coloured on the fixed scale 0 to 1.
    """
    shown = [Panel("input", "Input S", seen)]
    reflectance = intermediates.get("reflectance")
    illumination = intermediates.get("illumination")
    if reflectance is not None:
        shown.append(Panel("reflectance", "Reflectance R", as_rgb(reflectance)))
    for name, title in (("illumination", "Illumination I"), ("illumination_enhanced", "Enhanced illumination Î")):
        if name in intermediates:
            shown.append(illumination_panel(name, title, intermediates[name]))
    if "curves" in intermediates:
        plane = intermediates["curves"].mean(axis=2)
        colours = false_colour(plane, -1.0, 1.0, "diverging")
        shown.append(Panel("curves", "Curves, mean of 8 steps", colours, (-1.0, 1.0), "", "diverging", plane))
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


def illumination_panel(name: str, title: str, light: FloatArray) -> Panel:
    """An illumination (H x W x 1 or x 3) in false colours on the fixed scale 0 to 1."""
    plane = luminance(light)
    return Panel(name, title, false_colour(plane), (0.0, 1.0), f"mean {float(plane.mean()):.3f}", values=plane)


def difference_panel(name: str, title: str, difference: FloatArray) -> Panel:
    """An H x W difference in false colours on the fixed scale 0 to `RESIDUAL_SCALE`."""
    colours = false_colour(difference, 0.0, RESIDUAL_SCALE, "viridis")
    mean = f"mean {float(difference.mean()):.4f}"
    return Panel(name, title, colours, (0.0, RESIDUAL_SCALE), mean, "viridis", difference)
