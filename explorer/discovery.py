"""Finds a package's files, and the constants that they declare, so that a new entry needs only a new file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def declared(package: str, kind: type[T]) -> Iterator[T]:
    """Returns the constants of a type in a package's files: files sorted by name, constants in source order.

    Args:
        package: its full name; files whose names begin with "_" are skipped.
    """
    seen: list[T] = []
    for module in files(package):
        for value in vars(module).values():
            if isinstance(value, kind) and value not in seen:
                seen.append(value)
                yield value


def files(package: str, ending: str = "") -> Iterator[ModuleType]:
    """Imports a package's files whose names have an ending, sorted by name; those that begin with "_" are skipped."""
    for each in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not each.name.startswith("_") and each.name.endswith(ending):
            yield importlib.import_module(f"{package}.{each.name}")
