"""Writes the repository's GitHub address into every file that contains it.

    python scripts/address.py owner/name

pyproject.toml's `[project.urls]` is the owner of the address; the notebooks' badges and install cells are made from it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import notebooks

NAMING = ("pyproject.toml", "CITATION.cff", "mkdocs.yml")
"""Files with the address, except notebooks, relative to the root."""


def change(root: Path, new: str) -> list[str]:
    """Replaces the address in `NAMING`; returns the names of the changed files.

    Args:
        root: the checkout.
        new: owner and name, e.g. "my-group/lowlight-explorer".

    Raises:
        ValueError: `new` is not of that form.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", new):
        raise ValueError(f"{new!r} is not an owner and a name: write it like my-group/lowlight-explorer.")
    old = notebooks.repository(root)
    changed = []
    for name in NAMING:
        path = root / name
        text = path.read_text(encoding="utf-8")
        replaced = re.sub(rf"(?<=github\.com/){re.escape(old)}(?![\w.-])", new, text)
        if replaced != text:
            path.write_text(replaced, encoding="utf-8")
            changed.append(name)
    return changed


def main() -> int:
    """Changes the address; returns the exit code."""
    if len(sys.argv) != 2:
        print("Name the repository: make address REPOSITORY=owner/name")
        return 1
    try:
        changed = change(notebooks.ROOT, sys.argv[1])
    except ValueError as error:
        print(error)
        return 1
    for name in changed:
        print(f"{name}: changed")
    del sys.argv[1:]
    return notebooks.main()


if __name__ == "__main__":
    sys.exit(main())
