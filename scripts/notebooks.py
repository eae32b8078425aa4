"""Cleans the notebooks for commits: no outputs, stable cell ids, badges and install cell from one address.

    python scripts/notebooks.py            # cleans them in place
    python scripts/notebooks.py --check    # lists notebooks that are not clean, and exits with 1 if there are any

The address is that of pyproject.toml's `[project.urls]`; `make address REPOSITORY=owner/name` changes it everywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
_BADGES = re.compile(r"\[!?\[?Open in Colab\].*?\[!?\[?Open in Kaggle\][^\n]*", re.S)


def repository(root: Path = ROOT) -> str:
    """Reads owner and name on GitHub from pyproject.toml.

    Raises:
        ValueError: pyproject.toml has none.
    """
    found = re.search(
        r'^Repository = "https://github\.com/([\w.-]+/[\w.-]+)"$', (root / "pyproject.toml").read_text(), re.M
    )
    if found is None:
        raise ValueError('pyproject.toml has no line like Repository = "https://github.com/owner/name"')
    return found[1]


def badges(name: str) -> str:
    """Returns a notebook's two links as Markdown: text, because a badge is a broken image without a network.

    Args:
        name: name of the file, without its suffix.
    """
    path = f"{repository()}/blob/main/notebooks/{name}.ipynb"
    colab = f"https://colab.research.google.com/github/{path}"
    kaggle = f"https://kaggle.com/kernels/welcome?src=https://github.com/{path}"
    return f"[Open in Colab]({colab}) · [Open in Kaggle]({kaggle})"


def install_cell() -> str:
    """Returns the second cell of every notebook."""
    return (
        "# Does nothing where the explorer is installed already.\n"
        "import importlib.util\n\n"
        'if importlib.util.find_spec("explorer") is None:\n'
        f'    %pip install --quiet "lowlight-explorer[notebooks] @ git+https://github.com/{repository()}"'
    )


def cleaned(path: Path) -> str:
    """Returns the text of a notebook for a commit.

    Raises:
        ValueError: the file is not a notebook of this collection: no badges in its first cell.
    """
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    cells = []
    for index, cell in enumerate(notebook["cells"]):
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if index == 0:
            if not _BADGES.search(source):
                raise ValueError(f"{path.name} has no badges in its first cell")
            source = _BADGES.sub(lambda _found: badges(path.stem), source)
        if cell["cell_type"] == "code" and "%pip install" in source:
            source = install_cell()
        kept = {
            "cell_type": cell["cell_type"],
            "id": f"n{path.name[:2]}-{index:02d}",
            "metadata": {"tags": cell["metadata"]["tags"]} if cell["metadata"].get("tags") else {},
            "source": source.rstrip().splitlines(keepends=True),
        }
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": []}
        cells.append(dict(sorted(kept.items())))
    whole = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Cleans or checks all notebooks; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; leave with 1 if a notebook is not clean")
    wanted = parser.parse_args()
    dirty = []
    for path in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")):
        text = cleaned(path)
        if text != path.read_text(encoding="utf-8"):
            dirty.append(path.name)
            if not wanted.check:
                handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(name, 0o644)
                os.replace(name, path)
    for name in dirty:
        print(f"{name}: {'not clean; run scripts/notebooks.py' if wanted.check else 'cleaned'}")
    return 1 if wanted.check and dirty else 0


if __name__ == "__main__":
    sys.exit(main())
