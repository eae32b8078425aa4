"""Renders a lesson as a page: run once, with its widgets' output as plain pictures and text.

A page loads nothing: pictures are embedded, formulas are MathML, and plotly's script is included if there is a figure.
Needs the extra `notebooks`.
"""

from __future__ import annotations

import base64
import os
import re
from html import escape
from pathlib import Path
from typing import Any

from explorer.classroom import ON_A_PAGE
from explorer.classroom.copies import source_of
from explorer.errors import DataError, ExplorerError

VIEW = "application/vnd.jupyter.widget-view+json"
FIGURE = "application/vnd.plotly.v1+json"
CELL_TIMEOUT = 600
"""Timeout of one cell, in seconds."""
_FETCHED = re.compile(r"<script[^>]*\bsrc=\"https?:[^>]*>\s*</script>")
"""Scripts that nbconvert's template would load from elsewhere: for formulas, which are MathML here, and for widgets."""
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.S)
_CONTROLS = {"FileUploadModel", "TextModel", "ButtonModel"}
_OF_THE_NOTEBOOK = ("%pip install", "hand_in(")
"""Cells that make no sense on a page."""
STYLE = """
.lesson-tiles { display: flex; flex-wrap: wrap; gap: 12px } .lesson-tiles figure { margin: 0; max-width: 320px }
.lesson-card { border: 1px solid #8886; border-radius: 10px; padding: 12px 16px; margin: 8px 0 }
.lesson-row { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 14px }
.lesson-blank { display: inline-block; width: 8em; border-bottom: 1px solid currentColor }
.lx-tag-line { color: #a8690c; font-size: 12px; font-weight: 600; margin: 0 }
[data-md-color-scheme="slate"] .lx-tag-line { color: #e0a44a }
.lx-verdict { border-left: 4px solid #8888; background: #8881; border-radius: 8px; padding: 8px 12px }
.lx-verdict p { margin: 0 }
.lx-head > *, .lx-said > * { margin-right: 12px } .lx-said b { margin-left: 4px }
.rendered_html th, .rendered_html td { text-align: left !important }
.lesson-tiles img { width: 100% } .lesson-control { color: #666; font-size: 13px; margin: 2px 0 }
"""


def page(notebook: dict[str, Any], folder: Path, title: str, language: str = "en") -> str:
    """Runs a notebook and returns it as HTML.

    Args:
        notebook: as stored in its file; not changed.
        folder: the working folder.
        title: of the page.
        language: of the lesson, for screen readers.

    Raises:
        ExplorerError: the extra `notebooks` is not installed.
        DataError: a cell fails.
    """
    held, figures = executed(notebook, folder, title)
    formulas = set_aside(held)
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter(template_name="classic", exclude_input_prompt=True).from_notebook_node(held)
    script = ""
    if figures:
        from plotly.offline import get_plotlyjs

        script = f"<script>{get_plotlyjs()}</script>"
    body = _FETCHED.sub("", body).replace('<html lang="en">', f'<html lang="{language}">', 1)
    for mark, formula in formulas.items():
        body = body.replace(mark, formula)
    return body.replace("</head>", f"<style>{STYLE}</style>{script}</head>", 1)


def executed(notebook: dict[str, Any], folder: Path, title: str) -> tuple[Any, int]:
    """Runs a copy of a notebook. Returns it with HTML in the place of widgets and figures, and the number of figures.

    Cells that make no sense on a page are left out.

    Args:
        notebook: as stored in its file; not changed.
        folder: the working folder.
        title: names the lesson in error messages.

    Raises:
        ExplorerError: the extra `notebooks` is not installed.
        DataError: a cell fails, or the kernel died twice.
    """
    try:
        import nbconvert  # noqa: F401  (what `page` needs; said before anything runs)
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ModuleNotFoundError as error:
        raise ExplorerError(
            f"Pages need {error.name}, which is not installed; run `pip install lowlight-explorer[notebooks]`."
        ) from error
    wanted = [cell for cell in notebook["cells"] if not any(each in source_of(cell) for each in _OF_THE_NOTEBOOK)]
    for last in (False, True):
        held: Any = nbformat.from_dict({**notebook, "cells": [{**cell} for cell in wanted]})
        client = NotebookClient(
            held, timeout=CELL_TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(folder)}},
            coalesce_streams=True, extra_arguments=["--IPKernelApp.log_level=40"],  # its warnings are not the teacher's
        )  # fmt: skip
        try:
            client.execute(env=os.environ | {ON_A_PAGE: "1"})
            break
        except DeadKernelError as error:
            # A kernel killed from outside, for lack of memory for example, says nothing about the lesson.
            if last:
                raise DataError(
                    f"The lesson “{title}” ended its kernel twice; free some memory and try again."
                ) from error
        except (CellExecutionError, CellTimeoutError) as error:
            words = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()[-1]
            raise DataError(f"The lesson “{title}” fails at a cell: {words}") from error
    state = client.widget_state
    buffers = {model: {tuple(each["path"]): each["data"] for each in kept.values()} for model, kept in
               client.widget_buffers.items()}  # fmt: skip
    return held, _made_plain(held, state, buffers)


