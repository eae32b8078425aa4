"""A tiny data set, and one thread."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_sets import write_data


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
