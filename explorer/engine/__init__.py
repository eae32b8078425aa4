"""How a network is run: backends behind one interface, and tiles for pictures larger than memory allows."""

from explorer.engine.backends import Backend, available_backends, choose_backend
from explorer.engine.tiles import run_tiled

__all__ = ["Backend", "available_backends", "choose_backend", "run_tiled"]
