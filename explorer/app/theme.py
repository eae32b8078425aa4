"""The app's look: neutral greys that do not tint the pictures, and one amber accent."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr
from gradio.themes.utils.fonts import LocalFont

from explorer.app import text
from explorer.app.english import english
from explorer.views.stage import STYLE
from explorer.weights.catalogue import translations

ASSETS = Path(__file__).with_name("assets")
_LOCALES = sorted(Path(__file__).with_name("locales").glob("*.json"))

_GREYS = gr.themes.Color(
    name="neutral",
    c50="#fafafa", c100="#f3f3f2", c200="#e4e4e2", c300="#cfcfcc", c400="#a3a3a0", c500="#737370",
    c600="#565654", c700="#3d3d3b", c800="#282827", c900="#1b1b1a", c950="#121211",
)  # fmt: skip
_AMBER = gr.themes.Color(
    name="safelight",
    c50="#fdf6ea", c100="#fae8c8", c200="#f4d196", c300="#edb963", c400="#e6a33e", c500="#c98420",
    c600="#9a5f0d", c700="#7d4c0a", c800="#5e390a", c900="#402808", c950="#2a1a05",
)  # fmt: skip
_LIGHT_AND_DARK = {
    "body_background_fill": ("*neutral_50", "*neutral_950"),
    "body_text_color": ("*neutral_900", "*neutral_100"),
    "body_text_color_subdued": ("*neutral_600", "*neutral_400"),
    "background_fill_primary": ("#ffffff", "*neutral_900"),
    "background_fill_secondary": ("*neutral_100", "*neutral_800"),
    "block_background_fill": ("transparent", "transparent"),
    "block_label_background_fill": ("transparent", "transparent"),
    "block_label_text_color": ("*neutral_600", "*neutral_400"),
    "block_title_text_color": ("*neutral_700", "*neutral_300"),
    "border_color_primary": ("*neutral_200", "*neutral_800"),
    "input_background_fill": ("#ffffff", "*neutral_900"),
    "input_border_color": ("*neutral_300", "*neutral_700"),
    "button_primary_background_fill": ("*primary_600", "*primary_400"),
    "button_primary_background_fill_hover": ("*primary_700", "*primary_300"),
    "button_primary_text_color": ("#ffffff", "*neutral_950"),
    "button_secondary_background_fill": ("*neutral_200", "*neutral_800"),
    "button_secondary_background_fill_hover": ("*neutral_300", "*neutral_700"),
    "button_secondary_text_color": ("*neutral_900", "*neutral_100"),
    "checkbox_label_background_fill": ("transparent", "transparent"),
    "slider_color": ("*primary_600", "*primary_400"),
}
_IN_BOTH = {
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_label_border_width": "0px",
    "block_title_text_weight": "500",
    "block_title_text_size": "*text_sm",
    "block_padding": "0px",
    "input_border_width": "1px",
    "color_accent": "*primary_600",
    "layout_gap": "20px",
    "form_gap_width": "0px",
}


def theme() -> gr.themes.Base:
    """The app's theme in light and dark; contrast of text is at least 4.5 to 1 in both."""
    look = gr.themes.Base(
        primary_hue=_AMBER,
        secondary_hue=_AMBER,
        neutral_hue=_GREYS,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
        # Gradio's semi-bold lacks most letters; without it, the bold replaces weight 600.
        font=(LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"),
        font_mono=(LocalFont("IBM Plex Mono", weights=(400,)), "ui-monospace", "monospace"),
    )
    light = {name: value for name, (value, _) in _LIGHT_AND_DARK.items()}
    dark = {f"{name}_dark": value for name, (_, value) in _LIGHT_AND_DARK.items()}
    return look.set(**light, **dark, **_IN_BOTH)


def css() -> str:
    """The app's own style sheet, on top of the theme."""
    return STYLE + (ASSETS / "app.css").read_text(encoding="utf-8")


def head() -> str:
    """Chooses light or dark, and the language, before the first paint, so that nothing flashes."""
    # "</" would end the script early.
    words = json.dumps(catalogues(), ensure_ascii=False).replace("</", "<\\/")
    names = ("head.js", "translate.js", "uploads.js", "arrivals.js")
    scripts = "".join((ASSETS / name).read_text(encoding="utf-8") for name in names)
    return f"<script>window.lxCatalogues = {words};\n{scripts}</script>"


def languages() -> dict[str, str]:
    """The app's languages by their codes, each by its own name."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in _LOCALES if "." not in path.stem}
    return {"en": text.OWN_NAME, **{code: words["OWN_NAME"] for code, words in found.items()}}


def catalogues() -> dict[str, dict[str, str]]:
    """Translations by language: from each English sentence of the app and the explorer to its translation, fields kept.

    A language has one or more files, `<language>.json` and `<language>.<topic>.json`, whose keys are ids of
    `explorer.app.english`; a text without an id is its own key.
    """
    known = english()
    found = translations()
    for path in _LOCALES:
        language = found.setdefault(path.name.split(".")[0], {})
        language.update({known.get(key, key): words for key, words in json.loads(path.read_text("utf-8")).items()})
    return found
