"""Fetches one file of one commit into the Hub client's cache: resumable, shared between processes, checked.

`hf_hub_download` resumes after a lost connection, but starts over when its process has ended. Therefore tensors are
fetched here into `blobs/<etag>.partial` of the same cache, which survives interruptions, and become the blob that
`hf_hub_download` then finds and links into the snapshot.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from explorer.errors import HubError, WeightsError
from explorer.hub.client import LONGEST_WAIT, PASSING, TRIES, storage_folder, translate_errors, wait_before
from explorer.weights.store import sha256_of

Report = Callable[[int, int], None]
"""Called with the bytes downloaded so far and the total."""

CONNECT_SECONDS = 10.0
"""Seconds without data after which the connection is dropped and retried."""


def silent(_done: int, _total: int) -> None:
    """Reports nothing."""


def cached_file(repo: str, commit: str, path: str) -> Path | None:
    """Returns a fully cached file of a commit, or None. Never touches the network."""
    found = storage_folder(repo) / "snapshots" / commit / path
    return found if found.is_file() else None


def fetch_file(repo: str, commit: str, path: str, *, largest: int, report: Report = silent, resumable: bool) -> Path:
    """Fetches a repository's file at a commit, from the cache or the Hub.

    Args:
        largest: in bytes; a larger file is refused before it is downloaded.
        resumable: keep and resume an interrupted download.

    Raises:
        HubError: the file cannot be downloaded, or does not match the Hub's checksum.
    """
    from huggingface_hub import hf_hub_download, hf_hub_url
    from huggingface_hub.file_download import get_hf_file_metadata

    if found := cached_file(repo, commit, path):
        report(found.stat().st_size, found.stat().st_size)
        return found
    with translate_errors(f"{path} of {repo}", repo, commit):
        url = hf_hub_url(repo, path, revision=commit)
        metadata = get_hf_file_metadata(url, retry_on_errors=True)
        size, etag = metadata.size, metadata.etag or ""
        if size is None or not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", etag):
            raise HubError(f"{path} of {repo}: the Hub gives no size or no usable ETag; ask whoever runs that server.")
        if size > largest:
            raise HubError(
                f"{path} of {repo} has {size:,} bytes, more than the {largest:,} allowed for such a file, "
                "so it is refused."
            )
        if resumable:
            _prefetch(repo, url, etag, size, report)
        found = Path(hf_hub_download(repo, path, revision=commit))
        report(size, size)
        return found


def forget_file(repo: str, commit: str, path: str) -> None:
    """Removes a damaged file and its blob from the cache, so that the next pull downloads it again."""
    pointer = storage_folder(repo) / "snapshots" / commit / path
    blob = pointer.resolve()
    pointer.unlink(missing_ok=True)
    if blob.parent == (storage_folder(repo) / "blobs").resolve():
        blob.unlink(missing_ok=True)


def _prefetch(repo: str, url: str, etag: str, size: int, report: Report) -> None:
    """Downloads a blob into the cache, resuming an earlier download."""
    from huggingface_hub.utils import WeakFileLock

    storage = storage_folder(repo)
    blob = storage / "blobs" / etag
    lock = (
        storage.parent / ".locks" / storage.name / f"{etag}.lock"
    )  # the client's own lock, so that it and this function wait for each other
    for folder in (blob.parent, lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if blob.is_file():
            return
        partial = blob.with_name(f"{etag}.partial")
        resumed = partial.is_file() and partial.stat().st_size > 0
        _download(url, partial, size, report)
        if not _is_etag_of(partial, etag) and resumed:
            # The earlier partial file belonged to something else, or two processes wrote to a disk without locks.
            partial.unlink(missing_ok=True)
            _download(url, partial, size, report)
        if not _is_etag_of(partial, etag):
            partial.unlink(missing_ok=True)
            raise HubError(f"A file of {repo} does not match its sha256; nothing was kept, try again.")
        partial.replace(blob)


def _is_etag_of(path: Path, etag: str) -> bool:
    """True if a file matches its ETag; large files' ETags are their sha256, others cannot be checked here."""
    return not re.fullmatch(r"[0-9a-f]{64}", etag) or sha256_of(path) == etag


def _download(url: str, partial: Path, size: int, report: Report) -> None:
    """Appends to `partial` until it has `size` bytes."""
    from huggingface_hub import errors
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    transport = errors.HTTPError  # type: ignore[attr-defined]
    have, failures = have_of(partial, size), 0
    larger = HubError(f"The Hub sends more than the {size:,} bytes it announced, so the file was rejected.")
    while have < size:
        headers: dict[str, Any] = {**build_hf_headers(library_name="lowlight-explorer"), "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        before, wait = have, wait_before(failures, None)
        try:
            # The client itself drops the token if a redirect leaves the Hub.
            with get_session().stream(
                "GET", url, headers=headers, timeout=CONNECT_SECONDS, follow_redirects=True
            ) as response:
                if response.status_code in PASSING and failures < TRIES - 1:
                    wait = wait_before(failures, response.headers.get("Retry-After"))
                else:
                    hf_raise_for_status(response)
                    # Blocks as they come, so that a cut loses nothing.
                    resumed = response.status_code == 206
                    have = append(response.iter_bytes(), resumed, partial, size, report, larger)
        except errors.HfHubHTTPError:
            raise
        except transport:
            have = partial.stat().st_size if partial.is_file() else 0
            if failures >= TRIES - 1 and have == before:
                raise
        if have < size:
            failures = 0 if have > before else failures + 1
            if failures >= TRIES or wait > LONGEST_WAIT:
                raise HubError(f"The download stopped at {have:,} of {size:,} bytes several times; try again later.")
            time.sleep(wait)


def have_of(partial: Path, size: int) -> int:
    """Returns how many bytes of a file an earlier download left; removes what is longer than the file."""
    have = partial.stat().st_size if partial.is_file() else 0
    if have > size:
        partial.unlink()
        have = 0
    return have


def append(
    blocks: Iterable[bytes], resumed: bool, partial: Path, size: int, report: Report, larger: WeightsError
) -> int:
    """Appends an answer to an incomplete file; returns the resulting number of bytes.

    Args:
        resumed: the server continues where the file ends (status 206); otherwise it starts over.
        larger: raised if there are more than `size` bytes.
    """
    have = partial.stat().st_size if resumed and partial.is_file() else 0
    with partial.open("r+b" if have else "wb") as file:
        file.seek(have)
        for block in blocks:
            have += len(block)
            if have > size:
                raise larger
            file.write(block)
            report(have, size)
        file.truncate()
    return have
