"""What the tabs share: one photo, one message area, one choice of model and ratio."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

PREVIEWS = "previews"
"""Concurrency group of quick work: two at once, as many as the smallest machine has cores."""
LONG_WORK = "long"
"""Concurrency group of full-resolution work: one at once, so that previews stay quick beside it."""


@dataclass(frozen=True)
class Shared:
    """Components that every tab may read. A tab listens to `photo.change` to follow the open photo."""

    token: gr.State
    """The session's token, or None before the first action."""
    photo: gr.State
    """Changes whenever another photo is opened."""
    message: gr.HTML
    model: gr.Dropdown
    ratio: gr.HTML
