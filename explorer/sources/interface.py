"""The interface of a source of weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from explorer.hub.pulling import Progress as Progress
from explorer.hub.pulling import nothing as nothing
from explorer.weights.search_path import Settings


@dataclass(frozen=True)
class ResolvedWeights:
    """A folder of weights, and its origin."""

    name: str
    folder: Path
    revision: str
    """"local", "embedded", or the Hub's commit."""
    place: str
    """The source's name."""


@dataclass(frozen=True)
class WeightsSource(ABC):
    """A source of weights."""

    settings: Settings
    name: ClassVar[str]
    """The source's name in settings and for `source=`."""
    rank: ClassVar[int | None] = None
    """Its position in the default order, the lowest first; None for a source that is used only when named."""

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Returns the names that it knows without asking a server."""

    @abstractmethod
    def find(self, name: str) -> ResolvedWeights | None:
        """Returns weights that can be used at once, or None. Never touches the network."""

    def fetch(self, name: str, progress: Progress = nothing) -> ResolvedWeights | None:
        """Returns weights, downloaded if needed; None for a name that it does not have.

        Raises:
            WeightsError: the weights cannot be downloaded or used.
        """
        return self.find(name)

    def owns(self, name: str) -> bool:
        """True for names whose form shows that they belong to this source, so that no other is asked."""
        return False

    def offers(self, name: str) -> bool:
        """True if `fetch` should be called for a name that no source has on this machine."""
        return False

    def advice(self, name: str) -> str:
        """Returns how to get weights that it does not have on this machine; empty if it does not know."""
        return ""
