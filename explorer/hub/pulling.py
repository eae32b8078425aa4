"""Pulls folders of weights from the Hub into its client's cache, where they are used in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from explorer.atomic import replacing
from explorer.errors import HubError, WeightsError
from explorer.hub.client import api, offline, storage_folder, translate_errors, with_retries
from explorer.hub.environment import BlockedError
from explorer.hub.fetching import cached_file, fetch_file, forget_file
from explorer.hub.references import HubReference, is_commit
from explorer.machine import new_lock
from explorer.models import architectures
from explorer.weights.config import WeightsConfig, read_config
from explorer.weights.store import MODEL_FILE, check_safetensors, imported_folder, sha256_of

Progress = Callable[[str, int, int], None]
"""Called with the weights' name, the bytes downloaded so far, and the total."""

FILES = ("config.json", MODEL_FILE, "README.md")
PARALLEL = 4
LARGEST_TEXT = 4 << 20
LARGEST_TENSORS = 4 << 30
QUICK_SECONDS = 3.0
"""Seconds that the Hub may take to resolve a branch if an older commit is in the cache."""
SECONDS = 10.0


@dataclass(frozen=True)
class PulledWeights:
    """Weights in the cache."""

    reference: HubReference
    commit: str
    folder: Path
    """`snapshots/<commit>/<name>` of the cache: a folder of weights like any other."""
    note: str = ""
    """A note for the user if the Hub was not reached, so that an older commit is used."""


_RESOLVED: dict[tuple[str, str, str], tuple[str, tuple[str, ...]]] = {}
"""Revisions resolved by this process: (cache, repo, revision) -> (commit, files)."""
_LOCK = new_lock()


def nothing(_name: str, _done: int, _total: int) -> None:
    """Reports no progress."""


def offline_hint(reference: HubReference) -> str:
    """Returns advice about weights that cannot be fetched now."""
    return (
        f"; with a connection run `lowlight weights pull {reference}`, or copy the folder {reference.name} of the "
        f"repository to {imported_folder() / reference.name}"
    )


def cached_weights(reference: HubReference) -> PulledWeights | None:
    """Returns fully cached weights, or None. Never touches the network."""
    if reference.pinned:
        commits = [reference.revision]
    else:
        storage = storage_folder(reference.repo)
        refs = (_record(reference), storage / "refs" / reference.revision)
        commits = [ref.read_text().strip() for ref in refs if ref.is_file()]
    for commit in commits:
        if is_commit(commit) and all(cached_file(reference.repo, commit, f"{reference.name}/{f}") for f in FILES[:2]):
            folder = storage_folder(reference.repo) / "snapshots" / commit / reference.name
            return PulledWeights(reference, commit, folder)
    return None


def cached_names(repo: str, revision: str) -> list[str]:
    """Returns names of a repository's fully cached weights at a revision, sorted. Never touches the network."""
    storage = storage_folder(repo)
    names: set[str] = set()
    if is_commit(revision):
        commits = [revision]
    else:
        names |= {path.name for path in _record(HubReference(repo, "name", revision)).parent.glob("*")}
        ref = storage / "refs" / revision
        commits = [ref.read_text().strip()] if ref.is_file() else []
    for commit in commits:
        if is_commit(commit):
            names |= {path.parent.name for path in (storage / "snapshots" / commit).glob("*/config.json")}
    return sorted(name for name in names if cached_weights(HubReference(repo, name, revision)))


