"""The program of a decoder process: files come in one by one as bytes; photos or error messages go out.

Started by `explorer.sandbox.processes` with nothing of the parent's but two pipes and a socket. The process ends when
its parent does.
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
"""Open files of a decoder."""


def import_decoders() -> None:
    """Loads every decoder, so that the first photo does not wait for it."""
    from importlib import import_module

    import explorer.photo.opening  # noqa: F401

    for name in _DECODERS:
        with contextlib.suppress(ImportError):  # pillow-heif may not be installed
            import_module(name)


def confine(memory: int) -> bool:
    """Bounds this process's memory and files from now on.

    Linux counts what LibRaw, NumPy and the codecs map privately; other systems offer no such bound, so there only the
    checks of headers and the time limit hold.

    Args:
        memory: bytes beyond what is mapped now.

    Returns:
        Whether the memory is bounded.
    """
    if sys.platform != "linux":
        return False
    import resource

    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    # Of the address space, not of the resident set, which Linux does not bound: a request beyond it fails at once.
    _lower(resource.RLIMIT_AS, mapped + memory)
    _lower(resource.RLIMIT_FSIZE, memory)
    _lower(resource.RLIMIT_NOFILE, _MOST_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    return True


def bound_data(memory: int) -> None:
    """Bounds what this process may write in memory: for work that also maps much which it never fills, as networks do.

    On Linux only; see `confine`.
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
    """Limits the processor time for this file, in case no one is left to stop it: threads count together, hence
    the generous factor."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(used.ru_utime + used.ru_stime + 8 * seconds) + 10
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard < 0 else min(wanted, hard), hard))


def _end_with_parent(channel: socket.socket) -> None:
    """Leaves as soon as the parent is gone, which shows as the end of a socket whose other end only it holds."""
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
    """The answer to a request: a photo's header and arrays, or what went wrong and no arrays."""
    try:
        limits = AnnouncingLimits(request["max_bytes"], request["max_pixels"], announce)
        return photo_to_wire(_opened(data, request, limits))
    except ExplorerError as error:
        # LibRaw's own "Unsufficient memory" is not taken for it: damaged files of a kilobyte get it too.
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
        answers: for each file {"began"}, {"pixels"} before memory is taken for so many, then one header; its arrays
            behind it, unless they are shared.
        channel: where a file of memory for the arrays comes from, for requests that say "shared".
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
            send_header(answers, {"began": True})  # whatever happens from now on, this file may be to blame
            header, arrays = decoded(data, request, announcer(requests, answers))
            del data
            if shared is not None:  # before the header, so that it is there when the parent looks
                _write_arrays(arrays, partial(os.write, shared))
                arrays = []
            send_header(answers, header)
            _write_arrays(arrays, answers.write)
            answers.flush()
        except (MemoryError, OSError):  # an array beyond what a file may hold, whose bound is that of the memory
            header = {"error": OUT_OF_MEMORY}
            send_header(answers, header)
        finally:
            if shared is not None:
                os.close(shared)
        if header.get("error") == OUT_OF_MEMORY:
            return
        arrays = []
        gc.collect()  # readers of TIFF files are cycles, which would hold the file until some later photo


def main(channel: int, memory: int) -> None:
    """The process's whole life.

    Args:
        channel: the number of the socket, -1 for none.
        memory: bytes, see `confine`.
    """
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for taken in (0, 1):  # what a library prints must not stand among the answers
        os.dup2(null, taken)
    shared = socket.socket(fileno=channel) if channel >= 0 else None
    if shared is not None:
        threading.Thread(target=_end_with_parent, args=(shared,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(requests, answers, shared, memory)
    os._exit(0)  # damaged files may have left the decoders' memory in a state that an orderly end trips over
