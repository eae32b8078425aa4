"""Runs notebooks and moves their controls. EXPLORER_NOTEBOOKS=all takes all of them (`make notebooks-test`)."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from executing import CELL_TIMEOUT, problems, run
from nbformat.v4 import new_code_cell, new_notebook

from explorer.classroom.copies import as_text, read_lessons
from explorer.classroom.language import LANGUAGES
from explorer.classroom.translating import translated

SHORT = ("02", "04")
"""What `make test` executes."""
ALL = tuple(f"{number:02d}" for number in range(1, 9))
WANTED = ALL if os.environ.get("EXPLORER_NOTEBOOKS") == "all" else SHORT


@pytest.mark.timeout(30 * CELL_TIMEOUT)
@pytest.mark.parametrize("number", WANTED)
def test_a_notebook_runs_and_every_control_answers(
    number: str, notebooks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    began = time.monotonic()
    notebook, client, cells = run(notebooks[number])
    with capsys.disabled():
        processor = "" if client.processor_seconds is None else f" ({client.processor_seconds:.0f} s of processor time)"
        sys.stdout.write(
            f"\n{notebooks[number].name}: cells {cells:.0f} s{processor}, with {len(client.moved)} controls moved "
            f"{time.monotonic() - began:.0f} s\n"
        )
    assert not problems(notebook, client)
    assert client.moved, "a notebook without a control is no lesson"


@pytest.mark.skipif(WANTED != ALL, reason="takes minutes; EXPLORER_NOTEBOOKS=all (make notebooks-test) includes it")
@pytest.mark.timeout(30 * CELL_TIMEOUT)
@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
@pytest.mark.parametrize("number", ALL)
def test_a_translated_lesson_runs(number: str, language: str, notebooks: dict[str, Path], tmp_path: Path) -> None:
    """A title that is a key elsewhere in its lesson, or a word that the code means, shows when it runs."""
    lessons = notebooks[number].parent
    (lesson,) = [each for each in read_lessons(lessons) if each.name == notebooks[number].stem]
    path = tmp_path / notebooks[number].name
    path.write_text(as_text(translated(lesson, language, lessons).content), encoding="utf-8")
    notebook, client, _ = run(path, drive=False)
    assert not problems(notebook, client)


SETUP = """
import ipywidgets
from IPython.display import display
from explorer.errors import ExplorerError
"""
RAISING = {
    "in a cell": ("raise ValueError('broken')", "broken"),
    "in a callback that a cell triggers": (
        "s = ipywidgets.IntSlider(); s.observe(lambda c: 1 / 0, 'value'); display(s); s.value = 3",
        "division by zero",
    ),
    "in a callback that the page triggers": (
        "s = ipywidgets.IntSlider(); s.observe(lambda c: 1 / 0, 'value'); display(s)",
        "division by zero",
    ),
    "behind a button": (
        "b = ipywidgets.Button(description='go'); b.on_click(lambda _: [][1]); display(b)",
        "list index out of range",
    ),
    "swallowed by interact": (
        "ipywidgets.interact(lambda x: 1 / 0, x=(0, 9)); None",
        "division by zero",
    ),
    "said by one of our widgets": (
        "import explorer\nexplorer.widgets.restore('no-such-photo.dng', 'identity')",
        "no-such-photo.dng",
    ),
    "raised by a function in one of our widgets": (
        "import explorer\ndef draw(x):\n    if x > 5: raise KeyError('too far')\n    return 'fine'\n"
        "explorer.widgets.play(draw, x=(0, 9, 1))",
        "too far",
    ),
}


@pytest.mark.parametrize("case", RAISING)
def test_a_notebook_that_raises_anywhere_is_found(case: str, tmp_path: Path) -> None:
    source, words = RAISING[case]
    path = tmp_path / "broken.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(SETUP), new_code_cell(source)]), path)
    try:
        notebook, client, _ = run(path)
        found = problems(notebook, client)
    except Exception as error:  # nbclient stops at a cell that raises
        found = [str(error)]
    assert any(words in each for each in found), found


def test_a_notebook_without_faults_is_not_accused(tmp_path: Path) -> None:
    path = tmp_path / "sound.ipynb"
    source = (
        "s = ipywidgets.IntSlider(); t = ipywidgets.Text()\n"
        "s.observe(lambda c: setattr(t, 'value', str(c['new'])), 'value'); display(s, t)"
    )
    nbformat.write(new_notebook(cells=[new_code_cell(SETUP), new_code_cell(source)]), path)
    notebook, client, _ = run(path)
    assert not problems(notebook, client)
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    moved = [each["state"] for each in states if each["model_name"] == "IntSliderModel"]
    assert moved[0]["value"] == 100, "the driver moved the slider to its end"
