"""The source "authors", the pages of published checkpoints. Used only when named, because downloads need consent."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.hub.originals import download_original
from explorer.sources.interface import Progress, ResolvedWeights, WeightsSource, nothing
from explorer.weights.catalogue import CATALOGUE, published
from explorer.weights.store import folders_in, imported_folder


class Authors(WeightsSource):
    """Published checkpoints by their names in the catalogue; once imported, they are found as local weights."""

    name = "authors"

    def names(self) -> Iterable[str]:
        return [entry.name for entry in CATALOGUE.values() if entry.downloadable]

    def find(self, name: str) -> ResolvedWeights | None:
        folder = folders_in([imported_folder()]).get(name) if name in CATALOGUE else None
        return ResolvedWeights(name, folder, "local", self.name) if folder else None

    def fetch(self, name: str, progress: Progress = nothing, *, accept_licence: bool = False) -> ResolvedWeights:
        """Downloads and imports a checkpoint once its licence is accepted.

        Raises:
            ModelNotFoundError, WeightsError: see `explorer.hub.originals.download_original`.
        """
        entry = published(name)
        if found := self.find(entry.name):
            return found
        folder = download_original(entry.name, accept_licence=accept_licence, progress=progress)
        return ResolvedWeights(entry.name, folder, "local", self.name)

    def advice(self, name: str) -> str:
        entry = CATALOGUE.get(name)
        return f"get the published ones by `lowlight weights import {name}`" if entry and entry.downloadable else ""
