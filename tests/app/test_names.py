"""Models by name: every event and endpoint accepts names of the catalogue and nothing else."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

import explorer
from explorer import loading
from explorer.app import build_app, model_picker, opening, sessions
from explorer.errors import ModelNotFoundError
from explorer.sources import resolving

EMBEDDED = Path(explorer.__file__).resolve().parent.parent / "weights" / "lamba_m0.raw_synthetic"
"""A folder of weights that `explorer.load_model` would take."""
ODD: tuple[Any, ...] = (
    "hf:somebody/weights/lamba_m0.raw_synthetic",
    str(EMBEDDED),
    "/",
    "..",
    "./weights/lamba_m0.raw_synthetic",
    "https://127.0.0.1:9/lamba_m0.raw_synthetic",
    "file:///etc/passwd",
    "lamba_m0.nobody_has_this",
    "\ud800",
    "",
    7,
    None,
    True,
    ["identity"],
    {"name": "identity"},
)


@pytest.fixture(scope="module")
def demo() -> gr.Blocks:
    return build_app()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What is asked of the loader and of the resolver of names, which are made for one's own machine; and nobody calls
    anywhere."""
    found: list[object] = []
    load, find = loading.load_model, resolving.resolve

    def loads(name: Any, *rest: Any, **named: Any) -> Any:
        found.append(name)
        return load(name, *rest, **named)

    def finding(name: Any, *rest: Any, **named: Any) -> Any:
        found.append(name)
        return find(name, *rest, **named)

    def connecting(_socket: socket.socket, where: Any) -> None:
        found.append(where)
        raise OSError("nobody answers")

    monkeypatch.setattr(loading, "load_model", loads)
    monkeypatch.setattr(explorer, "load_model", loads, raising=False)
    monkeypatch.setattr(loading, "resolve", finding)
    monkeypatch.setattr(socket.socket, "connect", connecting)
    yield found


def distinct(demo: gr.Blocks) -> list[Any]:
    """The events of the app, each handler once."""
    handlers = {}
    for fn in demo.fns.values():
        if fn.fn is not None and fn.api_name != "fetch":  # an import, whose names have a catalogue of their own
            kinds = tuple(type(block).__name__ for block in fn.inputs)
            handlers[inspect.unwrap(fn.fn), kinds] = fn
    return list(handlers.values())


def ordinary(block: Any, token: str, file: str) -> Any:
    """A value that a visitor would send."""
    if isinstance(block, gr.State):
        return token
    if isinstance(block, gr.File):
        return file
    names = [value for _, value in getattr(block, "choices", None) or []]
    if "identity" in names or "clahe" in names:
        name = "identity" if "identity" in names else "clahe"
        return [name] if block.multiselect else name
    return getattr(block, "value", None)


async def carried_out(demo: gr.Blocks, fn: Any, values: list[Any]) -> None:
    """Calls a handler as the queue does, past the components' own checks, to its end."""
    request = gr.Request(session_hash="a page", query_params={}, headers={}, client={"host": "127.0.0.1", "port": 1})
    iterator = None
    while True:
        answer = await demo.call_function(
            fn, values, iterator=iterator, requests=request, event_data=None, in_event_listener=True, state=None
        )
        iterator = answer["iterator"]
        if iterator is None or not answer["is_generating"]:
            return


def test_the_page_asks_for_models_of_the_catalogue_alone(
    demo: gr.Blocks, asked: list[object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.new("RGB", (48, 32), (9, 7, 5)).save(tmp_path / "night.png")
    session = sessions.open_session(None)
    tried = 0
    for fn in distinct(demo):
        if any(type(block).__name__ == "Api" for block in fn.inputs):
            continue
        for place, block in enumerate(fn.inputs):
            if isinstance(block, gr.State | gr.File | gr.Slider | gr.Number):
                continue
            for odd in (ODD[0], [ODD[1]], {"selected": ODD[0], "of": [ODD[0], "x"]}):
                if session.open is None or session.open.example != "cat":
                    opening.open_example(session, "cat")
                values = [ordinary(each, session.token, str(tmp_path / "night.png")) for each in fn.inputs]
                values[place] = odd
                tried += 1
                try:
                    asyncio.run(carried_out(demo, fn, values))
                except (TypeError, KeyError, AttributeError, ValueError, gr.Error):
                    continue  # what Gradio's own checks would not have let pass
    assert tried > 100, "the walk found few events; has the page gone?"
    assert set(map(repr, asked)) <= set(map(repr, model_picker.models()))
    sessions.close_session(session.token)


def test_the_endpoints_take_names_of_the_catalogue_alone(demo: gr.Blocks, asked: list[object], tmp_path: Path) -> None:
    """They are the MCP tools too."""
    Image.new("RGB", (48, 32), (9, 7, 5)).save(tmp_path / "night.png")
    photo = {"path": str(tmp_path / "night.png")}
    ordinary = {"photo": photo, "model": "identity", "models": ["identity"], "ratios": ["2"], "ratio": "2",
                "file_format": "png8", "layer": "", "black_level": "auto", "strength": 100}  # fmt: skip
    named = []
    for fn in demo.fns.values():
        if fn.api_visibility != "public":
            continue
        parameters = list(inspect.signature(fn.fn).parameters)
        assert set(parameters) <= set(ordinary), "a parameter that this test does not know"
        for parameter in parameters:
            if parameter == "photo":  # tests/server/test_server.py
                continue
            for odd in ODD:
                several = parameter in ("models", "ratios")
                for value in [[odd], *([] if isinstance(odd, list) else [odd])] if several else [odd]:
                    given = {**ordinary, parameter: value}
                    if "model" in parameters and fn.api_name in ("layers", "feature_maps", "decompose"):
                        given["model"] = value if parameter == "model" else "zero_dce.none"
                    try:
                        asyncio.run(carried_out(demo, fn, [given[name] for name in parameters]))
                    except gr.Error as error:
                        assert "Traceback" not in str(error) and len(str(error)) < 3000
                        if parameter in ("model", "models"):
                            named.append(fn.api_name)
                    else:
                        assert parameter not in ("model", "models"), (fn.api_name, value)
    assert set(named) == {"compare", "layers", "feature_maps", "decompose", "restore"}
    assert set(map(repr, asked)) <= set(map(repr, model_picker.models()))


@pytest.mark.parametrize("name", ODD)
def test_a_name_of_nobodys_is_refused_in_one_short_sentence(name: Any) -> None:
    with pytest.raises(ModelNotFoundError, match="known ones are") as caught:
        model_picker.load(name)
    str(caught.value).encode()  # no half of a pair of surrogates comes back


def test_one_door_leads_to_the_loader() -> None:
    """What a visitor names comes to `load_model` through the catalogue, or not at all."""
    for module in Path(model_picker.__file__).parent.glob("*.py"):
        if module.name != "model_picker.py":
            assert "load_model(" not in module.read_text(), module.name
