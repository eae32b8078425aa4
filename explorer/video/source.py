"""The interface of a source of frames, and shared parts of clips and folders of frames."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from explorer.errors import ExplorerError
from explorer.photo import Photo


@dataclass(frozen=True)
class Frame:
    """A frame to restore."""

    index: int
    time: int
    """In units of the source's time base."""
    photo: Photo | None
    """None for a damaged frame, for which the previous one is repeated."""


@dataclass(frozen=True)
class Facts:
    """The facts about a source before its frames are decoded."""

    name: str
    frames: int
    """Number of frames in the container; some of them may not be shown."""
    time_base: Fraction
    rate: Fraction
    """Frames per second, on average."""
    bits: int
    width: int
    """Width of the upright picture."""
    height: int
    last_duration: int = 0
    """Duration of the last frame, in units of the time base; 0 if unknown."""
    aspect: Fraction | None = None
    """Width of an upright pixel over its height, if it is not 1."""
    sound: int = 0
    """Number of sound streams."""
    notes: tuple[str, ...] = field(default=())


class Source(Protocol):
    """A clip or a folder."""

    path: Path
    facts: Facts

    def frames(self, skip: int = 0) -> Iterator[Frame]:
        """Yields frames in order. The first `skip` are skipped without converting them."""
        ...

    def samples(self, count: int) -> list[Photo]:
        """Yields a few frames from all over the source, from which the ratio is chosen."""
        ...

    def fingerprint(self) -> str:
        """Returns a value that changes when the source does."""
        ...


def stamp(paths: list[Path]) -> str:
    """Hashes names, sizes and times of files."""
    parts = []
    for path in paths:
        stat = path.stat()
        parts.append(f"{path.name}/{stat.st_size}/{stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def even_picks(total: int, count: int) -> list[int]:
    """Returns up to `count` different numbers, spread evenly from 0 to `total` - 1."""
    return sorted({round((k + 0.5) * total / count - 0.5) for k in range(count)} & set(range(total)))


def av_module() -> Any:
    """Imports PyAV.

    Raises:
        ExplorerError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ExplorerError("Video needs PyAV; run `pip install 'lowlight-explorer[video]'`.") from error
    return av
