"""Wraps the Hub's own client: every failure becomes one sentence, and temporary failures are retried."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from explorer.errors import HubError
from explorer.hub.environment import BlockedError, blamed

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")

PASSING = (408, 429, 500, 502, 503, 504)
"""Status codes worth a retry."""
TRIES = 4
LONGEST_WAIT = 30.0
"""Longest wait, in seconds; longer ones are reported instead."""


def offline() -> bool:
    """True if the user disabled connections to the Hub (HF_HUB_OFFLINE=1)."""
    if "HF_HUB_OFFLINE" not in os.environ and "TRANSFORMERS_OFFLINE" not in os.environ:
        from sys import modules

        if "huggingface_hub" not in modules:
            return False
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def cache_folder() -> Path:
    """The Hub client's cache (HF_HUB_CACHE)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def storage_folder(repo: str) -> Path:
    """Returns the folder of a model repository in the Hub client's cache."""
    return cache_folder() / f"models--{repo.replace('/', '--')}"


def api() -> HfApi:
    """Returns the Hub's API, with the explorer's user agent."""
    from huggingface_hub import HfApi

    import explorer

    return HfApi(library_name="lowlight-explorer", library_version=explorer.__version__)


def wait_before(attempt: int, retry_after: str | None) -> float:
    """Returns the seconds to wait before the next try: what the server asks for, else 1, 2, 4, ..."""
    if retry_after and retry_after.strip().isdigit():
        return float(retry_after)
    return min(LONGEST_WAIT, 0.5 * 2.0**attempt)


def with_retries(call: Callable[[], T]) -> T:
    """Calls the Hub, and retries after a pause if it was too busy (429, 5xx)."""
    from huggingface_hub.errors import HfHubHTTPError

    for attempt in range(TRIES):
        try:
            return call()
        except HfHubHTTPError as error:
            response = getattr(error, "response", None)
            status = getattr(response, "status_code", 0)
            wait = wait_before(attempt, response.headers.get("Retry-After") if response is not None else None)
            if status not in PASSING or attempt == TRIES - 1 or wait > LONGEST_WAIT:
                raise
            time.sleep(wait)
    raise AssertionError("unreachable")


@contextmanager
def translate_errors(what: str, repo: str, revision: str = "", remedy: str = "") -> Iterator[None]:
    """Turns the errors of the Hub's client into a HubError of one sentence.

    Args:
        what: the thing that is fetched or done, as the sentence's subject.
        repo: `org/repo`.
        revision: the requested revision, if there is one.
        remedy: what to do if the Hub cannot be reached, after "; ".

    Raises:
        HubError: for every failure of the client, the network or the disk.
    """
    from huggingface_hub import errors

    transport = errors.HTTPError  # type: ignore[attr-defined]
    try:
        with _environment_blamed(what):
            yield
    except HubError:
        raise
    except errors.GatedRepoError as error:
        raise HubError(
            f"{repo} is gated: request access on its page {page(repo)} and sign in with `hf auth login`."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"There is no repository {repo} on the Hub, or it is private: check its name, and sign in with "
            "`hf auth login` if it is private."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{repo} has no revision {revision!r}; give one of its branches, tags or commits.") from error
    except errors.OfflineModeIsEnabled as error:
        raise HubError(f"{what} needs the Hub, but HF_HUB_OFFLINE is set{remedy or '; unset it'}.") from error
    except errors.LocalEntryNotFoundError as error:
        raise HubError(f"{what}: {_reason(error)}{remedy or '; try again later'}.") from error
    except errors.EntryNotFoundError as error:
        raise HubError(
            f"{repo} does not contain the requested files at {revision or 'this revision'}: {what}."
        ) from error
    except errors.HfHubHTTPError as error:
        raise HubError(f"{what}: {_answer(error, repo)}") from error
    except (errors.HFValidationError, errors.FileMetadataError) as error:
        raise HubError(f"{what}: the server at {endpoint()} does not answer like a Hub; check HF_ENDPOINT.") from error
    except transport as error:
        raise HubError(
            f"{what}: the Hub at {endpoint()} cannot be reached ({_words(error)}){remedy or '; try again later'}."
        ) from error
    except OSError as error:
        raise HubError(f"{what}: {_words(error)}; free some space or check the cache {cache_folder()}.") from error
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise HubError(f"{what}: the Hub gave an unintelligible answer ({_words(error)}).") from error


@contextmanager
def _environment_blamed(what: str) -> Iterator[None]:
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        if words := blamed(error, endpoint()):
            raise BlockedError(f"{what}: {words}.") from error
        raise


def endpoint() -> str:
    """The Hub's address (HF_ENDPOINT)."""
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def page(repo: str, kind: str = "model") -> str:
    """A repository's page."""
    return f"{endpoint()}/{'spaces/' if kind == 'space' else ''}{repo}"


def _answer(error: Exception, repo: str) -> str:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status == 401:
        return f"the Hub wants to know who you are; sign in with `hf auth login` as a user with access to {repo}."
    if status == 403:
        return f"your Hub token may not do this with {repo}; sign in with `hf auth login` and a token that may write."
    if status == 429:
        return "the Hub answers that there were too many requests; wait some minutes and try again."
    if status >= 500:
        return f"the Hub has trouble of its own (status {status}); try again later."
    if status == 416:
        return "the file changed while it was downloaded; try again."
    return f"the Hub refused (status {status}: {_words(error)}); check the name and your rights."


def _reason(error: BaseException) -> str:
    """Returns why the client gave up: it wraps a busy server and a missing network in the same error."""
    from huggingface_hub.errors import HfHubHTTPError

    cause = error.__cause__
    if isinstance(cause, HfHubHTTPError):
        return _answer(cause, "it").rstrip(".").split(";")[0]
    return f"the Hub at {endpoint()} cannot be reached" + (f" ({_words(cause)})" if cause else "")


def _words(error: BaseException | None) -> str:
    """Returns an error's first line, shortened."""
    text = " ".join(str(error).split("\n")[0].split()) or type(error).__name__
    return text[:160].rstrip(" .:;")
