"""Works on items in this process: reads the next one and writes the last one while one is computed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")
Read = TypeVar("Read")
Made = TypeVar("Made")
Written = TypeVar("Written")


@dataclass(frozen=True)
class Step(Generic[Thing, Written]):
    """The outcome of one item: the result of writing, or the error of the stage that failed."""

    item: Thing
    written: Written | None = None
    error: Exception | None = None


class EndError(Exception):
    """Raised by `make` from an error that every other item would cause too, which ends the work."""


def overlapped(
    items: Iterable[Thing],
    read: Callable[[Thing], Read],
    make: Callable[[Thing, Read], Made],
    write: Callable[[Thing, Made], Written],
) -> Generator[Step[Thing, Written], None, None]:
    """Reads the next item and writes the last one in threads while one is computed, and yields the outcomes in order.

    `make` runs in the caller's thread. At most one item is read ahead and one waits to be written, so that memory holds
    only three items.
    """
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        waiting = iter(items)
        writing: tuple[Thing, Future[Written]] | None = None

        def next_one() -> tuple[Thing, Future[Read]] | None:
            for item in waiting:
                return item, reader.submit(read, item)
            return None

        def settled() -> Iterator[Step[Thing, Any]]:
            nonlocal writing
            if writing is not None:
                (item, future), writing = writing, None
                error = future.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                yield Step(item, None, error) if error is not None else Step(item, future.result())

        ahead = next_one()
        while ahead is not None:
            (item, future), ahead = ahead, None
            try:
                found = future.result()
            except Exception as error:
                ahead = next_one()
                yield from settled()
                yield Step(item, None, error)
                continue
            del future
            ahead = next_one()
            try:
                made = make(item, found)
            except EndError as end:
                raise end.__cause__ or end  # noqa: B904  # with the cause that it has itself
            except Exception as error:
                yield from settled()
                yield Step(item, None, error)
                continue
            finally:
                del found
            yield from settled()
            writing = item, writer.submit(write, item, made)
            del made
        yield from settled()
