"""The leaderboard as the Learn tab shows it."""

from __future__ import annotations

from html import escape

from explorer.app import text
from explorer.evaluation.leaderboard import SETS, read_board
from explorer.evaluation.leaderboard_text import answers, not_installed, set_table
from explorer.views.tables import grid


def board_tables() -> str:
    """The answer to "Which checkpoint?", then one table per set, as HTML."""
    rows = read_board()
    shown = [grid(*answers(rows), text.BOARD_BEST)]
    for each in SETS:
        shown += [f"<h3>{escape(each.title)}</h3>", f"<p>{escape(each.about)}</p>"]
        shown.append(grid(*set_table(rows, each), each.title))
    if absent := not_installed(rows):
        shown += [f"<h3>{escape(text.BOARD_ABSENT)}</h3>", f"<p>{escape(', '.join(absent))}</p>"]
    return f'<div class="lx-board">{"".join(shown)}</div>'
