"""A torch mode that measures peak memory while a network runs.

In a separate file, because a mode is a subclass of torch's, so that importing it imports torch.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Peak(TorchDispatchMode):
    """Counts the bytes of all storages kept alive by tensors made inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = 0
        self.peak = 0
        self._users: dict[int, list[int]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch's own switch: without it, the first call of the method below would import the compiler, which takes two
        seconds and 90 MiB, although nothing is compiled here."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor)
        return result

    def _add(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        users = self._users.setdefault(place, [0, size])
        users[0] += 1
        if users[0] == 1:
            self.alive += size
            self.peak = max(self.peak, self.alive)
        weakref.finalize(tensor, self._drop, place)

    def _drop(self, place: int) -> None:
        users = self._users.get(place)
        if users is None:
            return
        users[0] -= 1
        if users[0] == 0:
            self.alive -= users[1]
            del self._users[place]
