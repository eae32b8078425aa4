"""A question that asks for an answer before it gives one, because predictions are remembered better than text."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets

from explorer.classroom import ON_A_PAGE, record
from explorer.classroom.language import say
from explorer.errors import ExplorerError
from explorer.widgets import style
from explorer.widgets.card import Card
from explorer.widgets.display import as_widget


class Prediction(Card[None]):
    """Takes an answer, then reveals the right one with a reason.

    `p.guess` is the learner's answer (settable from a cell), `p.reveal()` presses the button, and `p.revealed` says
    whether that has happened.
    """

    def __init__(
        self,
        question: str,
        answer: Any,
        *,
        options: Sequence[str] | None = None,
        unit: str = "",
        because: str = "",
        reveal: Callable[[], Any] | None = None,
        name: str = "",
    ) -> None:
        """See `explorer.widgets.predict`; `name` identifies the question in a learner's record."""
        if options is not None and not callable(answer) and answer not in options:
            raise ExplorerError(f"The answer {answer!r} is not among the options {', '.join(options)}; add it.")
        super().__init__()
        self._answer, self._unit, self._because, self._show = answer, unit, because, reveal
        self._options = None if options is None else list(options)
        self._name = name or question
        self.revealed = False
        if self._options is not None:
            self._entry: ipywidgets.Widget = ipywidgets.RadioButtons(options=self._options, value=None)
            self._entry.layout = {"width": "auto"}
        else:
            self._entry = ipywidgets.Text(
                placeholder=say("predict.number"), description="", layout={"width": "140px"}, continuous_update=True
            )
        self._button = ipywidgets.Button(description=say("predict.show"), disabled=True)
        self._button.add_class("lx-primary")
        self._hint = style.html(
            f'<span class="lx-remark">{say("predict.on_a_page" if ON_A_PAGE in os.environ else "predict.first")}</span>'
        )
        self._verdict = ipywidgets.HTMLMath()
        self._shown = ipywidgets.VBox([])
        asked = ipywidgets.HTMLMath(f'<p class="lx-tag-line">{say("predict.tag")}</p><div>{question}</div>')
        unit_label = style.html(escape(unit))
        entry = style.row(self._entry, unit_label) if self._options is None else self._entry
        answered = style.row(self._button, self._hint)
        self.children = [style.style(), asked, entry, answered, self._problem, self._verdict, self._shown]
        self._entry.observe(lambda _change: self._noticed(), "value")
        self._button.on_click(lambda _button: self.reveal())

    @property
    def guess(self) -> str | float | None:
        """One of the options, or a number; None until there is a usable answer."""
        value = self._entry.value
        if self._options is not None:
            return None if value is None else str(value)
        try:
            number = float(str(value).strip().replace(",", ".").removesuffix("%"))
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    @guess.setter
    def guess(self, value: str | float) -> None:
        if self._options is not None and value not in self._options:
            raise ExplorerError(f"{value!r} is not among the options {', '.join(self._options)}; choose one of them.")
        self._entry.value = value if self._options is not None else str(value)

    def _noticed(self) -> None:
        self._button.disabled = self.guess is None
        typed = self._options is None and str(self._entry.value).strip() and self.guess is None
        self._hint.value = f'<span class="lx-remark">{say("predict.write_number")}</span>' if typed else ""

    def reveal(self) -> None:
        """Shows the answer.

        Raises:
            ExplorerError: nothing was predicted yet.
        """
        self._by_cell(self._answered)
        self.revealed = self._button.disabled = True

    def _answered(self) -> None:
        guess = self.guess
        if guess is None:
            raise ExplorerError(say("predict.nothing_given"))
        truth = self._truth()
        self._verdict.value = self._words(guess, truth)
        record.keep("prediction", self._name, self._met(guess, truth), given=guess, answer=truth)
        if self._show is not None:
            widget = as_widget(self._show())
            self._shown.children = () if widget is None else (widget,)

    def _truth(self) -> Any:
        if not callable(self._answer):
            return self._answer
        try:
            return self._answer()
        except NameError as error:
            raise ExplorerError(say("predict.not_known_yet", name=error.name)) from error

    def _met(self, guess: str | float, truth: Any) -> bool:
        """True if a guess is right; for numbers, within a tenth, in any unit."""
        if self._options is not None:
            return str(truth) == guess
        return abs(float(guess) - float(truth)) <= 0.1 * max(abs(float(truth)), 1e-9)

    def _words(self, guess: str | float, truth: Any) -> str:
        because = f"<p>{self._because}</p>" if self._because else ""
        if self._options is not None:
            right = self._met(guess, truth)
            other = f"{say('predict.you_said', guess=escape(str(guess)))} <b>{escape(str(truth))}</b>."
            said = say("predict.yes") if right else other
            return f'<div class="lx-verdict {"lx-right" if right else "lx-answer"}"><p>{said}</p>{because}</div>'
        number, unit = float(truth), f" {escape(self._unit)}" if self._unit else ""
        near = self._met(guess, truth)
        mine = say("predict.said_number", guess=f"{float(guess):g}")
        said = f"{say('predict.it_is')} <b>{number:.4g}{unit}</b>; {mine}" + (
            f": {say('predict.well')}" if near else "."
        )
        return f'<div class="lx-verdict {"lx-right" if near else "lx-answer"}"><p>{said}</p>{because}</div>'
