"""What a teacher relies on: every notebook begins, asks, checks and ends as promised, and is committed clean."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from explorer.widgets.exercise import check, exercises
from explorer.widgets.questions import questions

NUMBERS = tuple(f"{number:02d}" for number in range(1, 9))
WORDS = 1500
"""Of text in a notebook, its solutions and its open task included: a quarter of an hour, formulas read slowly."""


@pytest.fixture(scope="session")
def keeping(project: Path) -> ModuleType:
    """`scripts/notebooks.py`."""
    spec = importlib.util.spec_from_file_location("keeping_notebooks", project / "scripts" / "notebooks.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def text_of(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def code_of(notebook: Any) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def solutions(notebook: Any) -> dict[str, str]:
    """The code of the collapsed solution that follows each exercise, by the exercise's name."""
    found: dict[str, str] = {}
    waiting: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            waiting += re.findall(r'widgets\.check\("([^"]+)"', cell.source)
            continue
        for block in re.findall(
            r"<details><summary>A solution</summary>\s*```python\n(.*?)```\s*</details>", cell.source, re.S
        ):
            assert waiting, "a solution without an exercise before it"
            found[waiting.pop(0)] = block
    assert not waiting, f"no solution for {waiting}"
    return found


def test_there_are_eight(notebooks: dict[str, Path]) -> None:
    assert tuple(notebooks) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_it_begins_asks_and_ends_as_promised(number: str, read: dict[str, Any], keeping: ModuleType) -> None:
    notebook = read[number]
    first, second = notebook.cells[0].source, notebook.cells[1].source
    assert re.match(rf"# {int(number)} · \S", first)
    for promised in ("**What you will learn**", "**What you need:**", "**Time:**"):
        assert promised in first
    assert keeping.badges(f"{notebook_name(read, number, keeping)}") in first
    assert second == keeping.install_cell()
    text, code = text_of(notebook), code_of(notebook)
    assert "## Further reading" in text and text.index("## Further reading") > 0.7 * len(text)
    assert "## Key points" in text and "## A task without one answer" in text
    assert code.count("widgets.ask(") >= 2
    assert len(re.findall(r"widgets\.check\(", code)) >= 2
    assert len(text.split()) <= WORDS


def notebook_name(read: dict[str, Any], number: str, keeping: ModuleType) -> str:
    return next(path.stem for path in keeping.FOLDER.glob(f"{number}_*.ipynb"))


@pytest.mark.parametrize("number", NUMBERS)
def test_predictions_come_before_their_answers(number: str, read: dict[str, Any]) -> None:
    """No cell holds a key: a question's options, its answer and its reason are in the package, and so is its text."""
    cells = [cell for cell in read[number].cells]
    whole = "\n".join(cell.source for cell in cells)
    assert "widgets.predict(" not in whole, "a prediction whose answer stands in its cell"
    for index, cell in enumerate(cells):
        for name in re.findall(r'widgets\.ask\(\s*"([^"]+)"', cell.source):
            assert index < len(cells) - 1, "a question is never the last thing"
            asked = questions()[name]
            assert asked.because
            assert asked.because not in whole
            for words in asked.options or ():
                assert len(words.split()) < 4 or words not in whole, f"an answer to {name} stands in the lesson"


GIVEN_AWAY = {
    "4.equal": r"same\s+reflectance",
    "5.folding": r"nothing\s+is\s+lost",
    "5.work": r"little\s+of\s+the\s+work",
    "5.ninefold": r"exceeds\s+the\s+bias|map − bias",
    "8.longer": r"from\s+the\s+peak|is\s+memorising",
}
"""What once stood above a question and answered it."""


def test_nothing_above_a_question_answers_it(read: dict[str, Any]) -> None:
    for name, words in GIVEN_AWAY.items():
        above, found, _ = text_with_code(read[f"0{name[0]}"]).partition(f'ask("{name}"')
        assert found and not re.search(words, above), name
    assert "quarter" not in exercises()["6.gmac"].praise, "6.halve is asked after it"


@pytest.mark.parametrize("number", NUMBERS)
def test_what_a_question_measures_is_shown_after_it(number: str, read: dict[str, Any]) -> None:
    """No figure and no print above it, or in its own cell, holds the values that answer it."""
    shown: set[str] = set()
    for cell in read[number].cells:
        if cell.cell_type != "code" or "%pip" in cell.source:
            continue
        calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
        later = {
            id(node)
            for call in calls
            for keyword in call.keywords
            if keyword.arg == "reveal"  # shown with the answer
            for node in ast.walk(keyword.value)
        }
        printed = [
            call
            for call in calls
            if id(call) not in later
            and ast.unparse(call.func).endswith(("print", "pictures", "add_scatter", "add_bar"))
        ]
        loops = [
            node
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.For) and "print(" in ast.unparse(node)
        ]
        shown |= {name.id for call in [*printed, *(each.iter for each in loops)] for name in names_in(call)}
        for call in calls:
            for keyword in call.keywords:
                if ast.unparse(call.func) == "explorer.widgets.ask" and keyword.arg == "measured":
                    names = names_in(keyword.value)
                    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
                    measured = {name.id for name in names} - own
                    assert not measured & shown, ast.unparse(call)


