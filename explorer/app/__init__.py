"""The Gradio app: `build_app()` makes the page, `launch(demo)` serves it."""

from __future__ import annotations

import os

from explorer.app.own_address import except_loopback, without_proxies
from explorer.app.temporary import own_uploads
from explorer.gradio_internals import quick_import

# Gradio reads these on import, so they must be set before.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
own_uploads()
except_loopback()
with quick_import(), without_proxies():
    from explorer.app.page import build_app, launch

__all__ = ["build_app", "launch"]
