"""Descriptors are read from the sources, and are those that the files register."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import explorer.models
from explorer.models import architectures, registry


def test_descriptors_read_are_those_registered() -> None:
    for module in pkgutil.iter_modules(explorer.models.__path__):
        importlib.import_module(f"explorer.models.{module.name}")
    described = registry._described()
    own = {n: d for n, d in registry._REGISTRY.items() if d.build.__module__.startswith("explorer.models.")}
    assert described.keys() == own.keys()
    for name, descriptor in described.items():
        assert descriptor == own[name]


def test_listing_and_describing_imports_no_torch(project: Path) -> None:
    code = (
        "import sys, explorer.engine, explorer.photo; from explorer.models import architectures; "
        "assert len(architectures()) > 10; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_arguments_that_are_no_constants_ask_for_the_import() -> None:
    source = "@register('other', title=str(1), domain='rgb', summary='', paper='')\ndef other(): ..."
    with pytest.raises(ValueError, match="malformed"):
        registry.registrations(source, "other")


def test_a_described_architecture_builds_itself() -> None:
    assert architectures()["sci"].create().input_channels == 3
