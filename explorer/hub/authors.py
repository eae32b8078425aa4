"""Published checkpoints in their authors' own repositories on the Hub."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from explorer.errors import HubError
from explorer.hub.card import licence_identifier
from explorer.hub.client import api, offline, page, translate_errors, with_retries
from explorer.hub.fetching import cached_file, fetch_file
from explorer.hub.pulling import LARGEST_TENSORS, SECONDS, Progress, recorded, remember, resolve, says_no
from explorer.hub.references import DEFAULT_REVISION, HubReference
from explorer.weights.checkpoint import PublishedCheckpoint, PublishedFile


def fetch_from_hub(entry: PublishedCheckpoint, file: PublishedFile, progress: Progress) -> tuple[Path, str]:
    """Fetches a file of a published checkpoint through the client's cache.

    Resolves the branch `main` to its commit first. If the Hub cannot be reached, uses the commit that was fetched last.

    Returns:
        The file in the cache, and the commit.

    Raises:
        HubError: the file does not exist, cannot be reached and is not cached, or its repository states another licence
            than the catalogue. In that case, nothing is downloaded.
    """
    reference = HubReference(file.hub, entry.name, DEFAULT_REVISION)
    known = recorded(reference)
    cached = known and cached_file(file.hub, known, file.name)
    if offline():
        if cached:
            return cached, known
        raise HubError(
            f"{file.name} of {file.hub} is not on this machine, and HF_HUB_OFFLINE is set; unset it, or import the "
            f"file by `lowlight weights import {entry.name} FILE`."
        )
    try:
        commit, files = resolve(file.hub, DEFAULT_REVISION, refresh=True)
    except HubError as error:
        if cached and not says_no(error):
            return cached, known
        raise
    if file.name not in files:
        raise HubError(f"{file.hub} no longer holds {file.name}; see {page(file.hub)} for its new name.")
    _check_licence(entry, file.hub, commit)
    report = partial(progress, file.name)
    path = fetch_file(file.hub, commit, file.name, largest=LARGEST_TENSORS, report=report, resumable=True)
    remember(reference, commit)
    return path, commit


def _check_licence(entry: PublishedCheckpoint, repo: str, commit: str) -> None:
    """Refuses a repository whose card states another licence than the one that the user accepted."""
    with translate_errors(f"The licence of {repo}", repo, commit):
        info = with_retries(lambda: api().model_info(repo, revision=commit, timeout=SECONDS))
    stated = getattr(info.card_data, "license", None) if info.card_data else None
    if stated and str(stated).lower() != licence_identifier(entry.licence):
        raise HubError(
            f"{repo} states the licence {stated!r} by now, not {entry.licence!r}; read it at {page(repo)}, and if you "
            f"agree, download the file there and import it by `lowlight weights import {entry.name} FILE`."
        )
