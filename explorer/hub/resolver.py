"""One resolver of names of weights: folders of the user's own, those that come with the explorer, the Hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.errors import HubError, ModelNotFoundError, WeightsError
from explorer.hub.client import offline
from explorer.hub.pulling import Progress, cached_names, cached_weights, nothing, pull
from explorer.hub.references import PREFIX, HubReference, parse_reference, parse_repo
from explorer.models import architectures
from explorer.weights.settings import PLACES, Settings, check_order, read_settings
from explorer.weights.store import folders_of


@dataclass(frozen=True)
class Found:
    """Where weights are."""

    name: str
    folder: Path
    revision: str
    """"local", "embedded", or the Hub's commit."""
    place: str
    """"local", "embedded" or "hub"."""


def at_hand(settings: Settings | None = None) -> dict[str, Found]:
    """All weights that can be used without a connection, by name, sorted; the first place of the order wins.

    Raises:
        WeightsError: the settings cannot be read.
    """
    settings = settings or read_settings()
    found: dict[str, Found] = {}
    for place in settings.order:
        for name, (folder, revision) in _in_place(place, settings).items():
            found.setdefault(name, Found(name, folder, revision, place))
    return dict(sorted(found.items()))


def find(
    name: str,
    *,
    source: str | None = None,
    repo: str | None = None,
    download: bool = True,
    progress: Progress = nothing,
) -> Found:
    """Weights by their name.

    Args:
        name: `architecture.recipe`, or `hf:org/repo/name`, with `@revision` or not.
        source: one place to look at instead of the order of the settings: "local", "embedded" or "hub".
        repo: the Hub's repository for bare names, instead of the settings'.
        download: fetch what is found on the Hub alone.

    Raises:
        ModelNotFoundError: no place has such a name; the message says how to get it.
        HubError: weights that were asked of the Hub by name cannot be had.
        WeightsError: the settings, or the weights on the Hub, cannot be used.
    """
    settings = read_settings()
    repo = settings.repo if repo is None else repo
    if name.startswith(PREFIX) or source == "hub":
        if source not in (None, "hub"):
            raise WeightsError(f"{name!r} lies on the Hub, not among the {source} weights; leave the source out.")
        return _on_hub(parse_reference(name, repo), download, progress)
    order = settings.order if source is None else check_order([source], "The source")
    reason = ""
    for place in order:
        if place != "hub":
            if name in (there := _in_place(place, settings)):
                return Found(name, *there[name], place)
        elif repo and name.split(".")[0] in architectures():
            reference = parse_reference(name, repo)
            if cached := cached_weights(reference):
                return Found(name, cached.folder, cached.commit, "hub")
            if source is None and offline():
                reason = f"{reference} is not in the cache, and HF_HUB_OFFLINE is set"
                continue
            try:
                return _on_hub(reference, download, progress)
            except HubError as error:
                reason = str(error).rstrip(".")
    raise ModelNotFoundError(_not_found(name, order, repo, reason))


def check_source(source: str) -> None:
    """Raises WeightsError unless `source` is a place."""
    if source not in PLACES:
        raise WeightsError(f"There is no source {source!r}; take one of {', '.join(PLACES)}.")


def _in_place(place: str, settings: Settings) -> dict[str, tuple[Path, str]]:
    """Weights of one place by name: (folder, revision)."""
    if place != "hub":
        return folders_of(place, settings)
    if not settings.repo:
        return {}
    repo, revision = parse_repo(settings.repo)
    references = [HubReference(repo, name, revision) for name in cached_names(repo, revision)]
    return {each.reference.name: (each.folder, each.commit) for r in references if (each := cached_weights(r))}


def _on_hub(reference: HubReference, download: bool, progress: Progress) -> Found:
    if not download:
        cached = cached_weights(reference)
        if cached is None:
            raise HubError(f"{reference} is not on this machine; get it with `lowlight weights pull {reference}`.")
        return Found(reference.name, cached.folder, cached.commit, "hub")
    pulled = pull(reference, progress, anew=False)
    return Found(reference.name, pulled.folder, pulled.commit, "hub")


def _not_found(name: str, order: tuple[str, ...], repo: str, reason: str) -> str:
    known = [n for n, f in at_hand().items() if f.place in order]
    names = ", ".join(known) or "none"
    if reason:
        return f"There are no weights {name!r} here, and the Hub does not help: {reason}; at hand: {names}."
    hint = ""
    if "hub" in order and not repo and name.split(".")[0] in architectures():
        hint = f"; get them by `lowlight weights pull hf:org/repo/{name}`, or set EXPLORER_HUB_REPO=org/repo"
    return f"There are no weights {name!r} among the {' and '.join(order)} ones{hint}; at hand: {names}."
