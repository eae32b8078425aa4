"""Files and folders by address: local paths, or anything that fsspec reaches (`s3://`, `gs://`, `hf://`).

A file appears complete or not at all. Local files are written next to the destination and renamed; object stores only
ever store whole objects; on other file systems (SFTP, SMB, HDFS) a temporary file is moved.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.batch import left_out
from explorer.errors import ExplorerError, OutputError, PhotoError
from explorer.identity import identity

_OBJECT_STORES = frozenset(
    ["s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "hf", "memory", "oss", "oci", "cos", "obs"]
)
"""Protocols of stores that show an object only when it has arrived completely."""
_DEFAULT_BRANCH = re.compile(r"^(hf://(?:\w+/)?[^/@]+/[^/@]+)@main(?=/|$)")
"""The default branch in addresses of the Hub, where it is optional."""
STAGING = ".manifest/unfinished"
"""Folder for files of a destination until they are complete."""


@dataclass(frozen=True)
class Found:
    """A file in a listing."""

    bytes: int
    """-1 if there is no such file."""
    stamp: str
    """Changes when the file does: its ETag in an object store, its modification time elsewhere."""


ABSENT = Found(-1, "absent")


def is_local(address: str) -> bool:
    """True if an address is a local path."""
    return "://" not in address


def canonical(address: str, beside: str = "") -> str:
    """Returns the one spelling of an address: an absolute path, or with its protocol and without a trailing slash.

    Args:
        address: as the user wrote it.
        beside: the folder that relative paths start from; the current one by default.

    Raises:
        PhotoError: the protocol is unknown, or its package is not installed.
    """
    if address.startswith(("file://", "local://")):
        address = address.partition("://")[2]
    if "://" in address:
        file_system, path = _reached(address)
        if _is_of_this_machine(file_system):
            return os.path.normpath(path)
        return _DEFAULT_BRANCH.sub(r"\1", str(file_system.unstrip_protocol(path))).rstrip("/")
    if beside and not is_local(beside):
        return canonical(f"{beside}/{address}")
    return os.path.normpath(os.path.join(beside or os.getcwd(), os.path.expanduser(address)))


def join(folder: str, name: str) -> str:
    """Returns the address of a file in a folder; `name` has slashes."""
    return os.path.join(folder, *name.split("/")) if is_local(folder) else f"{folder}/{name}"


def parent(address: str) -> str:
    """Returns the folder that contains a file."""
    return os.path.dirname(address) if is_local(address) else address.rpartition("/")[0]


def as_text(name: str) -> str:
    """Converts a name to text, with bytes that are not UTF-8 as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def from_text(name: str) -> str:
    """Reverses `as_text`."""
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), name)


def name_of(address: str) -> str:
    """Returns the last part of an address."""
    return address.replace("\\", "/").rpartition("/")[2]


