"""Runs networks: backends behind one interface, and tiles for pictures that do not fit into memory.

Importing this package loads neither torch nor OpenVINO; choosing a backend does.
"""

from explorer.engine.backends import (
    Backend,
    available_backends,
    check_backend,
    choose_backend,
    must_convert,
    register_backend,
    release_memory,
)
from explorer.engine.graphs import known_traits
from explorer.engine.tiles import run_tiled

__all__ = [
    "Backend", "available_backends", "check_backend", "choose_backend", "known_traits", "must_convert",
    "register_backend", "release_memory", "run_tiled",
]  # fmt: skip
