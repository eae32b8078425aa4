"""Writes the comparison on the page as a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.app import text
from explorer.app.compare import Board
from explorer.app.compare_table import table
from explorer.app.naming import stem_of
from explorer.app.session import Session
from explorer.errors import PhotoError
from explorer.metrics import figures_line
from explorer.views.contact import Print, sheet_page, sheet_picture

KINDS = {"png": text.CONTACT_PNG, "html": text.CONTACT_HTML}
"""Suffixes and button labels."""


def saved(session: Session, kind: str) -> Path:
    """Writes the sheet of the open photo's last comparison.

    Args:
        kind: a key of `KINDS`.

    Raises:
        PhotoError: nothing was compared yet, or the pictures are gone.
    """
    board: Board | None = session.require_open().work.board
    if board is None or not board.rows:
        raise PhotoError(text.CONTACT_NOTHING)
    photo = session.require_open().small.name
    shown, prints = table(session, board), _prints(session, board)
    heading = text.CONTACT_HEADING.format(photo=photo)
    notes = [*shown["note"], shown["about"]]
    path = session.download_path(f"{stem_of(photo)}-contact-sheet.{kind}", "contact")
    if kind == "png":
        path.write_bytes(sheet_picture(heading, prints, notes))
    else:
        titles = [column["title"] for column in shown["columns"]]
        kept = [k for k, column in enumerate(shown["columns"]) if column.get("where") != "csv"]
        rows = [["–" if row[k] is None else row[k] for k in kept] for row in shown["rows"]]
        page = sheet_page(heading, prints, notes, ([titles[k] for k in kept], rows), _settings(session, board))
        path.write_text(page, encoding="utf-8")
    return path


def _prints(session: Session, board: Board) -> list[Print]:
    figures = {row.tile["src"]: figures_line(row.scores) for row in board.rows if row.scores is not None}
    prints = []
    for tile in board.tiles:
        picture = session.picture_of(tile["src"], "compare")
        lines = tuple(line for line in (tile.get("note"), *figures.get(tile["src"], "").split(", ")) if line)
        prints.append(Print(tile["title"], lines, picture, tile["alt"]))
    return prints


def _settings(session: Session, board: Board) -> dict[str, Any]:
    """The settings that reproduce the pictures."""
    opened = session.require_open()
    pictures = [
        {
            "model": row.model,
            "weights_sha256": row.restoration.weights.sha256,
            "ratio": row.restoration.ratio,
            "backend": row.restoration.backend,
        }
        for row in board.rows
    ]
    width, height = opened.small.size
    return {
        "photo": opened.small.name, "size": [width, height], "white_balance": opened.white_balance,
        "black_level": opened.black_level, "pictures": pictures,
    }  # fmt: skip
