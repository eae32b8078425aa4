"""The sources "local" and "embedded", folders of weights on this machine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path

from explorer.sources.interface import ResolvedWeights, WeightsSource
from explorer.weights.store import embedded_folders, folders_in, local_folders


class _Folders(WeightsSource):
    @abstractmethod
    def places(self) -> list[Path]:
        """Returns folders of folders of weights; the first match wins."""

    def names(self) -> Iterable[str]:
        return folders_in(self.places())

    def find(self, name: str) -> ResolvedWeights | None:
        folder = Path(name) if self.owns(name) else folders_in(self.places()).get(name)
        return ResolvedWeights(name, folder, self.name, self.name) if folder else None


class Local(_Folders):
    """The folder in the settings, imported weights, and any folder given by its path."""

    name, rank = "local", 0

    def places(self) -> list[Path]:
        return local_folders(self.settings)

    def owns(self, name: str) -> bool:
        return "/" in name and Path(name).is_dir()


class Embedded(_Folders):
    """The weights in the checkout or the wheel."""

    name, rank = "embedded", 1

    def places(self) -> list[Path]:
        return embedded_folders()