def _made_plain(notebook: Any, state: dict[str, Any], buffers: dict[str, Any]) -> int:
    """Replaces widgets and figures with plain HTML; returns the number of figures."""
    count = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if VIEW in data:
                output["data"] = {"text/html": plain(data[VIEW]["model_id"], state, buffers)}
            elif FIGURE in data:
                count += 1
                figure = data[FIGURE]
                name = f"figure-{count}"
                drawing = f"Plotly.newPlot({name!r}, {_json(figure['data'])}, {_json(figure['layout'])})"
                output["data"] = {"text/html": f'<div id="{name}"></div><script>{drawing}</script>'}
    return count


def set_aside(notebook: Any) -> dict[str, str]:
    """Replaces the formulas in the prose with marks, because Markdown would interpret them. Returns MathML by mark."""
    found: dict[str, str] = {}

    def mark(match: re.Match[str]) -> str:
        name = f"FORMULA{len(found)}X"
        found[name] = mathml(match)
        return name

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _FORMULA.sub(mark, cell.source)
    return found


def mathml(formula: re.Match[str]) -> str:
    """Converts a LaTeX formula between one or two dollar signs to MathML."""
    from latex2mathml.converter import convert

    shown, inline = formula.groups()
    return str(convert(shown or inline, display="block" if shown else "inline"))


def _json(value: Any) -> str:
    """JSON that may be placed inside a script."""
    import json

    return json.dumps(value).replace("</", "<\\/")


def plain(model: str, state: dict[str, Any], buffers: dict[str, Any]) -> str:
    """A widget's output as HTML without scripts: its text, its pictures, and the settings of its controls."""
    values, bytes_of = state.get(model, {}), buffers.get(model, {})
    kind = values.get("_model_name", "")
    classes = values.get("_dom_classes", [])
    if "lx-style" in classes or "lx-gone" in classes:
        return ""
    if "children" in values:
        inner = "".join(plain(each.removeprefix("IPY_MODEL_"), state, buffers) for each in values["children"])
        look = "lesson-card" if "lx-card" in classes else "lesson-row" if kind == "HBoxModel" else "lesson-box"
        return f'<div class="{look}">{inner}</div>'
    if kind in ("HTMLModel", "HTMLMathModel"):
        words = str(values.get("value", ""))
        return _FORMULA.sub(mathml, words) if kind == "HTMLMathModel" else words
    if kind == "ImageModel" and ("value",) in bytes_of:
        return f'<div class="lesson-tiles">{_figure(bytes_of[("value",)], "")}</div>'
    if "tiles" in values:
        figures = "".join(
            _figure(bytes_of[("tiles", index, "png")], f"{tile['title']}|{tile['note']}")
            for index, tile in enumerate(values["tiles"])
            if ("tiles", index, "png") in bytes_of
        )
        return f'<div class="lesson-tiles">{figures}</div>'
    if ("after",) in bytes_of:
        sides = ((side, values.get(f"{side}_label", side)) for side in ("before", "after"))
        return f'<div class="lesson-tiles">{"".join(_figure(bytes_of[(side,)], label) for side, label in sides)}</div>'
    if ("png",) in bytes_of:
        return f'<div class="lesson-tiles">{_figure(bytes_of[("png",)], values.get("alt", ""))}</div>'
    return _control(kind, values)


def _control(kind: str, values: dict[str, Any]) -> str:
    """A control as text: its label and value."""
    if kind == "TextModel" and values.get("placeholder"):
        return '<span class="lesson-blank"></span>'
    if kind in _CONTROLS or not kind:
        return ""
    options = values.get("_options_labels")
    if kind == "RadioButtonsModel" and options:
        return "<ul>" + "".join(f"<li>{escape(str(each))}</li>" for each in options) + "</ul>"
    name, index = values.get("description", ""), values.get("index")
    value = options[index] if options and isinstance(index, int) else values.get("value")
    if not name or value is None or kind == "CheckboxModel":
        return ""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f'<p class="lesson-control">{escape(str(name))}: {escape(shown)}</p>'


def _figure(data: str | bytes, words: str) -> str:
    encoded = data if isinstance(data, str) else base64.b64encode(data).decode()
    title, _, note = words.partition("|")
    caption = f"<figcaption>{escape(title)}<br><small>{escape(note)}</small></figcaption>"
    return f'<figure><img alt="{escape(title)}" src="data:image/png;base64,{encoded}">{caption}</figure>'
