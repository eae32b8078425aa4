"""When modules are imported, and what works without the optional libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def python(code: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


BLOCK = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
"""


def test_the_package_loads_no_widgets(project: Path) -> None:
    code = (
        "import explorer, explorer.widgets, sys\n"
        "print(sorted({'ipywidgets', 'anywidget', 'torch', 'numpy', 'plotly'} & set(sys.modules)))"
    )
    assert python(code, project).strip() == "[]"


@pytest.mark.parametrize("blocked", [["ipywidgets", "anywidget"], ["anywidget"]])
def test_without_anywidget_everything_else_works_and_a_widget_says_what_to_install(
    blocked: list[str], project: Path
) -> None:
    code = BLOCK.format(blocked=blocked) + (
        "import explorer\nfrom explorer.errors import ExplorerError\n"
        "print(len(explorer.list_models()) > 3)\n"
        "try:\n    explorer.widgets.restore('cat')\nexcept ExplorerError as e:\n    print(e)\n"
    )
    assert python(code, project).splitlines() == [
        "True",
        "The widgets need anywidget, which is not installed; run `pip install anywidget`.",
    ]


def test_assets_are_whole(project: Path) -> None:
    """The style sheet and the scripts balance their brackets: a cut file would break every widget in silence."""
    for path in (project / "explorer").glob("*/assets/*.[cj]s*"):
        text = path.read_text(encoding="utf-8")
        for opening, closing in ("{}", "()", "[]"):
            assert text.count(opening) == text.count(closing), path.name
