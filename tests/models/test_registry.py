"""Descriptors do not import torch; networks are imported when they are built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from explorer.models import architectures


def test_listing_and_describing_imports_no_torch(project: Path) -> None:
    code = (
        "import sys, explorer.engine, explorer.photo, explorer.weights.catalogue as weights; "
        "from explorer.models import architectures; from explorer.sources import installed; "
        "assert len(architectures()) > 10 and len(weights.CATALOGUE) > 10 and installed() is not None; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_described_architecture_builds_itself() -> None:
    assert architectures()["sci"].create().input_channels == 3
