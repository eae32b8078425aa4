"""The program of a decoder process: receives files as bytes, one by one, and sends photos or error messages.

Started by `explorer.sandbox.processes`; inherits only two pipes and a socket. The process ends when its parent does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from explorer.errors import ExplorerError
from explorer.photo.limits import Limits
from explorer.photo.types import Photo
from explorer.sandbox.announcing import AnnouncingLimits, announcer
from explorer.sandbox.serialization import photo_to_wire, receive_header, send_header

OUT_OF_MEMORY = "memory"
_DECODERS = (
    "rawpy", "tifffile", "imagecodecs", "PIL.JpegImagePlugin", "PIL.MpoImagePlugin", "PIL.PngImagePlugin",
    "PIL.TiffImagePlugin", "PIL.WebPImagePlugin", "PIL.GifImagePlugin", "PIL.BmpImagePlugin", "pillow_heif",
)  # fmt: skip
_MOST_FILES = 128
"""Largest number of a decoder's open files."""


def import_decoders() -> None:
    """Loads every decoder, so that the first photo does not wait for it."""
    from importlib import import_module

    import explorer.photo.opening  # noqa: F401

    for name in _DECODERS:
        with contextlib.suppress(ImportError):  # pillow-heif may not be installed
            import_module(name)


def confine(memory: int) -> bool:
    """Limits this process's memory and files from now on.

    Linux counts memory that LibRaw, NumPy and the codecs map privately; other systems have no such limit, so there only
    header checks and the time limit apply.

    Args:
        memory: bytes on top of the memory mapped now.

    Returns:
        True if the memory is limited.
    """
    if sys.platform != "linux":
        return False
    import resource

    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    # Limits the address space, because Linux does not limit the resident set; an allocation beyond it fails at once.
    _lower(resource.RLIMIT_AS, mapped + memory)
    _lower(resource.RLIMIT_FSIZE, memory)
    _lower(resource.RLIMIT_NOFILE, _MOST_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    return True


def bound_data(memory: int) -> None:
    """Limits the memory that this process may write, for work that maps much more than it fills, such as networks.

    Only on Linux; see `confine`.
    """
    if sys.platform == "linux":
        import resource

        _lower(resource.RLIMIT_DATA, memory)
        _lower(resource.RLIMIT_CORE, 0)


def _lower(which: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _allow_time(seconds: float) -> None:
    """Limits the CPU time for this file, in case the parent cannot stop it; all threads count, so it is generous."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(used.ru_utime + used.ru_stime + 8 * seconds) + 10
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard < 0 else min(wanted, hard), hard))


def _end_with_parent(channel: socket.socket) -> None:
    """Exits as soon as the parent has ended, which closes the other end of the socket."""
    import select

    ended = select.poll()
    ended.register(channel, select.POLLHUP)
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in ended.poll()):
        pass
    os._exit(1)


def _opened(data: bytes, request: dict[str, Any], limits: Limits) -> Photo:
    from explorer.photo.opening import open_photo

    return open_photo(
        data, name=request["name"], limits=limits, isolated=False, black_level=request.get("black_level", "auto")
    )


def decoded(data: bytes, request: dict[str, Any], announce: Callable[[int], None]) -> tuple[dict[str, Any], list[Any]]:
    """Returns the answer to a request: a photo's header and arrays, or an error and no arrays."""
    try:
        limits = AnnouncingLimits(request["max_bytes"], request["max_pixels"], announce)
        return photo_to_wire(_opened(data, request, limits))
    except ExplorerError as error:
        # LibRaw's own "Unsufficient memory" does not count: damaged files of a kilobyte cause it too.
        if isinstance(error.__cause__, MemoryError):
            return {"error": OUT_OF_MEMORY}, []
        return {"error": type(error).__name__, "message": str(error)}, []
    except MemoryError:
        return {"error": OUT_OF_MEMORY}, []
    except Exception as error:
        return {"error": "unexpected", "message": type(error).__name__, "trace": traceback.format_exc()[-4000:]}, []


def _write_arrays(arrays: list[Any], write: Callable[[memoryview], int | None]) -> None:
    for array in arrays:
        left = memoryview(array).cast("B")
        while left:
            left = left[write(left) or 0 :]


def serve(requests: IO[bytes], answers: IO[bytes], channel: socket.socket | None, memory: int) -> None:
    """Answers requests until there are no more.

    Args:
        requests: for each file a header {"name", "bytes", "seconds", "shared", "max_bytes", "max_pixels",
            "black_level"}, then its bytes; and a header for each answer that says "pixels".
        answers: for each file {"began"}, {"pixels"} before memory is allocated for them, then one header, followed by
            its arrays unless they are shared.
        channel: source of the memory file for the arrays, for requests with "shared".
        memory: bytes, see `confine`.
    """
    import_decoders()
    gc.freeze()
    send_header(answers, {"ready": True, "confined": confine(memory)})
    while (request := receive_header(requests)) is not None:
        _allow_time(request["seconds"])
        shared = socket.recv_fds(channel, 1, 1)[1][0] if request["shared"] and channel is not None else None
        try:
            data = requests.read(request["bytes"])
            send_header(answers, {"began": True})  # from now on, this file may be the cause of any failure
            header, arrays = decoded(data, request, announcer(requests, answers))
            del data
            if shared is not None:  # before the header, so that it has arrived when the parent reads
                _write_arrays(arrays, partial(os.write, shared))
                arrays = []
            send_header(answers, header)
            _write_arrays(arrays, answers.write)
            answers.flush()
        except (MemoryError, OSError):  # an array larger than a file may be, which is limited by the memory
            header = {"error": OUT_OF_MEMORY}
            send_header(answers, header)
        finally:
            if shared is not None:
                os.close(shared)
        if header.get("error") == OUT_OF_MEMORY:
            return
        arrays = []
        gc.collect()  # TIFF readers are reference cycles, which would keep the file until a later photo


def main(channel: int, memory: int) -> None:
    """Runs the process.

    Args:
        channel: file descriptor of the socket, -1 for none.
        memory: bytes, see `confine`.
    """
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for taken in (0, 1):  # output printed by libraries must not mix with the answers
        os.dup2(null, taken)
    shared = socket.socket(fileno=channel) if channel >= 0 else None
    if shared is not None:
        threading.Thread(target=_end_with_parent, args=(shared,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(requests, answers, shared, memory)
    os._exit(0)  # damaged files may have corrupted the decoders' memory, so that an orderly exit could crash
