"""Finds the constants that a package's files declare, without a list: a new entry is a new file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


def declared(package: str, kind: type[T]) -> Iterator[T]:
    """Constants of a type in the files of a package: files by name, constants in the order they are written.

    Args:
        package: its full name; a file whose name begins with "_" is passed over.
    """
    seen: list[T] = []
    for each in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not each.name.startswith("_"):
            for value in vars(importlib.import_module(f"{package}.{each.name}")).values():
                if isinstance(value, kind) and not any(value is other for other in seen):
                    seen.append(value)
                    yield value
