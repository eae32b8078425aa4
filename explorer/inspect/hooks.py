"""Forward hooks that are always removed, even after an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Hook = Callable[["nn.Module", Any, Any], Any]


@contextmanager
def hooked(hooks: Iterable[tuple[nn.Module, Hook]]) -> Iterator[None]:
    """Installs forward hooks on modules while the block runs, and removes all of them at its end, even after an error.

    They act only in the calling thread, so that other users of the same network are independent.
    """
    owner = threading.get_ident()

    def mine(hook: Hook) -> Hook:
        def guarded(module: nn.Module, inputs: Any, output: Any) -> Any:
            return hook(module, inputs, output) if threading.get_ident() == owner else None

        return guarded

    handles = []
    try:
        for module, hook in hooks:
            handles.append(module.register_forward_hook(mine(hook)))
        yield
    finally:
        for handle in handles:
            handle.remove()
