"""Shared by the notebooks' tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

pytest.importorskip("nbclient", reason="needs the extra `notebooks`")


@pytest.fixture(scope="session")
def notebooks(project: Path) -> dict[str, Path]:
    """The notebooks by the number that their names begin with."""
    return {path.name[:2]: path for path in sorted((project / "notebooks").glob("*.ipynb"))}


@pytest.fixture(scope="session")
def read(notebooks: dict[str, Path]) -> dict[str, Any]:
    """Their contents, by number."""
    return {number: nbformat.read(path, as_version=4) for number, path in notebooks.items()}
