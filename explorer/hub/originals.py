"""Downloads published checkpoints from their authors' pages: first the licence, then checked, resumable files."""

from __future__ import annotations

import contextlib
import functools
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

import explorer
from explorer.errors import WeightsError
from explorer.hub.authors import fetch_from_hub
from explorer.hub.client import page
from explorer.hub.environment import blamed
from explorer.hub.fetching import append, forget_file, have_of
from explorer.hub.pulling import Progress, nothing
from explorer.weights.catalogue import published
from explorer.weights.checkpoint import PublishedCheckpoint, PublishedFile
from explorer.weights.importing import convert_published
from explorer.weights.store import imported_folder, sha256_of

SECONDS = 10.0
TRIES = 4
_BLOCK = 1 << 16


def size_words(size: int) -> str:
    """Formats a number of bytes: "3.2 MB", "10.2 kB"."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def licence_notice(entry: PublishedCheckpoint) -> str:
    """Returns the notice that a user must read before a download: the files, their size, licence, paper and page."""
    terms = "" if entry.redistributable else " Redistribution is limited: read the licence, or ask the authors."
    files = " and ".join(file.name for file in entry.files)
    size = f" ({size_words(entry.size)})" if entry.size else ""
    return (
        f"{entry.name}: {entry.summary} {files}{size} from {entry.origin}. Paper: {entry.paper}. "
        f"Licence: {entry.licence}.{terms}"
    )


def download_original(
    name: str,
    *,
    accept_licence: bool,
    out: Path | None = None,
    progress: Progress = nothing,
) -> Path:
    """Downloads a published checkpoint from its authors' page and converts it to a folder of weights.

    Args:
        name: name in the catalogue, e.g. "zero_dce", or an alias such as "lamba_mitra".
        accept_licence: the user has read `licence_notice` and agreed.
        out: the folder to write; by default one that `load_model` finds by the entry's name.

    Returns:
        The folder.

    Raises:
        ModelNotFoundError: unknown name.
        WeightsError: the licence was not accepted, nothing is published, the page cannot be reached, or the files are
            not those that were published. Then only the partial file is kept, from which a later try resumes.
    """
    entry = published(name)
    if not entry.downloadable:
        raise WeightsError(
            f"No checkpoint of {entry.name} is published; import a file of your own by "
            f"`lowlight weights import {entry.name} FILE`."
        )
    if not accept_licence:
        raise WeightsError(f"{licence_notice(entry)} Read the licence there, then agree with --accept-licence.")
    folder = _downloads() / entry.name
    files, origin, fetched = [], entry.origin, []
    for file in entry.files:
        if file.hub:
            path, commit = fetch_from_hub(entry, file, progress)
            origin = f"{page(file.hub)}/tree/{commit}"
            fetched.append((file.hub, commit, file.name))
        else:
            path = _download(file, folder / file.sha256[:16] if file.sha256 else folder, progress)
        files.append(path)
    try:
        return convert_published(entry.name, files, out or imported_folder() / entry.name, origin=origin)
    except WeightsError:
        for each in fetched:  # what is refused does not stay in the Hub's cache
            with contextlib.suppress(OSError):
                forget_file(*each)
        raise


def _downloads() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("lowlight-explorer", appauthor=False) / "originals"


def _download(file: PublishedFile, folder: Path, progress: Progress) -> Path:
    """Downloads one file, resuming an earlier download, and checks its sha256 against the catalogue."""
    path = folder / file.name
    if path.is_file() and sha256_of(path) == file.sha256:
        progress(file.name, file.size, file.size)
        return path
    partial = path.with_name(f"{file.name}.partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(TRIES):
            try:
                _append(file, partial, progress)
                break
            except (OSError, http.client.HTTPException) as error:  # URLError, time-outs, cut connections, a full disk
                status = getattr(error, "code", 0)
                if status == 416:
                    partial.unlink(missing_ok=True)
                if status not in (0, 408, 416, 429) and status < 500 or attempt == TRIES - 1:
                    raise
                time.sleep(0.5 * 2**attempt)
        if sha256_of(partial) != file.sha256:
            partial.unlink()
            raise WeightsError(code="error.other_file", address=file.url)
        partial.replace(path)
    except (OSError, http.client.HTTPException) as error:
        if words := blamed(error, file.url):
            raise WeightsError(f"{file.name} cannot be downloaded from {file.url}: {words}.") from error
        reason = getattr(error, "reason", None) or error
        raise WeightsError(code="error.unreachable_file", file=file.name, address=file.url, reason=reason) from error
    return path


def _append(file: PublishedFile, partial: Path, progress: Progress) -> None:
    have = have_of(partial, file.size)
    if have and have == file.size:
        return
    headers = {"User-Agent": f"lowlight-explorer/{explorer.__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    report = functools.partial(progress, file.name)
    larger = WeightsError(code="error.larger_file", address=file.url, count=f"{file.size:,}")
    request = urllib.request.Request(file.url, headers=headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 (the catalogue's own https addresses)
        blocks = iter(lambda: response.read(_BLOCK), b"")
        try:
            have = append(blocks, response.status == 206, partial, file.size, report, larger)
        except WeightsError:
            partial.unlink()
            raise
    if have < file.size:
        raise http.client.IncompleteRead(b"", file.size - have)
