"""Translations by id: every id in every language, and nothing that depends on the English wording."""

from __future__ import annotations

import ast
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import explorer
from explorer.app import theme
from explorer.app.english import english
from explorer.errors import ModelNotFoundError, PhotoError
from explorer.messages import MESSAGES, say
from explorer.models import architectures

LOCALES = sorted(Path(theme.__file__).with_name("locales").glob("*.json"))
LANGUAGES = sorted({path.name.split(".")[0] for path in LOCALES})
_FIELD = re.compile(r"\{+(\w+)(?:!r)?\}+")


def words_of(language: str) -> dict[str, str]:
    """As the files have it, by id."""
    files = [path for path in LOCALES if path.name.split(".")[0] == language]
    pairs = [pair for path in files for pair in json.loads(path.read_text("utf-8")).items()]
    assert len(dict(pairs)) == len(pairs), "an id stands in two files"
    return dict(pairs)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_id_has_every_language_with_the_same_fields(language: str) -> None:
    words, said = words_of(language), english()
    assert len(said) > 350
    missing = sorted(said.keys() - words.keys() - {m.name for m in explorer.list_models() if not _shipped(m.name)})
    assert not missing, f"{language} lacks {missing}"
    for name, source in said.items():
        if name in words:
            assert sorted(_FIELD.findall(words[name])) == sorted(_FIELD.findall(source)), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_translated_that_has_no_id(language: str) -> None:
    assert words_of(language).keys() <= english().keys() | {path.name for path in _weights()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_architectures_say_of_themselves_is_translated(language: str) -> None:
    shown = theme.catalogues()[language]
    for each in architectures().values():
        assert each.summary in shown, each.name
        assert all(intermediate.title in shown for intermediate in each.intermediates), each.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summaries_of_all_shipped_weights_are_translated(language: str) -> None:
    configs = [json.loads((folder / "config.json").read_text("utf-8")) for folder in _weights()]
    assert len(configs) > 10
    shown = theme.catalogues()[language]
    for config in configs:
        assert shown.get(config["summary"], config["summary"]) != config["summary"], config["name"]


def test_equal_sentences_are_translated_alike() -> None:
    """The page knows a sentence by its words, so two ids with the same English have one translation."""
    said = english()
    for language in LANGUAGES:
        found: dict[str, str] = {}
        for name, words in words_of(language).items():
            assert found.setdefault(said.get(name, name), words) == words, name


def test_another_wording_needs_no_other_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MESSAGES, "error.empty", "There is nothing at all in {name}.")
    assert str(PhotoError(code="error.empty", name="a.png")) == "There is nothing at all in a.png."
    assert theme.catalogues()["de"]["There is nothing at all in {name}."].startswith("{name} ist leer")


def test_an_error_carries_its_id_and_fields() -> None:
    error = PhotoError(code="error.empty", name="a.png")
    assert (error.code, error.fields, str(error)) == (
        "error.empty",
        {"name": "a.png"},
        say("error.empty", name="a.png"),
    )
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (type(again), str(again), again.code, again.fields) == (PhotoError, str(error), error.code, error.fields)
    assert str(ModelNotFoundError("No such thing.")) == "No such thing." and ModelNotFoundError("x").code == ""


def _literals(tree: ast.AST) -> Iterator[str]:
    """Texts of a file, a hole for each value in them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)


def test_no_message_is_unused() -> None:
    """Each is named by its id somewhere, or its English still stands in the source, word for word."""
    package = Path(explorer.__file__).parent
    files = [path for path in package.rglob("*.py") if path.name != "messages.py"]
    said = {literal for path in files for literal in _literals(ast.parse(path.read_text("utf-8")))}
    unsaid = {
        code for code, words in MESSAGES.items() if not {code.removesuffix(".in_app"), _FIELD.sub("\0", words)} & said
    }
    unsaid = {code for code in unsaid if not code.startswith("label.")}  # the page's scripts make theirs from parts
    assert not unsaid


def _weights() -> list[Path]:
    root = Path(explorer.__file__).parents[1] / "weights"
    return sorted(folder for folder in root.iterdir() if (folder / "config.json").is_file())


def _shipped(name: str) -> bool:
    return name in {path.name for path in _weights()}
