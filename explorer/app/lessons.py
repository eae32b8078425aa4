"""The pages of the Learn tab: one for each idea and each family of networks, with an example. `lessons.json` holds
their texts and settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

Picture = Literal["bits", "ratios", "retinex", "patches", "curve", "blocks", "board"]


@dataclass(frozen=True)
class Lesson:
    """One page."""

    name: str
    title: str
    paragraphs: tuple[str, ...]
    picture: Picture
    caption: str
    example: str
    """Name of the bundled photo."""
    model: str
    """An architecture, of which the first installed weights are used, or a classical method."""
    tab: str
    ratio: float | None = None
    """None for the suggested ratio."""
    blocks: tuple[tuple[int, int], ...] = ()
    """Blocks of the diagram as (reduction, channels), from input to output."""


LESSONS = TypeAdapter(tuple[Lesson, ...]).validate_json(Path(__file__).with_suffix(".json").read_bytes())
