"""References to weights on the Hub, `hf:org/repo/name@revision`. Checked before any server is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from explorer.errors import HubError

PREFIX = "hf:"
DEFAULT_REVISION = "main"

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_REPO = re.compile(rf"{_PART}/{_PART}")
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubReference:
    """Weights on the Hub."""

    repo: str
    """`org/repo`."""
    name: str
    """Name of the weights, and of their folder in the repository."""
    revision: str = DEFAULT_REVISION
    """A commit (40 hex digits), or a floating branch or tag."""

    @property
    def pinned(self) -> bool:
        """True if the revision is a commit."""
        return is_commit(self.revision)

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}/{self.name}@{self.revision}"


def is_commit(revision: str) -> bool:
    """True if a revision is a full commit, which never changes."""
    return _COMMIT.fullmatch(revision) is not None


def check_repo(repo: str) -> str:
    """Checks a repository's name and returns it.

    Raises:
        HubError: anything but `org/repo` of letters, digits, `-`, `_` and `.`.
    """
    if not _REPO.fullmatch(repo) or ".." in repo or "--" in repo or repo.endswith(".git"):
        raise HubError(
            f"{repo[:120]!r} is not a repository on the Hub; write `org/repo` with only letters, digits, '-', '_' "
            "and '.'."
        )
    return repo


def check_name(name: str) -> str:
    """Checks a name of weights and returns it.

    Raises:
        HubError: not `architecture.recipe` in lower-case letters, digits and `_`.
    """
    if not _NAME.fullmatch(name) or len(name) > 100:
        raise HubError(f"{name[:120]!r} is not the name of weights; write `architecture.recipe`, such as zero_dce.lol.")
    return name


def check_revision(revision: str) -> str:
    """Checks a revision and returns it (a commit in lower case).

    Raises:
        HubError: empty, or with characters that are not allowed in branches, tags or commits.
    """
    if re.fullmatch(r"[0-9a-fA-F]{40}", revision):
        return revision.lower()
    if (
        not _REVISION.fullmatch(revision)
        or ".." in revision
        or "//" in revision
        or revision.endswith(("/", ".", ".lock"))
    ):
        raise HubError(f"{revision[:120]!r} is not a revision; give a branch, a tag or the 40 hex digits of a commit.")
    return revision


def parse_repo(text: str) -> tuple[str, str]:
    """Parses `org/repo` or `org/repo@revision`, with or without `hf:`, to (repo, revision).

    Raises:
        HubError: see `check_repo` and `check_revision`.
    """
    repo, at, revision = text.removeprefix(PREFIX).partition("@")
    return check_repo(repo), check_revision(revision) if at else DEFAULT_REVISION


def parse_reference(text: str, repo: str = "") -> HubReference:
    """Parses `hf:org/repo/name`, `hf:org/repo/name@revision`, or a bare name in the default repository.

    Args:
        repo: the default repository, `org/repo` or `org/repo@revision`, for names without one.

    Raises:
        HubError: the text has another form, or is a bare name without a default repository.
    """
    body, at, revision = text.removeprefix(PREFIX).partition("@")
    place, slash, name = body.rpartition("/")
    if slash or text.startswith(PREFIX):
        if body.count("/") != 2:
            raise HubError(
                f"{text[:160]!r} does not name weights on the Hub; write hf:org/repo/name, with @ and a commit to "
                "pin it."
            )
        return HubReference(check_repo(place), check_name(name), check_revision(revision) if at else DEFAULT_REVISION)
    if not repo:
        raise HubError(
            f"No repository is set for {text[:120]!r}; write hf:org/repo/{name or 'name'}, or set "
            "EXPLORER_HUB_REPO=org/repo."
        )
    default, default_revision = parse_repo(repo)
    return HubReference(default, check_name(name), check_revision(revision) if at else default_revision)
