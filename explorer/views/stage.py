"""Zoom, pan and positions: one script for the app's components and the notebooks' widgets."""

from __future__ import annotations

from pathlib import Path

STAGE = (Path(__file__).parent / "assets" / "stage.js").read_text(encoding="utf-8")
"""JavaScript that defines `makeStage`."""
