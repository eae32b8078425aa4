"""Restores photos in processes of this machine, one photo at a time in each.

A process that dies on a photo (a decoder that crashes, the system's out-of-memory killer) is replaced, and the photo's
row says so.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

from explorer.batch.listing import Item
from explorer.batch.photograph import FEWER, Outcome, Plan, lost, whole
from explorer.errors import ExplorerError, sentence
from explorer.machine import cores

_BYTES_EACH = 3 << 30
"""Memory that a process may need: a developed picture of 24 megapixels, its tiles and its result."""
_STOP = None


def suggested_workers() -> int:
    """Returns the number of processes for this machine: one per core, if there is memory for them."""
    try:
        available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        available = _BYTES_EACH
    return max(1, min(cores(), available // _BYTES_EACH))


def restore_here(items: Sequence[Item], plan: Plan) -> Iterator[Outcome]:
    """Restores one photo after the other in this process."""
    for item in items:
        yield whole(item, plan)


def restore_locally(items: Sequence[Item], plan: Plan, workers: int) -> Iterator[Outcome]:
    """Restores in `workers` processes, and yields outcomes as they come. Closing the iterator ends the processes.

    Raises:
        ExplorerError: the processes cannot load the model.
    """
    context = multiprocessing.get_context("spawn")
    waiting = list(reversed(items))
    busy: dict[Any, tuple[Any, Item]] = {}

    def start() -> tuple[Any, Any]:
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, plan), daemon=True)
        process.start()
        there.close()
        return here, process

    starting = dict(start() for _ in range(min(workers, len(waiting))))
    everyone = list(starting.items())
    finished = False
    try:
        while starting or busy:
            ready: list[Any] = wait([*starting, *busy])
            for connection in ready:
                if connection in starting:
                    process = starting.pop(connection)
                    _greeted(connection, process)
                else:
                    process, item = busy.pop(connection)
                    try:
                        yield connection.recv()
                    except EOFError:
                        process.join()
                        yield lost(item, plan, _crash(process.exitcode))
                        if waiting:
                            connection, process = start()
                            everyone.append((connection, process))
                            starting[connection] = process
                        continue
                if waiting:
                    item = waiting.pop()
                    connection.send(item)
                    busy[connection] = process, item
                else:
                    connection.send(_STOP)
        finished = True
    finally:
        for connection, process in everyone:
            if not finished:
                process.terminate()
            process.join()
            connection.close()


def _greeted(connection: Any, process: Any) -> None:
    """Waits until a process is ready.

    Raises:
        ExplorerError: it cannot load the model, or ended.
    """
    try:
        greeting = connection.recv()
    except EOFError:
        process.join()
        raise ExplorerError(
            f"A worker process ended before it started (exit code {process.exitcode}); start fewer with "
            "--workers, because memory may be short."
        ) from None
    if isinstance(greeting, Exception):
        raise greeting


def _end_with_parent() -> None:
    """Ends this process when the one that started it was killed: another run may be at work in its place by then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _crash(exit_code: int | None) -> ExplorerError:
    what = f"by signal {-exit_code}" if exit_code and exit_code < 0 else f"with exit code {exit_code}"
    return ExplorerError(
        f"The process that restored it was killed {what}: the file is damaged, or memory was short; try it alone with "
        "`lowlight restore`, or with fewer --workers."
    )


def _work(connection: Connection, plan: Plan) -> None:
    """The loop of a worker process: restores what it gets until there is no more, or the other side is gone."""
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        plan.prepare_process()
        try:
            plan.loaded()
        except Exception as error:
            connection.send(ExplorerError(sentence(error, relief=FEWER)))
            return
        connection.send("ready")
        while (item := connection.recv()) is not _STOP:
            connection.send(whole(item, plan))
    except (EOFError, OSError, KeyboardInterrupt):
        return
