"""Catalogue of the published checkpoints in `explorer.weights.published`, and translations of its texts."""

from __future__ import annotations

from explorer.discovery import declared
from explorer.errors import ModelNotFoundError
from explorer.models import architectures
from explorer.weights.checkpoint import PublishedCheckpoint

CATALOGUE: dict[str, PublishedCheckpoint] = {
    entry.name: entry for entry in declared("explorer.weights.published", PublishedCheckpoint)
}
"""Every published checkpoint that can be imported, by name."""


def published(name: str) -> PublishedCheckpoint:
    """Returns the catalogue's entry for a name or an alias.

    Raises:
        ModelNotFoundError: unknown name; the message lists the known ones.
    """
    found = CATALOGUE.get(name) or next((entry for entry in CATALOGUE.values() if name in entry.aliases), None)
    if found is None:
        raise ModelNotFoundError(
            f"There is no published checkpoint {name!r} in the catalogue; the known ones are {', '.join(CATALOGUE)}."
        )
    return found


def translations() -> dict[str, dict[str, str]]:
    """Returns the architectures' texts by language: English -> that language."""
    german: dict[str, str] = {}
    for each in architectures(from_tensors=True).values():
        german |= {each.title: each.german_title or each.title, each.summary: each.german}
        german |= {shown.title: shown.german for shown in each.intermediates}
    return {"de": {english: words for english, words in german.items() if words}}
