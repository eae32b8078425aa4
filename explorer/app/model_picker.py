"""Presents the models to visitors: readable labels, the best ones first, and a card for each."""

from __future__ import annotations

import time
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from explorer.app import text
from explorer.errors import ExplorerError, ModelNotFoundError
from explorer.messages import say
from explorer.photo.types import RawPhoto
from explorer.photo.validation import shown

if TYPE_CHECKING:
    from explorer.choices import Domain
    from explorer.photo.types import Photo
    from explorer.restorer import ModelInfo
    from explorer.weights.store import LoadedModel


SECONDS = 2.0
"""Seconds for which a look at the disk stays valid; weights may be imported or pulled while the app runs."""


def models() -> dict[str, ModelInfo]:
    """Installed models by name: the project's own networks, other trained networks, imported checkpoints and classical
    methods, each in alphabetical order with a network's largest weights first."""
    return _listed(int(time.monotonic() / SECONDS))


def refresh() -> None:
    """Makes the next question look at the disk again."""
    _listed.cache_clear()


@lru_cache(maxsize=1)
def _listed(_moment: int) -> dict[str, ModelInfo]:
    import explorer

    listed = sorted(explorer.list_models(), key=_order)
    return {info.name: info for info in listed}


def known(name: object) -> str:
    """Validates a model name from a visitor.

    A visitor chooses among installed models. `explorer.load_model` also accepts folders and addresses on the Hub, but
    only for the machine's owner, on the command line and in Python.

    Raises:
        ModelNotFoundError: not an installed model's name.
    """
    if isinstance(name, str) and name in models():
        return name
    raise ModelNotFoundError(text.UNKNOWN_MODEL.format(model=shown(name), known=", ".join(models())))


def load(name: object) -> LoadedModel:
    """Loads the model that a visitor names. The app calls `explorer.load_model` only here.

    Raises:
        ModelNotFoundError: not an installed model's name.
        WeightsError: its folder cannot be used.
    """
    import explorer

    return explorer.load_model(known(name))


def preparing(name: object) -> list[str]:
    """The message for visitors before a model's first run on this machine; empty before later runs."""
    from explorer.restorer import must_convert

    try:
        return [say("note.converting", model=label(str(name)))] if must_convert(load(name)) else []
    except ExplorerError:
        return []  # the run itself reports the error


def pickable() -> list[str]:
    """Every model, in the order of `models`."""
    return list(models())


def _order(info: ModelInfo) -> tuple[bool, bool, bool, str, int, str]:
    # The project's own weights before imported ones, so that the first model is free to use as the page says. Networks
    # without a paper are the project's own, and lead on every benchmark (docs/results.md).
    return info.weights is None, info.published, bool(info.paper), info.title.lower(), -info.parameters, info.name


def choices(names: list[str] | None = None) -> list[tuple[str, str]]:
    """(label, name) pairs for a picker; a label tells recipes of one architecture apart."""
    return [(label(name), name) for name in (names if names is not None else models())]


def label(name: str) -> str:
    """The name that visitors read; see `ModelInfo.label`."""
    return models()[known(name)].label(text.PUBLISHED)


def default_model() -> str | None:
    """The first network with weights, or else the first method that is not the identity."""
    names = [name for name in models() if name != "identity"]
    return names[0] if names else None


def kind(photo: Photo) -> Domain:
    """The domain of the networks that take such a photo without conversion."""
    return photo.cfa if isinstance(photo, RawPhoto) and photo.cfa != "none" else "rgb"


def best_for(photo: Photo) -> str | None:
    """The first network that takes such a photo without conversion; the first model if there is none."""
    fitting = kind(photo)
    fitting_names = [name for name, info in models().items() if info.weights is not None and info.domain == fitting]
    return fitting_names[0] if fitting_names else default_model()


def unlike(count: int) -> list[str]:
    """The first `count` models that are not variants of each other: each by other authors."""
    by_authors: dict[str, str] = {}
    for name, info in models().items():
        if name != "identity":
            by_authors.setdefault(info.paper.partition(",")[0], name)
    return list(by_authors.values())[:count]


def decomposing() -> list[str]:
    """Models with intermediates."""
    return [name for name, info in models().items() if info.intermediates]


def short_count(count: int) -> str:
    """A count in short form: 784768 is "785 k"."""
    for size, unit in ((1_000_000, " M"), (1_000, " k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)


def card(name: str | None) -> str:
    """The chosen model in a few lines of HTML: licence, size, domain, summary, origin."""
    info = models().get(name or "")
    if info is None:
        return ""
    badges = [(info.licence or text.LICENCE_UNKNOWN, "lx-licence")] if info.weights else [(text.CLASSICAL, "")]
    if info.parameters:
        badges.append((text.PARAMETERS.format(count=short_count(info.parameters)), ""))
    badges.append((text.DOMAINS[info.domain], ""))
    marks = "".join(f'<li class="{kind}">{escape(words)}</li>' for words, kind in badges)
    paper = f'<p class="lx-paper">{escape(info.paper)}</p>' if info.paper else ""
    return f'<div class="lx-card"><p>{escape(info.summary)}</p>{paper}<ul class="lx-badges">{marks}</ul></div>'
