"""The shared base of the widgets: the lessons' look, and errors that are shown and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

import ipywidgets

from explorer.errors import ExplorerError
from explorer.widgets import style

T = TypeVar("T")


class Card(ipywidgets.VBox, Generic[T]):
    """A widget that works for its user.

    An error caused in the page is not lost: the widget shows it, keeps it as `error`, and `result` raises it again.
    Setting a value in a cell (`w.ratio = 500`) also raises at once.
    """

    def __init__(self, *classes: str) -> None:
        self.error: Exception | None = None
        """The error of the last attempt; None if it succeeded."""
        self._result: T | None = None
        self._quiet = False
        self._problem = style.html("", "lx-problem")
        super().__init__()
        for name in ("lx-w", "lx-card", *classes):
            self.add_class(name)

    @property
    def result(self) -> T:
        """The last result.

        Raises:
            Exception: the last attempt failed; the widget shows the same sentence.
        """
        if self.error is not None:
            raise self.error
        return self._result  # type: ignore[return-value]  # each attempt makes one or fails

    def _busy(self, working: bool) -> None:
        """Shows that a result is being computed."""

    def _by_user(self, act: Callable[[], None]) -> None:
        """Runs what a user asked for in the page. Errors that a user can cause are shown; others are shown and
        raised."""
        if not self._quiet:
            with suppress(ExplorerError):  # shown in the widget and kept in `error`
                self._by_cell(act)

    def _by_cell(self, act: Callable[[], None]) -> None:
        self._busy(True)
        try:
            act()
        except Exception as error:
            self.error = error
            sentence = str(error) if isinstance(error, ExplorerError) else f"{type(error).__name__}: {error}"
            self._problem.value = style.problem(sentence)
            raise
        else:
            self.error, self._problem.value = None, ""
        finally:
            self._busy(False)

    @contextmanager
    def _silent(self) -> Iterator[None]:
        """Changes controls without reacting to the change."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
