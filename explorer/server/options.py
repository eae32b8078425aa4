"""Options of the server: who may use it, and how much."""

from __future__ import annotations

import hmac
import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from explorer.errors import SettingsError
from explorer.photo.limits import number_from_environment

AUTH = "EXPLORER_AUTH"
_SPACES = "https://huggingface.co https://*.hf.space"
"""Pages that show a Space in a frame."""
_SHORTEST_PASSWORD = 8
_NUMBERS = {
    "jobs_per_minute": ("EXPLORER_JOBS_PER_MINUTE", 1),
    "uploads_per_minute": ("EXPLORER_UPLOADS_PER_MINUTE", 1),
    "upload_bytes_per_hour": ("EXPLORER_UPLOAD_MEGABYTES_PER_HOUR", 2**20),
    "request_seconds": ("EXPLORER_REQUEST_SECONDS", 1),
}
"""Options with an environment variable: its name, and how many of the option's units make one of its own."""


@dataclass(frozen=True)
class ServerOptions:
    """Limits apply to a user: whoever signed in, otherwise the address (for IPv6 its /64 network)."""

    accounts: dict[str, str] = field(default_factory=dict, repr=False)
    """Passwords by user; empty for no sign-in."""
    jobs_per_minute: float = 300.0
    """Requests to compute something."""
    jobs_waiting: int = 20
    """Jobs of one user that may wait in the queue: fewer than it holds, so that no single user fills it."""
    uploads_per_minute: float = 60.0
    upload_bytes_per_hour: float = 8 * 2.0**30
    logins_per_minute: float = 10.0
    tools_per_minute: float = 600.0
    """Messages to the tools, which take up to 25 ms of the processor each."""
    frames_per_second: float = 60.0
    """Live camera frames of all pages of one address; a burst may have twice as many."""
    pages_per_minute: float = 240.0
    """Loads of the whole page, which take up to 50 ms of the processor and a mebibyte each."""
    requests_per_minute: float = 3000.0
    """Requests of any kind; loading a page takes about a hundred."""
    hold_up_seconds: float = 1.0
    """Delay of the refusal of each request beyond that."""
    answers_at_once: int = 200
    """Open answers of one user; an open page needs two."""
    connections: int = 1000
    """Open answers of all users together."""
    direct_each: int = 6
    """Events of one user that are computed at once outside the queue. Each may wait for its session in one of the forty
    threads that all requests share, and that the queue's jobs need too, up to 24 at once."""
    direct: int = 12
    """The same for all users together."""
    idle_seconds: float = 30.0
    """Longest silence within a request's body, and longest wait for a client that does not read its answer."""
    request_seconds: float = 120.0
    """Longest time for an answer that is not a stream, from the request's last byte."""
    body_seconds: float = 900.0
    """Longest time for a request's body."""
    stream_seconds: float = 24 * 3600.0
    """Longest time for a stream."""
    held_bytes_each: int = 32 * 2**20
    """Largest total of one user's request bodies in memory."""
    held_bytes: int = 256 * 2**20
    """The same for all users together."""
    proxies: int | None = None
    """Number of proxies that are trusted to report a client's address, the nearest one last in X-Forwarded-For; None
    trusts one if it connects from this machine."""
    hosts: tuple[str, ...] = ()
    """Host names to which the server answers, besides this machine's; empty for every name."""
    space: bool = False
    """True if a Space's page shows the app in a frame, where the app's cookie counts as a third party's."""
    frame_ancestors: str = "'self'"
    """Pages that may show the app in a frame."""
    spare_bytes: int = 2**30
    """Free space that uploads must leave on the disk."""

    @classmethod
    def from_environment(cls) -> ServerOptions:
        """Reads EXPLORER_AUTH, EXPLORER_HOSTS, EXPLORER_PROXIES, EXPLORER_FRAME_ANCESTORS and those of `_NUMBERS`.

        Raises:
            SettingsError: one of them has an invalid value.
        """
        auth, proxies, space = os.environ.get(AUTH, ""), "EXPLORER_PROXIES", "SPACE_ID" in os.environ
        unknown = 1.0 if space else math.nan  # a Space is behind one proxy
        told = number_from_environment(proxies, unknown, least=-1)
        return cls(
            accounts=read_accounts(auth) if auth else {},
            proxies=None if math.isnan(told) else int(told),
            hosts=tuple(_one_line("EXPLORER_HOSTS", "").lower().split()),
            space=space,
            frame_ancestors=_one_line("EXPLORER_FRAME_ANCESTORS", f"'self' {_SPACES}" if space else "'self'"),
            **{  # type: ignore[arg-type]
                name: unit * number_from_environment(variable, getattr(cls, name) / unit, most=1e9)
                for name, (variable, unit) in _NUMBERS.items()
            },
        )

    def admits(self, user: str, password: str) -> bool:
        """True if the password is the user's. Takes the same time for unknown users."""
        known = self.accounts.get(user)
        same = hmac.compare_digest((known or "\0").encode(), password.encode())
        return same and known is not None


def _one_line(variable: str, default: str) -> str:
    text = os.environ.get(variable, "").strip() or default
    if any(letter in text for letter in ";,\r\n") or not text.isascii():
        raise SettingsError(f"{variable} must hold host names separated by spaces; correct or unset it.")
    return text


def read_accounts(text: str) -> dict[str, str]:
    """Reads the accounts that may sign in.

    Args:
        text: `user:password`, or the path of a file with such a line for each user (empty lines and comments that
            begin with # are skipped). Every user of the machine can see a command line, but not a private file.

    Raises:
        SettingsError: invalid text, or a password of fewer than 8 characters.
    """
    path, lines = Path(os.path.expanduser(text)), [text]
    is_file = os.path.isfile(path)
    if is_file:
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise SettingsError(f"The file of accounts {path} cannot be read ({error}); correct it.") from error
        lines = [line for line in lines if line and not line.startswith("#")]
    accounts: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        user, colon, password = line.partition(":")
        where = f"Account {number} in {path}" if is_file else "The account"
        if not (user.strip() and colon) or user.strip() in accounts:
            raise SettingsError(
                f"{where} is not user:password for a new user; give --auth user:password, or a file of such lines."
            )
        if len(password) < _SHORTEST_PASSWORD:
            raise SettingsError(
                f"{where} has a password of fewer than {_SHORTEST_PASSWORD} characters; choose a longer one."
            )
        accounts[user.strip()] = password
    if not accounts:
        raise SettingsError(f"The file of accounts {path} lists no one; write user:password into it.")
    return accounts
