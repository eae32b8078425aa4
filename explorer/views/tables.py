"""HTML tables of facts. Every value is escaped, because names and metadata come from untrusted files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape


def readable(value: object) -> str:
    """Formats a value for readers: None is "not stated", sequences are joined, long fractions are shortened."""
    if value is None or value == "":
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {readable(item)}" for key, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(readable(item) for item in value)
    return str(value)


def facts(rows: Mapping[str, object], caption: str) -> str:
    """Makes a two-column table of label and value; `caption` names it for screen readers."""
    body = "".join(
        f'<tr><th scope="row">{escape(str(label))}</th><td>{escape(readable(value))}</td></tr>'
        for label, value in rows.items()
    )
    return (
        f'<table class="lx-facts"><caption class="lx-hidden">{escape(caption)}</caption><tbody>{body}</tbody></table>'
    )


def grid(columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str) -> str:
    """Makes a table with a heading row; numbers, including those already text, are right-aligned."""
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="lx-number">{escape(readable(cell))}</td>'
            if _is_number(cell)
            else f"<td>{escape(readable(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="lx-scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="lx-grid">'
        f'<caption class="lx-hidden">{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )


def _is_number(cell: object) -> bool:
    if isinstance(cell, str):
        return re.fullmatch(r"[-+]?[0-9][0-9,]*(\.[0-9]+)?(e[-+]?[0-9]+)?", cell) is not None
    return isinstance(cell, int | float) and not isinstance(cell, bool)
