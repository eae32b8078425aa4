"""The bundled example photos, made by `scripts/make_examples.py`, each with a bright reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """A bundled dark photo."""

    name: str
    """Short and unique, for addresses and the command line."""
    title: str
    path: Path
    caption: str
    """One or two sentences: what to look for, and how the photo was darkened."""
    kind: Literal["raw", "picture"]
    """"raw" is a camera's mosaic (DNG); "picture" is display-referred (JPEG, PNG)."""
    reference: Path | None
    """The same scene with enough light and without noise; None if there is none."""
    credit: str
    """Origin of the scene, and its terms."""


def _example(name: str, suffix: str, title: str, caption: str, credit: str) -> Example:
    return Example(
        name=name,
        title=title,
        path=_FOLDER / f"{name}{suffix}",
        caption=caption,
        kind="raw" if suffix == ".dng" else "picture",
        reference=_FOLDER / f"{name}_reference.jpg",
        credit=credit,
    )


_EXAMPLES = (
    _example(
        "still_life",
        ".dng",
        "Still life by candlelight",
        "A rendered scene with a flame far above white and a colour chart, as a 14-bit RAW (GBRG) with a 32nd of the "
        "light. The as-shot balance is daylight: take the chart's grey as neutral, and candlelight turns white.",
        "Rendered by this project (Apache-2.0)",
    ),
    _example(
        "espresso",
        ".dng",
        "Espresso at 1/400 s",
        "Porcelain and coarse wood, as a 14-bit RAW (BGGR) with a 50th of the light.",
        "Coffee cup, Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0, from scikit-image; darkened",
    ),
    _example(
        "cat",
        ".png",
        "A cat after sunset",
        "Fur and whiskers with a 12th of the light, as an 8-bit PNG: many tones have fallen together.",
        "Chelsea, Stefan van der Walt, CC0, from scikit-image; darkened",
    ),
    _example(
        "astronaut",
        ".jpg",
        "Portrait without a flash",
        "Skin and orange cloth with a 14th of the light, as an 8-bit JPEG.",
        "Eileen Collins, NASA, public domain, from scikit-image; darkened",
    ),
    _example(
        "launchpad",
        ".jpg",
        "On the pad at dusk",
        "Work lights under a dark sky, with a 6th of the light, as an 8-bit JPEG: what lifts the sky burns the lights.",
        "Falcon 9 with DSCOVR, SpaceX, public domain, from scikit-image; darkened",
    ),
)


def examples() -> tuple[Example, ...]:
    """Returns all bundled examples, RAW first. The files are next to this module."""
    return _EXAMPLES


__all__ = ["Example", "examples"]
