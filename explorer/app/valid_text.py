"""Texts that are no Unicode must not break a visitor's stream of answers.

JSON can name half of a pair of surrogates ("\\ud800"), and Python reads a file name that is no UTF-8 as such halves.
Gradio's writer of JSON refuses both, and with them every later answer of the page.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def valid(value: Any) -> Any:
    """A value of JSON with a question mark for every half of a pair."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {valid(name): valid(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [valid(each) for each in value]
    return value


def write_valid_texts() -> None:
    """Has Gradio write what it would refuse for that reason."""
    import orjson
    from gradio import routes

    def dumps(value: Any, *rest: Any, **options: Any) -> bytes:
        try:
            return orjson.dumps(value, *rest, **options)
        except TypeError:
            return orjson.dumps(valid(value), *rest, **options)

    if getattr(routes, "orjson", None) is orjson:  # a later Gradio may write by other means
        routes.orjson = SimpleNamespace(  # type: ignore[assignment]
            **{name: value for name, value in vars(orjson).items() if not name.startswith("__")} | {"dumps": dumps}
        )
