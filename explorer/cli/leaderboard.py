"""`lowlight eval --leaderboard`: measures every available model on the leaderboard's sets; resumes where it stopped."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import explorer
from explorer.cli.evaluation_options import Asked
from explorer.cli.failures import SOME_FAILED
from explorer.cli.terminal import progress, write_line, write_text
from explorer.errors import DataError, ExplorerError

if TYPE_CHECKING:
    from explorer.evaluation.leaderboard import BoardSet
    from explorer.evaluation.leaderboard_measuring import Entrant


def measure_board(asked: Asked) -> None:
    """Measures what the board lacks; writes the board after every figure, and its page at the end.

    Models that cannot be measured are listed at the end; the others continue.

    Raises:
        DataError: no data, an unknown name, or nowhere to write.
        typer.Exit: something could not be measured.
    """
    from explorer.encode import write_bytes
    from explorer.evaluation.leaderboard import SETS, board_json, read_board
    from explorer.evaluation.leaderboard_measuring import entrants, recorded
    from explorer.evaluation.leaderboard_text import board_markdown

    board, page = _places(asked.output)
    material = asked.material or Path(
        os.environ.get("EXPLORER_SHARED") or Path(explorer.__file__).parents[2] / "shared"
    )
    if not (material / "data").is_dir():
        raise DataError(f"{material} has no folder data; give the one that does with --material.")
    taking_part = entrants([each for each in sorted(material.iterdir()) if each.name.startswith("checkpoints")])
    if unknown := sorted(set(asked.models) - {each.name for each in taking_part}):
        known = ", ".join(each.name for each in taking_part)
        raise DataError(f"{unknown[0]} is not available here; the leaderboard measures {known}.")
    chosen = [each for each in taking_part if each.name in asked.models or not asked.models]
    if asked.limit is None:
        write_bytes(board, board_json(recorded(read_board(board))).encode())
    failed: list[str] = []
    with progress(len(SETS) * len(chosen), quiet=asked.quiet) as shown:
        for each in SETS:
            for entrant in chosen:
                shown.say(f"{entrant.name}: {each.title}")
                try:
                    _measure(entrant, each, material / "data", asked.limit, board)
                except ExplorerError as error:
                    failed.append(f"{entrant.name}, {each.title}: {error}")
                shown.advance()
    rows = read_board(board)
    write_bytes(page, board_markdown(rows).encode())
    if asked.as_json:
        write_text(board_json(rows))
    for line in failed:
        write_line(line, err=True)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _measure(entrant: Entrant, each: BoardSet, data: Path, limit: int | None, board: Path) -> None:
    """Adds one entrant's figures on one set to the board, unless it has them."""
    from explorer.encode import write_bytes
    from explorer.evaluation.leaderboard import PICTURE, board_json, is_known, merged, read_board
    from explorer.evaluation.leaderboard_measuring import PHOTOS, described, measured_on
    from explorer.inspect import cost

    model = entrant.load() if entrant.load else None
    rows = read_board(board)
    pictures = min(limit or each.pictures, each.pictures)
    if is_known(rows, entrant.name, model.identity.sha256 if model else "", each, pictures):
        return
    figures = measured_on(model, PHOTOS[each.name](data, pictures))
    counted = cost(model, *PICTURE) if model else None
    row = replace(described(entrant, model, counted.gmac if counted else None), figures={each.name: figures})
    write_bytes(board, board_json(merged(rows, row)).encode())


def _places(output: Path | None) -> tuple[Path, Path]:
    """Returns the files of the board and of its page."""
    from explorer.evaluation.leaderboard import BOARD

    if output is not None:
        return output / "leaderboard.json", output / "leaderboard.md"
    docs = Path(explorer.__file__).parents[1] / "docs"
    if not docs.is_dir():
        raise DataError(
            "The leaderboard belongs to the explorer's checkout, and this is not one; give a folder with --output."
        )
    return BOARD, docs / "leaderboard.md"