def names_in(node: ast.AST) -> list[ast.Name]:
    return [each for each in ast.walk(node) if isinstance(each, ast.Name)]


def text_with_code(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


def test_every_question_is_asked_once(read: dict[str, Any]) -> None:
    asked = [
        name for notebook in read.values() for name in re.findall(r'widgets\.ask\(\s*"([^"]+)"', code_of(notebook))
    ]
    assert sorted(asked) == sorted(questions())
    for number, notebook in read.items():
        for name in re.findall(r'widgets\.ask\(\s*"([^"]+)"', code_of(notebook)):
            assert name.startswith(f"{int(number)}.")


def test_every_exercise_is_asked_once(read: dict[str, Any]) -> None:
    asked = [name for notebook in read.values() for name in re.findall(r'widgets\.check\("([^"]+)"', code_of(notebook))]
    assert sorted(asked) == sorted(exercises())


@pytest.mark.parametrize("number", NUMBERS)
def test_solutions_pass_their_checks_and_the_blanks_do_not(number: str, read: dict[str, Any]) -> None:
    import time

    import numpy as np

    from explorer.photo import linear_to_srgb, srgb_to_linear

    names = {"np": np, "time": time, "linear_to_srgb": linear_to_srgb, "srgb_to_linear": srgb_to_linear}
    names["slope"] = 1.79e-4  # what lesson 2 measures
    found = solutions(read[number])
    assert found
    for exercise, source in found.items():
        answer_name = re.search(rf'widgets\.check\("{re.escape(exercise)}", (\w+)\)', code_of(read[number]))
        assert answer_name
        scope: dict[str, Any] = dict(names)
        exec(compile(source, exercise, "exec"), scope)
        verdict = check(exercise, scope[answer_name[1]])
        assert verdict.right is True, verdict.sentence
        blank = next(
            c.source for c in read[number].cells if c.cell_type == "code" and f'check("{exercise}"' in c.source
        )
        before = blank.split("explorer.widgets.check")[0]
        assert "..." in before, "the cell of an exercise holds three dots, not the solution"


@pytest.mark.parametrize("number", NUMBERS)
def test_it_is_committed_clean(
    number: str, read: dict[str, Any], notebooks: dict[str, Path], keeping: ModuleType
) -> None:
    notebook = read[number]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        assert set(cell.metadata) <= {"tags"}
    assert "widgets" not in notebook.metadata
    identities = [cell.id for cell in notebook.cells]
    assert identities == [f"n{number}-{index:02d}" for index in range(len(identities))]
    assert keeping.cleaned(notebooks[number]) == notebooks[number].read_text(encoding="utf-8")


def test_an_executed_notebook_is_cleaned(tmp_path: Path, notebooks: dict[str, Path], keeping: ModuleType) -> None:
    import nbformat

    notebook = nbformat.read(notebooks["01"], as_version=4)
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.outputs = [nbformat.v4.new_output("stream", text="something")]
    code.execution_count = 7
    code.metadata["execution"] = {"iopub.status.busy": "now"}
    notebook.metadata["widgets"] = {"state": {}}
    path = tmp_path / notebooks["01"].name
    nbformat.write(notebook, path)
    assert keeping.cleaned(path) == notebooks["01"].read_text(encoding="utf-8")


@pytest.mark.parametrize("number", NUMBERS)
def test_it_uses_only_what_is_in_the_package(number: str, read: dict[str, Any]) -> None:
    code = code_of(read[number])
    assert not re.search(r"https?://", code.replace("git+https://", "")), "a cell that reaches for the network"
    assert not re.search(r"\b(urllib|requests|wget|curl)\b", code)
    modules = set()
    for cell in read[number].cells:
        if cell.cell_type == "code" and "%pip" not in cell.source:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    modules |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    modules.add((node.module or "").split(".")[0])
    declared = {"explorer", "numpy", "torch", "plotly", "PIL", "scipy", "ipywidgets"}
    assert modules - set(sys.stdlib_module_names) <= declared


def test_links_between_the_notebooks_lead_somewhere(read: dict[str, Any], notebooks: dict[str, Path]) -> None:
    names = {path.name for path in notebooks.values()}
    linked = [link for notebook in read.values() for link in re.findall(r"\]\((\w+\.ipynb)\)", text_of(notebook))]
    assert len(linked) >= 14
    assert set(linked) <= names


@pytest.mark.parametrize("number", NUMBERS)
def test_plots_have_no_background_of_their_own(number: str, read: dict[str, Any]) -> None:
    """A white plot glares on JupyterLab's dark theme: lessons begin theirs with `plain_figure`."""
    sources = [cell.source for cell in read[number].cells if cell.cell_type == "code"]
    assert not [source for source in sources if "Figure(" in source or "plotly.express" in source]


def test_a_plain_figure_can_be_read_on_black_and_on_white() -> None:
    from explorer.views.plots import plain_figure

    layout = plain_figure(300).to_plotly_json()["layout"]
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["font"]["color"] == "#808080" and layout["xaxis"]["gridcolor"].startswith("rgba(128,128,128")
