"""Decodes untrusted files in separate processes, so that a malicious file causes at most an error message.

LibRaw and the codecs are large C libraries: a damaged file can crash them, block them for minutes or make them allocate
all memory. Here they run in a few processes that are started in advance and reused, each with limits of memory and
time. Their results are checked, never unpickled. A process that crashed, hung, ran out of memory or was killed is
replaced; the caller gets a PhotoError.

The processes are not forks and do not import the calling program: they start a bare interpreter and have neither the
program's environment nor its open files. On Linux, pixels are passed in an anonymous memory file that is created for
the photo, sealed when it is complete, and mapped: nothing is copied, and nothing is left behind however a process ends.
Elsewhere, they are sent through the pipe.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from explorer import errors
from explorer.errors import ExplorerError, PhotoError
from explorer.photo.light.masked import BlackChoice
from explorer.photo.limits import DECODE_MEGABYTES, DECODE_SECONDS, DecoderLimits, Limits
from explorer.photo.types import Photo
from explorer.sandbox.announcing import Leave, Room, unbounded
from explorer.sandbox.serialization import (
    WireError,
    array_sizes,
    mapped_arrays,
    photo_from_wire,
    receive_header,
    received_arrays,
    send_header,
    widen,
)

LOG = logging.getLogger(__name__)

SHARED_MEMORY = sys.platform == "linux"
"""True if pixels are passed in shared memory."""
_START_SECONDS = 120.0
"""Seconds in which a decoder must import its libraries, even on a busy machine."""
_TRIES = 3
"""Number of decoders to try if they end before reading the file."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR",
              "TEMP", "TMP", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # fmt: skip
"""Environment variables that are passed to a decoder; no tokens, no settings. With another OpenBLAS kernel than its
parent's, colours would differ in their last bits."""
_ENVIRONMENT = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from explorer.sandbox.decoder import main; main(*map(int, sys.argv[2:]))"
)


class UnexpectedDecodingError(Exception):
    """An unexpected exception in a decoder, with its traceback: a bug, reported as a PhotoError."""


class _EndedWhileIdleError(Exception):
    """A decoder ended before it read the file, which is therefore not the cause."""


