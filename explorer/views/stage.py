"""Zoom, dividers, legends and channels: one set of scripts for the app's components and the notebooks' widgets."""

from __future__ import annotations

from pathlib import Path

_ASSETS = Path(__file__).parent / "assets"
STAGE = (_ASSETS / "stage.js").read_text(encoding="utf-8")
"""JavaScript that defines `makeStage`: what part of a picture is seen."""
PARTS = STAGE + (_ASSETS / "parts.js").read_text(encoding="utf-8")
"""The same with `makeDivider`, `makeChannels`, `wireZoom` and `fillLegend`."""
STYLE = (_ASSETS / "parts.css").read_text(encoding="utf-8")
"""How they look; colours are the CSS variables of the page around them."""
