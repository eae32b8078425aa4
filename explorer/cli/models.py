"""`lowlight models`: lists what `-m` accepts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.terminal import print_json, print_table

if TYPE_CHECKING:
    from explorer import ModelInfo


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print every detail, as JSON.")] = False,
) -> None:
    """List the models: networks with their weights, and classical methods."""
    from explorer import list_models

    known = list_models()
    if as_json:
        print_json([asdict(model) for model in known])
        return
    headings = ("NAME", "DOMAIN", "WHAT IT IS", "PARAMETERS", "LICENCE", "WHERE")
    print_table(headings, [_row(model) for model in known])


def _row(model: ModelInfo) -> tuple[str, ...]:
    where = "built in" if model.weights is None else str(model.weights)
    parameters = f"{model.parameters:,}" if model.parameters else "-"
    return model.name, model.domain, model.summary, parameters, model.licence or "-", where
