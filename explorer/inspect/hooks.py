"""Forward hooks that leave nothing behind, whatever happens while they are there."""

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
    """Forward hooks on modules while the block runs. All of them are removed at its end, also after an error.

    They act only in the calling thread, so that another user of the same network neither sees them nor is seen.
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
