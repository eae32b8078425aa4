"""Gradio, imported without writing type stubs.

Whenever a component's class is made, Gradio parses its source and renders a stub for editors beside it (`*.pyi`), which
takes half of the time of the import. Nothing reads these stubs at run time.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE, _WRITER = "gradio.component_meta", "create_or_modify_pyi"


class _WithoutStubs(MetaPathFinder):
    """Finds one module as usual, and silences one function of it once it has been run."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            run = loader.exec_module

            def run_and_silence(module: ModuleType) -> None:
                run(module)
                if hasattr(module, _WRITER):  # a later Gradio may do without it
                    setattr(module, _WRITER, lambda *_: None)

            loader.exec_module = run_and_silence
        return spec


def without_stubs() -> None:
    """Makes the first `import gradio` of this process write no stubs; too late where it has been imported already."""
    if _MODULE not in sys.modules and not any(isinstance(each, _WithoutStubs) for each in sys.meta_path):
        sys.meta_path.insert(0, _WithoutStubs())
