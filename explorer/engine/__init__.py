"""Runs networks: backends behind one interface, and tiles for pictures that do not fit into memory.

Importing this package loads neither torch nor OpenVINO; choosing a backend does.
"""

from explorer.engine.backends import Backend, available_backends, check_backend, choose_backend, register_backend
from explorer.engine.graphs import known_traits
from explorer.engine.tiles import run_tiled

__all__ = [
    "Backend", "available_backends", "check_backend", "choose_backend", "known_traits", "register_backend", "run_tiled",
]  # fmt: skip
