"""A photo whose decoding waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import Gate, write_photographs


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    (content,) = write_photographs(tmp_path / "gate", 1)
    return Gate(tmp_path / "gate.png", content.read_bytes())
