"""The source "hub": bare names in the settings' repository, and `hf:org/repo/name@revision`."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.hub.pulling import PulledWeights, cached_names, cached_weights, pull
from explorer.hub.references import PREFIX, HubReference, parse_reference, parse_repo
from explorer.models import architectures
from explorer.sources.interface import Progress, ResolvedWeights, WeightsSource, nothing


class Hub(WeightsSource):
    """Weights in the cache of the Hub's client, and weights that it can download."""

    name, rank = "hub", 2

    def names(self) -> Iterable[str]:
        return cached_names(*parse_repo(self.settings.repo)) if self.settings.repo else ()

    def find(self, name: str) -> ResolvedWeights | None:
        cached = cached_weights(self._reference(name)) if self.owns(name) or self._may_have(name) else None
        return self._resolved(cached) if cached else None

    def fetch(self, name: str, progress: Progress = nothing) -> ResolvedWeights:
        return self._resolved(pull(self._reference(name), progress, refresh=False))

    def owns(self, name: str) -> bool:
        return name.startswith(PREFIX)

    def offers(self, name: str) -> bool:
        return "." in name and self._may_have(name)

    def advice(self, name: str) -> str:
        if self.owns(name) or self.settings.repo:
            reference = self._reference(name)
            return f"{reference} is not on this machine; get it with `lowlight weights pull {reference}`"
        known = "." in name and name.split(".")[0] in architectures()
        return f"get them by `lowlight weights pull {PREFIX}org/repo/{name}`, or set EXPLORER_HUB_REPO=org/repo" * known

    def _may_have(self, name: str) -> bool:
        # A name with an unknown architecture is a typo, so no server is asked.
        return bool(self.settings.repo) and name.split(".")[0] in architectures()

    def _reference(self, name: str) -> HubReference:
        return parse_reference(name, self.settings.repo)

    def _resolved(self, weights: PulledWeights) -> ResolvedWeights:
        return ResolvedWeights(weights.reference.name, weights.folder, weights.commit, self.name)
