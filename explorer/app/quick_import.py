"""Gradio, imported and started without things that take most of the time and that nothing here uses.

- Whenever a component's class is made, Gradio parses its source and renders a stub for editors beside it (`*.pyi`).
- With `mcp` installed, Gradio imports jsonschema, whose check of international addresses builds a parser of their
  grammar, where Jupyter brought the package for it: three seconds.
- A page gets a web application when it is begun, when it is ended and when it gets its queue, a fifth of a second each;
  the one that serves is made at launch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE, _WRITER = "gradio.component_meta", "create_or_modify_pyi"
_SLOW = "rfc3987_syntax"


class _WithoutStubs(MetaPathFinder):
    """Finds one module as usual, and silences one function of it once it has been run."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
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


@contextmanager
def quick_import() -> Iterator[None]:
    """The first `import gradio` of this process, inside this block, leaves both out. Afterwards everything can be
    imported as before."""
    finder = _WithoutStubs()
    sys.meta_path.insert(0, finder)
    absent = _SLOW not in sys.modules
    if absent:
        sys.modules[_SLOW] = None  # type: ignore[assignment]  # importing it fails, which jsonschema expects
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if absent:
            sys.modules.pop(_SLOW, None)


@contextmanager
def one_application() -> Iterator[None]:
    """Pages that are made inside this block have no web application of their own until they are launched."""
    from gradio.routes import App

    made = vars(App).get("create_app")
    if made is not None:  # a later Gradio may do without it
        setattr(App, "create_app", staticmethod(lambda *_, **__: None))  # noqa: B010
    try:
        yield
    finally:
        if made is not None:
            setattr(App, "create_app", made)  # noqa: B010
