"""Contact sheets: pictures side by side with their figures, as one picture or one self-contained page."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from explorer.views.pictures import data_address
from explorer.views.stage import PARTS
from explorer.views.tables import grid
from explorer.views.words import drawable

_ASSETS = Path(__file__).parent / "assets"
_SCRIPT, _STYLE = ((_ASSETS / f"contact.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
_WIDTH, _GAP, _LINE = 480, 20, 20
"""Width of a picture on the sheet, gap between two, and height of a line of text, in pixels."""
_PAPER, _INK, _QUIET = "#161615", "#f3f3f2", "#a9a9a6"


@dataclass(frozen=True)
class Print:
    """One picture of the sheet."""

    title: str
    lines: tuple[str, ...]
    """Figures and other text below it."""
    png: bytes
    alt: str


def sheet_picture(heading: str, prints: Sequence[Print], notes: Sequence[str], columns: int = 3) -> bytes:
    """Renders the sheet as a PNG.

    Args:
        prints: all of the same shape.
        notes: sentences below the pictures.
    """
    pictures = [Image.open(io.BytesIO(each.png)).convert("RGB") for each in prints]
    columns = min(columns, len(prints))
    height = max(round(_WIDTH * each.height / each.width) for each in pictures)
    cell = height + _LINE * (1 + max(len(each.lines) for each in prints)) + 2 * _GAP
    rows = -(-len(prints) // columns)
    width = columns * (_WIDTH + _GAP) + _GAP
    font, small = ImageFont.load_default(17), ImageFont.load_default(14)
    said = [line for note in notes for line in _broken(drawable(note), small, width - 2 * _GAP)]
    paper = Image.new("RGB", (width, 3 * _GAP + rows * cell + _LINE * len(said) + _GAP), _PAPER)
    draw = ImageDraw.Draw(paper)
    draw.text((_GAP, _GAP), drawable(heading), _INK, ImageFont.load_default(22))
    for index, (each, picture) in enumerate(zip(prints, pictures, strict=True)):
        left, top = _GAP + index % columns * (_WIDTH + _GAP), 3 * _GAP + index // columns * cell
        paper.paste(picture.resize((_WIDTH, round(_WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS),
                    (left, top))  # fmt: skip
        draw.text((left, top + height + 6), drawable(each.title), _INK, font)
        for k, line in enumerate(each.lines):
            draw.text((left, top + height + 8 + _LINE * (k + 1)), drawable(line), _QUIET, small)
    for k, line in enumerate(said):
        draw.text((_GAP, 3 * _GAP + rows * cell + _LINE * k), line, _QUIET, small)
    with io.BytesIO() as buffer:
        paper.save(buffer, "PNG")
        return buffer.getvalue()


def _broken(sentence: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Breaks a sentence into lines of limited width in pixels."""
    lines = [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def sheet_page(
    heading: str,
    prints: Sequence[Print],
    notes: Sequence[str],
    table: tuple[Sequence[str], Sequence[Sequence[object]]],
    settings: Mapping[str, object],
) -> str:
    """Renders the sheet as a self-contained HTML page, whose pictures pan and zoom together.

    Args:
        table: headings and rows.
        settings: settings of the pictures; shown as JSON.
    """
    items = "".join(_item(each) for each in prints)
    said = "".join(f"<p>{escape(note)}</p>" for note in notes)
    # "</" would close the page's elements early.
    made = escape(json.dumps(settings, indent=2, ensure_ascii=False))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(heading)}</title><style>{_STYLE}</style></head><body><h1>{escape(heading)}</h1>
<nav aria-label="Zoom"><button type="button" class="lx-out" aria-label="Zoom out">−</button><output>100 %</output>
<button type="button" class="lx-in" aria-label="Zoom in">+</button>
<button type="button" class="lx-fit">Fit</button></nav>
<ul>{items}</ul>{grid(*table, caption=heading)}{said}<pre>{made}</pre>
<script>{PARTS}
{_SCRIPT}</script></body></html>
"""


def _item(each: Print) -> str:
    with Image.open(io.BytesIO(each.png)) as picture:
        width, height = picture.size
    said = "".join(f"<div>{escape(line)}</div>" for line in each.lines)
    return (
        f'<li><div class="frame" tabindex="0" role="group" aria-label="{escape(each.title)}" '
        f'style="aspect-ratio: {width} / {height}">'
        f'<img draggable="false" alt="{escape(each.alt)}" src="{data_address(each.png)}"></div>'
        f"<strong>{escape(each.title)}</strong>{said}</li>"
    )