def resolve(
    repo: str, revision: str, *, timeout: float = SECONDS, refresh: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Resolves a revision to its commit and the paths of its files.

    Args:
        refresh: ask even if this process has asked before.

    Raises:
        HubError: there is no such repository or revision, or the Hub cannot be reached.
    """
    key = (str(storage_folder(repo)), repo, revision)
    with _LOCK:
        if not refresh and key in _RESOLVED:
            return _RESOLVED[key]
    with translate_errors(f"The revision {revision} of {repo}", repo, revision):
        info = with_retries(lambda: api().model_info(repo, revision=revision, timeout=timeout))
    commit = str(info.sha or "")
    if not is_commit(commit) or (is_commit(revision) and commit != revision):
        raise HubError(f"The Hub names no usable commit for {repo} at {revision}; check HF_ENDPOINT.")
    answer = commit, tuple(sibling.rfilename for sibling in info.siblings or ())
    with _LOCK:
        _RESOLVED[key] = answer
    return answer


def remote_names(repo: str, revision: str) -> tuple[str, list[str]]:
    """Returns the commit of a revision and the names of the repository's weights there, sorted.

    Raises:
        HubError: as in `resolve`.
    """
    commit, files = resolve(repo, revision, refresh=True)
    folders = {path.rpartition("/")[0] for path in files if path.endswith(f"/{MODEL_FILE}")}
    return commit, sorted(name for name in folders if f"{name}/config.json" in files and "/" not in name)


def pull(reference: HubReference, progress: Progress = nothing, *, refresh: bool = True) -> PulledWeights:
    """Downloads weights from the Hub unless they are in the cache, and checks them.

    Args:
        reference: which weights; a floating revision is resolved to its commit first.
        refresh: ask what a floating revision points to even if this process has asked before.

    Returns:
        The folder and the commit. If the Hub cannot be reached, those in the cache for the same floating revision.

    Raises:
        HubError: the weights do not exist, or cannot be reached and are not cached.
        WeightsError: the weights are unusable: bad config, unknown architecture, wrong sha256, not safetensors.
    """
    cached = cached_weights(reference)
    if cached and reference.pinned:
        check_weights(cached)
        return cached
    if offline():
        if cached:
            return cached
        raise HubError(f"{reference} is not on this machine, and HF_HUB_OFFLINE is set{offline_hint(reference)}.")
    files: tuple[str, ...] = ()
    commit = reference.revision
    if not reference.pinned:
        try:
            commit, files = resolve(
                reference.repo, reference.revision, timeout=QUICK_SECONDS if cached else SECONDS, refresh=refresh
            )
        except HubError as error:
            if cached and not says_no(error):
                return PulledWeights(reference, cached.commit, cached.folder, f"{error} The cached commit is used.")
            if says_no(error) or isinstance(error, BlockedError):
                raise
            raise HubError(f"{str(error).split(';')[0].rstrip('.')}{offline_hint(reference)}.") from error
        _check_listed(reference, files)
    pulled = PulledWeights(reference, commit, storage_folder(reference.repo) / "snapshots" / commit / reference.name)
    with translate_errors(
        f"{reference.name} of {reference.repo}", reference.repo, reference.revision, offline_hint(reference)
    ):
        fetch_file(reference.repo, commit, f"{reference.name}/config.json", largest=LARGEST_TEXT, resumable=False)
        check_config(pulled)  # before the tensors, so that unusable weights are not downloaded
        fetch_file(
            reference.repo, commit, f"{reference.name}/{MODEL_FILE}", largest=LARGEST_TENSORS, resumable=True,
            report=partial(progress, reference.name),
        )  # fmt: skip
        if f"{reference.name}/README.md" in files:
            fetch_file(reference.repo, commit, f"{reference.name}/README.md", largest=LARGEST_TEXT, resumable=False)
    check_weights(pulled)
    if not reference.pinned:
        remember(reference, commit)
    return pulled


def pull_many(references: Sequence[HubReference], progress: Progress = nothing) -> list[PulledWeights | WeightsError]:
    """Pulls several weights at once; a failure does not stop the others.

    Returns:
        For each reference, in order, the result or the error of `pull`.
    """

    def one(reference: HubReference) -> PulledWeights | WeightsError:
        try:
            # All weights of one command come from the same commit, so the revision is resolved once.
            return pull(reference, progress, refresh=False)
        except WeightsError as error:
            return error

    for repo, revision in dict.fromkeys((r.repo, r.revision) for r in references if not r.pinned):
        with _LOCK:
            _RESOLVED.pop((str(storage_folder(repo)), repo, revision), None)
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        return list(pool.map(one, references))


def check_config(pulled: PulledWeights) -> WeightsConfig:
    """Reads and checks the config of pulled weights.

    Raises:
        WeightsError: it is invalid, has an unknown architecture, belongs to other weights, or has no sha256.
    """
    config = read_config(pulled.folder)
    where = f"{pulled.reference.name} of {pulled.reference.repo}"
    if config.name != pulled.reference.name:
        raise WeightsError(f"The config of {where} belongs to {config.name!r}; ask its publisher to correct it.")
    if config.architecture not in architectures(from_tensors=True):
        raise WeightsError(
            f"The config of {where} names the architecture {config.architecture!r}, which this release does not have; "
            "use a newer release of lowlight-explorer."
        )
    if not config.sha256:
        raise WeightsError(f"The config of {where} states no sha256; ask its publisher to write it with this explorer.")
    return config


def check_weights(pulled: PulledWeights) -> WeightsConfig:
    """Checks config, sha256 and container of pulled weights; removes damaged files from the cache.

    Raises:
        WeightsError: see `check_config`; or the sha256 differs from the config's, or it is not safetensors.
    """
    config = check_config(pulled)
    path = pulled.folder / MODEL_FILE
    try:
        check_safetensors(path)
        if (sha256 := sha256_of(path)) != config.sha256:
            raise WeightsError(
                f"{MODEL_FILE} of {pulled.reference} has the sha256 {sha256[:12]}... but its config says "
                f"{config.sha256[:12]}...; it was not kept, pull it again or ask its publisher."
            )
    except WeightsError:
        forget_file(pulled.reference.repo, pulled.commit, f"{pulled.reference.name}/{MODEL_FILE}")
        raise
    return config


def says_no(error: HubError) -> bool:
    """True if the Hub answered that the thing does not exist; false if it did not answer."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    return isinstance(error.__cause__, GatedRepoError | RepositoryNotFoundError | RevisionNotFoundError)


def _check_listed(reference: HubReference, files: Sequence[str]) -> None:
    if any(f"{reference.name}/{name}" not in files for name in FILES[:2]):
        folders = sorted({path.split("/")[0] for path in files if path.endswith(f"/{MODEL_FILE}")})
        raise HubError(
            f"{reference.repo} has no weights {reference.name!r} at {reference.revision}; it has "
            f"{', '.join(folders) or 'none'}."
        )


def _record(reference: HubReference) -> Path:
    """Returns the file that records the commit at which weights of a floating revision were pulled.

    The client's own `refs` store one commit for a whole repository, which may lack weights that were pulled before.
    """
    return storage_folder(reference.repo) / "lowlight" / quote(reference.revision, safe="") / reference.name


def recorded(reference: HubReference) -> str:
    """Returns the commit recorded by `remember`, empty if there is none."""
    path = _record(reference)
    commit = path.read_text().strip() if path.is_file() else ""
    return commit if is_commit(commit) else ""


def remember(reference: HubReference, commit: str) -> None:
    """Records the commit at which weights of a floating revision were pulled."""
    path = _record(reference)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(commit)
    except OSError:  # the cache is not writable, so the next run asks the Hub again
        pass
