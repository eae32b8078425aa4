"""Resolves names of weights to folders, by the first source in the user's order that has the name."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache

from explorer.discovery import declared
from explorer.errors import HubError, ModelNotFoundError, WeightsError
from explorer.messages import say
from explorer.models import architectures
from explorer.sources.interface import Progress, ResolvedWeights, WeightsSource, nothing
from explorer.weights.search_path import Settings, read_settings

_ALIKE = 0.85
"""Similarity of two names, 0 to 1, from which one is probably meant for the other."""


@cache
def _kinds() -> dict[str, type[WeightsSource]]:
    classes = [
        c for c in declared("explorer.sources", type) if issubclass(c, WeightsSource) and not inspect.isabstract(c)
    ]
    return {c.name: c for c in sorted(classes, key=lambda c: (c.rank is None, c.rank))}


def check_order(order: Sequence[str], source: str) -> tuple[str, ...]:
    """Checks an order of sources and returns it.

    Raises:
        WeightsError: a source that does not exist, a duplicate, or no source at all.
    """
    if not order or len(set(order)) < len(order) or not set(order) <= set(_kinds()):
        raise WeightsError(
            f"{source} gives the order of places {', '.join(order) or '(nothing)'}; name some of "
            f"{', '.join(_kinds())}, each once, separated by commas."
        )
    return tuple(order)


def order_of(settings: Settings) -> tuple[str, ...]:
    """Returns the names of the sources in the settings' order.

    Raises:
        WeightsError: as `check_order`.
    """
    if settings.order is None:
        return tuple(name for name, kind in _kinds().items() if kind.rank is not None)
    return check_order(settings.order, settings.order_from)


def installed(settings: Settings | None = None) -> dict[str, ResolvedWeights]:
    """Returns all weights that can be used offline, sorted by name; the first source in the order wins.

    Raises:
        WeightsError: the settings cannot be read.
    """
    settings = settings or read_settings()
    found: dict[str, ResolvedWeights] = {}
    for place in order_of(settings):
        source = _kinds()[place](settings)
        for name in source.names():
            if name not in found and (weights := source.find(name)):
                found[name] = weights
    return dict(sorted(found.items()))


def resolve(
    name: str,
    *,
    source: str | None = None,
    repo: str | None = None,
    download: bool = True,
    progress: Progress = nothing,
) -> ResolvedWeights:
    """Resolves weights by their name.

    Args:
        name: `architecture.recipe`, the path of a folder, or `hf:org/repo/name`, with or without `@revision`.
        source: search only this source, instead of the settings' order, e.g. "hub".
        repo: overrides the settings' Hub repository for bare names.
        download: fetch weights that are only on a server.

    Raises:
        ModelNotFoundError: no source has this name; the message says how to get it.
        HubError: weights that were requested from the Hub by name are not available.
        WeightsError: the settings or the weights cannot be used.
    """
    settings = read_settings()
    if repo is not None:
        settings = replace(settings, repo=repo)
    if source is not None and source not in _kinds():
        raise WeightsError(f"There is no source {source!r}; choose one of {', '.join(_kinds())}.")
    known = {place: kind(settings) for place, kind in _kinds().items()}
    owner = next((place for place, each in known.items() if each.owns(name)), None)
    if owner and source not in (None, owner):
        raise WeightsError(f"{name!r} belongs to the {owner} weights, not to the {source} ones; leave out the source.")
    if asked := owner or source:
        if found := known[asked].fetch(name, progress) if download else known[asked].find(name):
            return found
        if advice := known[asked].advice(name):
            raise HubError(f"{advice}.")
        raise ModelNotFoundError(_not_found(name, [asked], settings))
    reason = ""
    for place in order_of(settings):
        each = known[place]
        if found := each.find(name):
            return found
        if each.offers(name):
            try:
                if download and (found := each.fetch(name, progress)):
                    return found
                reason = each.advice(name)
            except HubError as error:
                reason = str(error).rstrip(".")
    raise ModelNotFoundError(_not_found(name, order_of(settings), settings, reason))


def _not_found(name: str, order: Sequence[str], settings: Settings, reason: str = "") -> str:
    here = [n for n, found in installed(settings).items() if found.place in order]
    if reason:
        return f"There are no weights {name!r} here, and the Hub does not help: {reason}; installed: {_listed(here)}."
    known = architectures()
    advice = next((words for kind in _kinds().values() if (words := kind(settings).advice(name))), "")
    if name in known and known[name].needs_weights:
        if of_it := [each for each in here if each.split(".")[0] == name]:
            return f"{name!r} is an architecture; name weights of it: {_listed(of_it)}."
        return (
            f"The architecture {name!r} has no weights here; {advice or 'import or train some'}, or give `restore` an "
            f"untrained network, `create_model({name!r})`."
        )
    hint = f"; {advice}" if advice else ""
    methods = [each.name for each in known.values() if not each.needs_weights]
    if close := get_close_matches(name, [*here, *methods], 1, _ALIKE):
        return say("error.no_such_model", name=repr(name), close=close[0], otherwise=hint)
    if name.split(".")[0] in known or settings.order is not None or len(order) == 1:
        return f"There are no weights {name!r} among the {' and '.join(order)} ones{hint}; installed: {_listed(here)}."
    return say("error.no_model", name=f"{name!r}{hint}", known=_listed([*here, *methods]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
