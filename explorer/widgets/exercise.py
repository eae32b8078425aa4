"""Exercises and their checks: an answer is right, not given yet, or wrong in a way that the check can name."""

from __future__ import annotations

import ast
import inspect
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import ipywidgets

from explorer.classroom import ON_A_PAGE, record
from explorer.classroom.language import say, worded
from explorer.errors import ExplorerError
from explorer.widgets import style
from explorer.widgets.answers import Check, Judge


@dataclass(frozen=True)
class Exercise:
    """One exercise of the notebooks."""

    name: str
    """Number of the notebook and a word, e.g. "1.levels"."""
    find: Check
    """Takes the answer and returns in one sentence what is wrong with it; None if it is right."""
    praise: str
    """Explains the right answer."""

    @property
    def sentences(self) -> dict[str, str]:
        """The praise and the messages of the check, in English, by id."""
        said = self.find.sentences if isinstance(self.find, Judge) else ()
        return {f"{self.name}.praise": self.praise, **{f"{self.name}.{index}": each for index, each in enumerate(said)}}

    def wrong(self, answer: Any) -> str | None:
        """Returns what is wrong with an answer, in the session's language."""
        found = self.find(answer)
        for code, sentence in self.sentences.items():
            if found is not None and found.endswith(sentence):
                return found.removesuffix(sentence) + worded(code, sentence)
        return found


class Verdict(ipywidgets.VBox):
    """The verdict on an answer: `right` is True, False, or None for an answer that is not given yet."""

    def __init__(self, exercise: str, right: bool | None, sentence: str) -> None:
        """Shows the sentence in the colour of the verdict."""
        self.right, self.sentence = right, sentence
        kind = {True: "lx-right", False: "lx-wrong", None: ""}[right]
        sign = say({True: "verdict.right", False: "verdict.wrong", None: "verdict.open"}[right])
        title = f"{escape(say('verdict.exercise', name=exercise))} {sign}"
        words = f'<div class="lx-verdict {kind}"><p><b>{title}</b> {escape(sentence)}</p></div>'
        super().__init__([style.style(), style.html(words)])
        self.add_class("lx-w")


@cache
def exercises() -> dict[str, Exercise]:
    """Returns all exercises by name, from the files `lessons_*.py` of this package."""
    found: dict[str, Exercise] = {}
    for file in sorted(Path(__file__).parent.glob("lessons_*.py")):
        for each in import_module(f"explorer.widgets.{file.stem}").EXERCISES:
            assert each.name not in found, f"two exercises are called {each.name}"
            found[each.name] = each
    return found


def check(exercise: str, answer: Any) -> Verdict:
    """See `explorer.widgets.check`."""
    known = exercises()
    if exercise not in known:
        raise ExplorerError(f"There is no exercise {exercise!r}; the known ones are {', '.join(known)}.")
    if answer is ... or (callable(answer) and _unwritten(answer)):
        on_a_page = "VOILA_KERNEL_ID" in os.environ or ON_A_PAGE in os.environ
        return Verdict(exercise, None, say("verdict.on_a_page" if on_a_page else "verdict.in_a_cell"))
    wrong = known[exercise].wrong(answer)
    record.keep("exercise", exercise, wrong is None, said=wrong or "")
    return Verdict(exercise, wrong is None, wrong or worded(f"{exercise}.praise", known[exercise].praise))


def _unwritten(function: Callable[..., Any]) -> bool:
    """True if the body of a function is only `...`, or only returns it."""
    try:
        definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return False
    if not isinstance(definition, ast.FunctionDef):
        return False
    body = definition.body[1:] if ast.get_docstring(definition) is not None else definition.body
    only = body[0] if len(body) == 1 else None
    value = only.value if isinstance(only, ast.Expr | ast.Return) else None
    return isinstance(value, ast.Constant) and value.value is ...