class _Decoder:
    """One process and its pipes. Used by one thread at a time."""

    def __init__(self, limits: DecoderLimits) -> None:
        self._limits = limits
        self._uses = 0
        self._ready = False
        self._watched_out = False
        self._busy = False
        # Closing it tells the decoder that this process has ended; it also passes the memory files.
        self._channel: socket.socket | None = None
        theirs: socket.socket | None = None
        if sys.platform != "win32":
            self._channel, theirs = socket.socketpair()
        try:
            # -I: neither the working folder nor PYTHON* affect imports.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", _START, json.dumps(_import_path()),
                 str(-1 if theirs is None else theirs.fileno()), str(limits.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=os.path.abspath(os.sep),
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _ENVIRONMENT,
                pass_fds=() if theirs is None else (theirs.fileno(),),
                start_new_session=True,  # Ctrl-C at the terminal is handled by the parent
            )  # fmt: skip
        except BaseException:
            if self._channel is not None:
                self._channel.close()
            raise
        finally:
            if theirs is not None:
                theirs.close()
        widen(self._process.stdin)

    @property
    def pid(self) -> int:
        return self._process.pid

    def usable(self) -> bool:
        """True if it can decode another file."""
        return not self._busy and self._uses < self._limits.uses and self._process.poll() is None

    def decode(self, data: bytes, name: str, limits: Limits, black_level: BlackChoice, room: Room) -> Photo:
        """Decodes a file as soon as memory is available.

        Raises:
            ExplorerError: the decoder's error for the file.
            PhotoError: the decoder crashed, took too long, ran out of memory or was killed; then it is not `usable`.
        """
        self._busy = True  # until the whole answer is read
        self._uses += 1
        out, answers = self._process.stdin, self._process.stdout
        assert out is not None and answers is not None
        request = {"name": name, "bytes": len(data), "seconds": self._limits.seconds, "shared": SHARED_MEMORY,
                   "max_bytes": limits.max_bytes, "max_pixels": limits.max_pixels,
                   "black_level": black_level}  # fmt: skip
        memory, began = None, False
        try:
            self._wait_until_ready(answers, name)
            with contextlib.ExitStack() as taken:
                if SHARED_MEMORY and self._channel is not None:
                    memory = os.memfd_create("lowlight-photo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
                    socket.send_fds(self._channel, [b"."], [memory])
                left, leave = self._limits.seconds, Leave(room, taken, len(data), limits.max_pixels)
                with self._watch(left):
                    send_header(out, request)
                    out.write(data)
                    out.flush()
                    began = (receive_header(answers) or {}).get("began") is True
                if not began:
                    raise WireError("begin")
                header: dict[str, Any] = {"pixels": 0}
                while "pixels" in header:
                    started = time.monotonic()
                    with self._watch(left):
                        header = receive_header(answers) or {"pixels": None}
                    left -= time.monotonic() - started  # waiting for others does not count
                    if "pixels" in header:
                        leave.give(header, out)
                with self._watch(left):
                    shapes = [] if "error" in header else array_sizes(header, limits)
                    arrays = received_arrays(shapes, answers) if memory is None else mapped_arrays(shapes, memory)
        except (WireError, OSError, ValueError) as error:  # ValueError: the pool has been closed
            if not began and not self._watched_out:
                raise _EndedWhileIdleError from error
            raise self._failure(name) from error
        finally:
            if memory is not None:
                os.close(memory)
        if "error" in header:
            raise self._refusal(header, name)
        try:
            photo = photo_from_wire(header, arrays)
        except WireError as error:
            raise self._failure(name) from error
        self._busy = False
        return photo

    def _wait_until_ready(self, answers: IO[bytes], name: str) -> None:
        """Waits until the libraries are imported; only before the first file."""
        if not self._ready:
            with self._watch(_START_SECONDS):
                self._ready = (receive_header(answers) or {}).get("ready") is True
        if not self._ready:
            raise PhotoError(
                f"The process that would decode {name} could not be started; free some memory or raise "
                f"{DECODE_MEGABYTES}."
            )

    @contextlib.contextmanager
    def _watch(self, seconds: float) -> Iterator[None]:
        """Kills the process if the block takes too long, which closes its pipes."""

        def stop() -> None:
            self._watched_out = True
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _refusal(self, header: dict[str, Any], name: str) -> Exception:
        """Makes the error for a decoder's answer without a photo."""
        kind, message = header["error"], header.get("message", "")
        found = getattr(errors, kind, None) if isinstance(kind, str) else None
        if isinstance(found, type) and issubclass(found, ExplorerError) and isinstance(message, str):
            self._busy = False
            return found(message[:10_000])
        if kind == "unexpected":
            self._busy = False
            LOG.warning("A decoder met an unexpected %s.", message)
            error = PhotoError(code="error.undecoded", name=name, reason=message)
            error.__cause__ = UnexpectedDecodingError(header.get("trace", ""))
            return error
        return PhotoError(  # kind == OUT_OF_MEMORY
            f"{name} needs more than the {self._limits.memory / 2**20:.0f} MiB of memory that its decoder may use; "
            f"open a smaller file or raise {DECODE_MEGABYTES}."
        )

    def _failure(self, name: str) -> PhotoError:
        """Makes the error for a missing answer."""
        try:
            code = self._process.wait(1)  # its pipes close a moment before it ends
        except subprocess.TimeoutExpired:  # it is alive, but its answer is invalid
            self._process.kill()
            code = 0
        LOG.warning("The decoder %d left with %s.", self.pid, "the time limit" if self._watched_out else code)
        if self._watched_out or -code == getattr(signal, "SIGXCPU", -1):
            return PhotoError(
                code="error.too_slow", name=name, seconds=f"{self._limits.seconds:g}", setting=DECODE_SECONDS
            )
        if -code in (getattr(signal, "SIGKILL", 9), signal.SIGTERM):
            return PhotoError(
                f"The decoder was ended from outside, or the machine ran out of memory, while it read {name}; open the "
                "photo again."
            )
        return PhotoError(code="error.crashes", name=name)

    def close(self) -> None:
        """Ends the process and releases its resources."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # data that was not flushed before a crash
                    stream.close()
        if self._channel is not None:
            self._channel.close()


def _import_path() -> list[str]:
    """Returns the import path by which the decoder finds the same packages as this process."""
    return [os.path.abspath(place) for place in sys.path if isinstance(place, str)]


class DecoderPool:
    """A pool of decoders for any number of threads; each file waits for a free one."""

    def __init__(self, limits: DecoderLimits | None = None) -> None:
        self.limits = limits or DecoderLimits.from_environment()
        self._slots = threading.BoundedSemaphore(self.limits.processes)
        self._lock = threading.Lock()
        self._idle: list[_Decoder] = []
        self._all: set[_Decoder] = set()
        self._closed = False

    def open(self, data: bytes, name: str, limits: Limits, black_level: BlackChoice = "auto") -> Photo:
        """Decodes a file's bytes.

        Raises:
            ExplorerError: as `explorer.photo.open_photo`.
            PhotoError: the file crashes its decoder, or exceeds its time or memory limit.
        """
        with self._slots:
            for _ in range(_TRIES):
                decoder = self._taken(name)
                try:
                    return decoder.decode(data, name, limits, black_level, _room)
                except _EndedWhileIdleError:
                    continue
                finally:
                    self._give_back(decoder)
            raise PhotoError(
                f"The processes that would decode {name} ended before they read it; free some memory and open the "
                "photo again."
            )

    def prewarm(self) -> None:
        """Starts the missing decoders; returns at once, while the processes import their libraries."""
        with self._lock:
            while not self._closed and len(self._all) < self.limits.processes:
                self._idle.append(self._started())

    def pids(self) -> list[int]:
        """Returns the process ids of the current decoders."""
        with self._lock:
            return sorted(decoder.pid for decoder in self._all)

    def close(self) -> None:
        """Ends every process; files being decoded fail."""
        with self._lock:
            self._closed = True
            everyone, self._all, self._idle = self._all, set(), []
        for decoder in everyone:
            decoder.close()

    def _started(self) -> _Decoder:
        """Starts a decoder; called with the lock held, so that there are never too many."""
        decoder = _Decoder(self.limits)
        self._all.add(decoder)
        return decoder

    def _taken(self, name: str) -> _Decoder:
        while True:
            try:
                with self._lock:
                    decoder = self._idle.pop() if self._idle else self._started()
            except OSError as error:
                raise PhotoError(
                    f"No process could be started to decode {name} ({error.strerror}); free some memory and open the "
                    "photo again."
                ) from error
            if decoder.usable():
                return decoder
            self._dismiss(decoder)  # it was ended from outside while idle

    def _give_back(self, decoder: _Decoder) -> None:
        if decoder.usable():
            with self._lock:
                if not self._closed:
                    self._idle.append(decoder)
                    return
        self._dismiss(decoder)
        # The next file should not wait for the imports.
        with contextlib.suppress(OSError):
            self.prewarm()

    def _dismiss(self, decoder: _Decoder) -> None:
        with self._lock:
            known = decoder in self._all
            self._all.discard(decoder)
        if known:
            decoder.close()


_POOL: DecoderPool | None = None
_room: Room = unbounded
_OF_THE_PARENT: list[DecoderPool] = []
_LOCK = threading.Lock()


def pool() -> DecoderPool:
    """Returns the decoders of this process, created at the first call; they end with it.

    Raises:
        SettingsError: an environment variable of `DecoderLimits` is not a number.
    """
    global _POOL
    with _LOCK:
        if _POOL is None:
            _POOL = DecoderPool()
            atexit.register(close)
        return _POOL


def use_room(room: Room) -> None:
    """Makes all decoders of this process wait for memory before they allocate it."""
    global _room
    _room = room


def prewarm() -> None:
    """Starts the decoders before the first photo."""
    pool().prewarm()


def close() -> None:
    """Ends the decoders of this process; the next photo starts new ones."""
    global _POOL
    with _LOCK:
        old, _POOL = _POOL, None
    if old is not None:
        old.close()


def _forget_after_fork() -> None:
    """Forgets the decoders in a forked child, which must not write to its parent's pipes."""
    global _POOL, _LOCK
    if _POOL is not None:
        _OF_THE_PARENT.append(_POOL)  # releasing it would close the parent's pipes
    _POOL, _LOCK = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
