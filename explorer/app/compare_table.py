"""The figures of a comparison as a table that can be cited: what was measured, on which photo, with which weights."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import explorer
from explorer.app import model_picker, text
from explorer.app.compare import RUNS, Board, Row
from explorer.app.naming import stem_of
from explorer.app.session import Session
from explorer.messages import say
from explorer.metrics import METRICS

_FILES, _CSV = "files", "csv"
"""Columns that appear only in downloads: in both, or only in the CSV."""

_COLUMNS: tuple[dict[str, Any], ...] = (
    {"title": text.COMPARE_COLUMN_MODEL},
    {"title": text.COMPARE_COLUMN_RATIO, "digits": 1},
    *(
        {"title": m.heading, "digits": m.digits, "best_high": m.best_high}
        | ({"hint": text.COMPARE_HINT_MATCHED} if m.matched else {})
        for m in METRICS
    ),
    {"title": text.COMPARE_COLUMN_SECONDS, "digits": 3, "best_high": False, "hint": text.COMPARE_HINT_SECONDS},
    {"title": text.COMPARE_COLUMN_SPREAD, "hint": text.COMPARE_HINT_SPREAD},
    {"title": text.COMPARE_COLUMN_PARAMETERS, "digits": 0},
    {"title": text.COMPARE_COLUMN_GMAC, "digits": 2},
    {"title": say("compare.memory"), "digits": 0, "best_high": False, "hint": say("compare.memory_hint")},
    {"title": "Name", "where": _FILES},
    {"title": "Weights sha256", "where": _FILES},
    *(
        {"title": title, "where": _CSV}
        for title in (
            "Fastest run, s", "Slowest run, s", "Runs", "Width", "Height", "Engine", "Precision", "Device",
            "Amplification from", "Photo", "Lowlight Explorer", "Date",
        )
    ),
)  # fmt: skip


def table(session: Session, board: Board) -> dict[str, Any]:
    """The value of the table: one row per requested picture, with dashes for figures that are not there yet."""
    opened = session.require_open()
    height, width = opened.as_taken.shape[:2]
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    words = text.COMPARE_HELP.format(width=width, height=height, runs=RUNS)
    against = text.COMPARE_NO_REFERENCE if opened.reference is None else text.COMPARE_PROTOCOL
    photo, version = opened.small.name, explorer.__version__
    own = say("source.own_brightening")
    brightened = [say("compare.own")] if any(row.restoration.ratio_source == own for row in board.rows) else []
    rows = {(row.model, row.choice): _cells(row, photo, now) for row in board.rows}
    empty: list[Any] = [None] * (len(_COLUMNS) - 1)
    return {
        "columns": list(_COLUMNS),
        "rows": [rows.get(pair, [model_picker.label(pair[0]), *empty]) for pair in board.wanted],
        "caption": text.COMPARE_TABLE,
        "note": [*brightened, words, against],
        "about": text.COMPARE_ABOUT.format(photo=photo, version=version, date=now),
        "name": f"{stem_of(photo)}-comparison",
    }


def _cells(row: Row, photo: str, now: str) -> list[Any]:
    made, scores, times = row.restoration, row.scores, row.times if row.seconds is not None else []
    return [
        model_picker.label(row.model),
        round(made.ratio, 2),
        *(round(scores[m.name], m.digits + 1) if scores else None for m in METRICS),
        round(row.seconds, 4) if row.seconds is not None else None,
        f"{min(times):.3f}–{max(times):.3f}" if times else None,
        model_picker.models()[row.model].parameters or None,
        round(row.gmac, 3) if row.gmac is not None else None,
        round(row.memory / 1e6, 1) if row.memory is not None else None,
        row.model,
        made.weights.sha256 or None,
        round(min(times), 5) if times else None,
        round(max(times), 5) if times else None,
        len(times) or None,
        *row.size,
        made.backend, made.precision, made.device, made.ratio_source, photo, explorer.__version__, now,
    ]  # fmt: skip
