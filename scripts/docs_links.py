"""A hook of mkdocs: links that leave docs/ go to the repository on GitHub, where those files are pages."""

from __future__ import annotations

import re
from typing import Any


def on_page_markdown(markdown: str, *, config: Any, page: Any, **_: Any) -> str:
    """Gives a page's Markdown with `](../FILE)` as addresses of the repository; pages in folders climb further."""
    climb = "../" * (page.file.src_uri.count("/") + 1)
    return re.sub(rf"\]\({re.escape(climb)}(?!\.\./)([^)]+)\)", rf"]({config.repo_url}/blob/main/\1)", markdown)
