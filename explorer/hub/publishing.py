"""Publishes folders of weights to a repository on the Hub: checked, with a card, in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import HubError, WeightsError
from explorer.hub.card import repository_card
from explorer.hub.client import api, offline, translate_errors
from explorer.hub.fetching import fetch_file
from explorer.hub.pulling import FILES, LARGEST_TEXT, check_config, remote_names
from explorer.hub.pulling import PulledWeights as _Pulled
from explorer.hub.references import DEFAULT_REVISION, HubReference, check_repo
from explorer.weights.catalogue import CATALOGUE
from explorer.weights.config import WeightsConfig
from explorer.weights.store import load_weights

CARD = "README.md"


@dataclass(frozen=True)
class Upload:
    """A file of a commit."""

    path: str
    """Path in the repository."""
    content: Path | bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


@dataclass(frozen=True)
class Publication:
    """The result of `publish`, or of its dry run."""

    repo: str
    files: tuple[Upload, ...]
    card: str
    """Text of the repository's README."""
    commit: str
    """Empty for a dry run."""
    references: tuple[HubReference, ...]
    """The weights, pinned to the commit."""


def publish(
    folders: Sequence[Path],
    repo: str,
    *,
    private: bool = False,
    dry_run: bool = False,
    permitted: bool = False,
    message: str = "",
) -> Publication:
    """Publishes folders of weights in one commit, with a card for all weights in the repository.

    Args:
        folders: of weights; each keeps its name in the repository.
        repo: `org/repo`; created if it does not exist.
        private: make a new repository private.
        dry_run: only check and plan; send no request to the Hub.
        permitted: the authors have permitted redistribution of weights whose licence forbids it.
        message: of the commit.

    Raises:
        HubError: a bad repository name, offline, or the Hub refuses.
        WeightsError: weights that cannot be loaded strictly, or may not be redistributed.
    """
    check_repo(repo)
    configs: dict[str, WeightsConfig] = {}
    files: list[Upload] = []
    for folder in folders:
        config = load_weights(folder).config  # strictly: weights that do not load here would not load anywhere
        _check_publishable(folder, config, permitted)
        if config.name in configs:
            raise WeightsError(f"Two of the folders contain weights called {config.name!r}; publish one of them.")
        configs[config.name] = config
        files += [Upload(f"{config.name}/{name}", folder / name) for name in FILES if (folder / name).is_file()]
    if not configs:
        raise WeightsError("No weights were given; `lowlight weights list` shows what is available.")
    if not dry_run:
        if offline():
            raise HubError("Publishing needs the Hub, but HF_HUB_OFFLINE is set; unset it.")
        configs |= {name: config for name, config in _published(repo, private).items() if name not in configs}
    card = repository_card(repo, [configs[name] for name in sorted(configs)])
    files.append(Upload(CARD, card.encode()))
    commit = "" if dry_run else commit_files(repo, files, message or f"Weights: {', '.join(f.name for f in folders)}")
    names = [upload.path.split("/")[0] for upload in files if upload.path.endswith("/config.json")]
    return Publication(
        repo, tuple(files), card, commit, tuple(HubReference(repo, name, commit or DEFAULT_REVISION) for name in names)
    )


def commit_files(
    repo: str, files: Sequence[Upload], message: str, *, kind: str = "model", prune: Sequence[str] = ()
) -> str:
    """Uploads files to a repository in one commit; returns the commit.

    Args:
        kind: "model" or "space".
        prune: paths to delete from the repository.

    Raises:
        HubError: the Hub refuses or cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    with translate_errors(f"Uploading to {repo}", repo):
        # A file's path, not its open handle: the client reads it twice, once for its hash.
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(f.path, f.content if isinstance(f.content, bytes) else str(f.content)) for f in files
        ]
        operations += [CommitOperationDelete(path) for path in prune]
        info = api().create_commit(repo, operations, commit_message=message, repo_type=kind)
        return str(info.oid)


def _published(repo: str, private: bool) -> dict[str, WeightsConfig]:
    """Creates the repository if it is missing; returns the configs of the weights in it."""
    with translate_errors(f"The repository {repo}", repo):
        api().create_repo(repo, private=private or None, exist_ok=True)
    commit, names = remote_names(repo, DEFAULT_REVISION)
    configs = {}
    for name in names:
        try:
            reference = HubReference(repo, name, commit)
            path = fetch_file(repo, commit, f"{name}/config.json", largest=LARGEST_TEXT, resumable=False)
            configs[name] = check_config(_Pulled(reference, commit, path.parent))
        except WeightsError:  # of another schema or damaged: it stays unchanged, without a line in the card
            continue
    return configs


def _check_publishable(folder: Path, config: WeightsConfig, permitted: bool) -> None:
    if folder.resolve().name != config.name and folder.name != config.name:
        raise WeightsError(f"{folder} holds weights called {config.name!r}; rename the folder to match.")
    entry = CATALOGUE.get(config.name)
    origin = next((e for e in CATALOGUE.values() if e.origin and e.origin == config.origin), entry)
    if origin is not None and not origin.redistributable and not permitted:
        raise WeightsError(
            f"{config.name} is its authors' work under the licence {config.licence!r}, which forbids "
            "redistribution; if they permitted it, publish it with --with-permission."
        )
