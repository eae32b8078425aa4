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


def panels(seen: FloatArray, intermediates: Mapping[str, FloatArray], restored: FloatArray) -> list[Panel]:
    """What there is to see of a decomposition, in reading order.

    Args:
        seen: S, the H x W x 3 sRGB picture that the network was given, in [0, 1].
        intermediates: H x W x C arrays by name; "reflectance", "illumination" and "illumination_enhanced" are shown.
        restored: the H x W x 3 result.

    Returns:
        Input, reflectance, illumination, enhanced illumination, result, the residual |R * I - S| (where R and I are
        both given), as far as they are there. Illuminations are false-coloured on the fixed scale 0 to 1.
    """
    shown = [Panel("input", "Input S", seen)]
    reflectance = intermediates.get("reflectance")
    illumination = intermediates.get("illumination")
    if reflectance is not None:
        shown.append(Panel("reflectance", "Reflectance R", as_rgb(reflectance)))
    for name, title in (("illumination", "Illumination I"), ("illumination_enhanced", "Enhanced illumination Î")):
        if name in intermediates:
            plane = luminance(intermediates[name])
            note = f"mean {float(plane.mean()):.3f}"
            shown.append(Panel(name, title, false_colour(plane), (0.0, 1.0), note, values=plane))
    shown.append(Panel("image", "Result", restored))
    if reflectance is not None and illumination is not None:
        product = as_rgb(reflectance) * as_rgb(illumination)
        residual = absolute_difference(resized_like(product, seen), seen)
        shown.append(
            Panel(
                "residual",
                "Residual |R·I − S|",
                false_colour(residual, 0.0, RESIDUAL_SCALE, "viridis"),
                (0.0, RESIDUAL_SCALE),
                f"mean {float(residual.mean()):.4f}",
                "viridis",
                residual,
            )
        )
    return shown
