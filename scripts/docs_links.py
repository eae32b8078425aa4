"""A hook for mkdocs that points links out of docs/ to the repository on GitHub."""

from __future__ import annotations

import re
from typing import Any


def on_page_markdown(markdown: str, *, config: Any, page: Any, **_: Any) -> str:
    """Replaces `](../FILE)` in a page's Markdown with addresses in the repository, also in pages in subfolders."""
    climb = "../" * (page.file.src_uri.count("/") + 1)
    return re.sub(rf"\]\({re.escape(climb)}(?!\.\./)([^)]+)\)", rf"]({config.repo_url}/blob/main/\1)", markdown)
