"""The lessons' questions with their answers, in `questions.json` and not in the notebooks, where a reader would see
them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from explorer.classroom.language import worded
from explorer.errors import ExplorerError
from explorer.widgets.prediction import Prediction

_MEASURED: dict[str, Callable[[Any], float | str]] = {
    "2.clipped": lambda balanced: float(1 / np.quantile(balanced, 0.99)),
    "3.bought": lambda scores: max(score for name, score in scores.items() if "." in name) - scores["nlm"],
    "5.work": lambda shares: "the rest" if shares["scale32"] < 0.5 else "the branch at 1/32",
    "5.channels": lambda changes: (
        "no, a few matter most" if max(changes) > 2 * np.median(changes) else "yes, about equally"
    ),
    "6.slower": lambda latency: latency["sid_unet"] / latency["lamba_m0"],
}
"""The answers that are computed from what the lesson measures, by the question's name."""


@dataclass(frozen=True)
class Question:
    """One question of the notebooks."""

    name: str
    """Number of the notebook and a word, e.g. "1.green"."""
    text: str
    """HTML, with LaTeX between dollar signs."""
    because: str
    """The explanation, shown after the answer."""
    answer: str | float | None = None
    """One of `options`, or a number; None if it is computed from what the lesson measures."""
    options: list[str] | None = None
    unit: str = ""

    @property
    def measured(self) -> bool:
        """True if the answer is computed from what the lesson measures."""
        return self.answer is None

    @property
    def sentences(self) -> dict[str, str]:
        """Its texts in English, by id."""
        said = {"text": self.text, "because": self.because, **({"unit": self.unit} if self.unit else {})}
        said |= {f"option{index}": each for index, each in enumerate(self.options or ())}
        return {f"ask.{self.name}.{part}": words for part, words in said.items()}


@cache
def questions() -> dict[str, Question]:
    """Returns all questions by name."""
    known: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return {name: Question(name, **asked) for name, asked in known.items()}


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
        if found is None:
            found = _MEASURED[name](measured() if callable(measured) else measured)
        return words[found] if isinstance(found, str) else found

    options = None if asked.options is None else [words[each] for each in asked.options]
    return Prediction(
        words[asked.text], answer, options=options, unit=words.get(asked.unit, ""), because=words[asked.because],
        reveal=reveal, name=name,
    )  # fmt: skip
