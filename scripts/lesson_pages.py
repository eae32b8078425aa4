"""Runs the lessons and keeps them with their pictures, as pages of the documentation.

    python scripts/lesson_pages.py              # those that have changed since, into out/lessons
    python scripts/lesson_pages.py --only 4     # one of them

A page is a JSON file: its title, its Markdown, and the HTML that belongs in the place of each mark in it. Formulas,
pictures and figures are marks, because Markdown would take them for its own. `scripts/docs_lessons.py` puts them back.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from html import escape
from pathlib import Path
from typing import Any

from explorer.classroom.copies import Lesson, for_students, read_lessons, write
from explorer.classroom.pages import STYLE, executed, set_aside

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
FOLDER = ROOT / "out" / "lessons"
PLOTLY = "plotly.js"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def as_page(lesson: Lesson) -> dict[str, Any]:
    """A lesson that has run, as the content of its JSON file.

    Raises:
        DataError: a cell fails.
    """
    held, figures = executed(for_students(lesson), NOTEBOOKS, lesson.title)
    parts = set_aside(held)
    words = [f'<script src="../{PLOTLY}"></script>'] if figures else []
    written = [_mark(parts, f"<style>{STYLE}</style>{''.join(words)}")]
    for cell in held.cells:
        if cell.cell_type == "markdown":
            written.append(re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", cell.source))
            continue
        written.append(f"```python\n{cell.source}\n```")
        written += [_mark(parts, html) for html in map(_shown, cell.outputs) if html]
    return {"title": f"{lesson.number} · {lesson.title}", "markdown": "\n\n".join(written) + "\n", "parts": parts}


def _mark(parts: dict[str, str], html: str) -> str:
    name = f"OUTPUT{len(parts)}X"
    parts[name] = html
    return name


def _shown(output: Any) -> str:
    """An output as HTML; nothing where it holds nothing for a reader."""
    if output.output_type == "stream":
        return f"<pre>{escape(_COLOURS.sub('', output.text))}</pre>" if output.name == "stdout" else ""
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="lesson-output">{data["text/html"]}</div>'
    return f"<pre>{escape(data['text/plain'])}</pre>" if "text/plain" in data else ""


def _is_fresh(path: Path, lesson: Path) -> bool:
    """True if a page is younger than its lesson and than the code that draws it."""
    sources = [lesson, Path(__file__), *(ROOT / "explorer" / "widgets").rglob("*.*"),
               *(ROOT / "explorer" / "classroom").rglob("*.*")]  # fmt: skip
    return path.is_file() and path.stat().st_mtime > max(each.stat().st_mtime for each in sources if each.is_file())


def main() -> int:
    """Renders what is not fresh; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", type=int, action="append", help="number of a lesson; may be given again")
    wanted = parser.parse_args()
    lessons = read_lessons(NOTEBOOKS)
    names = {lesson.name for lesson in lessons}
    for path in FOLDER.glob("*.json"):
        if path.stem not in names:
            path.unlink()
    for lesson in lessons:
        path = FOLDER / f"{lesson.name}.json"
        if (wanted.only and lesson.number not in wanted.only) or _is_fresh(path, NOTEBOOKS / f"{lesson.name}.ipynb"):
            continue
        write(path, json.dumps(as_page(lesson), ensure_ascii=False))
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    if not (FOLDER / PLOTLY).is_file():
        from plotly.offline import get_plotlyjs

        write(FOLDER / PLOTLY, get_plotlyjs())
    return 0


if __name__ == "__main__":
    sys.exit(main())
