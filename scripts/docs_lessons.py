"""A hook for mkdocs that adds the lessons rendered by `scripts/lesson_pages.py` as pages under “Lessons”."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

RENDERED = Path(__file__).resolve().parents[1] / "out" / "lessons"
SECTION = "Lessons"
_NAME = r"(?:OUTPUT|FORMULA)\d+X"
_MARK = re.compile(rf"<p>({_NAME})</p>|\b({_NAME})\b")


@cache
def _pages() -> dict[str, dict[str, Any]]:
    """Pages by their address in the documentation."""
    return {f"lessons/{path.stem}.md": json.loads(path.read_text("utf-8")) for path in sorted(RENDERED.glob("*.json"))}


def on_config(config: Any, **_: Any) -> Any:
    """Adds the section to the navigation, after the first one."""
    if listed := [{page["title"]: address} for address, page in _pages().items()]:
        config.nav = [*config.nav[:2], {SECTION: listed}, *config.nav[2:]]
    return config


def on_files(files: Any, *, config: Any, **_: Any) -> Any:
    """Adds the pages and the script that draws their figures."""
    from mkdocs.structure.files import File

    for address, page in _pages().items():
        files.append(File.generated(config, address, content=page["markdown"]))
    for script in RENDERED.glob("*.js"):
        files.append(File.generated(config, f"lessons/{script.name}", abs_src_path=str(script)))
    return files


def on_page_content(html: str, *, page: Any, **_: Any) -> str:
    """Replaces marks by their formulas, pictures and figures."""
    found = _pages().get(page.file.src_uri)
    if found is None:
        return html
    parts = found["parts"]
    return _MARK.sub(lambda mark: parts[mark[1] or mark[2]], html)