def _reached(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address and the path in it."""
    import fsspec

    protocol = address.partition("://")[0]
    try:
        file_system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        reason = str(error).rstrip(".")
        raise PhotoError(f"Addresses of {protocol}:// need another package:  {reason}.") from error
    except ValueError as error:
        raise PhotoError(f"{address} cannot be reached ({error}); check the address.") from error
    return file_system, path


def _is_of_this_machine(file_system: Any) -> bool:
    """True if an fsspec file system is the local one, directly or behind a cache."""
    from fsspec.implementations.cached import CachingFileSystem
    from fsspec.implementations.local import LocalFileSystem

    while isinstance(file_system, CachingFileSystem):
        file_system = file_system.fs
    return isinstance(file_system, LocalFileSystem)


class UnreachableError(OSError):
    """A store does not answer, or refuses; the message is a sentence for the user, `strerror` only the reason."""


@contextmanager
def _remote(address: str) -> Iterator[tuple[Any, str]]:
    """The fsspec file system of an address and the path in it.

    Raises:
        UnreachableError: what the store's client raises, which need not be an OSError (botocore's never are).
    """
    file_system, path = _reached(address)
    try:
        yield file_system, path
    except (OSError, ValueError, ExplorerError):
        raise
    except Exception as error:
        reason = str(error).rstrip(".") or type(error).__name__
        unreachable = UnreachableError(
            f"{address} cannot be reached ({reason}); check the address, the connection and the credentials."
        )
        unreachable.strerror = reason
        raise unreachable from error


def read(address: str, most: int | None = None) -> bytes:
    """Reads a file.

    Args:
        most: a pipe, which has no size, is read up to one byte more than this.

    Raises:
        OSError: it is not there or cannot be read.
        PhotoError: see `canonical`.
    """
    if is_local(address):
        if most is None or not Path(address).is_fifo():
            return Path(address).read_bytes()
        from explorer.photo.opening import read_once

        with open(address, "rb", buffering=0) as file:
            return read_once(file, most)
    with _remote(address) as (file_system, path):
        data: bytes = file_system.cat_file(path)
    return data


def is_folder(address: str) -> bool:
    """True if there is a folder at the address.

    Raises:
        UnreachableError: the store does not answer.
    """
    if is_local(address):
        return os.path.isdir(address)
    with _remote(address) as (file_system, path):
        return bool(file_system.isdir(path))


def find_one(address: str) -> Found:
    """Returns a file's size and stamp; `ABSENT` if there is none.

    Raises:
        UnreachableError: the store does not answer.
    """
    try:
        if is_local(address):
            stat = os.stat(address)
            return Found(stat.st_size, str(stat.st_mtime_ns))
        with _remote(address) as (file_system, path):
            return _found(file_system.info(path))
    except UnreachableError:
        raise
    except (OSError, ValueError):
        return ABSENT


Note = Callable[[str, str], None]
"""Called with the path of something that a listing skips, and the reason (`explorer.batch.left_out`)."""


def find_all(
    folder: str, leave_out: str = "", note: Note = lambda inside, reason: None, *, within: bool = True
) -> Iterator[tuple[str, Found]]:
    """Yields every file in a folder and its subfolders by its path in the folder (with slashes), in no certain order.

    Skips files and folders whose name begins with a dot, links to folders, anything that is neither, and the folder
    `leave_out` (an address), under whatever name.

    Args:
        note: called for everything that is skipped.
        within: False skips the subfolders of a local folder.

    Raises:
        UnreachableError: the store does not answer.
    """
    if not is_local(folder):
        inside_out = f"{leave_out}/".removeprefix(f"{folder}/") if leave_out.startswith(f"{folder}/") else ""
        with _remote(folder) as (file_system, path):
            start = path.rstrip("/") + "/"
            file_system.invalidate_cache()
            listed = file_system.find(path, detail=True)
        for name, info in listed.items():
            inside = name.removeprefix(start)
            if inside_out and inside.startswith(inside_out):
                continue
            if any(part.startswith(".") for part in inside.split("/")):
                note(inside, left_out.HIDDEN)
            else:
                yield inside, _found(info)
        return
    not_taken = identity(leave_out) if leave_out and is_local(leave_out) else None
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(os.path.join(folder, inside)) as entries:
            for entry in entries:
                name = f"{inside}{entry.name}"
                if entry.is_dir():
                    if not_taken is not None and identity(entry.path) == not_taken:
                        continue
                    if reason := left_out.reason_of_folder(entry.name, entry.is_symlink(), within):
                        if not left_out.is_own(entry.name):
                            note(name, reason)
                    else:
                        waiting.append(f"{name}/")
                elif entry.name.startswith("."):
                    if not left_out.is_own(entry.name):
                        note(name, left_out.HIDDEN)
                elif entry.is_file():
                    stat = entry.stat()
                    yield name, Found(stat.st_size, str(stat.st_mtime_ns))
                else:
                    note(name, left_out.NO_FILE)


def _found(info: dict[str, Any]) -> Found:
    names = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated", "created")
    stamp = next((str(info[name]) for name in names if info.get(name) is not None), "")
    return Found(int(info.get("size") or 0), stamp)


def make_folder(address: str) -> None:
    """Creates a folder and its parents; object stores have no folders.

    Raises:
        OutputError: a file is in its place, or it cannot be created.
    """
    try:
        if is_local(address):
            os.makedirs(address, exist_ok=True)
        elif address.partition("://")[0] not in _OBJECT_STORES:
            with _remote(address) as (file_system, path):
                file_system.makedirs(path, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"The folder {address} cannot be made ({reason}); choose another destination.") from error


def write(folder: str, name: str, data: bytes) -> None:
    """Writes a file to a destination, completely or not at all.

    Args:
        folder: the destination, with an existing `STAGING` if it is local.
        name: the file's path in it, with slashes.

    Raises:
        OSError: from the file system; nothing of the file remains.
    """
    target = join(folder, name)
    if is_local(folder):
        unfinished = os.path.join(folder, *STAGING.split("/"), secrets.token_hex(12))
        try:
            with open(unfinished, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(unfinished, target)
        finally:
            Path(unfinished).unlink(missing_ok=True)
        return
    with _remote(target) as (file_system, path):
        if target.partition("://")[0] in _OBJECT_STORES:
            file_system.pipe_file(path, data)
            return
        temporary = f"{path}.{secrets.token_hex(6)}.partial"
        file_system.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            file_system.pipe_file(temporary, data)
            file_system.mv(temporary, path)
        except BaseException:
            if file_system.exists(temporary):
                file_system.rm_file(temporary)
            raise


def files_of(folder: str) -> list[str]:
    """Lists the names of the files directly in a folder, sorted; empty if there is no such folder."""
    try:
        if is_local(folder):
            return sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
        with _remote(folder) as (file_system, path):
            file_system.invalidate_cache()
            listed = file_system.ls(path, detail=True)
        return sorted(e["name"].rpartition("/")[2] for e in listed if e["type"] == "file")
    except FileNotFoundError:
        return []


def remove(address: str) -> None:
    """Removes a file, or a folder with its contents, if it exists."""
    if is_local(address):
        import shutil

        if os.path.isdir(address):
            shutil.rmtree(address, ignore_errors=True)
        else:
            Path(address).unlink(missing_ok=True)
        return
    with suppress(FileNotFoundError), _remote(address) as (file_system, path):
        file_system.rm(path, recursive=True)


def remove_files(folder: str, names: list[str]) -> None:
    """Removes files of one folder; missing ones are ignored."""
    if not names:
        return
    if is_local(folder):
        for name in names:
            Path(folder, name).unlink(missing_ok=True)
        return
    with suppress(FileNotFoundError), _remote(folder) as (file_system, path):
        file_system.rm([f"{path.rstrip('/')}/{name}" for name in names])
