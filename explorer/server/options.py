"""How a server is run: who may use it, and how much of it."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from explorer.errors import SettingsError
from explorer.photo.limits import number_from_environment

AUTH = "EXPLORER_AUTH"
FRAME_ANCESTORS = "'self' https://huggingface.co https://*.hf.space"
"""Pages that may show the app in a frame: a Space is shown in one."""
_SHORTEST_PASSWORD = 8


@dataclass(frozen=True)
class ServerOptions:
    """Limits hold for one user: who is signed in, else the address that asks (an IPv6 network of 64 bits)."""

    accounts: dict[str, str] = field(default_factory=dict, repr=False)
    """Passwords by user; nobody needs one where it is empty."""
    jobs_per_minute: float = 300.0
    """Things to compute."""
    jobs_waiting: int = 20
    """Of these, how many may wait in the queue: fewer than it holds, so that nobody fills it alone."""
    uploads_per_minute: float = 60.0
    upload_bytes_per_hour: float = 8 * 2.0**30
    logins_per_minute: float = 10.0
    requests_per_minute: float = 3000.0
    """Of any kind; a page takes about a hundred."""
    answers_at_once: int = 200
    """Of one user; an open page takes two."""
    connections: int = 1000
    """Answers of all users at once."""
    idle_seconds: float = 30.0
    """Longest silence within a request's body, and longest wait for a client that does not take its answer."""
    request_seconds: float = 120.0
    """Longest time for an answer that is no stream, from the request's last byte on."""
    body_seconds: float = 900.0
    """Longest time for a request's body."""
    stream_seconds: float = 24 * 3600.0
    """Longest time for a stream."""
    proxies: int = 0
    """Proxies before the server whose word on a client's address is taken, nearest last in X-Forwarded-For."""
    frame_ancestors: str = FRAME_ANCESTORS
    spare_bytes: int = 2**30
    """Free space that uploads must leave on the disk."""

    @classmethod
    def from_environment(cls) -> ServerOptions:
        """The options that EXPLORER_AUTH, EXPLORER_JOBS_PER_MINUTE, EXPLORER_UPLOADS_PER_MINUTE,
        EXPLORER_UPLOAD_MEGABYTES_PER_HOUR, EXPLORER_REQUEST_SECONDS, EXPLORER_PROXIES and EXPLORER_FRAME_ANCESTORS
        name.

        Raises:
            SettingsError: one of them holds what it cannot.
        """
        auth = os.environ.get(AUTH, "")
        return cls(
            accounts=read_accounts(auth) if auth else {},
            jobs_per_minute=number_from_environment("EXPLORER_JOBS_PER_MINUTE", cls.jobs_per_minute, most=1e6),
            uploads_per_minute=number_from_environment("EXPLORER_UPLOADS_PER_MINUTE", cls.uploads_per_minute, most=1e6),
            upload_bytes_per_hour=2**20
            * number_from_environment(
                "EXPLORER_UPLOAD_MEGABYTES_PER_HOUR", cls.upload_bytes_per_hour / 2**20, most=2.0**30
            ),
            request_seconds=number_from_environment("EXPLORER_REQUEST_SECONDS", cls.request_seconds, most=86400),
            # A Space stands behind one proxy.
            proxies=int(number_from_environment("EXPLORER_PROXIES", 1 if "SPACE_ID" in os.environ else 0, least=-1)),
            frame_ancestors=_one_line("EXPLORER_FRAME_ANCESTORS", FRAME_ANCESTORS),
        )

    def admits(self, user: str, password: str) -> bool:
        """Whether the password is the user's; takes as long for unknown users as for known ones."""
        known = self.accounts.get(user)
        same = hmac.compare_digest((known or "\0").encode(), password.encode())
        return same and known is not None


def _one_line(variable: str, default: str) -> str:
    text = os.environ.get(variable, "").strip() or default
    if any(letter in text for letter in ";,\r\n") or not text.isascii():
        raise SettingsError(
            f"{variable} may hold sources of a Content-Security-Policy with blanks between them; correct or unset it."
        )
    return text


def read_accounts(text: str) -> dict[str, str]:
    """Who may sign in.

    Args:
        text: `user:password`, or the path of a file that holds such a line for each user (empty lines and those that
            begin with # aside). A command line shows to every user of the machine; a file need not.

    Raises:
        SettingsError: neither, or a password of fewer than 8 characters.
    """
    path = Path(text).expanduser()
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if is_file:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise SettingsError(f"The file of accounts {path} cannot be read ({error}); correct it.") from error
        lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    else:
        lines = [text]
    accounts: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        user, colon, password = line.partition(":")
        where = f"Account {number} in {path}" if is_file else "The account"
        if not (user.strip() and colon) or user.strip() in accounts:
            raise SettingsError(
                f"{where} is not user:password of a new user; give --auth user:password, or a file of such lines."
            )
        if len(password) < _SHORTEST_PASSWORD:
            raise SettingsError(f"{where} has a password of fewer than {_SHORTEST_PASSWORD} characters; take a longer.")
        accounts[user.strip()] = password
    if not accounts:
        raise SettingsError(f"The file of accounts {path} names nobody; write user:password into it.")
    return accounts
