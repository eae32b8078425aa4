"""Handlers that never fail silently: an expected error shows its sentence, any other a generic one."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from explorer.app import text
from explorer.app.components import problem
from explorer.app.sessions import settle
from explorer.errors import ExplorerError
from explorer.messages import say_in_app

LOG = logging.getLogger(__name__)


def told(error: Exception) -> str:
    """The page's message for an error. Errors that are not the user's fault are logged with their traceback."""
    if isinstance(error, ExplorerError):
        return say_in_app(error.code, **error.fields) if error.code else str(error)
    LOG.error("A handler of the app failed.", exc_info=error)
    return text.UNEXPECTED


def reported(
    area: gr.HTML, otherwise: Callable[..., dict[Any, Any]] = lambda *_arguments, **_named: {}
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates handlers that return or yield a dict of component to value.

    An exception ends up in the message `area`; everything else on the page stays as it was. Either way, photos and
    results beyond the visitors' share of memory are then discarded.

    Args:
        otherwise: called with the handler's arguments after an exception. Returns values for components that the
            visitor had already changed, so that they match the page again.
    """

    def failed(error: Exception, *arguments: Any, **named: Any) -> dict[Any, Any]:
        return {**otherwise(*arguments, **named), area: problem(told(error))}

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(handler):

            @functools.wraps(handler)
            def stream(*arguments: Any, **named: Any) -> Iterator[dict[Any, Any]]:
                try:
                    for given in handler(*arguments, **named):
                        # In a series, Gradio ignores an update without changes if the page's values are gone.
                        if given:
                            yield given
                except Exception as error:
                    yield failed(error, *arguments, **named)
                finally:
                    settle()

            return stream

        @functools.wraps(handler)
        def answer(*arguments: Any, **named: Any) -> dict[Any, Any]:
            try:
                # Gradio would take an empty dict for the value of a component.
                return dict(handler(*arguments, **named)) or gr.skip()
            except Exception as error:
                return failed(error, *arguments, **named)
            finally:
                settle()

        return answer

    return decorate
