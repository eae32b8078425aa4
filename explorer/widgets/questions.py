"""The lessons' questions with their answers, kept out of the notebooks, where a reader would see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from explorer.classroom.language import worded
from explorer.errors import ExplorerError
from explorer.widgets.prediction import Prediction

LESSONS = ("questions_light", "questions_models", "questions_training")
"""Modules of this package that hold questions."""


@dataclass(frozen=True)
class Question:
    """One question of the notebooks."""

    name: str
    """Number of the notebook and a word, e.g. "1.green"."""
    text: str
    """HTML, with LaTeX between dollar signs."""
    answer: Any
    """One of `options`, a number, or a function, without arguments or of what the lesson measured."""
    because: str
    """The explanation, shown after the answer."""
    options: tuple[str, ...] | None = None
    unit: str = ""
    measured: bool = False
    """True if the answer is computed from what the lesson measures."""

    @property
    def sentences(self) -> dict[str, str]:
        """Its texts in English, by id."""
        said = {"text": self.text, "because": self.because, **({"unit": self.unit} if self.unit else {})}
        said |= {f"option{index}": each for index, each in enumerate(self.options or ())}
        return {f"ask.{self.name}.{part}": words for part, words in said.items()}


@cache
def questions() -> dict[str, Question]:
    """Returns all questions by name."""
    found: dict[str, Question] = {}
    for lesson in LESSONS:
        for each in import_module(f"explorer.widgets.{lesson}").QUESTIONS:
            assert each.name not in found, f"two questions are called {each.name}"
            found[each.name] = each
    return found


def ask(name: str, measured: Any, reveal: Callable[[], Any] | None) -> Prediction:
    """See `explorer.widgets.ask`."""
    known = questions()
    if name not in known:
        raise ExplorerError(f"There is no question {name!r}; the known ones are {', '.join(known)}.")
    asked = known[name]
    if asked.measured and measured is None:
        raise ExplorerError(f"The answer to {name} is measured in its lesson; pass the measured values.")
    words = {english: worded(code, english) for code, english in asked.sentences.items()}

    def answer() -> Any:
        found = asked.answer
        if asked.measured:
            found = found(measured() if callable(measured) else measured)
        elif callable(found):
            found = found()
        return words[found] if isinstance(found, str) else found

    options = None if asked.options is None else [words[each] for each in asked.options]
    return Prediction(
        words[asked.text], answer, options=options, unit=words.get(asked.unit, ""), because=words[asked.because],
        reveal=reveal, name=name,
    )  # fmt: skip
